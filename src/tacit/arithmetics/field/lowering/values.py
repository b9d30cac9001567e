"""What a value can be while a graph is lowered: integers on a grid, sums of such, constants."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.widths import Reach
from tacit.grids import Grid
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Op, Shape

Number = TypeVar("Number", np.float64, np.intp)


@dataclass(frozen=True, eq=False)
class Fixed:
    """A constant of the model."""

    value: FloatArray


@dataclass(frozen=True, eq=False)
class Term:
    """Integers of a name, the real factor of each channel, and what they can be."""

    name: str
    factor: FloatArray
    reach: Reach


@dataclass(frozen=True, eq=False)
class Sum:
    """The reals clip(Σ factor · integers + shift, low, high), by channel along `axis`.

    It is computed when integers on a grid are needed, all at once. `axis` is 0 or -1, and always
    -1 where there is one axis alone.
    """

    terms: tuple[Term, ...]
    shift: FloatArray
    shape: Shape
    axis: int
    low: float = -math.inf
    high: float = math.inf

    @property
    def is_clipped(self) -> bool:
        """Whether it is no affine function of its terms."""
        return math.isfinite(self.low) or math.isfinite(self.high)

    @property
    def is_uniform(self) -> bool:
        """Whether all channels are alike, so that any axis can be that of channels."""
        return all(bool(np.all(each == each[0])) for each in self._arrays())

    def _arrays(self) -> Iterator[FloatArray]:
        yield self.shift
        yield from (term.factor for term in self.terms)

    def times(self, factor: FloatArray, shift: FloatArray) -> Sum:
        """factor · this + shift, each a number or one a channel."""
        assert not self.is_clipped, "what is clipped is put on a grid before"
        terms = tuple(replace(term, factor=term.factor * factor) for term in self.terms)
        return replace(self, terms=terms, shift=self.shift * factor + shift)

    def clipped(self, low: float, high: float) -> Sum:
        """What a clamp makes of this."""
        inner, outer = (min(max(each, low), high) for each in (self.low, self.high))
        return replace(self, low=inner, high=outer)

    def chosen(self, channels: NDArray[np.intp], shape: Shape, axis: int) -> Sum:
        """The same of a value whose channels are these; its terms keep their names."""
        terms = tuple(
            Term(
                each.name,
                each.factor[channels],
                Reach(each.reach.low[channels], each.reach.high[channels]),
            )
            for each in self.terms
        )
        return replace(self, terms=terms, shift=self.shift[channels], shape=shape, axis=axis)

    def along(self, shape: Shape, axis: int) -> Sum:
        """The same of another shape and axis, where all channels are alike."""
        assert self.is_uniform, "channels that differ stay on their axis"
        count = shape[axis]
        terms = tuple(
            Term(each.name, np.full(count, each.factor[0]), widest(each.reach, count))
            for each in self.terms
        )
        shift = np.full(count, self.shift[0])
        return replace(self, terms=terms, shift=shift, shape=shape, axis=axis)


@dataclass(frozen=True, eq=False)
class Whole:
    """Integers of a name on one grid, whose low and high are all that they can be."""

    name: str
    grid: Grid
    shape: Shape

    def as_sum(self, axis: int = 0) -> Sum:
        """The reals that they stand for."""
        axis = axis_in(self.shape, axis)
        count = self.shape[axis]
        factor = np.full(count, self.grid.scale)
        reach = even(self.grid.low, self.grid.high, count)
        shift = factor * -float(self.grid.zero_point)
        return Sum((Term(self.name, factor, reach),), shift, self.shape, axis)


Value = Whole | Sum | Fixed


def axis_in(shape: Shape, axis: int) -> int:
    """How an axis of channels is written for a shape."""
    return -1 if len(shape) == 1 else axis


def even(low: int, high: int, count: int) -> Reach:
    """The same reach for so many channels."""
    return Reach(np.full(count, low, dtype=np.int64), np.full(count, high, dtype=np.int64))


def widest(reach: Reach, count: int) -> Reach:
    """What any channel can be, for so many channels."""
    return even(int(reach.low.min()), int(reach.high.max()), count)


def on_grid(grid: Grid, other: Grid) -> bool:
    """Whether integers of the first grid are integers of the other, and mean the same."""
    same = grid.scale == other.scale and grid.zero_point == other.zero_point
    return same and other.low <= grid.low and grid.high <= other.high


def channels_after(op: Op, value: Sum) -> tuple[int, NDArray[np.intp]] | None:
    """The axis of the channels of what a move makes of a value, and which of its channels each is.

    None where what were channels are on no axis by themselves any more.
    """
    count = value.shape[value.axis]
    numbers = np.broadcast_to(np.arange(count, dtype=np.float64), (*_rest(value), count))
    places = np.moveaxis(numbers, -1, value.axis)
    # A move takes any entries, these numbers of channels too.
    moved = op.run(places[None])[0].astype(np.intp)
    axes = (-1,) if moved.ndim == 1 else (value.axis, -1 - value.axis)
    for axis in axes:
        found = varying(moved, axis)
        if found is not None:
            return axis, found
    return None


def _rest(value: Sum) -> Shape:
    axis = value.axis % len(value.shape)
    return value.shape[:axis] + value.shape[axis + 1 :]


def varying(values: NDArray[Number], axis: int) -> NDArray[Number] | None:
    """The values along an axis, if they depend on nothing else."""
    flat = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    return flat[:, 0] if np.array_equal(flat, np.broadcast_to(flat[:, :1], flat.shape)) else None
