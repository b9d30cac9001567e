"""Scales: how large a layer's inputs are, so that its polynomial stays within its interval.

Dynamic: the largest magnitude of each batch, which can train but not be deployed. Static: a frozen
number. SmartPAF (arXiv 2404.03216), section 4.4.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tacit.approx import Histogram
from tacit.errors import NotCalibrated, TypeMismatch

# Fine enough for a percentile of 99.9 %, and for the shape of a density.
BINS = 2048
# An input of nothing but zeros has no scale of its own.
LEAST = 1e-12


class Scaling(enum.Enum):
    """Where a scale comes from."""

    DYNAMIC = "dynamic"
    STATIC = "static"


class Scale(nn.Module):
    """The scale of one layer's inputs, and what was seen of them.

    `value` is the frozen scale, 0 as long as nothing was frozen. `largest` is the running maximum
    of the magnitudes and `counts` the histogram on [-reach, reach], both only of what passed while
    `observing`. `outside` of `total` inputs exceeded the frozen scale in evaluation. A pinned scale
    has one value for ever: that of a polynomial of a function that does not scale. `place` counts
    the layers in inference order.
    """

    value: Tensor
    largest: Tensor
    reach: Tensor
    counts: Tensor
    outside: Tensor
    total: Tensor

    def __init__(self, name: str, place: int = 0, *, pinned: float | None = None) -> None:
        super().__init__()
        self.name = name
        self.place = place
        self.scaling = Scaling.DYNAMIC
        self.observing = False
        self.excess: Tensor | None = None
        self.is_pinned = pinned is not None
        self.register_buffer("value", torch.tensor(pinned or 0.0))
        self.register_buffer("largest", torch.tensor(0.0))
        self.register_buffer("reach", torch.tensor(0.0))
        self.register_buffer("counts", torch.zeros(BINS, dtype=torch.int64))
        self.register_buffer("outside", torch.tensor(0))
        self.register_buffer("total", torch.tensor(0))
        # Looking at a value on an accelerator waits for it: once is enough.
        self._is_known = self.is_pinned

    def forward(self, x: Tensor, counted: Tensor | None = None) -> Tensor:
        """The scale for these inputs, of shape (); `counted` are the ones that count, or all."""
        seen = x.detach() if counted is None else x.detach()[counted]
        if self.observing:
            self.observe(seen)
        if self.scaling is Scaling.DYNAMIC and not self.is_pinned:
            return _magnitude(seen).clamp_min(LEAST)
        if not self._is_known:
            self._is_known = self.frozen > 0.0
        # A program that is being exported must not change state.
        if torch.compiler.is_compiling():
            return self.value
        if self.training:
            self.excess = _excess(x if counted is None else x[counted], self.value, len(x))
        else:
            self.outside += (seen.abs() > self.value).sum()
            self.total += seen.numel()
        return self.value

    @property
    def frozen(self) -> float:
        """The static scale; NotCalibrated where there is none yet."""
        if not float(self.value) > 0.0:
            raise NotCalibrated(
                f"{self.name} has no static scale yet",
                hint="show data with observe(model, batches), then freeze(model)",
            )
        return float(self.value)

    def freeze(self, share: float, margin: float) -> None:
        """Take as static scale what a share of the seen magnitudes does not exceed.

        Times `margin`.
        """
        if self.is_pinned:
            return
        if not float(self.largest) > 0.0:
            raise NotCalibrated(
                f"{self.name} has seen no input other than 0", hint="call observe(model, batches)"
            )
        limit = float(self.largest) if share == 1.0 else self._percentile(share)
        self.value.fill_(margin * limit)

    @torch.no_grad()
    def observe(self, x: Tensor) -> None:
        """Count inputs: the running maximum, and a histogram that doubles its reach on demand."""
        largest = float(_magnitude(x)) if x.numel() else 0.0
        if not torch.isfinite(torch.tensor(largest)):
            raise TypeMismatch(
                f"{self.name} was given an input that is not finite",
                hint="a polynomial before it may have left its interval: widen its scale",
            )
        if largest == 0.0:
            # Nothing tells yet how wide the bins should be.
            largest = float(self.reach) or 1.0
            self.reach.fill_(largest)
        else:
            self.largest.fill_(max(float(self.largest), largest))
        self._widen(largest)
        place = (x.reshape(-1).float() / self.reach + 1.0) * (BINS / 2)
        spots = place.floor().clamp(0, BINS - 1).to(torch.int64)
        self.counts += torch.bincount(spots, minlength=BINS)

    def _widen(self, largest: float) -> None:
        """Double the reach until it holds the largest; pairs of bins merge, exactly."""
        if float(self.reach) == 0.0:
            # A power of two, so that streams in another order end with the same bins.
            self.reach.fill_(2.0 ** float(torch.tensor(largest).log2().ceil()))
        while float(self.reach) < largest:
            pairs = self.counts.reshape(BINS // 2, 2).sum(1)
            self.counts.zero_()
            self.counts[BINS // 4 : BINS // 4 * 3] = pairs
            self.reach.mul_(2.0)

    @property
    def histogram(self) -> Histogram:
        """What was observed; NotCalibrated where nothing was."""
        if not int(self.counts.sum()):
            raise NotCalibrated(
                f"{self.name} has seen no input", hint="call observe(model, batches)"
            )
        edges = torch.linspace(-1.0, 1.0, BINS + 1, dtype=torch.float64) * float(self.reach)
        return Histogram(tuple(edges.tolist()), tuple(self.counts.double().tolist()))

    def _percentile(self, share: float) -> float:
        """The upper edge of the bin of magnitudes at which the share is reached."""
        folded = self.counts[BINS // 2 :] + self.counts[: BINS // 2].flip(0)
        below = folded.cumsum(0).double() / folded.sum()
        place = int(torch.searchsorted(below, torch.tensor(share, dtype=torch.float64)))
        edge = (min(place, BINS // 2 - 1) + 1) / (BINS / 2) * float(self.reach)
        return min(edge, float(self.largest))

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], *args: Any) -> None:
        super()._load_from_state_dict(state_dict, *args)
        self._is_known = self.is_pinned


def _excess(x: Tensor, scale: Tensor, rows: int) -> Tensor | None:
    """The sum of squares of |x| / scale - 1 where that is positive, divided by the rows."""
    if not torch.is_grad_enabled() or float(_magnitude(x.detach())) <= float(scale):
        return None
    return (x.abs() / scale - 1.0).relu().square().sum() / rows


def take_excess(model: nn.Module) -> Tensor:
    """The sum of all layers' excess since it was last taken: a penalty, of shape ()."""
    found = [each for each in scales(model) if each.excess is not None]
    parts = [each.excess for each in found if each.excess is not None]
    for each in found:
        each.excess = None
    return torch.stack(parts).sum() if parts else torch.zeros(())


