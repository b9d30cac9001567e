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
# From the third on, a round that raises no extremum by more than this share is the last one.
SHARP = 1e-11
# A function is steep where it changes by this share of its range between two neighbours.
STEEP = 0.125
# Rounds of cutting steep cells, into so many each, and how many cells a round cuts.
ZOOMS, CUTS, MOST_CELLS = 20, 8, 32
# Cells of so few units in the last place are not cut.
FINEST = 16.0


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
    low, high = ordered[0][0], max(high for _, high in ordered)
    if not math.isfinite(2.0 * (high - low)):
        raise TypeMismatch(
            f"[{low:g}, {high:g}] is too wide: its length is no double", hint="scale the variable"
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


def watched(
    function: Callable[[FloatArray], FloatArray], parts: Intervals, x: FloatArray
) -> FloatArray:
    """`x`, which ascends, with more points wherever the function is steep between neighbours.

    What is steep is cut until it no longer is, or until doubles run out, as they do at a jump.
    """
    lows, highs = np.array(parts).T
    for _ in range(ZOOMS):
        values = function(x)
        rises = np.abs(np.diff(values))
        cells = np.flatnonzero(rises > STEEP * np.ptp(values))
        left, right = x[cells], x[cells + 1]
        inside = right <= highs[np.searchsorted(lows, left, side="right") - 1]
        cells = cells[inside & (right - left > FINEST * np.spacing(np.abs(right)))]
        if not cells.size:
            break
        # A function that is steep nearly everywhere would ask for more points without end.
        worst = cells[np.argsort(-rises[cells], kind="stable")[:MOST_CELLS]]
        steps = x[worst + 1] - x[worst]
        fresh = x[worst, None] + steps[:, None] * np.arange(1, CUTS) / CUTS
        x = np.sort(np.concatenate([x, fresh.ravel()]))
    return x


def sharpened(
    error: Callable[[FloatArray], FloatArray],
    points: FloatArray,
    lefts: FloatArray,
    rights: FloatArray,
    *,
    rounds: int,
) -> FloatArray:
    """The points moved to where |error| is largest near them, by parabolas in [left, right].

    A smooth extremum is found in two or three rounds; a kink that nobody declared takes more.
    """
    signs = np.where(error(points) < 0.0, -1.0, 1.0)
    best, heights = points, signs * error(points)
    floors, ceilings, columns = lefts, rights, np.arange(len(points))
    for turn in range(rounds):
        outer = error(np.stack([lefts, rights])) * signs
        tops = np.clip(
            vertices((lefts, best, rights), (outer[0], heights, outer[1])), lefts, rights
        )
        candidates = np.stack([lefts, rights, tops])
        found = np.concatenate([outer, (error(tops) * signs)[None]])
        which = np.argmax(found, axis=0)
        improved = found[which, columns] > heights
        best = np.where(improved, candidates[which, columns], best)
        gains = np.where(improved, found[which, columns] - heights, 0.0)
        heights = heights + gains
        if turn >= 2 and (gains <= SHARP * heights).all():
            break
        # A bracket whose end is the best of it was narrowed too soon: it moves there instead.
        reach = (rights - lefts) / np.where(improved & (which < 2), 2.0, 2.0 * SHARPENING)
        lefts, rights = np.maximum(floors, best - reach), np.minimum(ceilings, best + reach)
    return best


def vertices(
    places: tuple[FloatArray, FloatArray, FloatArray],
    heights: tuple[FloatArray, FloatArray, FloatArray],
) -> FloatArray:
    """Where the parabolas through three points each have their vertex; the middle if nowhere."""
    left, middle, right = places
    width = right - left
    safe_width = np.where(width > 0.0, width, 1.0)
    # Shares of the width, because its square may be too large for a double.
    before, after = (middle - left) / safe_width, (right - middle) / safe_width
    rise, fall = heights[1] - heights[0], heights[1] - heights[2]
    curvature = rise * after + fall * before
    usable = curvature > 0.0
    safe = np.where(usable, curvature, 1.0)
    shift = 0.5 * width * ((rise * after * after - fall * before * before) / safe)
    return np.where(usable, middle + shift, middle)
