"""Where a function is approximated: unions of intervals, and points that look at them densely."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

Intervals = tuple[tuple[float, float], ...]
# A round looks at both sides of an extremum's likely place, as far away as this share of what is
# left of its bracket.
ASIDE = 1.0 / 32.0
# An extremum is found when both ends of its bracket are lower by no more than this share.
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
        raise TypeMismatch(
            "there is no interval to approximate on", hint="give two numbers (low, high)"
        )
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


def sharpened(  # noqa: PLR0913 - what, from where, between what, and when to stop
    error: Callable[[FloatArray], FloatArray],
    points: FloatArray,
    lefts: FloatArray,
    rights: FloatArray,
    *,
    rounds: int,
    noise: float = 0.0,
) -> FloatArray:
    """The points moved to where |error| is largest near them, between `lefts` and `rights`.

    Each round shrinks the brackets: by parabolas at smooth extrema, to a sixteenth, and by halving
    at least, which finds a kink that nobody declared. Differences below `noise` do not matter.
    """
    heights = error(points)
    signs = np.where(heights < 0.0, -1.0, 1.0)
    columns = np.arange(len(points))
    three = np.stack([lefts, points, rights])
    tall = np.stack([signs * error(lefts), signs * heights, signs * error(rights)])
    for _ in range(rounds):
        if (_hidden(three, tall, noise) <= SHARP * np.abs(tall[1]) + noise).all():
            break
        tops = np.clip(vertices(list(three), list(tall)), three[0], three[2])
        aside = ASIDE * (three[2] - three[0])
        halves = (three[:-1] + three[1:]) / 2.0
        fresh = np.stack([tops - aside, tops, tops + aside, *halves])
        fresh = np.clip(fresh, three[0], three[2])
        places = np.concatenate([three, fresh])
        found = np.concatenate([tall, signs * error(fresh.ravel()).reshape(fresh.shape)])
        order = np.argsort(places, axis=0, kind="stable")
        places, found = places[order, columns], found[order, columns]
        best = np.argmax(found, axis=0)
        # Its neighbours are other places, even if it was looked at twice.
        top = places[best, columns]
        below, above = (places < top).sum(axis=0) - 1, (places <= top).sum(axis=0)
        around = np.clip([below, best, above], 0, len(places) - 1)
        three, tall = places[around, columns], found[around, columns]
    return np.asarray(three[1])


def _hidden(three: FloatArray, tall: FloatArray, noise: float) -> FloatArray:
    """How far the true tops may be above the middle ones of three points, or these above the rest.

    Beside a kink the outer points may be as high as the middle one with the top between two: it is
    where the slope of one side would lead on the other.
    """
    widths, drops = np.abs(three[[0, 2]] - three[1]), tall[1] - tall[[0, 2]]
    slopes = np.maximum(drops - noise, 0.0) / np.where(widths > 0.0, widths, np.inf)
    return np.asarray(np.maximum(drops, slopes * widths[::-1]).max(axis=0))


def vertices(
    places: Sequence[FloatArray],
    heights: Sequence[FloatArray],
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
