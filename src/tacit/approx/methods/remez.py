"""Minimax polynomials by Remez' exchange of many points, with a certificate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from tacit.approx.curve import has_meaning
from tacit.approx.domain import vertices
from tacit.approx.measure import refuse_breaks
from tacit.approx.methods.levelled import Levelled, alternating, levelled
from tacit.approx.methods.precise import Shortage, solve_precisely
from tacit.approx.methods.references import (
    between,
    exchanged,
    first_reference,
    lookouts,
    replaced_by,
)
from tacit.approx.problem import Method, Problem, Solution
from tacit.approx.symmetry import Reduced, reduced
from tacit.approx.target import branches_of
from tacit.errors import TypeMismatch, WidthExceeded
from tacit.ir.functions import FloatArray

# The bits of a double.
DOUBLE = 53
# What a fit is certified to, and the gap that only rounding, or a function that breaks, leaves.
CERTIFIED = 1e-9
SUSPICIOUS = 0.01
# The least and most bits that are tried where doubles cannot certify a fit. The last are enough
# for exp at degree 100 on [-1, 1].
FIRST_BITS, LAST_BITS = 128, 1280
# Roundings that the evaluation of an error is charged with.
ROUNDINGS = 4.0
EPSILON = float(np.finfo(np.float64).eps)
# Remez converges quadratically: smooth functions take about 4 rounds, kinks about 10.
ROUNDS = 60
# The levelled error and the largest error agree to this: nothing more can be gained.
LEVELLED = 1e-10
# A round that brings less is no progress; rounding alone can bring as much.
PROGRESS = 1e-7
# Rounds without progress after which rounding is all that is left.
PATIENCE = 4
# Below these gaps extrema are worth one more parabola, on points closer by CLOSER.
NEARLY_LEVELLED = (0.05, 1e-5)
CLOSER = 0.1
# A point this close to a piece's end, in shares of the piece, may be that end.
END = 1e-9


@dataclass(frozen=True)
class Minimax(Method):
    """The polynomial whose largest error is least, by Remez' exchange.

    With more than 53 `bits` the answer has decimals of at least that many, and its error is
    levelled to 2**(-bits / 2); function and weight must then be known in balls. With 53, an answer
    that doubles cannot level to 1e-9 is found again with more, unless `escalates` is False.
    """

    name = "minimax"
    bits: int = DOUBLE
    escalates: bool = True

    def solve(self, problem: Problem) -> Solution:
        """The polynomial, with de la Vallée-Poussin's lower bound."""
        if self.bits < DOUBLE:
            raise TypeMismatch(f"{self.bits} bits are fewer than the {DOUBLE} of a double")
        if self.bits > DOUBLE:
            return self._solved_precisely(problem)
        small = reduced(problem)
        step, reference = _exchange(small)
        solution, gap = _certified(step, reference)
        if gap > SUSPICIOUS:
            refuse_breaks(problem.function, problem.intervals)
        if gap <= CERTIFIED or not (self.escalates and has_meaning(problem)):
            return solution
        return _escalated(problem, reference if gap < 1.0 else None) or solution

    def _solved_precisely(self, problem: Problem) -> Solution:
        """The answer with as many bits as were asked for."""
        _check_meaning(problem, self.bits)
        step, reference = _exchange(reduced(problem))
        gap = _certified(step, reference)[1]
        found = solve_precisely(problem, self.bits, reference if gap < 1.0 else None)
        match found:
            case Solution():
                return found
            case Shortage(bits):
                raise WidthExceeded(
                    f"degree {problem.degree} for {problem.function.name} needs about {bits} bits; "
                    f"{self.bits} asked",
                    hint="ask for more bits or a lower degree",
                )


def _check_meaning(problem: Problem, bits: int) -> None:
    for each in (problem.function, problem.weight):
        if each is not None and branches_of(each) is None:
            raise TypeMismatch(
                f"{each.name} is a plain callable, known in 53 bits only; {bits} asked",
                hint="give its meaning in balls: Custom(name, meaning, kinks, branches)",
            )


def _escalated(problem: Problem, reference: FloatArray | None) -> Solution | None:
    """The answer with few bits that carry it; nothing if only very many do."""
    bits = FIRST_BITS
    while bits <= LAST_BITS:
        match solve_precisely(problem, bits, reference):
            case Solution() as found:
                return found
            case Shortage(needed):
                bits = max(2 * bits, needed)
    return None


def _certified(step: Levelled, reference: FloatArray) -> tuple[Solution, float]:
    """The double answer with its lower bound, and the relative gap between bound and error."""
    small = step.small
    coefficients = _coefficients(step)
    padded = np.zeros(small.indices[-1] + 1)
    padded[list(small.indices)] = coefficients
    targets = small.target(reference)
    weights = np.ones_like(targets) if small.weight is None else small.weight(reference)
    errors = weights * (targets - chebyshev.chebval(reference, padded))
    # The bound is worth what double arithmetic made of it.
    scale = float(np.abs(targets).max()) + float(np.abs(coefficients).sum())
    slack = (ROUNDINGS * EPSILON * scale + step.blur) * float(weights.max())
    bound = max(0.0, _lower_bound(errors) - slack)
    largest = float(np.abs(errors).max()) + slack
    solution = Solution(
        tuple(small.whole(coefficients).tolist()), bound, tuple(small.unfolded(reference).tolist())
    )
    return solution, 1.0 - bound / largest if largest > 0.0 else 0.0


