"""Histograms of a function's inputs, and integrals that weigh by them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from tacit.approx.domain import Intervals, pieces
from tacit.approx.target import LARGEST, ScalarFunction, values_of
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

# An activation's range cut this finely: the density's shape, not the samples' noise.
BINS = 256
# A panel of 16 nodes integrates three half-waves, squared, to 1e-13 of their size.
NODES = 16
HALF_WAVES_PER_PANEL = 3
# Half-waves that the function may have beyond those of the polynomial.
SPARE_HALF_WAVES = 32
# The error of a composite oscillates more than a polynomial's: it is integrated as finely as this.
FINE = 1000


class Approximation(Protocol):
    """What stands for a function on intervals: a fit or a composite."""

    @property
    def function(self) -> ScalarFunction:
        """What is approximated."""

    @property
    def intervals(self) -> Intervals:
        """Where."""

    def __call__(self, x: FloatArray) -> FloatArray:
        """The approximation's values at `x`."""


@dataclass(frozen=True)
class Histogram:
    """How often a function's input lies where: a density that is constant on each bin.

    `edges` ascend and are one more than the `counts`, which may be any numbers that are not
    negative: numbers of samples, or probabilities.
    """

    edges: tuple[float, ...]
    counts: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse edges that do not ascend, and counts that are no density."""
        object.__setattr__(self, "edges", tuple(float(each) for each in self.edges))
        object.__setattr__(self, "counts", tuple(float(each) for each in self.counts))
        if len(self.edges) != len(self.counts) + 1:
            raise TypeMismatch(
                f"{len(self.edges)} edges do not bound {len(self.counts)} bins",
                hint="give one edge more than counts",
            )
        ascending = all(low < high for low, high in pairwise(self.edges))
        if not (ascending and all(math.isfinite(each) for each in self.edges)):
            raise TypeMismatch(
                "the edges of a histogram do not ascend, or are not finite",
                hint="give each edge once, in ascending order",
            )
        for place, count in enumerate(self.counts):
            if not 0.0 <= count < math.inf:
                raise TypeMismatch(
                    f"bin {place} of a histogram counts {count:g}",
                    hint="counts must be finite and not negative",
                )
        if not any(self.counts):
            raise TypeMismatch(
                "a histogram of no samples", hint="at least one count must be above 0"
            )

    @classmethod
    def of(
        cls, samples: FloatArray, *, bins: int = BINS, on: tuple[float, float] | None = None
    ) -> Histogram:
        """The histogram of samples of any shape, in `bins` equal bins on their range, or `on` one.

        Samples outside of `on` are left out; those that are not finite are refused.

        >>> Histogram.of(np.array([0.0, 1.0, 4.0]), bins=2).counts
        (2.0, 1.0)
        """
        flat = _reals(samples).ravel()
        if on is not None and not on[0] < on[1] < math.inf:
            raise TypeMismatch(
                f"[{on[0]:g}, {on[1]:g}] has no inside", hint="give on=(low, high) with low < high"
            )
        bad = np.flatnonzero(~(np.abs(flat) <= LARGEST))
        if flat.size == 0 or bad.size or bins < 1:
            raise TypeMismatch(
                f"{flat.size} samples, {bad.size} of them not finite, fill no {bins} bins",
                hint="give finite samples, and at least one bin",
            )
        counts, edges = np.histogram(flat, bins=bins, range=on)
        return cls(tuple(edges.tolist()), tuple(counts.tolist()))

    def merged(self, other: Histogram) -> Histogram:
        """The histogram of both: of batch after batch, only one histogram is ever held.

        Equal edges are kept, and the sums are exact. Otherwise both are spread, evenly within each
        bin, over as many equal bins as the finer one has, on the range of both.
        """
        if self.edges == other.edges:
            return Histogram(self.edges, tuple(np.add(self.counts, other.counts).tolist()))
        low, high = min(self.edges[0], other.edges[0]), max(self.edges[-1], other.edges[-1])
        edges = np.linspace(low, high, max(len(self.counts), len(other.counts)) + 1)
        counts = np.diff(self.below(edges)) + np.diff(other.below(edges))
        return Histogram(tuple(edges.tolist()), tuple(np.maximum(counts, 0.0).tolist()))

    def below(self, x: FloatArray) -> FloatArray:
        """The count below each `x`."""
        totals = np.concatenate([[0.0], np.cumsum(self.counts)])
        return np.asarray(np.interp(x, self.edges, totals))

    def density(self, x: FloatArray) -> FloatArray:
        """The count per unit of x; 0 outside of the bins."""
        heights = np.concatenate([[0.0], np.array(self.counts) / np.diff(self.edges), [0.0]])
        return np.asarray(heights[np.searchsorted(self.edges, x, side="right")])

    @property
    def occupied(self) -> int:
        """The number of bins that hold something."""
        return int(np.count_nonzero(self.counts))


def _reals(samples: FloatArray) -> FloatArray:
    try:
        return np.asarray(samples, dtype=np.float64)
    except (TypeError, ValueError) as failure:
        raise TypeMismatch(
            f"samples of type {np.asarray(samples).dtype} are no numbers", hint="give real numbers"
        ) from failure


def quadrature(
    intervals: Intervals,
    breaks: Iterable[float],
    histogram: Histogram | None,
    *,
    degree: int,
    spread: float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights that integrate squares of such polynomials, weighed by the histogram.

    Gauss–Legendre on panels that end at `breaks` and bin edges, so that nothing bends or jumps
    inside one. The weights sum to 1, of which `spread` falls evenly on the intervals; without a
    histogram all of it does.
    """
    edges = histogram.edges if histogram else ()
    cells = np.array(pieces(intervals, (*breaks, *edges)))
    if histogram and spread == 0.0:
        cells = cells[histogram.density(cells.mean(axis=1)) > 0.0]
    if not len(cells):
        raise _empty(intervals)
    ends = _panels(cells, (intervals[0][0], intervals[-1][1]), degree)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    middles, halves = ends.mean(axis=1)[:, None], (ends[:, 1:] - ends[:, :1]) / 2.0
    x, even = (middles + halves * nodes).ravel(), (halves * weights).ravel()
    even /= even.sum()
    if not histogram:
        return x, even
    shares = even * np.repeat(histogram.density(middles[:, 0]), NODES)
    total = float(shares.sum())
    if total == 0.0:
        raise _empty(intervals)
    return x, spread * even + (1.0 - spread) * shares / total


