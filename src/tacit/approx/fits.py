"""Fits: one polynomial that stands for a function, with its error measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.polynomial import chebyshev

from tacit.approx.domain import Intervals, checked_intervals
from tacit.approx.measure import largest_error
from tacit.approx.polynomial import Polynomial
from tacit.approx.remez import Solution, minimax_solution
from tacit.approx.symmetry import Problem, reduced
from tacit.approx.target import Approximable, ScalarFunction, as_function
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import FloatArray

# Depth 8; higher degrees cost more levels than any circuit without bootstrapping has.
MAX_DEGREE = 255


@dataclass(frozen=True)
class Fit:
    """A polynomial and what it stands for.

    `error` is the largest absolute error on `intervals`, measured densely; `lower_bound` is a
    number that no polynomial of this degree gets below (0 where the method gives none).
    """

    polynomial: Polynomial
    function: ScalarFunction
    intervals: Intervals
    method: str
    error: float
    lower_bound: float = 0.0

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


def _chebyshev_solution(problem: Problem) -> Solution:
    """The interpolant at the Chebyshev points of the hull."""
    if len(problem.intervals) > 1:
        raise TypeMismatch(
            f"Chebyshev interpolation of {problem.function.name} works on one interval",
            hint='use method="minimax"',
        )
    count = problem.degree + 1
    nodes = chebyshev.chebpts1(count)
    columns = chebyshev.chebvander(nodes, problem.degree)
    coefficients = columns.T @ problem.values(nodes) * 2.0 / count
    coefficients[0] /= 2.0
    small = reduced(problem)
    is_free = np.zeros(count, dtype=bool)
    is_free[list(small.indices)] = True
    # Interpolation at symmetric points keeps symmetry; rounding would blur the exact zeros.
    exact = np.zeros(count)
    exact[: min(2, count)] = small.affine[:count]
    return Solution(tuple(np.where(is_free, coefficients, exact).tolist()), 0.0)


METHODS: Mapping[str, Callable[[Problem], Solution]] = MappingProxyType(
    {"minimax": minimax_solution, "chebyshev": _chebyshev_solution}
)


def fit(  # noqa: PLR0913 - the ends of an interval, and one of two ways to say how good
    function: Approximable,
    low: float,
    high: float,
    *,
    degree: int | None = None,
    error: float | None = None,
    method: str = "minimax",
) -> Fit:
    """The approximation of `function` on [low, high] of this degree, or of the least for `error`.

    >>> found = fit("abs", -1, 1, degree=2)
    >>> round(found.error, 9), found.polynomial.parity.value
    (0.125, 'even')
    >>> fit("sigmoid", -8, 8, error=1e-3).degree
    15
    """
    target = as_function(function)
    intervals = checked_intervals([(low, high)])
    if degree is not None and error is None:
        return _fit_of_degree(target, intervals, degree, method)
    if error is not None and degree is None:
        return _least_fit(target, intervals, error, method)
    raise TypeMismatch(
        f"a fit of {target.name} needs either a degree or an error",
        hint="say degree=15 or error=0.01",
    )


def minimax(function: Approximable, intervals: Iterable[Sequence[float]], *, degree: int) -> Fit:
    """The polynomial of this degree whose largest error on the union of intervals is least."""
    return _fit_of_degree(as_function(function), checked_intervals(intervals), degree, "minimax")


def _fit_of_degree(function: ScalarFunction, intervals: Intervals, degree: int, method: str) -> Fit:
    if not 0 <= degree <= MAX_DEGREE:
        raise TypeMismatch(f"degree {degree} is not between 0 and {MAX_DEGREE}")
    if method not in METHODS:
        raise TypeMismatch(
            f"no method is called {method!r}", hint=f"known are {', '.join(METHODS)}"
        )
    problem = Problem(function, intervals, degree)
    solution = METHODS[method](problem)
    polynomial = Polynomial(_without_dust(solution.coefficients), problem.low, problem.high)
    error = largest_error(function, polynomial, intervals, degree=degree)
    # Both are true only up to rounding, and a bound above the error would be nonsense.
    return Fit(polynomial, function, intervals, method, error, min(solution.lower_bound, error))


def _without_dust(coefficients: tuple[float, ...]) -> tuple[float, ...]:
    """The coefficients with zeros for those that are only rounding, which would cost depth."""
    dust = np.finfo(np.float64).eps * max(abs(each) for each in coefficients)
    return tuple(each if abs(each) > dust else 0.0 for each in coefficients)


def _least_fit(function: ScalarFunction, intervals: Intervals, error: float, method: str) -> Fit:
    """The fit of least degree whose error is at most `error`: by doubling, then by bisection."""
    if not error > 0.0:
        raise TypeMismatch(f"the error asked for {function.name} is {error:g}, not above 0")
    too_low, tried = -1, 1
    found = _fit_of_degree(function, intervals, tried, method)
    while found.error > error:
        if tried == MAX_DEGREE:
            raise _unreachable(found, error)
        too_low, tried = tried, 2 * tried + 1
        found = _fit_of_degree(function, intervals, tried, method)
    while tried - too_low > 1:
        middle = (too_low + tried) // 2
        attempt = _fit_of_degree(function, intervals, middle, method)
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