def _magnitude(x: Tensor) -> Tensor:
    low, high = torch.aminmax(x)
    return torch.maximum(-low, high).float()


def scales(model: nn.Module) -> Iterator[Scale]:
    """Every scale of a replaced model, in inference order."""
    found = (each for each in model.modules() if isinstance(each, Scale))
    return iter(sorted(found, key=lambda each: each.place))


def use(model: nn.Module, scaling: Scaling) -> None:
    """Make every layer of the model take its scales from there, from now on."""
    for each in scales(model):
        each.scaling = scaling


def observe(model: nn.Module, batches: Iterable[Tensor | tuple[Tensor, ...]]) -> None:
    """Run the model on the batches as when it predicts, and see every layer's inputs.

    What was seen before is kept: `forget` drops it.
    """
    flags = [(each, each.training) for each in model.modules()]
    with observing(model), torch.no_grad():
        try:
            model.eval()
            for batch in batches:
                model(*(batch if isinstance(batch, tuple) else (batch,)))
        finally:
            for module, flag in flags:
                module.training = flag


@contextmanager
def observing(model: nn.Module) -> Iterator[None]:
    """Within it every layer's inputs are seen, in training too."""
    before = [(each, each.observing) for each in scales(model)]
    try:
        for each, _ in before:
            each.observing = True
        yield
    finally:
        for each, flag in before:
            each.observing = flag


def forget(model: nn.Module) -> None:
    """Drop what was seen, but no frozen scale."""
    for each in scales(model):
        for seen in (each.largest, each.reach, each.counts, each.outside, each.total):
            seen.zero_()


def recount(model: nn.Module) -> None:
    """Count anew how many inputs exceed their scales, and keep all that was seen."""
    for each in scales(model):
        each.outside.zero_()
        each.total.zero_()


def freeze(model: nn.Module, share: float = 1.0, *, margin: float = 1.0) -> None:
    """Freeze static scales at the running maximum, or where a share of the inputs lies below.

    Times `margin`: a chain of polynomials explodes outside of its scale, and other data reach
    further. It does not switch to static scales: `use(model, Scaling.STATIC)` does.
    """
    if not (0.0 < share <= 1.0 <= margin < math.inf):
        raise TypeMismatch(
            f"share {share:g} and margin {margin:g} make no scale",
            hint="0 < share <= 1 and margin >= 1",
        )
    for each in scales(model):
        each.freeze(share, margin)


def out_of_range(model: nn.Module) -> dict[str, float]:
    """The share of each layer's inputs that exceeded its static scale in evaluation.

    Layers through which nothing passed under a static scale are left out.
    """
    return {
        each.name: float(each.outside) / float(each.total)
        for each in scales(model)
        if int(each.total)
    }
