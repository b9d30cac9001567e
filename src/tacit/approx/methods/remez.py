"""Minimax polynomials by Remez' exchange of many points, with a certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from scipy import linalg

from tacit.approx.domain import graded, sharpened
from tacit.approx.methods.verified import solve_verified
from tacit.approx.problem import Method, Problem, Solution
from tacit.approx.symmetry import Reduced, reduced
from tacit.ir.functions import FloatArray

EPSILON = float(np.finfo(np.float64).eps)
# Remez converges quadratically: smooth functions take about 6 rounds, kinks about 12.
ROUNDS = 60
# The levelled error and the largest error agree to this: nothing more can be gained.
LEVELLED = 1e-10
# A fit whose levelled and largest errors differ by more is tried again in high precision.
CERTIFIED = 1e-2
# Points between neighbours of the reference when extrema are looked for.
BETWEEN = 12

Solve = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True)
class Levelled:
    """A polynomial whose error on a reference alternates with one magnitude, and its true error."""

    coefficients: FloatArray
    level: float
    largest: float


@dataclass(frozen=True)
class Minimax(Method):
    """The polynomial whose largest error is least, by Remez' exchange."""

    name = "minimax"

    def solve(self, problem: Problem) -> Solution:
        """The polynomial, with de la Vallée-Poussin's lower bound."""
        small = reduced(problem)
        scale = float(np.abs(small.target(graded(small.pieces, 65))).max())
        steps = _exchange(small, scale, _solve)
        if not _is_certified(steps, scale):
            steps += _exchange(small, scale, solve_verified)
        best = min(steps, key=lambda each: each.largest)
        # The bound is worth what double arithmetic made of it.
        slack = 4.0 * EPSILON * (scale + float(np.abs(best.coefficients).sum()))
        bound = max(0.0, max(each.level for each in steps) - slack)
        return Solution(tuple(small.whole(best.coefficients).tolist()), bound)


def _is_certified(steps: list[Levelled], scale: float) -> bool:
    largest = min(each.largest for each in steps)
    level = max(each.level for each in steps)
    # Under 1e-12 of the function's size, the values themselves carry the difference.
    return largest - level <= CERTIFIED * largest or largest <= 1e-12 * scale


def _exchange(small: Reduced, scale: float, solve: Solve) -> list[Levelled]:
    """The steps of Remez' algorithm until the error is levelled or no longer falls."""
    reference = _first_reference(small)
    steps: list[Levelled] = []
    for _ in range(ROUNDS):
        coefficients, level = _levelled(small, reference, solve)
        error = _error_of(small, coefficients)
        points = _extrema(small, reference, error)
        errors = error(points)
        bound = _lower_bound(error(reference), level)
        steps.append(Levelled(coefficients, bound, float(np.abs(errors).max())))
        if _is_over(steps, scale):
            break
        reference = _exchanged(reference, level, points, errors)
    return steps


def _is_over(steps: list[Levelled], scale: float) -> bool:
    now = steps[-1]
    if now.largest - now.level <= LEVELLED * now.largest or now.largest <= 2.0 * EPSILON * scale:
        return True
    # Rounding keeps very small errors from levelling: stop when ten rounds brought nothing.
    before = [each.largest for each in steps[:-10]]
    return bool(before) and min(each.largest for each in steps[-10:]) >= 0.999 * min(before)


def _levelled(small: Reduced, reference: FloatArray, solve: Solve) -> tuple[FloatArray, float]:
    """The coefficients and the level E with target - p = E, -E, E, … on the reference."""
    signs = (-1.0) ** np.arange(len(reference))
    system = np.column_stack([_basis(small, reference), signs])
    try:
        answer = solve(system, small.target(reference))
    except np.linalg.LinAlgError:
        # Points that rounding cannot tell apart: the error is then as small as rounding, too.
        answer = linalg.lstsq(system, small.target(reference))[0]
    return answer[:-1], float(answer[-1])


def _lower_bound(errors: FloatArray, level: float) -> float:
    """What no error is below, because these errors alternate (de la Vallée-Poussin)."""
    signs = (-1.0) ** np.arange(len(errors)) * (1.0 if level >= 0.0 else -1.0)
    return max(0.0, float((signs * errors).min()))


def _solve(system: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.solve(system, values), dtype=np.float64)


def _basis(small: Reduced, t: FloatArray) -> FloatArray:
    columns = chebyshev.chebvander(t, small.indices[-1])[:, list(small.indices)]
    return np.asarray(columns, dtype=np.float64)


def _error_of(small: Reduced, coefficients: FloatArray) -> Callable[[FloatArray], FloatArray]:
    padded = np.zeros(small.indices[-1] + 1)
    padded[list(small.indices)] = coefficients

    def error(t: FloatArray) -> FloatArray:
        difference: FloatArray = small.target(t) - chebyshev.chebval(t, padded)
        return difference

    return error


