"""The whole numbers that stand for real inputs: round(x · 2**bits), within the intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from tacit.approx.domain import Intervals, graded, pieces
from tacit.approx.fixed.modular import Integers
from tacit.approx.fixed.ranges import Runs
from tacit.approx.measure import lookouts
from tacit.errors import OutOfRange, TypeMismatch, WidthExceeded
from tacit.ir.functions import FloatArray

# So many inputs are all looked at, one by one; a second of work at most.
COUNTABLE = 2**20
# Of more inputs, so many of each interval are looked at.
LOOKS = 2**15
# Inputs are kept in doubles on the way from reals, so they must be exact there.
LARGEST_INPUT = 2**53


@dataclass(frozen=True)
class Inputs:
    """All encodings of reals in `intervals` with `bits` bits after the binary point."""

    intervals: Intervals
    bits: int

    def __post_init__(self) -> None:
        """Refuse negative bits, inputs that doubles cannot hold, and intervals without any."""
        if self.bits % 1 != 0 or self.bits < 0:
            raise TypeMismatch(
                f"inputs cannot have {self.bits} bits after the binary point",
                hint="choose a whole number from 0 on",
            )
        reach = max(abs(end) for interval in self.intervals for end in interval)
        if math.ldexp(reach, self.bits) > LARGEST_INPUT:
            raise WidthExceeded(
                f"{reach:g} with {self.bits} bits after the binary point outgrows the 53 bits of "
                "a double",
                hint="lower input_bits",
            )
        for low, high in self.intervals:
            if math.ceil(math.ldexp(low, self.bits)) > math.floor(math.ldexp(high, self.bits)):
                raise TypeMismatch(
                    f"[{low:g}, {high:g}] holds no multiple of 2**-{self.bits}",
                    hint="raise input_bits",
                )

    @cached_property
    def runs(self) -> Runs:
        """The first and the last whole number of each interval."""
        return tuple(
            (math.ceil(math.ldexp(low, self.bits)), math.floor(math.ldexp(high, self.bits)))
            for low, high in self.intervals
        )

    @property
    def reach(self) -> int:
        """The largest magnitude of an input."""
        return max(abs(end) for run in self.runs for end in run)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(last - first + 1 for first, last in self.runs)

    @property
    def are_countable(self) -> bool:
        """Whether they are few enough to look at all of them."""
        return self.count <= COUNTABLE

    def looks(self, breaks: Iterable[float] = ()) -> Integers:
        """All inputs where they are countable, or many that crowd at ends and breaks; int64."""
        if self.are_countable:
            return np.concatenate([np.arange(first, last + 1) for first, last in self.runs])
        return self._rounded(lookouts(self._parts(breaks), LOOKS))

    def graded(self, count: int, breaks: Iterable[float] = ()) -> Integers:
        """About `count` inputs between breaks, closer towards them; ascending, int64."""
        return self._rounded(graded(self._parts(breaks), count))

    def contain(self, whole: Integers) -> bool:
        """Whether all of these are inputs."""
        inside = np.zeros(whole.shape, dtype=bool)
        for first, last in self.runs:
            inside |= (first <= whole) & (whole <= last)
        return bool(inside.all())

    def encode(self, x: ArrayLike) -> Integers:
        """The nearest inputs to reals in the intervals, int64; raises OutOfRange outside."""
        given = np.asarray(x, dtype=np.float64)
        nearest = np.full(given.shape, np.nan)
        for (low, high), (first, last) in zip(self.intervals, self.runs, strict=True):
            is_here = (low <= given) & (given <= high)
            rounded = np.clip(np.rint(np.ldexp(given, self.bits)), first, last)
            nearest = np.where(is_here, rounded, nearest)
        if np.isnan(nearest).any():
            where = given[np.isnan(nearest)].flat[0]
            raise OutOfRange(
                f"{where:g} is in none of {_spoken(self.intervals)}",
                hint="fit on intervals that hold all inputs",
            )
        return nearest.astype(np.int64)

    def decode(self, whole: Integers) -> FloatArray:
        """The reals that inputs stand for."""
        return np.ldexp(np.asarray(whole, dtype=np.float64), -self.bits)

    def _parts(self, breaks: Iterable[float]) -> Intervals:
        """The runs cut at the breaks, as intervals of whole inputs."""
        ends = tuple((float(first), float(last)) for first, last in self.runs)
        return pieces(ends, (math.ldexp(each, self.bits) for each in breaks))

    def _rounded(self, points: FloatArray) -> Integers:
        return np.unique(np.rint(points)).astype(np.int64)


def _spoken(intervals: Intervals) -> str:
    return ", ".join(f"[{low:g}, {high:g}]" for low, high in intervals)
