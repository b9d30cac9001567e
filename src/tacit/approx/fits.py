"""Fits: one polynomial that stands for a function, with its error measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tacit.approx.domain import Intervals, checked_intervals
from tacit.approx.measure import largest_error
from tacit.approx.methods import METHODS
from tacit.approx.polynomial import Polynomial
from tacit.approx.problem import Method, Problem
from tacit.approx.target import Approximable, ScalarFunction, as_function
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import FloatArray

# Depth 8; higher degrees cost more levels than any circuit without bootstrapping has.
MAX_DEGREE = 255
# One interval (low, high), or several.
Domain = Sequence[float] | Iterable[Sequence[float]]


@dataclass(frozen=True)
class Fit:
    """A polynomial and what it stands for.

    `error` is the largest absolute error on `intervals` (times the weight, where there is one),
    measured densely; `lower_bound` is a number that no polynomial of this degree gets below (0
    where the method gives none). `alternation` holds the x where a minimax error alternates.
    """

    polynomial: Polynomial
    function: ScalarFunction
    intervals: Intervals
    method: str
    error: float
    lower_bound: float = 0.0
    weight: ScalarFunction | None = None
    alternation: tuple[float, ...] = ()
    decimals: tuple[str, ...] = ()
    bits: int = 53

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.polynomial.low

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.polynomial.high

    @property
    def degree(self) -> int:
        """The polynomial's degree."""
        return self.polynomial.degree

    @property
    def depth(self) -> int:
        """The multiplications in a row that evaluation needs."""
        return self.polynomial.depth

    @property
    def products(self) -> int:
        """The products of two ciphertexts that evaluation needs."""
        return self.polynomial.products

    def __call__(self, x: FloatArray) -> FloatArray:
        """The polynomial's values at `x`."""
        return self.polynomial(x)


def fit(  # noqa: PLR0913 - what, where, and one of three ways to say how good
    function: Approximable,
    on: Domain,
    *,
    degree: int | None = None,
    depth: int | None = None,
    error: float | None = None,
    least: Literal["degree", "depth"] = "degree",
    method: str | Method = "minimax",
    weight: Approximable | None = None,
) -> Fit:
    """The approximation of `function` on an interval, or on the union of several.

    Its degree is `degree`; or the highest that `depth` multiplications in a row allow; or the
    `least` one, or the highest of the least depth, that meets `error`. With a `weight` the error
    at x is weight(x) (function(x) - polynomial(x)).

    >>> found = fit("abs", (-1, 1), degree=2)
    >>> round(found.error, 9), found.polynomial.parity.value
    (0.125, 'even')
    >>> fit("sigmoid", (-8, 8), error=1e-3).degree
    15
    >>> fit("sign", [(-1, -0.25), (0.25, 1)], degree=7).depth
    3
    """
    wanted = [each for each in (degree, depth, error) if each is not None]
    target = as_function(function)
    if len(wanted) != 1:
        raise TypeMismatch(
            f"a fit of {target.name} needs a degree, a depth or an error, and only one of them",
            hint="say degree=15, depth=4 or error=0.01",
        )
    problem = Problem(
        target,
        intervals_of(on),
        0,
        None if weight is None else as_function(weight),
    )
    way = method_of(method)
    if error is not None:
        found = _least_fit(problem, error, way)
        return found if least == "degree" else solved(problem, 2**found.depth - 1, way)
    return solved(problem, degree if degree is not None else 2 ** (depth or 0) - 1, way)


def intervals_of(on: Domain) -> Intervals:
    """The intervals that an interval, or several, mean; in order, touching ones merged."""
    several = list(on)
    match several:
        case [float() | int() as low, float() | int() as high]:
            return checked_intervals([(low, high)])
        case _:
            return checked_intervals(each for each in several if isinstance(each, Sequence))


def method_of(method: str | Method) -> Method:
    """The method that a name means, with its defaults, or the one given."""
    if isinstance(method, Method):
        return method
    if method not in METHODS:
        raise TypeMismatch(
            f"no method is called {method!r}", hint=f"known are {', '.join(METHODS)}"
        )
    return METHODS[method]()


def solved(problem: Problem, degree: int, method: Method) -> Fit:
    """The method's answer to a problem at a degree, with its error measured."""
    if not 0 <= degree <= MAX_DEGREE:
        raise TypeMismatch(f"degree {degree} is not between 0 and {MAX_DEGREE}")
    wanted = replace(problem, degree=degree)
    solution = method.solve(wanted)
    polynomial = Polynomial(_without_dust(solution.coefficients), problem.low, problem.high)
    error = largest_error(problem.function, polynomial, problem.intervals, degree=degree)
    return Fit(
        polynomial,
        problem.function,
        problem.intervals,
        method.name,
        error,
        # Both are true only up to rounding, and a bound above the error would be nonsense.
        min(solution.lower_bound, error),
        problem.weight,
        tuple(wanted.denormalised(np.array(solution.alternation)).tolist()),
        solution.decimals,
        solution.bits,
    )


def _without_dust(coefficients: tuple[float, ...]) -> tuple[float, ...]:
    """The coefficients with zeros for those that are only rounding, which would cost depth."""
    dust = np.finfo(np.float64).eps * max(abs(each) for each in coefficients)
    return tuple(each if abs(each) > dust else 0.0 for each in coefficients)


def _least_fit(problem: Problem, error: float, method: Method) -> Fit:
    """The fit of least degree whose error is at most `error`: by doubling, then by bisection."""
    if not error > 0.0:
        raise TypeMismatch(f"the error asked for {problem.function.name} is {error:g}, not above 0")
    too_low, tried = -1, 1
    found = solved(problem, tried, method)
    while found.error > error:
        if tried == MAX_DEGREE:
            raise _unreachable(found, error)
        too_low, tried = tried, 2 * tried + 1
        found = solved(problem, tried, method)
    while tried - too_low > 1:
        middle = (too_low + tried) // 2
        attempt = solved(problem, middle, method)
        if attempt.error <= error:
            tried, found = middle, attempt
        else:
            too_low = middle
    return found


def _unreachable(found: Fit, error: float) -> DepthExceeded:
    where = f"[{found.low:g}, {found.high:g}]"
    return DepthExceeded(
        f"{found.function.name} on {where} has error {found.error:.3g} even at degree "
        f"{MAX_DEGREE}; {error:.3g} was asked for",
        hint="ask for a larger error, narrow the interval, or use a composite",
    )
