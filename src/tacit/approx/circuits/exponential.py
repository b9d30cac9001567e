"""The exponential: a minimax polynomial of a shorter exponent, squared again and again.

exp(x) = exp(x / 2**k)**(2**k). HEIR's (1 + x / 2**k)**(2**k) is the case of degree 1 without a
choice of its two coefficients; here degree and k are chosen together, and the polynomial's error
is weighted so that it is the error after the squarings that is least.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from tacit.approx.circuits.circuit import ScalarCircuit, checked_domain, checked_error, measured
from tacit.approx.circuits.scaled import SHALLOW, ScaledPlan, scaled_plan_of
from tacit.approx.fits import MAX_DEGREE, Fit, fit
from tacit.approx.plans import Step
from tacit.approx.plans.compose import Assembly
from tacit.approx.target import Custom
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import Function

# Each level halves the exponent: after so many it is 1e-9 of the domain, and affine.
MOST_DEPTH = 30
# Widths of the domain beyond which the least value, divided by the largest, is no double.
WIDEST = 700.0
# A value's rounding, relative to the largest one, must stay this far below the error.
ROUNDING = 64.0 * float(np.finfo(np.float64).eps)


def exponential(
    on: tuple[float, float], *, error: float, relative: bool = True, top: float = 1.0
) -> ScalarCircuit:
    """The circuit for exp of least depth, then fewest products, with this error.

    The plan computes top * exp(x - high), so that no value exceeds `top` by much: the factor is
    exp(high) / top. Any top > 0 costs the same.

    >>> found = exponential((-8.0, 0.0), error=1e-3)
    >>> found.depth, found.products, found.relative_error <= 1e-3
    (4, 5, True)
    """
    low, high = checked_domain(on)
    checked_error(error, "the exponential", below=1.0 if relative else math.inf)
    if not 0.0 < top < math.inf:
        raise TypeMismatch(f"the largest value is to be {top:g}", hint="a finite number above 0")
    if high - low > WIDEST or abs(high) > WIDEST:
        raise TypeMismatch(
            f"exp on [{low:g}, {high:g}] has values that no double holds",
            hint=f"narrow the domain to less than {WIDEST:g}, and shift it towards 0",
        )
    wanted = Wanted((low, high), error if relative else error * math.exp(-high), relative, top)
    for depth in range(MOST_DEPTH + 1):
        attempts = (wanted.attempt(depth - squarings, squarings) for squarings in range(depth + 1))
        found = [each for each in attempts if each is not None]
        if found:
            return min(found, key=lambda each: each.products)
    raise DepthExceeded(
        f"exp on [{low:g}, {high:g}] does not reach an error of {error:.3g} in depth {MOST_DEPTH}",
        hint="ask for a larger error, or narrow the domain",
    )


@dataclass(frozen=True)
class Wanted:
    """top * exp(x - high) on [low, high], with an error of exp(x - high) of at most `error`."""

    on: tuple[float, float]
    error: float
    relative: bool
    top: float

    def attempt(self, depth: int, squarings: int) -> ScalarCircuit | None:
        """The circuit of least degree of a polynomial of this depth, with so many squarings."""
        degrees = _degrees(depth)
        span = (self.on[1] - self.on[0]) / 2**squarings
        noise = ROUNDING * 2**squarings * (math.exp(span) if self.relative else 1.0)
        if not degrees or noise > self.error or self._fitted(degrees[-1], squarings) is None:
            return None
        place = bisect_left(
            degrees[:-1], 1, key=lambda each: self._fitted(each, squarings) is not None
        )
        found = self._fitted(degrees[place], squarings)
        return None if found is None else self._squared(found, squarings)

    def _fitted(self, degree: int, squarings: int) -> Fit | None:
        """The fit whose error after the squarings is as wanted, if there is one."""
        count = 2**squarings
        # Of p**n the error is n p**(n - 1) times that of p.
        power = -1.0 if self.relative else count - 1.0
        weight = Custom("share", lambda u: count * np.exp(power * u))
        span = (self.on[1] - self.on[0]) / count
        found = fit("exp", (-span, 0.0), degree=degree, weight=weight)
        return found if found.error <= self.error else None

    def _squared(self, found: Fit, squarings: int) -> ScalarCircuit | None:
        inner = scaled_plan_of(found.polynomial.scaled(self.top ** (1.0 / 2**squarings)))
        assembly = Assembly()
        value = assembly.set_in(inner.plan, 0)
        for _ in range(squarings):
            # The first squaring swallows the sign of the inner factor.
            value = assembly.add(Step(((value, value, 1),)))
        high = self.on[1]
        scale = inner.scale / 2**squarings
        factor = (1.0 if squarings else inner.factor) * math.exp(high) / self.top
        scaled = ScaledPlan(assembly.plan(value), scale, inner.offset - scale * high, factor)
        method = "minimax, squared" if squarings else "minimax"
        oscillations = found.degree * 2 ** min(squarings, 8)
        whole = measured(Function("exp"), self.on, scaled, method, oscillations=oscillations)
        size = whole.relative_error if self.relative else whole.absolute_error * math.exp(-high)
        return whole if size <= self.error else None


def _degrees(depth: int) -> list[int]:
    """The degrees worth trying at a depth, ascending."""
    if depth < len(SHALLOW):
        return [SHALLOW[depth]]
    return list(range(max(2 ** (depth - 1), SHALLOW[-1] + 1), min(2**depth - 1, MAX_DEGREE) + 1))
