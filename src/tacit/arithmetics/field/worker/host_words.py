"""The words between products in NumPy, block by block where numbers are 64 bits wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Inner, Rescale, Table
from tacit.arithmetics.field.worker.words import Host, Slices, Words
from tacit.ir.graph import Shape

# Entries of 64 bits that stay in a core's own cache.
BLOCK = 2**15


@dataclass(frozen=True)
class HostWords(Words[Host]):
    """Arrays of NumPy."""

    def given(self, x: Host) -> Host:
        """The array itself."""
        return x

    def taken(self, values: Sequence[Host]) -> list[Host]:
        """The arrays themselves."""
        return list(values)

    def extent(self, x: Host) -> Shape:
        """The shape."""
        return x.shape

    def reshaped(self, x: Host, shape: Shape) -> Host:
        """The same entries under another shape."""
        return x.reshape(shape)

    def moved(self, x: Host, order: Sequence[int]) -> Host:
        """The axes in another order, in memory too."""
        return np.ascontiguousarray(x.transpose(*order))

    def cut(self, x: Host, parts: Slices) -> Host:
        """The entries kept."""
        return np.ascontiguousarray(x[parts])

    def joined(self, values: Sequence[Host], axis: int) -> Host:
        """Values one behind the other."""
        return np.concatenate(values, axis=axis)

    def bordered(self, x: Host, widths: Sequence[tuple[int, int]], value: int | None) -> Host:
        """The value with a border."""
        least = int(np.iinfo(x.dtype).min) if value is None else value
        wide = x if _holds(x.dtype, least) else x.astype(np.int32)
        return np.pad(wide, list(widths), constant_values=least)

    def summed(self, x: Host, axes: Sequence[int], *, keep: bool) -> Host:
        """The sum along axes."""
        found: Host = x.sum(axis=tuple(axes), dtype=np.int64, keepdims=keep)
        return found

    def rescaled(self, op: Rescale, values: Sequence[Host], axis: int) -> Host:
        """A rescaling, its channels along this axis."""
        channels, rank = len(op.offset), values[0].ndim
        last = axis % rank == rank - 1
        flat = [(v if last else np.moveaxis(v, axis, -1)).reshape(-1, channels) for v in values]
        result = np.empty(flat[0].shape, kind_for(op.low, op.high))
        lines = max(1, BLOCK // channels)
        for top in range(0, len(result), lines):
            part = slice(top, top + lines)
            result[part] = _rescaled(op, [v[part] for v in flat])
        if last:
            return result.reshape(values[0].shape)
        spots = np.moveaxis(values[0], axis, -1).shape
        return np.ascontiguousarray(np.moveaxis(result.reshape(spots), -1, axis))

    def looked_up(self, op: Table, x: Host) -> Host:
        """The entries of a table."""
        kind = kind_for(int(op.table.min()), int(op.table.max()))
        table: Host = op.table.astype(kind)
        return table[x.astype(np.int64) - op.low]

    def largest(self, x: Host, parts: Sequence[Slices]) -> Host:
        """The largest entry among parts of one shape."""
        found: Host = reduce(np.maximum, [x[part] for part in parts])
        return np.ascontiguousarray(found)

    def total(self, x: Host, parts: Sequence[Slices]) -> Host:
        """The sum of parts of one shape."""
        result = np.zeros(x[parts[0]].shape, np.int64)
        for part in parts:
            result += x[part]
        return result

    def inner(self, op: Inner, first: Host, second: Host) -> Host:
        """The matrix product of two activations, in doubles as the word says."""
        left, right = op.zero_points
        a, b = first.astype(np.float64) - left, second.astype(np.float64) - right
        found: Host = np.matmul(a, b).astype(np.int64)
        return found

    def entrywise(self, zero_points: tuple[int, int], first: Host, second: Host) -> Host:
        """The product of two activations, entry by entry."""
        left, right = zero_points
        return (first.astype(np.int64) - left) * (second.astype(np.int64) - right)


def kind_for(low: int, high: int) -> type[np.uint8 | np.int32 | np.int64]:
    """The kind of integer that activations from `low` to `high` are kept in.

    >>> kind_for(0, 255).__name__, kind_for(-1, 255).__name__
    ('uint8', 'int32')
    """
    if low >= 0 and high < 2**8:
        return np.uint8
    return np.int32 if low >= -(2**31) and high < 2**31 else np.int64


def _holds(kind: np.dtype[np.integer], value: int) -> bool:
    limits = np.iinfo(kind)
    return bool(limits.min <= value <= limits.max)


def _rescaled(op: Rescale, values: Sequence[Host]) -> NDArray[np.int64]:
    """The rescaling of (positions, channels)."""
    total: NDArray[np.int64] = np.multiply(values[0], op.multipliers[0], dtype=np.int64)
    for value, multiplier in zip(values[1:], op.multipliers[1:], strict=True):
        total += np.multiply(value, multiplier, dtype=np.int64)
    total += op.offset
    total >>= op.shift
    np.clip(total, op.low, op.high, out=total)
    return total