@dataclass(frozen=True, eq=False)
class Extrema:
    """One point for each run of errors of one sign, where the error is largest in the run."""

    points: FloatArray
    errors: FloatArray

    @property
    def largest(self) -> float:
        """The largest magnitude of the errors."""
        return float(np.abs(self.errors).max())


def _exchange(small: Reduced) -> tuple[Levelled, FloatArray]:
    """Remez' algorithm until the error is levelled or no longer falls: the best, its extrema."""
    step = levelled(small, first_reference(small))
    also = lookouts(small)
    best, best_reference, least = step, step.reference, np.inf
    waited = 0
    for _ in range(ROUNDS):
        found = _extrema(step, also)
        largest = found.largest
        following = _exchanged(step, found)
        waited = 0 if largest < least * (1.0 - PROGRESS) else waited + 1
        if largest < least:
            best, best_reference, least = step, following, largest
        missing = largest - abs(step.level)
        gap = missing / largest if largest > 0.0 else 0.0
        is_hidden = missing <= 4.0 * step.rounding or largest <= 64.0 * step.rounding
        if gap <= LEVELLED or is_hidden or waited > PATIENCE:
            break
        step = levelled(small, following)
        if not step.is_sound:
            break
    return best, _at_ends(best, best_reference)


def _at_ends(step: Levelled, reference: FloatArray) -> FloatArray:
    """The reference with ends of pieces for points that only rounding sets apart from them."""
    lows, highs = _ends(step.small, reference)
    ends = np.where(reference - lows < highs - reference, lows, highs)
    near = np.abs(reference - ends) <= END * (highs - lows)
    here, there = step.error(np.stack([reference, ends]).ravel()).reshape(2, -1)
    as_high = np.sign(here) * there >= (1.0 - CERTIFIED / 2.0) * np.abs(here)
    return np.where(near & as_high, ends, reference)


def _coefficients(step: Levelled) -> FloatArray:
    """The Chebyshev coefficients of the indices in play."""
    small, t = step.small, step.reference
    columns = chebyshev.chebvander(t, small.indices[-1])[:, list(small.indices)]
    system = np.column_stack([columns, step.units])
    # Barycentric values would add their own rounding to that of the coefficients.
    try:
        answer = np.linalg.solve(system, small.target(t))
    except np.linalg.LinAlgError:
        # Points that rounding cannot tell apart: the error is then as small as rounding, too.
        answer = np.linalg.lstsq(system, small.target(t), rcond=None)[0]
    return np.asarray(answer[:-1], dtype=np.float64)


def _lower_bound(errors: FloatArray) -> float:
    """What no error is below, because these errors alternate (de la Vallée-Poussin)."""
    heights = alternating(len(errors)) * errors
    return max(0.0, float(heights.min()), -float(heights.max()))


def _extrema(step: Levelled, also: FloatArray) -> Extrema:
    """The extrema of a step's error, looked for between its reference, and `also` at points."""
    t = np.sort(np.concatenate([between(step.small.pieces, step.reference), also]))
    errors = step.error(t)
    sizes = np.abs(errors)
    is_negative = errors < 0.0
    starts = np.append(0, np.flatnonzero(is_negative[1:] != is_negative[:-1]) + 1)
    heights = np.maximum.reduceat(sizes, starts)
    hits = np.flatnonzero(sizes == np.repeat(heights, np.diff(starts, append=len(t))))
    peaks = hits[np.searchsorted(hits, starts)]
    lows, highs = _ends(step.small, t[peaks])
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


def _ends(small: Reduced, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The ends of the pieces in which the points lie."""
    lows, highs = np.array(small.pieces).T
    piece = np.searchsorted(lows, t, side="right") - 1
    return lows[piece], np.maximum(highs[piece], t)


def _larger(one: Extrema, other: Extrema, signs: FloatArray) -> Extrema:
    wins = signs * other.errors > signs * one.errors
    return Extrema(
        np.where(wins, other.points, one.points), np.where(wins, other.errors, one.errors)
    )


def _exchanged(step: Levelled, found: Extrema) -> FloatArray:
    """The next reference."""
    reference = step.reference
    count = len(reference)
    if len(found.points) >= count:
        return found.points[exchanged(count, found.errors)]
    signs = alternating(count)
    worst = int(np.argmax(np.abs(found.errors)))
    point, error = float(found.points[worst]), float(found.errors[worst])
    given_up = replaced_by(reference, signs * (step.level or 1.0), point, error)
    return np.sort(np.append(np.delete(reference, given_up), point))
