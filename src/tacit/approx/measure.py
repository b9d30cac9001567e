"""The largest error of an approximation, looked for densely, however it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tacit.approx.domain import Intervals, graded, hugging, pieces, sharpened
from tacit.approx.target import ScalarFunction, values_of
from tacit.ir.functions import FloatArray

# Extrema found on the points below are sharpened, so points per oscillation need not be many.
POINTS_PER_DEGREE = 12
LEAST_POINTS = 2001
# What sharpening may leave below the true height of an extremum.
UNSEEN = 1e-11


def largest_error(
    function: ScalarFunction,
    approximation: Callable[[FloatArray], FloatArray],
    intervals: Intervals,
    *,
    degree: int,
    breaks: Iterable[float] = (),
) -> float:
    """The largest |function - approximation| on the intervals, rounded up.

    Points crowd towards ends, kinks and `breaks`; the highest extrema are then sharpened.
    """

    def error(x: FloatArray) -> FloatArray:
        return values_of(function, x) - approximation(x)

    parts = pieces(intervals, (*function.kinks, *breaks))
    x = lookouts(parts, max(LEAST_POINTS, POINTS_PER_DEGREE * degree))
    sizes = np.abs(error(x))
    top = _highest(sizes)
    part = np.maximum(np.searchsorted([low for low, _ in parts], x[top], side="right") - 1, 0)
    ends = np.array(parts)[part]
    lefts = np.clip(x[np.maximum(top - 1, 0)], ends[:, 0], None)
    rights = np.clip(x[np.minimum(top + 1, len(x) - 1)], None, ends[:, 1])
    sharp = sharpened(
        error, x[top], np.minimum(lefts, x[top]), np.maximum(rights, x[top]), rounds=3
    )
    # One rounding of the function's own size can separate two evaluations of the same error.
    roundings = 4.0 * np.finfo(np.float64).eps * float(np.abs(values_of(function, x)).max())
    largest = max(float(sizes.max()), float(np.abs(error(sharp)).max()))
    return float(largest * (1.0 + UNSEEN) + roundings)


def lookouts(parts: Intervals, count: int) -> FloatArray:
    """Points on each part: evenly, graded towards its ends, and hugging the ends."""
    even = [np.linspace(low, high, count // 2) for low, high in parts]
    return np.unique(np.concatenate([graded(parts, count), hugging(parts, 100), *even]))


def _highest(sizes: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The places of the local maxima that come within one percent of the largest."""
    padded = np.concatenate([[-1.0], sizes, [-1.0]])
    is_peak = (sizes >= padded[:-2]) & (sizes >= padded[2:]) & (sizes >= 0.99 * sizes.max())
    return np.flatnonzero(is_peak).astype(np.int64)
