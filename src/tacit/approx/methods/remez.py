"""Minimax polynomials by Remez' exchange of many points, with a certificate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import chebyshev

from tacit.approx.bases import without_dust
from tacit.approx.curve import has_meaning
from tacit.approx.domain import graded
from tacit.approx.measure import heights, refuse_breaks
from tacit.approx.methods.extrema import Extrema, ends_of, extrema_of
from tacit.approx.methods.levelled import Levelled, alternating, levelled
from tacit.approx.methods.precise import Shortage, solve_precisely
from tacit.approx.methods.references import (
    exchanged,
    first_reference,
    lookouts,
    replaced_by,
)
from tacit.approx.polynomial import Polynomial
from tacit.approx.problem import Method, Problem, Solution
from tacit.approx.symmetry import Reduced, reduced
from tacit.approx.target import branches_of
from tacit.errors import TypeMismatch, WidthExceeded
from tacit.ir.functions import FloatArray

# The bits of a double.
DOUBLE = 53
# Times that measuring may show extrema that were overlooked: one for each decimal digit.
LOOKS = 12
# Where measuring finds so many times the error that the exchange saw, so many points of each piece
# are looked at.
GROSS, DENSE = 1.1, 2001
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
            raise TypeMismatch(
                f"{self.bits} bits are fewer than the {DOUBLE} of a double",
                hint=f"ask for {DOUBLE} bits or more",
            )
        if self.bits > DOUBLE:
            return self._solved_precisely(problem)
        found = _found(problem)
        if found.gap > SUSPICIOUS:
            refuse_breaks(problem.function, problem.intervals)
        if found.gap <= CERTIFIED or not (self.escalates and has_meaning(problem)):
            return found.solution
        solutions = (_escalated(problem, found.start), found.solution)
        return min(filter(None, solutions), key=_rank)

    def _solved_precisely(self, problem: Problem) -> Solution:
        """The answer with as many bits as were asked for."""
        _check_meaning(problem, self.bits)
        match solve_precisely(problem, self.bits, _found(problem).start):
            case Solution() as solution:
                return solution
            case Shortage(bits):
                raise WidthExceeded(
                    f"degree {problem.degree} for {problem.function.name} needs about {bits} bits; "
                    f"{self.bits} asked",
                    hint="ask for more bits or a lower degree",
                )


def _rank(solution: Solution) -> float:
    """The error; infinite where balls say nothing of it."""
    known = solution.error is not None and not math.isnan(solution.error)
    return solution.error if solution.error is not None and known else math.inf


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


@dataclass(frozen=True, eq=False)
class Found:
    """A double answer with its measured error, and the reference that it came from."""

    solution: Solution
    reference: FloatArray
    error: float

    @property
    def gap(self) -> float:
        """The relative gap between the lower bound and the error."""
        return 1.0 - self.solution.lower_bound / self.error if self.error > 0.0 else 0.0

    @property
    def start(self) -> FloatArray | None:
        """The reference, if it shows more than rounding."""
        return self.reference if self.solution.lower_bound > 0.0 else None


def _found(problem: Problem) -> Found:
    """The double answer; extrema that the exchange overlooked, but measuring finds, are shown it.

    They are where a function oscillates between the points looked at, or has a kink that nobody
    declared.
    """
    small = reduced(problem)
    also, start = lookouts(small), first_reference(small)
    found: list[Found] = []
    for looks in range(1, LOOKS + 1):
        step, reference = _exchange(small, start, also)
        solution, seen = _certified(step, reference)
        error, places = _measured(problem, solution)
        found.append(Found(replace(solution, error=error), reference, error))
        is_hopeless = solution.lower_bound == 0.0 and looks > 2
        # Points that rounding has made one are no reference to go on from.
        is_proper = bool((np.diff(reference) > 0.0).all())
        is_seen = error - seen <= max(CERTIFIED * seen, 16.0 * step.rounding)
        if is_seen or is_hopeless or not is_proper:
            break
        start = reference
        if error > GROSS * seen:
            # Not one extremum but many were overlooked.
            start, places = first_reference(small), graded(small.pieces, DENSE)
        also = np.concatenate([also, _within(small, places)])
    return min(found, key=lambda each: each.error)


def _measured(problem: Problem, solution: Solution) -> tuple[float, FloatArray]:
    """The largest error of a double answer, and the t where it is nearly as large."""
    if not np.isfinite(solution.coefficients).all():
        return math.inf, np.array([])
    polynomial = Polynomial(solution.coefficients, problem.low, problem.high)
    high = heights(
        problem.function,
        polynomial,
        problem.intervals,
        degree=problem.degree,
        weight=problem.weight,
    )
    return high.largest, polynomial.normalised(high.places)


def _within(small: Reduced, t: FloatArray) -> FloatArray:
    """The points, folded as the problem is, and moved into its pieces where rounding left them."""
    folded = np.abs(t) if small.is_folded else t
    lows, highs = ends_of(small, np.maximum(folded, small.pieces[0][0]))
    return np.asarray(np.clip(folded, lows, np.minimum(highs, small.pieces[-1][1])))


def _certified(step: Levelled, reference: FloatArray) -> tuple[Solution, float]:
    """The double answer with its lower bound, and the largest error that the reference shows."""
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
    # Where all is rounding, nothing alternates.
    places = tuple(small.unfolded(reference).tolist()) if bound > 0.0 else ()
    whole = without_dust(tuple(small.whole(coefficients).tolist()))
    return Solution(whole, bound, places), float(np.abs(errors).max()) + slack


def _exchange(
    small: Reduced, reference: FloatArray, also: FloatArray
) -> tuple[Levelled, FloatArray]:
    """Remez' algorithm until the error is levelled or no longer falls: the best, its extrema."""
    step = levelled(small, reference)
    best, best_reference, least = step, step.reference, np.inf
    highest, waited = 0.0, 0
    for _ in range(ROUNDS):
        found = extrema_of(step, also)
        largest = found.largest
        following = _exchanged(step, found)
        # The largest error may well rise before it falls, but the level does not fall.
        is_better = largest < least * (1.0 - PROGRESS)
        is_higher = abs(step.level) > highest * (1.0 + PROGRESS)
        waited = 0 if is_better or is_higher else waited + 1
        highest = max(highest, abs(step.level))
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
    lows, highs = ends_of(step.small, reference)
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
