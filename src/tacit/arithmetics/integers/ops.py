"""The words of small integers: what a server can compute exactly, and the client's two ends.

A value between `Encode` and `Decode` is a vector of integers. `run` computes them as doubles, which
are exact far beyond the widths that are allowed; an engine computes the very same numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from tacit.errors import OutOfRange, TypeMismatch
from tacit.ir.affine import IndexArray, Matrix
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Op, Shape
from tacit.slots.layout import Layout


@dataclass(frozen=True, eq=False)
class Encode(Op):
    """The client's input as integers: rint(slope · x + offset), between `low` and `high`.

    All five arrays have one value an entry; `least` and `most` are what an entry may hold without
    being refused. With `steps`, entry i becomes high[i] - low[i] entries that are 1 where it is at
    least low[i] + 1, low[i] + 2, …: any function of an entry is a sum of such steps.
    """

    of: Shape
    slope: FloatArray
    offset: FloatArray
    low: IndexArray
    high: IndexArray
    least: FloatArray
    most: FloatArray
    steps: bool = False
    layout: Layout | None = None

    holds_weights: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse what is no grid."""
        size = math.prod(self.of)
        arrays = (self.slope, self.offset, self.low, self.high, self.least, self.most)
        if any(each.shape != (size,) for each in arrays) or np.any(self.low > self.high):
            raise TypeMismatch(f"no grid of {size} entries")

    @property
    def size(self) -> int:
        """How many integers come out."""
        return int((self.high - self.low).sum()) if self.steps else math.prod(self.of)

    @cached_property
    def thresholds(self) -> tuple[IndexArray, IndexArray]:
        """For every step its entry, and the least integer from which on it is 1."""
        counts = self.high - self.low
        entry = np.repeat(np.arange(counts.size), counts)
        first = np.repeat(np.cumsum(counts) - counts, counts)
        return entry, self.low[entry] + 1 + np.arange(entry.size) - first

    def shape(self, *shapes: Shape) -> Shape:
        """One axis of all integers."""
        (given,) = shapes
        if given != self.of:
            raise TypeMismatch(f"an input of shape {given} was given for {self.of}")
        return (self.size,)

    def run(self, *values: FloatArray) -> FloatArray:
        """The integers; what is refused before encryption is moved to the nearest here."""
        (x,) = values
        rows = x.reshape(len(x), -1)
        whole = np.clip(np.rint(rows * self.slope + self.offset), self.low, self.high)
        if not self.steps:
            return whole
        entry, least = self.thresholds
        return (whole[:, entry] >= least).astype(np.float64)

    def check(self, x: FloatArray, *, clip: bool) -> FloatArray:
        """The input, refused with OutOfRange where an entry is outside, unless it may be moved."""
        rows = x.reshape(len(x), -1)
        outside = (rows < self.least) | (rows > self.most)
        if clip or not outside.any():
            return x
        row, entry = np.argwhere(outside)[0]
        raise OutOfRange(
            f"entry {entry} of row {row} is {rows[row, entry]:.6g}; "
            f"calibrated is {self.least[entry]:.6g} to {self.most[entry]:.6g}",
            hint="scale it as in training, clip it, or calibrate on such data",
        )


@dataclass(frozen=True, eq=False)
class Sums(Op):
    """Σ W_k v_k + bias: integer matrices on vectors of integers.

    `low` and `high` bound every accumulator, as proven from the matrices and the vectors' ranges.
    `of` is the shape of the user's tensor. It is `last` where only the client takes the result.
    """

    matrices: tuple[Matrix, ...]
    bias: FloatArray
    of: Shape
    low: int
    high: int
    last: bool = False
    sources: tuple[Layout, ...] = ()
    layout: Layout | None = None

    @property
    def bits(self) -> int:
        """The width of the accumulators: how many bits tell the values from `low` to `high`."""
        return (self.high - self.low).bit_length()

    def shape(self, *shapes: Shape) -> Shape:
        """As many entries as the matrices have rows."""
        given = tuple((each.shape[1],) for each in self.matrices)
        if shapes != given:
            raise TypeMismatch(f"sums of {given} entries were given {shapes}")
        return (self.bias.size,)

    def run(self, *values: FloatArray) -> FloatArray:
        """Σ W_k v_k + bias."""
        result = np.broadcast_to(self.bias, (len(values[0]), self.bias.size)).T
        for matrix, value in zip(self.matrices, values, strict=True):
            result = result + matrix @ value.T
        return result.T


@dataclass(frozen=True, eq=False)
class Lookup(Op):
    """A table of every entry: tables[group[i]][(x + half >> dropped) - low].

    `dropped` bits are rounded away first, halves upwards. `tables` has a row for every group of
    entries, `group` says which row an entry takes; it is empty where there is one row.
    `stands_for` tells the functions, innermost first, whose values the tables hold.
    """

    tables: IndexArray
    low: int
    stands_for: str
    group: IndexArray
    dropped: int = 0
    layout: Layout | None = None

    def __post_init__(self) -> None:
        """Refuse what is no table."""
        rows = self.tables.shape[0] if self.tables.ndim == 2 else 0
        grouped = self.group.size > 0
        if not rows or self.tables.shape[1] == 0 or (rows > 1 and not grouped):
            raise TypeMismatch(f"no tables: {self.tables.shape}")
        if grouped and (int(self.group.min()) < 0 or int(self.group.max()) >= rows):
            raise TypeMismatch("an entry's group is none of the tables")

    @property
    def entries(self) -> int:
        """How many entries a table has."""
        return int(self.tables.shape[1])

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        if self.group.size and given != self.group.shape:
            raise TypeMismatch(f"tables of {self.group.size} entries were given {given}")
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """The tables' values."""
        (x,) = values
        whole = x.astype(np.int64)
        if self.dropped:
            whole = (whole + (1 << (self.dropped - 1))) >> self.dropped
        place = whole - self.low
        if place.size and (place.min() < 0 or place.max() >= self.entries):
            raise TypeMismatch(f"{self.stands_for} has no entry for a value outside its table")
        group = self.group if self.group.size else np.zeros(1, dtype=np.int64)
        return self.tables[group, place].astype(np.float64)


@dataclass(frozen=True, eq=False)
class Product(Op):
    """Entry by entry the product of two vectors of integers."""

    layout: Layout | None = None

    def shape(self, *shapes: Shape) -> Shape:
        """The shape of both."""
        first, second = shapes
        if first != second:
            raise TypeMismatch(f"vectors of {first} and {second} entries have no product")
        return first

    def run(self, *values: FloatArray) -> FloatArray:
        """a · b."""
        first, second = values
        result: FloatArray = first * second
        return result


@dataclass(frozen=True, eq=False)
class Decode(Op):
    """The client's answer: scale · vector + offset, in the user's shape.

    An entry is between `low` and `high`: an engine that computes modulo something needs them.
    """

    to: Shape
    scale: float
    offset: float
    low: int
    high: int
    layout: Layout | None = None

    def shape(self, *shapes: Shape) -> Shape:
        """The user's shape."""
        return self.to

    def run(self, *values: FloatArray) -> FloatArray:
        """The entries in the user's units and shape."""
        (x,) = values
        return (x * self.scale + self.offset).reshape(len(x), *self.to)


WORDS: tuple[type[Op], ...] = (Encode, Sums, Lookup, Product, Decode)
