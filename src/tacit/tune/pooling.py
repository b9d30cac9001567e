"""Maxima as a tournament: the positions of a window in row-major order, split in halves.

A match of a and b is (a + b) / 2 + |a - b| / 2, and the second term is a layer's function. Matches
of one height in the tree are one level, with a scale of their own: that of their differences.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacit.approx.composites.forms import HALF_MAGNITUDE
from tacit.tune.paf import PAF, Approximant, Exact
from tacit.tune.scaling import Scale

# Windows kept for tuning: thousands of points for tens of coefficients.
KEPT = 4096
# The fractional parts of its multiples spread more evenly than those of any other number.
GOLDEN = 0.6180339887498949

# Torch's own, which knows extents that an export leaves open, but has no type.
_broadcast: Callable[..., torch.Size] = torch.broadcast_shapes

# The entries that compete, one tensor for each position; and which ones are there, or all.
Rivals = tuple[Sequence[Tensor], Sequence[Tensor] | None]
# Positions from the first up to, but not with, the second: what a match decides.
Span = tuple[int, int]


class Entrants(Protocol):
    """Who competes in a maximum."""

    @property
    def count(self) -> int:
        """How many compete for each result."""

    def of(self, *inputs: Tensor) -> Rivals:
        """The rivals of each result, all of the result's shape."""


@dataclass(frozen=True)
class Pair:
    """The entries of two tensors, which may broadcast."""

    @property
    def count(self) -> int:
        """Two."""
        return 2

    def of(self, *inputs: Tensor) -> Rivals:
        """Both."""
        shape = _broadcast(*(each.shape for each in inputs))
        return [each.expand(shape) for each in inputs], None


@dataclass(frozen=True)
class Along:
    """The entries along some axes, of `count` together, which the result keeps or drops."""

    axes: tuple[int, ...]
    count: int
    keep: bool

    def of(self, *inputs: Tensor) -> Rivals:
        """One tensor for each place on the axes, in row-major order."""
        (x,) = inputs
        axes = sorted(each % x.ndim for each in self.axes)
        last = x.movedim(axes, tuple(range(-len(axes), 0))).flatten(-len(axes))
        shape = [1 if k in axes else n for k, n in enumerate(x.shape)]
        rivals = last.unbind(-1)
        return [each.reshape(shape) for each in rivals] if self.keep else rivals, None


