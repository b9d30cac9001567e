"""References of Remez' algorithm: where the error must alternate, first and after each exchange."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tacit.approx.domain import Intervals, graded, hugging, watched
from tacit.approx.symmetry import Reduced
from tacit.ir.functions import FloatArray

# Points between neighbours of the reference when extrema are looked for.
BETWEEN = 9
# Points at each end of each piece, their distances a geometric series.
HUGGING = 20
# Points of each piece that show where the target is steep.
SAMPLE = 65
TINY = float(np.finfo(np.float64).tiny)


def first_reference(small: Reduced) -> FloatArray:
    """One point more than there are coefficients, distributed as alternation points are."""
    count = len(small.indices) + 1
    low, high = small.pieces[0][0], small.pieces[-1][1]
    if not is_connected(small.pieces):
        return _leja(small, count)
    if not small.is_folded:
        return np.asarray(graded(((low, high),), count))
    if low > 0.0:
        # A folded polynomial is a general one in t**2.
        return np.asarray(np.sqrt(graded(((low * low, high * high),), count)).clip(low, high))
    # The nonnegative half of the extrema of a Chebyshev polynomial; 0 only if even.
    angles = np.arange(count - 1, -1, -1) / (2 * count - (1 if small.is_odd else 2))
    return np.asarray(high * np.cos(np.pi * angles)) * (angles < 0.5)


def is_connected(parts: Intervals) -> bool:
    """Whether the parts touch one another."""
    return all(a[1] == b[0] for a, b in pairwise(parts))


def _leja(small: Reduced, count: int) -> FloatArray:
    """Points on any union of intervals, distributed as alternation points are in the limit.

    Leja points (Leja 1957): each next one is where the product of distances to those before is
    largest.
    """
    t = graded(small.pieces, max(8 * count, 64))
    # An odd polynomial is exact at 0 already.
    t = t[t > 0.0] if small.is_odd else t
    u = t * t if small.is_folded else t
    products = np.zeros_like(u)
    chosen = [int(np.argmax(u))]
    for _ in range(count - 1):
        distances = np.abs(u - u[chosen[-1]])
        distances[chosen[-1]] = TINY
        products += np.log(np.maximum(distances, TINY))
        chosen.append(int(np.argmax(products)))
    return np.sort(t[chosen])


def between(parts: Intervals, reference: FloatArray) -> FloatArray:
    """The reference, the parts' ends, and points graded between all of these; ascending."""
    ends = np.array(parts)
    stops = np.unique(np.concatenate([ends.ravel(), reference]))
    left, right = stops[:-1], stops[1:]
    middles = (left + right) / 2.0
    # In a gap between two parts there is nothing to look at.
    part = np.searchsorted(ends[:, 0], middles, side="right") - 1
    inside = middles < ends[part, 1]
    # A reference may stand between parts only by rounding.
    shares = 0.5 - 0.5 * np.cos(np.pi * np.arange(BETWEEN) / BETWEEN)
    points = left[inside, None] + (right - left)[inside, None] * shares
    grid = np.minimum(points, right[inside, None])
    closing = right[inside & np.append(~inside[1:], True)]
    return np.asarray(np.sort(np.concatenate([grid.ravel(), closing])))


def lookouts(small: Reduced) -> FloatArray:
    """Points to look at in any case: close to the ends of pieces, and where the target is steep."""
    ends = hugging(small.pieces, HUGGING)
    sample = np.sort(np.concatenate([ends, graded(small.pieces, SAMPLE)]))
    steep = np.setdiff1d(watched(small.target, small.pieces, sample), sample)
    return np.concatenate([ends, steep]) if steep.size else ends


def exchanged(count: int, errors: FloatArray) -> list[int]:
    """Which `count` of these alternating errors stay: some that alternate, the least of them large.

    The weakest goes first; if it is inside, so does the smaller of its neighbours, which have one
    sign. So none that stays is smaller than the level of the reference before, the largest stays,
    and the next level is higher: an exchange that loses this may go round in circles.
    """
    sizes = np.abs(errors)
    kept = list(range(len(errors)))
    while len(kept) > count:
        weakest = int(np.argmin(sizes[kept]))
        if 0 < weakest < len(kept) - 1 and len(kept) > count + 1:
            left_is_smaller = sizes[kept[weakest - 1]] < sizes[kept[weakest + 1]]
            start = weakest - 1 if left_is_smaller else weakest
            del kept[start : start + 2]
        else:
            del kept[0 if sizes[kept[0]] <= sizes[kept[-1]] else -1]
    return kept


def replaced_by(reference: FloatArray, errors: FloatArray, point: float, error: float) -> int:
    """Which point of the reference gives way to a new one, so that errors still alternate.

    `errors` are those of the reference. The new point stands where the old one did, except at the
    ends of the reference, where the points in between move by one place.
    """
    after = int(np.searchsorted(reference, point))
    last = len(reference) - 1
    if after <= last and (errors[after] < 0.0) == (error < 0.0):
        return after
    if after > 0 and (errors[after - 1] < 0.0) == (error < 0.0):
        return after - 1
    return last if after == 0 else 0
