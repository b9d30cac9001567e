"""The largest error of an approximation, looked for densely, however it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

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
# Extrema above this share of the largest are sharpened by some rounds, and those that then come
# within one percent of the largest by up to ROUNDS: each makes a place about ten times as exact.
LIKELY, FIRST_ROUNDS = 0.25, 3
HIGHEST, ROUNDS = 0.99, 48
# More extrema than these, for the highest degree, are rounding.
MOST_PEAKS = 300
# Doubles on each side of the highest extremum that show how large rounding is there.
NEXT = 16
# What sharpening may leave below the true height of an extremum.
UNSEEN = 1e-11
# A jump this many times larger than the function usually is comes from a pole.
POLE = 1e6


@dataclass(frozen=True, eq=False)
class Heights:
    """The largest |error|, rounded up, and the x of all extrema that come close to it."""

    largest: float
    places: FloatArray


def largest_error(  # noqa: PLR0913 - what, by what, where, and how densely to look
    function: ScalarFunction,
    approximation: Callable[[FloatArray], FloatArray],
    intervals: Intervals,
    *,
    degree: int,
    breaks: Iterable[float] = (),
    weight: ScalarFunction | None = None,
) -> float:
    """The largest |weight (function - approximation)| on the intervals, rounded up."""
    return heights(
        function, approximation, intervals, degree=degree, breaks=breaks, weight=weight
    ).largest


def heights(  # noqa: PLR0913 - as above
    function: ScalarFunction,
    approximation: Callable[[FloatArray], FloatArray],
    intervals: Intervals,
    *,
    degree: int,
    breaks: Iterable[float] = (),
    weight: ScalarFunction | None = None,
) -> Heights:
    """Where |weight (function - approximation)| is largest on the intervals, and how large.

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
    # A rounding of the function's own size can separate two evaluations of the same error.
    size = np.abs(values_of(function, x))
    if weight is not None:
        size = size * weights_of(weight, x)
    noise = 4.0 * float(np.finfo(np.float64).eps) * float(size.max())
    sharp = _sharpened(error, parts, (x, sizes), noise)
    heights_there = np.abs(error(sharp))
    top = float(sharp[np.argmax(heights_there)])
    nearest = np.abs(error(_next_to(top, parts)))
    noise = max(noise, float(np.ptp(nearest)))
    largest = max(float(sizes.max()), float(heights_there.max()), float(nearest.max()))
    return Heights(float(largest * (1.0 + UNSEEN) + noise), sharp)


def _next_to(x: float, parts: Intervals) -> FloatArray:
    """Points so close to `x` that errors differ by their own rounding only, in the same part."""
    low, high = next(each for each in reversed(parts) if each[0] <= x)
    reach = max(abs(parts[0][0]), abs(parts[-1][1]))
    return np.clip(x + np.finfo(np.float64).eps * reach * np.arange(-NEXT, NEXT + 1), low, high)


def lookouts(parts: Intervals, count: int) -> FloatArray:
    """Points on each part: evenly, graded towards its ends, and hugging the ends."""
    even = [np.linspace(low, high, count // 2) for low, high in parts]
    return np.unique(np.concatenate([graded(parts, count), hugging(parts, 100), *even]))


def _sharpened(
    error: Callable[[FloatArray], FloatArray],
    parts: Intervals,
    known: tuple[FloatArray, FloatArray],
    noise: float,
) -> FloatArray:
    """The places of the highest extrema, from points and the sizes of the errors there."""
    x, sizes = known
    # A kink that nobody declared may be twice as high as its neighbours on any grid.
    peaks = _peaks(sizes, LIKELY)
    part = np.maximum(np.searchsorted([low for low, _ in parts], x[peaks], side="right") - 1, 0)
    lows, highs = np.array(parts)[part].T
    lefts = np.minimum(np.maximum(x[np.maximum(peaks - 1, 0)], lows), x[peaks])
    rights = np.maximum(np.minimum(x[np.minimum(peaks + 1, len(x) - 1)], highs), x[peaks])
    near = sharpened(error, x[peaks], lefts, rights, rounds=FIRST_ROUNDS, noise=noise)
    heights = np.abs(error(near))
    high = heights >= HIGHEST * heights.max()
    return sharpened(error, near[high], lefts[high], rights[high], rounds=ROUNDS, noise=noise)


def _peaks(sizes: FloatArray, share: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The places of the local maxima above this share of the largest, the highest if very many."""
    padded = np.concatenate([[-1.0], sizes, [-1.0]])
    is_peak = (sizes >= padded[:-2]) & (sizes >= padded[2:]) & (sizes >= share * sizes.max())
    found = np.flatnonzero(is_peak).astype(np.int64)
    highest = np.argsort(-sizes[found], kind="stable")[:MOST_PEAKS]
    return np.asarray(found[np.sort(highest)])


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
