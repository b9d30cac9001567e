"""Fits: one polynomial that stands for a function, with its error measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Literal

import numpy as np

from tacit.approx.bases import as_decimals, as_doubles, powers_in, without_dust
from tacit.approx.domain import Intervals, checked_intervals
from tacit.approx.measure import largest_error
from tacit.approx.methods import METHODS
from tacit.approx.plans import Plan
from tacit.approx.polynomial import Polynomial
from tacit.approx.problem import Method, Problem
from tacit.approx.proof import Bounds, certified
from tacit.approx.target import Approximable, ScalarFunction, as_function
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import FloatArray

# Depth 8; higher degrees cost more levels than any circuit without bootstrapping has.
MAX_DEGREE = 255
Basis = Literal["chebyshev", "power"]
# One interval (low, high), or several.
Domain = Sequence[float] | Iterable[Sequence[float]]


@dataclass(frozen=True)
class Fit:
    """A polynomial and what it stands for.

    `error` is the largest absolute error on `intervals` (times the weight, where there is one),
    measured densely; where there are `decimals` it is theirs, and rounding them to the doubles of
    `polynomial` comes on top: about 1e-16 of the sum of their sizes. `lower_bound` is a number
    that no polynomial of this degree gets below (0 where the method gives none). `alternation`
    holds the x where a minimax error alternates.
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
    def degrees(self) -> tuple[int, ...]:
        """The degree of its only stage."""
        return (self.degree,)

    @property
    def depth(self) -> int:
        """The multiplications in a row that evaluation needs."""
        return self.polynomial.depth

    @property
    def products(self) -> int:
        """The products of two ciphertexts that evaluation needs."""
        return self.polynomial.products

    @property
    def plan(self) -> Plan:
        """How it is computed from the normalised variable t in [-1, 1], at its least depth."""
        return self.polynomial.plan

    def coefficients_in(self, basis: Basis = "chebyshev") -> tuple[float, ...]:
        """The nearest doubles to the coefficients of T_k(t), t in [-1, 1], or of x**k.

        Powers are computed exactly from the decimals, where there are any, else from the doubles.
        """
        _check_basis(basis)
        if basis == "chebyshev":
            return self.polynomial.coefficients
        return as_doubles(self._powers)

    def decimals_in(self, basis: Basis = "chebyshev") -> tuple[str, ...]:
        """The coefficients of T_k(t), t in [-1, 1], or of x**k, as decimal strings.

        Powers of x cancel where the interval is far from 0 or wide: they get as many digits more
        as are lost when they are summed.
        """
        _check_basis(basis)
        chebyshev = self.decimals or tuple(map(repr, self.polynomial.coefficients))
        if basis == "chebyshev":
            return chebyshev
        digits = math.ceil(self.bits * math.log10(2.0)) + 1
        powers = self._powers
        reach = Fraction(max(abs(self.low), abs(self.high)))
        summed = sum((abs(each) * reach**k for k, each in enumerate(powers)), start=Fraction(0))
        largest = max(abs(Fraction(each)) for each in chebyshev)
        lost = math.log10(summed / largest) if largest else 0.0
        return as_decimals(powers, digits + math.ceil(max(lost, 0.0)))

    @property
    def _powers(self) -> tuple[Fraction, ...]:
        own = self.decimals or self.polynomial.coefficients
        return powers_in(own, self.low, self.high)

    @cached_property
    def certified(self) -> Bounds:
        """The bounds of the error and of the least error of this degree, proven in balls."""
        return certified(self)

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
    if least not in ("degree", "depth"):
        raise TypeMismatch(f"least={least!r} is unknown", hint="known are degree and depth")
    if depth is not None and not (_is_whole(depth) and 0 <= depth <= MAX_DEGREE.bit_length()):
        raise TypeMismatch(
            f"depth {depth!r} is not between 0 and {MAX_DEGREE.bit_length()}",
            hint="choose a whole number, or a composite where a polynomial is not enough",
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
    try:
        ends = np.array([np.asarray(each, dtype=np.float64) for each in on])
    except (TypeError, ValueError) as failure:
        raise _no_intervals(on) from failure
    if ends.shape == (2,):
        return checked_intervals([ends.tolist()])
    if ends.size and ends.shape[1:] != (2,):
        raise _no_intervals(on)
    return checked_intervals(ends.tolist())


def _no_intervals(on: Domain) -> TypeMismatch:
    return TypeMismatch(
        f"{on!r:.80} is neither an interval nor several",
        hint="give two numbers (low, high), or a list of such pairs",
    )


def method_of(method: str | Method) -> Method:
    """The method that a name means, with its defaults, or the one given."""
    if isinstance(method, Method):
        return method
    if method not in METHODS:
        raise TypeMismatch(
            f"no method is called {method!r}", hint=f"known are {', '.join(METHODS)}"
        )
    return METHODS[method]()


def _check_basis(basis: str) -> None:
    if basis not in ("chebyshev", "power"):
        raise TypeMismatch(f"no basis is called {basis!r}", hint="known are chebyshev and power")


def _is_whole(number: object) -> bool:
    return isinstance(number, int | np.integer)


def solved(problem: Problem, degree: int, method: Method) -> Fit:
    """The method's answer to a problem at a degree, with its error measured."""
    if not (_is_whole(degree) and 0 <= degree <= MAX_DEGREE):
        raise TypeMismatch(
            f"degree {degree!r} is not between 0 and {MAX_DEGREE}",
            hint="choose a whole number that the circuit has levels for: ceil(log2(degree + 1))",
        )
    wanted = replace(problem, degree=degree)
    solution = method.solve(wanted)
    low, high = solution.wider or (problem.low, problem.high)
    # Decimals say which coefficients are zero; doubles leave rounding in their place.
    clean = solution.coefficients if solution.decimals else without_dust(solution.coefficients)
    polynomial = Polynomial(clean, low, high)
    error = solution.error
    if error is None:
        error = largest_error(
            problem.function,
            polynomial,
            problem.intervals,
            degree=degree,
            weight=problem.weight,
        )
    return Fit(
        polynomial,
        problem.function,
        problem.intervals,
        method.name,
        error,
        # Both are true only up to rounding, and a bound above the error would be nonsense.
        min(solution.lower_bound, error),
        problem.weight,
        _places(wanted, solution.alternation),
        solution.decimals,
        solution.bits,
    )


def _places(problem: Problem, alternation: tuple[float, ...]) -> tuple[float, ...]:
    """The x at normalised variables; exactly the kink or end that one means."""
    x = problem.denormalised(np.array(alternation))
    fixed = np.array([*problem.kinks, *(end for each in problem.intervals for end in each)])
    nearest = fixed[np.abs(x[:, None] - fixed).argmin(axis=1)]
    # A few roundings of the map between x and t.
    close = 4.0 * np.finfo(np.float64).eps * max(abs(problem.low), abs(problem.high))
    return tuple(np.where(np.abs(x - nearest) <= close, nearest, x).tolist())


def _least_fit(problem: Problem, error: float, method: Method) -> Fit:
    """The fit of least degree whose error is at most `error`: by doubling, then by bisection."""
    if not error > 0.0:
        raise TypeMismatch(
            f"the error asked for {problem.function.name} is {error:g}, not above 0",
            hint="ask for an error above 0, like 1e-6",
        )
    too_low, tried = -1, 1
    found = solved(problem, tried, method)
    while found.error > error:
        if tried == MAX_DEGREE:
            raise _unreachable(found, error)
        too_low, tried = tried, 2 * tried + 1
        found = solved(problem, tried, method)
    open_degrees = _live(found, too_low, tried)
    while len(open_degrees) > 1:
        half = (len(open_degrees) - 1) // 2
        attempt = solved(problem, open_degrees[half], method)
        if attempt.error <= error:
            found, open_degrees = attempt, open_degrees[: half + 1]
        else:
            open_degrees = open_degrees[half + 1 :]
    return found


def _live(found: Fit, too_low: int, tried: int) -> list[int]:
    """The degrees above `too_low` up to `tried` at which symmetry leaves a highest coefficient."""
    top, coefficients = found.degree, found.polynomial.coefficients
    degrees = range(too_low + 1, tried + 1)
    if top < 3 or any(coefficients[top - 1 : 1 : -2]):
        return list(degrees)
    # All coefficients of the other parity vanish, but those of the affine part.
    return [each for each in degrees if each < 2 or ((each - top) % 2 == 0 and each <= top)]


def _unreachable(found: Fit, error: float) -> DepthExceeded:
    where = f"[{found.low:g}, {found.high:g}]"
    return DepthExceeded(
        f"{found.function.name} on {where} has error {found.error:.3g} even at degree "
        f"{MAX_DEGREE}; {error:.3g} was asked for",
        hint="ask for a larger error, narrow the interval, or use a composite",
    )
