"""The inverse 1/x on domains of any width: the best polynomial of its depth, in factors.

With t the normalised x and t_0 the normalised 0, the polynomial y of degree n - 1 for which
max |1 - x y| is least leaves 1 - x y = T_n(t) / T_n(t_0) (Chebyshev; the residual polynomial of
his iteration, Golub & Varga 1961). From T_2n = 2 T_n**2 - 1 follows

    y_(2n - 1) = y_(n - 1) (T_n(t_0) + T_n(t)) * constant,

so that the best polynomial of degree 2**k - 1 is a product of k factors, and takes 2 (k - 1)
products in depth k. Goldschmidt's factors 1 + e, 1 + e**2, 1 + e**4, ... after the best constant
cost the same each, and about log2(high / low) / 2 of them more are needed for the same error.
"""

from __future__ import annotations

import math
from dataclasses import replace

from tacit.approx.circuits.circuit import (
    ScalarCircuit,
    carried,
    checked_domain,
    checked_error,
    kept,
    measured,
)
from tacit.approx.circuits.scaled import ScaledPlan, scaled_plan_of
from tacit.approx.plans import Step
from tacit.approx.plans.compose import Assembly
from tacit.approx.polynomial import Polynomial
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import Function

# Higher polynomials are no rivals: from degree 8 on their plans take more products.
MOST_DIRECT = 15
# A larger product of degree and depth is a domain whose ends doubles cannot tell from 0.
MOST_FACTORS = 30
# The angle of a smaller ratio of the ends would cancel.
SMALLEST_RATIO = 1e-300


def inverse(on: tuple[float, float], *, error: float) -> ScalarCircuit:
    """The circuit for 1/x of least depth, then fewest products, with this relative error.

    No polynomial of a degree below 2**(depth - 1) has this error. Raises TypeMismatch where 0 is
    in the domain, DepthExceeded where doubles do not carry the answer.

    >>> found = inverse((0.001, 1.0), error=1e-3)
    >>> found.depth, found.products, found.relative_error <= 1e-3
    (7, 12, True)
    """
    low, high = checked_domain(on)
    checked_error(error, "the inverse", below=1.0)
    if low <= 0.0 <= high:
        raise TypeMismatch(
            f"the inverse has its pole inside [{low:g}, {high:g}]",
            hint="choose a domain whose ends are both positive or both negative",
        )
    least, most = min(abs(low), abs(high)), max(abs(low), abs(high))
    if least / most < SMALLEST_RATIO:
        raise DepthExceeded(
            f"the ends of [{low:g}, {high:g}] have a ratio below {SMALLEST_RATIO:g}",
            hint="narrow the domain",
        )
    carried(error, "the inverse, relative to itself,")
    size = least_size(least, most, error)
    found = _cheapest((low, high), size)
    if found.relative_error > error:
        # Where the closed form meets the error by less than rounding, the next one does.
        found = _cheapest((low, high), size + 1)
    return kept(found, error, is_relative=True)


def least_size(low: float, high: float, error: float) -> int:
    """One more than the least degree whose best polynomial has this relative error, from 2 on."""
    return max(2, math.ceil(math.acosh(1.0 / error) / _angle(low, high)))


def _angle(low: float, high: float) -> float:
    """The theta of t_0 = cosh(theta), where t_0 - 1 would cancel on wide domains."""
    beyond = 2.0 * low / (high - low)
    return math.log1p(beyond + math.sqrt(beyond * (2.0 + beyond)))


def _cheapest(on: tuple[float, float], size: int) -> ScalarCircuit:
    least, most = min(map(abs, on)), max(map(abs, on))
    sign, factors = math.copysign(1.0, on[0]), (size - 1).bit_length()
    scaled, method = None, "minimax"
    if size - 1 <= MOST_DIRECT:
        polynomial = minimax_inverse(least, most, size - 1).scaled(least)
        scaled = scaled_plan_of(polynomial).times(1.0 / least)
    if factors > MOST_FACTORS:
        raise DepthExceeded(
            f"the inverse on [{on[0]:g}, {on[1]:g}] needs degree {size - 1}",
            hint="ask for a larger error, or narrow the domain",
        )
    if scaled is None or (scaled.plan.depth, scaled.plan.products) > (factors, 2 * (factors - 1)):
        scaled, method, size = _in_factors(least, most, factors), "minimax in factors", 2**factors
    # The inverse is odd.
    mirrored = replace(scaled, scale=sign * scaled.scale, factor=sign * scaled.factor)
    return measured(Function("inverse"), on, mirrored, method, oscillations=size)


def minimax_inverse(low: float, high: float, degree: int) -> Polynomial:
    """The polynomial y with the least max |1 - x y| on [low, high], where 0 < low, in closed form.

    With n = degree + 1, (T_n(t_0) - T_n(t)) / (t_0 - t) is the sum of 2 U_(n-1-j)(t_0) T_j(t) for
    j < n, the first halved, where U are Chebyshev's polynomials of the second kind.
    """
    size, angle = degree + 1, _angle(low, high)
    scale = 4.0 / ((high - low) * math.cosh(size * angle) * math.sinh(angle))
    # t falls as x rises, which is the sign of odd j.
    coefficients = [scale * (-1.0) ** j * math.sinh((size - j) * angle) for j in range(size)]
    return Polynomial((coefficients[0] / 2.0, *coefficients[1:]), low, high)


def _in_factors(low: float, high: float, count: int) -> ScaledPlan:
    """The best polynomial of degree 2**count - 1, times low, as the product of its factors.

    Each T is computed times a `share`, which keeps its factor near 1 at most.
    """
    angle, width = _angle(low, high), high - low
    ends = [math.cosh(2**i * angle) for i in range(count + 1)]
    weights, shares = [0], [1.0]
    for end in ends[1:count]:
        weights.append(max(1, round(2.0 / ((1.0 + end) * shares[-1] ** 2))))
        shares.append(weights[-1] * shares[-1] ** 2 / 2.0)
    first = low * 2.0 ** (count + 1) / (width * ends[count] * math.prod(shares))
    assembly = Assembly()
    # A level more here costs none later, and its constant's scale makes the result's scale free.
    product = assembly.add(Step(terms=((0, first),), constant=first * ends[0]))
    power = 0
    for weight, share, end in zip(weights[1:], shares[1:], ends[1:], strict=False):
        power = assembly.add(Step(((power, power, weight),), constant=-share))
        factor = assembly.add(Step(terms=((power, 1),), constant=share * end))
        product = assembly.add(Step(((product, factor, 1),)))
    return ScaledPlan(assembly.plan(product), -2.0 / width, (high + low) / width, 1.0 / low)