def _first_reference(small: Reduced) -> FloatArray:
    """One point more than there are coefficients, distributed as alternation points are."""
    count = len(small.indices) + 1
    low, high = small.pieces[0][0], small.pieces[-1][1]
    connected = all(a[1] == b[0] for a, b in zip(small.pieces[:-1], small.pieces[1:], strict=True))
    if connected and low < 0.0:
        return np.asarray(graded(((low, high),), count))
    if connected and low == 0.0:
        # The nonnegative half of the extrema of a Chebyshev polynomial; 0 only if even.
        is_odd = small.indices[0] == 1
        angles = np.arange(count - 1, -1, -1) / (2 * count - (1 if is_odd else 2))
        return high * np.cos(np.pi * angles)
    return _fekete(small, count)


def _fekete(small: Reduced, count: int) -> FloatArray:
    """Points on any union of intervals at which the basis is well conditioned.

    Approximate Fekete points (Sommariva & Vianello 2009): QR with pivoting picks the columns.
    """
    step = small.indices[1] - small.indices[0] if len(small.indices) > 1 else 2
    indices = (*small.indices, small.indices[-1] + step)
    candidates = graded(small.pieces, max(8 * count, 64))
    rows = chebyshev.chebvander(candidates, indices[-1])[:, list(indices)]
    pivots = linalg.qr(rows.T, mode="r", pivoting=True)[1]
    return np.sort(candidates[pivots[:count]])


def _extrema(
    small: Reduced, reference: FloatArray, error: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """One point for each run of errors of one sign: where the error is largest in the run."""
    t = _lookouts(small, reference)
    errors = error(t)
    starts = np.flatnonzero(np.diff(errors < 0.0, prepend=not errors[0] < 0.0))
    stops = np.append(starts[1:], len(t))
    sizes = np.abs(errors)
    peaks = np.array(
        [a + int(np.argmax(sizes[a:b])) for a, b in zip(starts, stops, strict=True)], dtype=np.int64
    )
    lefts, rights = t[np.maximum(peaks - 1, 0)], t[np.minimum(peaks + 1, len(t) - 1)]
    piece_lows, piece_highs = (np.array(each) for each in zip(*small.pieces, strict=True))
    piece = np.searchsorted(piece_lows, t[peaks], side="right") - 1
    lefts = np.where(t[peaks] == piece_lows[piece], t[peaks], np.maximum(lefts, piece_lows[piece]))
    rights = np.minimum(rights, np.maximum(piece_highs[piece], t[peaks]))
    return sharpened(error, t[peaks], lefts, rights, rounds=2)


def _lookouts(small: Reduced, reference: FloatArray) -> FloatArray:
    """Points between all neighbours of the reference and of the pieces' ends, and evenly graded."""
    ends = np.array(small.pieces)
    stops = np.unique(np.concatenate([ends.ravel(), reference]))
    middles = (stops[:-1] + stops[1:]) / 2.0
    inside = ((middles[:, None] > ends[:, 0]) & (middles[:, None] < ends[:, 1])).any(axis=1)
    gaps = tuple(zip(stops[:-1][inside].tolist(), stops[1:][inside].tolist(), strict=True))
    return np.union1d(graded(gaps, BETWEEN), graded(small.pieces, 4 * len(reference) + 2))


def _exchanged(
    reference: FloatArray, level: float, points: FloatArray, errors: FloatArray
) -> FloatArray:
    """The next reference: as many extrema as it has points, alternating, the largest kept."""
    count = len(reference)
    if len(points) < count:
        return _one_exchanged(reference, level, points, errors)
    kept = list(range(len(points)))
    sizes = np.abs(errors)
    while len(kept) > count:
        ends = (kept[0], kept[-1])
        weakest = min(ends, key=lambda each: float(sizes[each]))
        pairs = np.maximum(sizes[kept[:-1]], sizes[kept[1:]])
        pair = int(np.argmin(pairs))
        # One inside point alone cannot go, its neighbours have the same sign.
        if len(kept) == count + 1 or sizes[weakest] <= pairs[pair]:
            kept.remove(weakest)
        else:
            del kept[pair : pair + 2]
    return points[kept]


def _one_exchanged(
    reference: FloatArray, level: float, points: FloatArray, errors: FloatArray
) -> FloatArray:
    """The reference with the point of largest error in place of a neighbour of the same sign."""
    worst = int(np.argmax(np.abs(errors)))
    point, is_negative = points[worst], bool(errors[worst] < 0.0)
    after = int(np.searchsorted(reference, point))
    place = min(after, len(reference) - 1)
    if (level < 0.0) ^ (place % 2 == 1) == is_negative:
        return np.sort(np.append(np.delete(reference, place), point))
    if after == 0:
        return np.append(point, reference[:-1])
    if after == len(reference):
        return np.append(reference[1:], point)
    return np.sort(np.append(np.delete(reference, after - 1), point))
