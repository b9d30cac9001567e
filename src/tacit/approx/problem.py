"""What is asked of a method, what it answers, and what a method is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tacit.approx.domain import Intervals, pieces
from tacit.approx.target import ScalarFunction, values_of, weights_of
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray


@dataclass(frozen=True)
class Problem:
    """Approximate `function` on the union of `intervals` by a polynomial of this degree.

    Where there is a `weight`, the error at x is weight(x) (function(x) - polynomial(x)).
    """

    function: ScalarFunction
    intervals: Intervals
    degree: int
    weight: ScalarFunction | None = None

    def __post_init__(self) -> None:
        """Refuse functions that jump within an interval: no polynomial comes near them."""
        for kink in self.function.kinks:
            for interval in self.intervals:
                if interval[0] <= kink <= interval[1]:
                    _refuse_jump(self.function, kink, interval)

    @property
    def low(self) -> float:
        """The lower end of the hull."""
        return self.intervals[0][0]

    @property
    def high(self) -> float:
        """The upper end of the hull."""
        return self.intervals[-1][1]

    def values(self, t: FloatArray) -> FloatArray:
        """The function's values at normalised variables."""
        return values_of(self.function, self.denormalised(t))

    def weights(self, t: FloatArray) -> FloatArray:
        """The weight at normalised variables, 1 where there is none; refuses weights <= 0."""
        if self.weight is None:
            return np.ones_like(t)
        return weights_of(self.weight, self.denormalised(t))

    @property
    def kinks(self) -> tuple[float, ...]:
        """The kinks of the function and of the weight, ascending."""
        if self.weight is None:
            return self.function.kinks
        return tuple(sorted({*self.function.kinks, *self.weight.kinks}))

    def denormalised(self, t: FloatArray) -> FloatArray:
        """The x at normalised variables."""
        middle, half = (self.low + self.high) / 2.0, (self.high - self.low) / 2.0
        return np.asarray(np.clip(middle + half * t, self.low, self.high))

    def normalised(self, x: float) -> float:
        """The variable t in [-1, 1] at `x`."""
        return ((x - self.low) + (x - self.high)) / (self.high - self.low)

    @property
    def normalised_intervals(self) -> Intervals:
        """The intervals in the variable t."""
        return tuple((self.normalised(low), self.normalised(high)) for low, high in self.intervals)

    @property
    def normalised_pieces(self) -> Intervals:
        """The intervals in the variable t, cut where the function has kinks."""
        kinks = (self.normalised(each) for each in self.kinks)
        return pieces(self.normalised_intervals, kinks)


@dataclass(frozen=True)
class Solution:
    """Chebyshev coefficients on the hull, and what the method knows of them.

    No polynomial's error is below `lower_bound` (0 where the method gives none); `alternation`
    holds the normalised variables where a minimax error alternates. `decimals` are the same
    coefficients with more digits than doubles have, where `bits` says that they are known. `wider`
    is the interval that the coefficients are on where that is not the hull. `error` is the largest
    error of the polynomial with the decimals, rounded up, where the method measured it.
    """

    coefficients: tuple[float, ...]
    lower_bound: float = 0.0
    alternation: tuple[float, ...] = ()
    decimals: tuple[str, ...] = ()
    bits: int = 53
    wider: tuple[float, float] | None = None
    error: float | None = None


class Method(ABC):
    """A way to find a polynomial; its knobs are the fields of a frozen dataclass."""

    name: ClassVar[str]

    @abstractmethod
    def solve(self, problem: Problem) -> Solution:
        """The polynomial that this method finds."""


def _refuse_jump(function: ScalarFunction, kink: float, interval: tuple[float, float]) -> None:
    sides = np.array(interval) - kink
    places = kink + np.concatenate([[0.0], 1e-9 * sides, 1e-6 * sides])
    values = values_of(function, places)
    near, far = float(np.ptp(values[:3])), float(np.ptp(values))
    # Across a jump the difference stays when one comes closer; elsewhere it shrinks.
    if near > 0.5 * far:
        raise TypeMismatch(
            f"{function.name} jumps by {near:g} at {kink:g}",
            hint="approximate on intervals that leave a gap around the jump, or use a composite",
        )