@dataclass(frozen=True)
class Window:
    """Windows over the last axes, as torch's pooling names them; padding does not compete."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil: bool = False

    @property
    def count(self) -> int:
        """The entries of a window."""
        return int(torch.Size(self.kernel).numel())

    def of(self, *inputs: Tensor) -> Rivals:
        """One tensor for each position of the window."""
        (x,) = inputs
        size = x.shape[-len(self.kernel) :]
        rivals = self._slices(x)
        if not self.ceil and not any(self.padding):
            return rivals, None
        there = self._slices(torch.ones(size, dtype=torch.bool, device=x.device))
        return rivals, [each.expand(rivals[0].shape) for each in there]

    def _slices(self, x: Tensor) -> list[Tensor]:
        size = x.shape[-len(self.kernel) :]
        axes = zip(size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        counts = [self._count(*each) for each in axes]
        margins = []
        for k in reversed(range(len(size))):
            needed = (counts[k] - 1) * self.stride[k] + self.dilation[k] * (self.kernel[k] - 1) + 1
            margins += [self.padding[k], max(0, needed - size[k] - self.padding[k])]
        padded = functional.pad(x, margins) if any(margins) else x
        places = itertools.product(*map(range, self.kernel))
        return [padded[self._at(place, counts)] for place in places]

    def _at(self, place: Sequence[int], counts: Sequence[int]) -> tuple[EllipsisType | slice, ...]:
        """The entries at one place of all windows."""
        starts = [k * d for k, d in zip(place, self.dilation, strict=True)]
        axes = zip(starts, counts, self.stride, strict=True)
        return (..., *(slice(start, start + (n - 1) * s + 1, s) for start, n, s in axes))

    def _count(self, *axis: int) -> int:
        """How many windows there are along an axis."""
        size, kernel, stride, pad, dilation = axis
        room = size + 2 * pad - dilation * (kernel - 1) - 1
        count = (-(-room // stride) if self.ceil else room // stride) + 1
        # As torch: a window that would begin in the padding behind does not count.
        return count - 1 if self.ceil and (count - 1) * stride >= size + pad else count


def matches(count: int) -> tuple[tuple[tuple[Span, Span], ...], ...]:
    """The matches of a tournament, level by level: which span's winner meets which.

    >>> [len(level) for level in matches(9)]
    [4, 2, 1, 1]
    """
    levels: list[list[tuple[Span, Span]]] = []

    def height(low: int, high: int) -> int:
        if high - low == 1:
            return 0
        middle = (low + high) // 2
        found = max(height(low, middle), height(middle, high))
        if found == len(levels):
            levels.append([])
        levels[found].append(((low, middle), (middle, high)))
        return found + 1

    height(0, count)
    return tuple(map(tuple, levels))


class Maximum(nn.Module):
    """A maximum whose matches are functions to replace: `levels` holds an Exact or a PAF each.

    While observing, `windows`, of shape (count, kept), keeps an even sample of what competed;
    -infinity stands for what is missing in a window.
    """

    windows: Tensor
    keys: Tensor

    def __init__(
        self, name: str, place: int, entrants: Entrants, call: Callable[..., Tensor]
    ) -> None:
        super().__init__()
        self.name = name
        self.entrants = entrants
        self.call = call
        self.matches = matches(entrants.count)
        self.levels = nn.ModuleList(
            Exact(HALF_MAGNITUDE, Scale(f"{name}.levels.{k}", place + k), half_magnitude)
            for k in range(len(self.matches))
        )
        self.passed = 0
        # Samples are for tuning, not for the files of what was tuned.
        self.register_buffer("windows", torch.empty(entrants.count, 0), persistent=False)
        self.register_buffer("keys", torch.empty(0, dtype=torch.float64), persistent=False)

    def forward(self, *inputs: Tensor) -> Tensor:
        """The largest of the rivals, as well as the levels know it."""
        is_seen = any(each.observing for each in self.scales)
        if not is_seen and not any(isinstance(each, PAF) and each.active for each in self.levels):
            return self.call(*inputs)
        rivals, there = self.entrants.of(*inputs)
        if is_seen:
            self._keep(rivals, there)
        # Matches beside one another behind the batch, which stays the first axis.
        return self.winner(tuple(self.levels), rivals, there, axis=min(1, rivals[0].ndim))

    def winner(
        self,
        levels: Sequence[Callable[..., Tensor]],
        rivals: Sequence[Tensor],
        there: Sequence[Tensor] | None,
        *,
        axis: int = 0,
    ) -> Tensor:
        """The tournament among rivals of one shape, some of which may be missing.

        The matches of a level are put along `axis`, and played at once.
        """
        values = {(k, k + 1): each for k, each in enumerate(rivals)}
        present = {} if there is None else {(k, k + 1): each for k, each in enumerate(there)}
        for level, layer in zip(self.matches, levels, strict=True):
            first, second = _sides(level, values, axis)
            if there is None:
                won = (first + second) / 2.0 + layer(first - second)
            else:
                one, other = _sides(level, present, axis)
                won = _won(layer, (first, second), (one, other))
                present.update(zip(map(_joined, level), (one | other).unbind(axis), strict=True))
            values.update(zip(map(_joined, level), won.unbind(axis), strict=True))
        return values[(0, len(rivals))]

    def replace(self, approximant: Approximant) -> None:
        """Make a PAF of every level."""
        for k, each in enumerate(self.levels):
            assert isinstance(each, Exact | PAF)
            made = PAF(HALF_MAGNITUDE, approximant, each.scale, half_magnitude)
            made.train(each.training)
            self.levels[k] = made.to(each.scale.value.device)

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The scale of each level."""
        return tuple(each for each in self.modules() if isinstance(each, Scale))

    @torch.no_grad()
    def _keep(self, rivals: Sequence[Tensor], there: Sequence[Tensor] | None) -> None:
        """Keep the windows of the smallest keys: an even sample of all that ever passed."""
        if not int(self.scales[0].counts.sum()):
            # What was seen before has been forgotten.
            self.passed, self.keys, self.windows = 0, self.keys[:0], self.windows[:, :0]
        passing = rivals[0].numel()
        places = torch.arange(self.passed, self.passed + passing, dtype=torch.float64)
        keys = (places * GOLDEN).frac()
        self.passed += passing
        limit = float(self.keys.max()) if len(self.keys) == KEPT else 1.0
        chosen = torch.nonzero(keys < limit).flatten()
        columns = [each.reshape(-1).cpu()[chosen] for each in rivals]
        if there is not None:
            shown = [each.reshape(-1).cpu()[chosen] for each in there]
            missing = torch.tensor(-torch.inf)
            columns = [torch.where(a, x, missing) for a, x in zip(shown, columns, strict=True)]
        keys = torch.cat([self.keys.cpu(), keys[chosen]])
        windows = torch.cat([self.windows.cpu(), torch.stack(columns).float()], dim=1)
        best = keys.argsort()[:KEPT]
        self.keys, self.windows = keys[best], windows[:, best]


def _won(
    layer: Callable[..., Tensor], rivals: tuple[Tensor, Tensor], there: tuple[Tensor, Tensor]
) -> Tensor:
    """Matches in which a rival may be missing: then the other one wins as it is."""
    both = there[0] & there[1]
    difference = torch.where(both, rivals[0] - rivals[1], 0.0)
    played = (rivals[0] + rivals[1]) / 2.0 + layer(difference, both)
    won: Tensor = torch.where(both, played, torch.where(there[0], rivals[0], rivals[1]))
    return won


def _sides(
    level: Sequence[tuple[Span, Span]], values: Mapping[Span, Tensor], axis: int
) -> tuple[Tensor, Tensor]:
    """The first and the second of every match."""
    first, second = (torch.stack([values[pair[k]] for pair in level], axis) for k in (0, 1))
    return first, second


def _joined(pair: tuple[Span, Span]) -> Span:
    return pair[0][0], pair[1][1]


def half_magnitude(x: Tensor) -> Tensor:
    """|x| / 2."""
    return x.abs() / 2.0
