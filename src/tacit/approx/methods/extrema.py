"""Where the error of a levelled polynomial is largest between its changes of sign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tacit.approx.domain import vertices
from tacit.approx.methods.levelled import Levelled
from tacit.approx.methods.references import between
from tacit.approx.symmetry import Reduced
from tacit.ir.functions import FloatArray

# Below these gaps extrema are worth one more parabola, on points closer by CLOSER.
NEARLY_LEVELLED = (0.05, 1e-5)
CLOSER = 0.1


@dataclass(frozen=True, eq=False)
class Extrema:
    """One point for each run of errors of one sign, where the error is largest in the run."""

    points: FloatArray
    errors: FloatArray

    @property
    def largest(self) -> float:
        """The largest magnitude of the errors."""
        return float(np.abs(self.errors).max())


def extrema_of(step: Levelled, also: FloatArray) -> Extrema:
    """The extrema of a step's error, looked for between its reference, and `also` at points."""
    t = np.sort(np.concatenate([between(step.small.pieces, step.reference), also]))
    errors = step.error(t)
    sizes = np.abs(errors)
    is_negative = errors < 0.0
    starts = np.append(0, np.flatnonzero(is_negative[1:] != is_negative[:-1]) + 1)
    heights = np.maximum.reduceat(sizes, starts)
    hits = np.flatnonzero(sizes == np.repeat(heights, np.diff(starts, append=len(t))))
    peaks = hits[np.searchsorted(hits, starts)]
    lows, highs = ends_of(step.small, t[peaks])
    before, after = np.maximum(peaks - 1, 0), np.minimum(peaks + 1, len(t) - 1)
    lefts, rights = np.maximum(t[before], lows), np.minimum(t[after], highs)
    signs = np.where(is_negative[starts], -1.0, 1.0)
    tops = vertices(
        (lefts, t[peaks], rights), (signs * errors[before], heights, signs * errors[after])
    )
    best = _larger(Extrema(t[peaks], errors[peaks]), Extrema(tops, step.error(tops)), signs)
    reach = (rights - lefts) / 2.0
    for close in NEARLY_LEVELLED:
        if best.largest - abs(step.level) > close * best.largest:
            break
        reach = CLOSER * reach
        best = _nearer(step, best, reach, (lows, highs))
    return best


def _nearer(
    step: Levelled, found: Extrema, reach: FloatArray, ends: tuple[FloatArray, FloatArray]
) -> Extrema:
    """The extrema where parabolas through points at a distance of `reach` have their vertices."""
    lows, highs = ends
    signs = np.where(found.errors < 0.0, -1.0, 1.0)
    middles = np.maximum(np.minimum(found.points, highs - reach), lows + reach)
    three = np.minimum(np.stack([middles - reach, middles, middles + reach]), highs)
    around = step.error(three.ravel()).reshape(three.shape)
    left, middle, right = signs * around
    tops = np.clip(vertices((three[0], three[1], three[2]), (left, middle, right)), lows, highs)
    for points, errors in [*zip(three, around, strict=True), (tops, step.error(tops))]:
        found = _larger(found, Extrema(points, errors), signs)
    return found


def ends_of(small: Reduced, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The ends of the pieces in which the points lie."""
    lows, highs = np.array(small.pieces).T
    piece = np.searchsorted(lows, t, side="right") - 1
    return lows[piece], np.maximum(highs[piece], t)


def _larger(one: Extrema, other: Extrema, signs: FloatArray) -> Extrema:
    wins = signs * other.errors > signs * one.errors
    return Extrema(
        np.where(wins, other.points, one.points), np.where(wins, other.errors, one.errors)
    )
