"""Ways to choose a value's range from what was seen of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Range
from tacit.passes.tally import Tally

# Candidates for each end in a round of the search, around the best so far, which is one of them.
GRID = np.linspace(-1.0, 1.0, 13)
# Shares that may be worth clipping on a side.
TAILS = np.array([0.0, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4])
# By quarters from the whole range, in steps of a sixth of it, to a tenth of a bin.
ROUNDS = 6
QUARTER = 0.25


class Choice(ABC):
    """How the range of a value is chosen; what lies outside of it will be clipped.

    `ends_only` says that the least and the largest value are all that it looks at.
    """

    ends_only: ClassVar[bool] = False

    @abstractmethod
    def within(self, tally: Tally) -> Range:
        """The range for values that lie as tallied."""


@dataclass(frozen=True)
class MinMax(Choice):
    """From the least to the largest value: nothing that was seen is clipped."""

    ends_only: ClassVar[bool] = True

    def within(self, tally: Tally) -> Range:
        """The ends."""
        return Range(tally.least, tally.largest)


@dataclass(frozen=True)
class Percentile(Choice):
    """The central share of the values, in per cent, rounded outwards to bins of the tally."""

    share: float = 99.9

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0.0 < self.share <= 100.0:
            raise TypeMismatch(
                f"a share of {self.share} % cannot be kept", hint="give one above 0, at most 100"
            )

    def within(self, tally: Tally) -> Range:
        """The bins' edges below and above which at most half of the rest lies."""
        cut = tally.total * (100.0 - self.share) / 200.0
        below = np.cumsum(tally.counts)
        first = int(np.searchsorted(below, cut, side="right"))
        last = int(np.searchsorted(below, tally.total - cut, side="left"))
        # The ends lie inside the outermost bins, and are known exactly.
        low, high = np.clip(tally.edges[[first, last + 1]], tally.least, tally.largest)
        return Range(float(low), float(high))


@dataclass(frozen=True)
class MeanSquare(Choice):
    """The range on which 2**bits equal levels stand for the values with the least square error.

    What is won at the levels, which come closer, is lost at what is clipped. It is searched for
    on the tally's bins, from the whole range inwards.
    """

    bits: int = 6

    def __post_init__(self) -> None:
        """Refuse what makes no two levels."""
        if self.bits < 1:
            raise TypeMismatch(f"{self.bits} bits make no levels", hint="give at least one bit")

    def within(self, tally: Tally) -> Range:
        """The best pair of ends, one on each side of the median."""
        bins, steps = _Bins.of(tally), 2**self.bits - 1
        least, middle, largest = tally.least, float(bins.quantile(0.5)), tally.largest
        # Far tails make several valleys: the search begins in the best that values lie in.
        low, high = bins.best(bins.quantile(TAILS), bins.quantile(1.0 - TAILS), steps)
        for number in range(ROUNDS):
            reach = QUARTER**number * GRID
            lows = np.clip(low + (middle - least) * reach, least, middle)
            highs = np.clip(high + (largest - middle) * reach, middle, largest)
            low, high = bins.best(lows, highs, steps)
        # What is less than a bin away from an end cannot be told from it.
        low = least if low < least + tally.width else low
        high = largest if high > largest - tally.width else high
        return Range(low, high)


@dataclass(frozen=True, eq=False)
class _Bins:
    """The bins that hold something: their mean values, ascending, their shares, and their width."""

    values: FloatArray
    shares: FloatArray
    width: float

    @classmethod
    def of(cls, tally: Tally) -> _Bins:
        kept = tally.counts > 0.0
        values = np.clip(tally.sums[kept] / tally.counts[kept], tally.least, tally.largest)
        return cls(values, tally.counts[kept] / tally.total, tally.width)

    def quantile(self, share: ArrayLike) -> FloatArray:
        """The value that this share of the others does not exceed, to a bin."""
        places = np.searchsorted(np.cumsum(self.shares), share)
        # Rounding may leave the sum of all shares below 1.
        return np.asarray(self.values[np.minimum(places, len(self.values) - 1)])

    def best(self, lows: FloatArray, highs: FloatArray, steps: int) -> tuple[float, float]:
        """The low and the high end of the least error."""
        errors = self.errors(lows, highs, steps)
        row, column = np.unravel_index(int(errors.argmin()), errors.shape)
        return float(lows[row]), float(highs[column])

    def errors(self, lows: FloatArray, highs: FloatArray, steps: int) -> FloatArray:
        """The mean square error of the nearest level, for each low end (rows) and high end."""
        low, high = lows[:, None, None], highs[None, :, None]
        step = (high - low) / steps
        places = np.rint((self.values - low) / np.where(step > 0.0, step, 1.0))
        squares = (self.values - (low + step * np.clip(places, 0.0, steps))) ** 2
        inside = (low <= self.values) & (self.values <= high)
        # Where a bin spans several levels its mean says little: the error is then spread evenly.
        even = np.where(inside & (step < self.width), step**2 / 12.0, squares)
        return np.asarray(even @ self.shares)
