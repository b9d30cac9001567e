"""The words of CKKS: what a server can compute on encrypted vectors, and the client's two ends.

A value between `Pack` and `Unpack` is a vector of real numbers near [-1, 1]. `run` is exact real
arithmetic on its entries; the layouts say where an engine keeps them in the slots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tacit.approx.plans import Plan
from tacit.arithmetics.ckks.approximation import Approximation
from tacit.errors import OutOfRange, TypeMismatch
from tacit.ir.affine import Matrix
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Op, Range, Shape
from tacit.slots.diagonals import Schedule, schedule
from tacit.slots.layout import Layout


@dataclass(frozen=True, eq=False)
class Pack(Op):
    """The client's input, (x - centre) / radius, as a vector; `allowed` is what it may hold."""

    of: Shape
    centre: float
    radius: float
    allowed: Range
    layout: Layout

    def shape(self, *shapes: Shape) -> Shape:
        """One axis of all entries."""
        (given,) = shapes
        if given != self.of:
            raise TypeMismatch(f"an input of shape {given} was given for {self.of}")
        return (math.prod(self.of),)

    def run(self, *values: FloatArray) -> FloatArray:
        """The normalised entries; what is refused before encryption is not refused here."""
        (x,) = values
        return (x.reshape(len(x), -1) - self.centre) / self.radius

    def check(self, x: FloatArray, *, clip: bool) -> FloatArray:
        """The input, refused with OutOfRange where an entry is outside, or moved inside."""
        if clip:
            return np.clip(x, self.allowed.low, self.allowed.high)
        if x.size and (x.min() < self.allowed.low or x.max() > self.allowed.high):
            raise OutOfRange(
                f"the input goes from {x.min():.6g} to {x.max():.6g}; "
                f"calibrated is {self.allowed.low:.6g} to {self.allowed.high:.6g}",
                hint="scale it as in training, clip it, or calibrate on such data",
            )
        return x


@dataclass(frozen=True, eq=False)
class LinearMap(Op):
    """Σ M_k v_k + offset, from the vectors' layouts into `layout`.

    `of` is the shape of the user's tensor whose entries the result holds. It takes one level,
    unless it is `last`: nothing follows it that needs the scale brought down, so it is left as
    it is, and the noise of that rescaling stays out of the answer.
    """

    matrices: tuple[Matrix, ...]
    offset: FloatArray
    of: Shape
    sources: tuple[Layout, ...]
    layout: Layout
    last: bool = False

    def shape(self, *shapes: Shape) -> Shape:
        """As many entries as the matrices have rows."""
        given = tuple(each.shape[1] for each in self.matrices)
        if shapes != tuple((n,) for n in given):
            raise TypeMismatch(f"a linear map of {given} entries was given {shapes}")
        return (self.layout.size,)

    def run(self, *values: FloatArray) -> FloatArray:
        """Σ M_k v_k + offset."""
        result = np.broadcast_to(self.offset, (len(values[0]), self.offset.size)).T
        for matrix, value in zip(self.matrices, values, strict=True):
            result = result + matrix @ value.T
        return result.T

    @cached_property
    def schedules(self) -> tuple[Schedule, ...]:
        """For every matrix its diagonals, how they are split into rotations, and the folds."""
        pairs = zip(self.matrices, self.sources, strict=True)
        return tuple(schedule(matrix, source, self.layout) for matrix, source in pairs)


@dataclass(frozen=True, eq=False)
class Evaluate(Op):
    """An activation of every entry, which must lie in [-1, 1]; takes the depth of its plan.

    `stands_for`, `low` and `high` keep the function that is approximated, in the user's units;
    `error` is the largest distance from it there.
    """

    approximation: Approximation
    stands_for: str
    low: float
    high: float
    error: float
    layout: Layout

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """The approximation's values."""
        (t,) = values
        return self.approximation(t)

    @property
    def plan(self) -> Plan:
        """The steps in which a server computes it."""
        return self.approximation.plan


@dataclass(frozen=True, eq=False)
class Product(Op):
    """Entry by entry the product of two vectors in one layout; takes one level."""

    layout: Layout

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
class Unpack(Op):
    """The client's answer: centre + radius · vector, in the user's shape."""

    to: Shape
    centre: float
    radius: float
    layout: Layout

    def shape(self, *shapes: Shape) -> Shape:
        """The user's shape."""
        return self.to

    def run(self, *values: FloatArray) -> FloatArray:
        """The entries in the user's units and shape."""
        (x,) = values
        return (x * self.radius + self.centre).reshape(len(x), *self.to)


WORDS: tuple[type[Op], ...] = (Pack, LinearMap, Evaluate, Product, Unpack)
