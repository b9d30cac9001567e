"""Which way to approximate a function: all of them side by side at equal depth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tacit.approx.composites import (
    Composite,
    Form,
    composite,
    flat_iterate,
    steep_iterate,
)
from tacit.approx.composites.composite import bound_of, gap_of, measured
from tacit.approx.composites.forms import form_of, target_of
from tacit.approx.fits import Domain, Fit, intervals_of, solved
from tacit.approx.histogram import Histogram, root_mean_square
from tacit.approx.measure import largest_error
from tacit.approx.methods import METHODS, Bounded, Interpolation, LeastSquares
from tacit.approx.outside import outside
from tacit.approx.plans import ways_of_composite
from tacit.approx.polynomial import Polynomial
from tacit.approx.problem import Method, Problem
from tacit.approx.target import Approximable, Custom, as_function
from tacit.errors import DepthExceeded, TacitError, TypeMismatch
from tacit.ir.functions import FloatArray, Function

Answer = Fit | Composite
# A stage of one level is a line, and one of six has a degree of 63, worth less than two of three.
STAGE_DEPTHS = range(2, 6)
# f_4 and beyond take the depth of two smaller iterates; g_4 is the last that is published.
FLAT, STEEP = (1, 2, 3), (1, 2, 3, 4)
# Above it linear programmes take seconds, or minutes where the error is near rounding.
MOST_BOUNDED_DEGREE = 31


@dataclass(frozen=True)
class Row:
    """What one method gives within a depth.

    `allowed` is the depth that was allowed, `depth` the one that is needed; `degrees` is one for
    a polynomial and innermost first for a composite. `lower_bound` is below the error of every
    polynomial of the degree (none where the method gives no bound), `outside` how far in x beyond
    the domain the value stays within twice the function's range, `seconds` what finding it took.
    Where a method does not apply, `reason` says why, and the error is infinite.
    """

    method: str
    allowed: int
    degrees: tuple[int, ...] = ()
    depth: int = 0
    products: int = 0
    error: float = math.inf
    root_mean_square: float | None = None
    lower_bound: float | None = None
    outside: float | None = None
    seconds: float = 0.0
    reason: str = ""


def compare(
    function: Approximable,
    on: Domain,
    *,
    depths: Iterable[int] = range(2, 7),
    degrees: Iterable[int] | None = None,
    histogram: Histogram | None = None,
) -> list[Row]:
    """What every method gives within each depth, best first; those that do not apply come last.

    Polynomials have degree 2**depth - 1, or one less where that is better. Composites have at
    least two stages. With `degrees` the polynomials have these instead, and the others what the
    depth of such a polynomial allows. A histogram of inputs is what least squares weighs by, and
    every row then has its root mean square error, too.

    >>> rows = compare("exp", (-1, 1), depths=[3])
    >>> rows[0].method, [row.error > 50 * rows[0].error for row in rows if row.method == "limit"]
    ('minimax', [True])
    """
    match function:
        case "max" | "comparison":
            # Known to composites only, as functions of a difference.
            target = target_of(function)
        case _:
            target = as_function(function)
    problem = Problem(target, intervals_of(on), 0)
    asked: list[tuple[int, tuple[int, ...]]] = (
        [(depth, (2**depth - 1, 2**depth - 2)) for depth in depths]
        if degrees is None
        else [(each.bit_length(), (each,)) for each in degrees]
    )
    for depth, _ in asked:
        if depth < 0:
            raise TypeMismatch(f"depth {depth} is below 0", hint="compare at depths from 0 on")
    rows: list[Row] = []
    for depth, choices in asked:
        found = [
            _row(name, depth, find, histogram)
            for name, find in _ways(problem, depth, choices, histogram)
        ]
        rows += sorted(found, key=_rank)
    return rows


def _rank(row: Row) -> tuple[float, int]:
    # Errors that agree to nine digits are one: rounding should not put anything before minimax.
    return float(f"{row.error:.9e}"), row.products


def _ways(
    problem: Problem, depth: int, degrees: Sequence[int], histogram: Histogram | None
) -> Iterator[tuple[str, Callable[[], Answer]]]:
    """The name of every method, and how it finds its best."""
    for name, kind in METHODS.items():
        method = LeastSquares(histogram) if name == LeastSquares.name else kind()
        yield name, _Polynomials(problem, method, tuple(degrees))
    yield "composite", lambda: _best_composite(problem, depth)
    yield "iterates", lambda: _best_iterates(problem, depth)
    if problem.function == Function("exp"):
        yield "limit", lambda: _limit(problem, depth)


@dataclass(frozen=True)
class _Polynomials:
    """Finds the best fit that a method gives with one of these degrees."""

    problem: Problem
    method: Method
    degrees: tuple[int, ...]

    def __call__(self) -> Fit:
        if isinstance(self.method, Bounded) and min(self.degrees) > MOST_BOUNDED_DEGREE:
            raise TypeMismatch(
                f"a linear programme of degree {min(self.degrees)} takes too long to be compared",
                hint="ask for it alone",
            )
        fits = [solved(self.problem, each, self.method) for each in self.degrees if each >= 0]
        return min(fits, key=lambda each: (each.error, each.products))


def _row(name: str, allowed: int, find: Callable[[], Answer], histogram: Histogram | None) -> Row:
    """What a method finds, measured; or why it finds nothing."""
    started = time.perf_counter()
    try:
        answer = find()
    except TacitError as refusal:
        return Row(name, allowed, reason=str(refusal))
    seconds = time.perf_counter() - started
    degrees, depth, products = _cost(answer, allowed)
    return Row(
        name,
        allowed,
        degrees,
        depth,
        products,
        answer.error,
        root_mean_square(answer, histogram) if histogram else None,
        _lower_bound(answer),
        outside(answer).nearest,
        seconds,
    )


def _cost(answer: Answer, allowed: int) -> tuple[tuple[int, ...], int, int]:
    """The degrees, the depth and the products."""
    match answer:
        case Fit(method="limit"):
            # Repeated squaring: one level and one product each time.
            return (2**allowed,), allowed, allowed
        case Fit():
            return (answer.degree,), answer.depth, answer.products
        case Composite():
            return answer.degrees, answer.depth, answer.products


def _lower_bound(answer: Answer) -> float | None:
    match answer:
        case Fit(lower_bound=bound) if bound > 0.0:
            return bound
        case _:
            return None


def _known(problem: Problem) -> Function | Custom:
    match problem.function:
        case Function() | Custom() as known:
            return known
        case _:
            raise TypeMismatch(
                f"{problem.function.name} is not known to be made of one sign",
                hint="give a name, a Function or a Custom",
            )


def _best_composite(problem: Problem, depth: int) -> Composite:
    """The minimax composite of two stages or more with the least error within the depth."""
    target = _known(problem)
    form = form_of(target)
    ways = [
        degrees
        for degrees in _with_room(_stage_degrees(depth), form)
        if len(degrees) > 1 and _depth_of(degrees, form) <= depth
    ]
    if not ways:
        least = _depth_of((3, 3), form)
        raise DepthExceeded(
            f"two stages of {target.name} take depth {least}; {depth} is allowed",
            hint="use a polynomial",
        )
    found = (composite(target, degrees, problem.intervals) for degrees in ways)
    return min(found, key=lambda each: (each.error, each.products))


def _stage_degrees(depth: int) -> Iterator[tuple[int, ...]]:
    """Every way to spend a depth, or all but a level, on stages of the highest degree there is."""
    if depth < STAGE_DEPTHS[0]:
        yield ()
    for first in STAGE_DEPTHS:
        if first <= depth:
            yield from ((2**first - 1, *rest) for rest in _stage_degrees(depth - first))


def _with_room(ways: Iterable[tuple[int, ...]], form: Form) -> Iterator[tuple[int, ...]]:
    """The degrees as they are and, for a bend, with the highest last one that leaves room for x."""
    for each in ways:
        yield each
        # Below degree 3 there is only a line.
        if form.bend and each and each[-1] > 3:
            yield (*each[:-1], each[-1] - 2)


def _depth_of(degrees: tuple[int, ...], form: Form) -> int:
    """The depth of composites with these odd degrees."""
    stages = tuple(Polynomial((0.0, 1.0) * ((degree + 1) // 2)) for degree in degrees)
    return sum(way.depth for way in ways_of_composite(stages, form))


def _best_iterates(problem: Problem, depth: int) -> Composite:
    """The best of some g_m, each steep, and then some f_n, each flat, within the depth."""
    target = _known(problem)
    form = form_of(target)
    bound, gap = bound_of(problem.intervals), gap_of(problem.intervals)
    ways = [
        (stages[0].moved(-bound, bound), *stages[1:])
        for stages in _iterates(depth)
        if _depth_of(tuple(each.degree for each in stages), form) <= depth
    ]
    if not ways:
        raise DepthExceeded(
            f"the least iterate of {target.name} takes depth {_depth_of((3,), form)}; "
            f"{depth} is allowed",
            hint="use a polynomial",
        )
    found = (measured(stages, target, problem.intervals, gap) for stages in ways)
    return min(found, key=lambda each: (each.error, each.products))


def _iterates(depth: int) -> Iterator[tuple[Polynomial, ...]]:
    """For each f_n and g_m and each number of g_m: as many f_n after them as the depth allows.

    With and without a level for the product that a bend takes.
    """
    for spent in (depth - 1, depth):
        for flat in map(flat_iterate, FLAT):
            for steep in map(steep_iterate, STEEP):
                for count in range(max(spent, 0) // steep.depth + 1):
                    rest = (spent - count * steep.depth) // flat.depth
                    if count + rest > 0:
                        yield (steep,) * count + (flat,) * rest


def _limit(problem: Problem, depth: int) -> Fit:
    """exp as the power (1 + x / 2**k)**(2**k) by k squarings, which is how HEIR rewrites it."""

    def power(x: FloatArray) -> FloatArray:
        return np.asarray((1.0 + x / 2.0**depth) ** 2.0**depth)

    hull = Problem(Custom("limit", power), ((problem.low, problem.high),), 0)
    same = solved(hull, 2**depth, Interpolation()).polynomial
    error = largest_error(problem.function, power, problem.intervals, degree=2**depth)
    return Fit(same, problem.function, problem.intervals, "limit", error)
