"""Where a function is approximated: unions of intervals, and points that look at them densely."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

Intervals = tuple[tuple[float, float], ...]
# Each round multiplies the resolution of an extremum's place by about this factor.
SHARPENING = 8.0


def checked_intervals(intervals: Iterable[Sequence[float]]) -> Intervals:
    """The intervals in ascending order, touching ones merged; raises on empty or infinite ones."""
    ordered = sorted((float(low), float(high)) for low, high in intervals)
    if not ordered:
        raise TypeMismatch("there is no interval to approximate on")
    for low, high in ordered:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise TypeMismatch(
                f"[{low:g}, {high:g}] is not an interval with an inside",
                hint="both ends must be finite and low < high",
            )
    merged = [ordered[0]]
    for low, high in ordered[1:]:
        before = merged[-1]
        if low <= before[1]:
            # A shared end would stand twice among the alternation points: a singular system.
            merged[-1] = (before[0], max(before[1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def pieces(intervals: Intervals, breaks: Iterable[float]) -> Intervals:
    """The intervals cut at the breaks that lie inside them."""
    cuts = sorted(set(breaks))
    cut: list[tuple[float, float]] = []
    for low, high in intervals:
        ends = [low, *(each for each in cuts if low < each < high), high]
        cut.extend(pairwise(ends))
    return tuple(cut)


def graded(intervals: Intervals, count: int) -> FloatArray:
    """`count` points in each interval, closer towards its ends, which are included; ascending."""
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(count) / (count - 1))
    lows, highs = np.array(intervals).T
    points = lows[:, None] + (highs - lows)[:, None] * ramp
    # Rounding must neither miss an end nor step over it.
    points[:, -1] = highs
    return np.unique(np.clip(points, lows[:, None], highs[:, None]))


def hugging(intervals: Intervals, count: int) -> FloatArray:
    """`count` points near each end of each interval, their distances a geometric series."""
    # Below 1e-12 of the length nothing is left that a double could tell apart.
    steps = np.geomspace(1e-12, 0.5, count)
    lows, highs = np.array(intervals).T
    widths = (highs - lows)[:, None]
    near = np.concatenate([lows[:, None] + widths * steps, highs[:, None] - widths * steps], axis=1)
    return np.unique(np.clip(near, lows[:, None], highs[:, None]))


def sharpened(
    error: Callable[[FloatArray], FloatArray],
    points: FloatArray,
    lefts: FloatArray,
    rights: FloatArray,
    *,
    rounds: int,
) -> FloatArray:
    """The points moved to where |error| is largest near them, by parabolas in [left, right]."""
    signs = np.where(error(points) < 0.0, -1.0, 1.0)
    best, heights = points, signs * error(points)
    for _ in range(rounds):
        outer = error(np.stack([lefts, rights])) * signs
        vertices = np.clip(
            _vertices((lefts, best, rights), (outer[0], heights, outer[1])), lefts, rights
        )
        candidates = np.stack([lefts, rights, vertices])
        found = np.concatenate([outer, (error(vertices) * signs)[None]])
        which = np.argmax(found, axis=0)
        columns = np.arange(len(points))
        improved = found[which, columns] > heights
        best = np.where(improved, candidates[which, columns], best)
        heights = np.where(improved, found[which, columns], heights)
        reach = (rights - lefts) / (2.0 * SHARPENING)
        lefts, rights = np.maximum(lefts, best - reach), np.minimum(rights, best + reach)
    return best


def _vertices(
    places: tuple[FloatArray, FloatArray, FloatArray],
    heights: tuple[FloatArray, FloatArray, FloatArray],
) -> FloatArray:
    """Where the parabolas through three points each have their vertex; the middle if nowhere."""
    left, middle, right = places
    before, after = middle - left, right - middle
    rise, fall = heights[1] - heights[0], heights[1] - heights[2]
    curvature = rise * after + fall * before
    usable = curvature > 0.0
    safe = np.where(usable, curvature, 1.0)
    shift = 0.5 * (rise * after * after - fall * before * before) / safe
    return np.where(usable, middle + shift, middle)
