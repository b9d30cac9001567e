"""The words between products in torch, on whatever device; only products come back from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from tacit.arithmetics.field.ops import Inner, Rescale, Table
from tacit.arithmetics.field.worker.host_words import kind_for
from tacit.arithmetics.field.worker.words import Host, Slices, Words
from tacit.ir.graph import Op, Shape

KINDS = {np.uint8: torch.uint8, np.int32: torch.int32, np.int64: torch.int64}


@dataclass(frozen=True, eq=False)
class TorchWords(Words[Tensor]):
    """Tensors of one device."""

    device: torch.device
    # What rescalings and tables are made of, on the device for as long as they live.
    held: WeakKeyDictionary[Op, tuple[Tensor, ...]] = field(default_factory=WeakKeyDictionary)

    def given(self, x: Host) -> Tensor:
        """The array on the device."""
        # A message is memory that nobody may write to, which torch does not know: it is copied.
        return torch.from_numpy(np.array(x)).to(self.device)

    def taken(self, values: Sequence[Tensor]) -> list[Host]:
        """Arrays back on the host; from a GPU all at once, into memory that it can reach."""
        if self.device.type != "cuda":
            return [_host(value) for value in values]
        pinned = [torch.empty(v.shape, dtype=v.dtype, pin_memory=True) for v in values]
        for target, value in zip(pinned, values, strict=True):
            target.copy_(value, non_blocking=True)
        torch.cuda.synchronize(self.device)
        return [_host(value) for value in pinned]

    def extent(self, x: Tensor) -> Shape:
        """The shape."""
        return tuple(x.shape)

    def reshaped(self, x: Tensor, shape: Shape) -> Tensor:
        """The same entries under another shape."""
        return x.reshape(shape)

    def moved(self, x: Tensor, order: Sequence[int]) -> Tensor:
        """The axes in another order, in memory too."""
        return x.permute(*order).contiguous()

    def cut(self, x: Tensor, parts: Slices) -> Tensor:
        """The entries kept."""
        return x[parts].contiguous()

    def joined(self, values: Sequence[Tensor], axis: int) -> Tensor:
        """Values one behind the other."""
        return torch.cat(list(values), dim=axis)

    def bordered(self, x: Tensor, widths: Sequence[tuple[int, int]], value: int | None) -> Tensor:
        """The value with a border."""
        limits = torch.iinfo(x.dtype)
        least = limits.min if value is None else value
        wide = x if limits.min <= least <= limits.max else x.to(torch.int32)
        flat = [width for pair in reversed(widths) for width in pair]
        return torch.nn.functional.pad(wide, flat, value=least)

    def summed(self, x: Tensor, axes: Sequence[int], *, keep: bool) -> Tensor:
        """The sum along axes."""
        return x.sum(dim=tuple(axes), dtype=torch.int64, keepdim=keep)

    def rescaled(self, op: Rescale, values: Sequence[Tensor], axis: int) -> Tensor:
        """A rescaling, its channels along this axis."""
        shape = [1] * values[0].ndim
        shape[axis] = -1
        offset, *multipliers = self._numbers(op, op.offset, *op.multipliers)
        total = offset.reshape(shape)
        for multiplier, value in zip(multipliers, values, strict=True):
            total = total + multiplier.reshape(shape) * value
        found = (total >> op.shift).clamp_(op.low, op.high)
        return found.to(KINDS[kind_for(op.low, op.high)])

    def looked_up(self, op: Table, x: Tensor) -> Tensor:
        """The entries of a table."""
        kind = KINDS[kind_for(int(op.table.min()), int(op.table.max()))]
        # A false index would take a whole GPU down; the lowering proves that there is none.
        index = (x.to(torch.int64) - op.low).clamp_(0, len(op.table) - 1)
        (table,) = self._numbers(op, op.table)
        return table.to(kind)[index]

    def largest(self, x: Tensor, parts: Sequence[Slices]) -> Tensor:
        """The largest entry among parts of one shape."""
        return reduce(torch.maximum, [x[part] for part in parts]).contiguous()

    def total(self, x: Tensor, parts: Sequence[Slices]) -> Tensor:
        """The sum of parts of one shape."""
        result = torch.zeros(x[parts[0]].shape, dtype=torch.int64, device=self.device)
        for part in parts:
            result += x[part]
        return result

    def inner(self, op: Inner, first: Tensor, second: Tensor) -> Tensor:
        """The matrix product of two activations, in doubles as the word says."""
        left, right = op.zero_points
        doubles = torch.float64
        return torch.matmul(first.to(doubles) - left, second.to(doubles) - right).to(torch.int64)

    def entrywise(self, zero_points: tuple[int, int], first: Tensor, second: Tensor) -> Tensor:
        """The product of two activations, entry by entry."""
        left, right = zero_points
        return (first.to(torch.int64) - left) * (second.to(torch.int64) - right)

    def _numbers(self, op: Op, *arrays: Host) -> tuple[Tensor, ...]:
        """An op's numbers on the device, brought there once."""
        known = self.held.get(op)
        if known is None:
            known = tuple(torch.from_numpy(a.astype(np.int64)).to(self.device) for a in arrays)
            self.held[op] = known
        return known


def _host(value: Tensor) -> Host:
    found: Host = value.contiguous().numpy()
    return found
