"""The largest error of an approximation, looked for densely, however it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tacit.approx.domain import (
    FINEST,
    STEEP,
    Intervals,
    graded,
    hugging,
    pieces,
    sharpened,
    watched,
)
from tacit.approx.target import ScalarFunction, values_of, weights_of
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

# Extrema found on the points below are sharpened, so points per oscillation need not be many.
POINTS_PER_DEGREE = 12
LEAST_POINTS = 2001
# Rounds of sharpening at most: each makes a place about ten times as exact.
ROUNDS = 24
# What sharpening may leave below the true height of an extremum.
UNSEEN = 1e-11
# A jump this many times larger than the function usually is comes from a pole.
POLE = 1e6


def largest_error(  # noqa: PLR0913 - what, by what, where, and how densely to look
    function: ScalarFunction,
    approximation: Callable[[FloatArray], FloatArray],
    intervals: Intervals,
    *,
    degree: int,
    breaks: Iterable[float] = (),
    weight: ScalarFunction | None = None,
) -> float:
    """The largest |weight (function - approximation)| on the intervals, rounded up.

    Points crowd towards ends, kinks and `breaks`; the highest extrema are then sharpened.
    """

    def error(x: FloatArray) -> FloatArray:
        difference = values_of(function, x) - approximation(x)
        return difference if weight is None else difference * weights_of(weight, x)

    kinks = function.kinks if weight is None else (*function.kinks, *weight.kinks)
    parts = pieces(intervals, (*kinks, *breaks))
    points = lookouts(parts, max(LEAST_POINTS, POINTS_PER_DEGREE * degree))
    x = watched(lambda x: values_of(function, x), parts, points)
    sizes = np.abs(error(x))
    top = _highest(sizes)
    part = np.maximum(np.searchsorted([low for low, _ in parts], x[top], side="right") - 1, 0)
    ends = np.array(parts)[part]
    lefts = np.clip(x[np.maximum(top - 1, 0)], ends[:, 0], None)
    rights = np.clip(x[np.minimum(top + 1, len(x) - 1)], None, ends[:, 1])
    sharp = sharpened(
        error, x[top], np.minimum(lefts, x[top]), np.maximum(rights, x[top]), rounds=ROUNDS
    )
    # One rounding of the function's own size can separate two evaluations of the same error.
    size = np.abs(values_of(function, x))
    if weight is not None:
        size = size * weights_of(weight, x)
    roundings = 4.0 * np.finfo(np.float64).eps * float(size.max())
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


def refuse_breaks(function: ScalarFunction, intervals: Intervals) -> None:
    """Refuse a function that jumps or has a pole where it did not say so."""
    parts = pieces(intervals, function.kinks)
    x = watched(lambda x: values_of(function, x), parts, lookouts(parts, LEAST_POINTS))
    values = values_of(function, x)
    # Neighbours that no double, or only a few, lie between.
    is_close = np.diff(x) <= 2.0 * FINEST * np.spacing(np.abs(x[1:]))
    rises = np.where(is_close, np.abs(np.diff(values)), 0.0)
    worst = int(np.argmax(rises))
    if rises[worst] <= STEEP * np.ptp(values):
        return
    if rises[worst] > POLE * float(np.median(np.abs(values))):
        raise TypeMismatch(
            f"{function.name} seems to have a pole near {x[worst]:g}: {values[worst]:g} there",
            hint="choose intervals that leave a gap around the pole",
        )
    raise TypeMismatch(
        f"{function.name} jumps by {rises[worst]:g} near {x[worst]:g}",
        hint="approximate on intervals that leave a gap around the jump",
    )
