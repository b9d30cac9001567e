"""A tally: where the values of a node lie, counted in one pass over data of any range."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tacit.ir.functions import FloatArray

# Even, so that two bins can become one. Ten bits for a range that was just doubled.
BINS = 2048


@dataclass(frozen=True, eq=False)
class Tally:
    """The ends of all values, and for each of `BINS` equal bins how many there are, and their sum.

    The bins begin at `low` and cover `span`, which doubles where values lie outside: two bins
    become one and nothing is spread, unlike in `approx.Histogram.merged`. Hence at least half of
    the bins lie within the ends, as soon as two values differ.
    """

    least: float
    largest: float
    low: float
    span: float
    counts: FloatArray
    sums: FloatArray

    @classmethod
    def of(cls, values: FloatArray) -> Tally:
        """The tally of finite values, at least one."""
        return cls._over(float(values.min()), float(values.max()))._counted(values)

    def with_more(self, values: FloatArray) -> Tally:
        """The tally of what was counted and of these values."""
        least = min(self.least, float(values.min()))
        largest = max(self.largest, float(values.max()))
        if self.least == self.largest and least < largest:
            # The bins around one value say nothing of the range to come.
            again = Tally._over(least, largest)._counted(np.array([self.least]), self.total)
            return again._counted(values)
        wider = replace(self, least=least, largest=largest)
        while least < wider.low:
            wider = wider._doubled(downwards=True)
        while largest > wider.low + wider.span:
            wider = wider._doubled(downwards=False)
        return wider._counted(values)

    @property
    def total(self) -> float:
        """How many values were counted."""
        return float(self.counts.sum())

    @property
    def width(self) -> float:
        """The width of a bin."""
        return self.span / BINS

    @property
    def edges(self) -> FloatArray:
        """The ends of the bins, one more than there are bins."""
        return np.linspace(self.low, self.low + self.span, BINS + 1)

    @classmethod
    def _over(cls, least: float, largest: float) -> Tally:
        """The tally of nothing yet, between these ends."""
        # Bins that are narrower than the gap between two doubles would have no inside.
        narrowest = BINS * float(np.spacing(max(abs(least), abs(largest))))
        # A little wider, lest rounding leave the largest value outside of the last bin.
        span = max(largest - least, narrowest) * (1.0 + 1.0 / BINS)
        empty = np.zeros(BINS)
        return cls(least, largest, least, span, empty, empty)

    def _doubled(self, *, downwards: bool) -> Tally:
        def halved(bins: FloatArray) -> FloatArray:
            pairs, empty = bins.reshape(-1, 2).sum(axis=1), np.zeros(BINS // 2)
            return np.concatenate([empty, pairs] if downwards else [pairs, empty])

        return replace(
            self,
            low=self.low - self.span if downwards else self.low,
            span=2.0 * self.span,
            counts=halved(self.counts),
            sums=halved(self.sums),
        )

    def _counted(self, values: FloatArray, times: float = 1.0) -> Tally:
        flat = np.asarray(values, dtype=np.float64).ravel()
        places = np.minimum((flat - self.low) / self.width, BINS - 1.0).astype(np.int64)
        return replace(
            self,
            counts=self.counts + times * np.bincount(places, minlength=BINS),
            sums=self.sums + times * np.bincount(places, flat, minlength=BINS),
        )