def _empty(intervals: Intervals) -> TypeMismatch:
    return TypeMismatch(
        f"the histogram counts nothing on [{intervals[0][0]:g}, {intervals[-1][1]:g}]",
        hint="choose intervals on which there are data",
    )


def _panels(cells: FloatArray, hull: tuple[float, float], degree: int) -> FloatArray:
    """The ends, shape (panels, 2), of cells cut evenly in the angle whose cosine is t."""
    low, high = hull
    t = np.clip(((cells - low) + (cells - high)) / (high - low), -1.0, 1.0)
    angles = np.arccos(-t)
    half_waves = (SPARE_HALF_WAVES + degree) * (angles[:, 1] - angles[:, 0]) / np.pi
    counts = np.maximum(1, np.ceil(half_waves / HALF_WAVES_PER_PANEL)).astype(np.int64)
    return np.concatenate(
        [
            _cut(cell, low + (high - low) * (1.0 - np.cos(np.linspace(a, b, count + 1))) / 2.0)
            for cell, (a, b), count in zip(cells, angles, counts.tolist(), strict=True)
        ]
    )


def _cut(cell: FloatArray, ends: FloatArray) -> FloatArray:
    # Rounding must not move a panel over an edge of its cell.
    ends[0], ends[-1] = cell
    return np.stack([ends[:-1], ends[1:]], axis=1)


def root_mean_square(approximation: Approximation, histogram: Histogram | None = None) -> float:
    """The root of the mean squared error on the intervals, for inputs as in the histogram.

    Without a histogram every input counts alike. Inputs outside of the intervals do not count.
    """
    function = approximation.function
    x, shares = quadrature(approximation.intervals, function.kinks, histogram, degree=FINE)
    errors = values_of(function, x) - approximation(x)
    return float(np.sqrt(shares @ errors**2))
