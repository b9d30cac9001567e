"""The square root and its inverse: from the polynomials that approach the sign.

Let S be an odd polynomial that is near the sign on [g, 1], and z = sqrt(x). Then S(z) = z q(x), so
q(x) is near 1 / sqrt(x) with the relative error of S, and x q(x) = z S(z) is near sqrt(x) with the
absolute error of z S(z) for |z|. So the best polynomial for 1 / sqrt(x) is the minimax sign, and
what makes a composite sign cheap makes roots cheap: with x' = x q(x)**2 = S(z)**2 the next stage
goes on. Newton's y (3 - x y**2) / 2 is such a stage, of degree 3, and not the best one.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.polynomial import chebyshev

from tacit.approx.circuits.circuit import (
    ScalarCircuit,
    carried,
    checked_domain,
    checked_error,
    kept,
    measured,
    one_over,
    positive_domain,
)
from tacit.approx.circuits.scaled import SHARE, ScaledPlan, least_fit, scaled_plan_of
from tacit.approx.composites.composite import Composite
from tacit.approx.composites.search import Objective, fit_composite
from tacit.approx.composites.signs import minimax_signs
from tacit.approx.fits import MAX_DEGREE
from tacit.approx.plans import Step, plan_of
from tacit.approx.plans.compose import Assembly
from tacit.approx.polynomial import Polynomial
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import FloatArray, Function


def inverse_square_root(
    on: tuple[float, float], *, error: float, objective: Objective = "depth"
) -> ScalarCircuit:
    """The circuit for 1 / sqrt(x) with this relative error, of least depth or fewest products.

    Up to degree 255 the least depth is that of the best polynomial; wider domains get a composite.
    Raises TypeMismatch unless 0 < low < high.

    >>> found = inverse_square_root((0.01, 1.0), error=1e-3)
    >>> found.method, found.depth, found.relative_error <= 1e-3
    ('minimax', 5, True)
    """
    low, high = positive_domain(on, "the inverse square root")
    checked_error(error, "the inverse square root", below=1.0)
    carried(error, "the inverse square root, relative to itself,")
    gap = math.sqrt(low / high)
    direct = _least_direct(low, high, error)
    if direct is not None and objective == "depth":
        return direct
    staged = _staged_sign(error, gap, objective)
    function = Function("rsqrt")
    scaled = _in_stages(staged, (low, high), is_root=False)
    found = measured(function, (low, high), scaled, "composite", oscillations=_turns(staged))
    kept(found, error, is_relative=True)
    return found if direct is None or found.products < direct.products else direct


def square_root(
    on: tuple[float, float], *, error: float, objective: Objective = "depth"
) -> ScalarCircuit:
    """The circuit for sqrt(x) on [low, high], 0 <= low, of least depth or fewest products.

    The error is relative where low > 0. Where low = 0 it is absolute, as nothing is relative to 0.
    Raises TypeMismatch where low < 0.

    >>> found = square_root((0.0, 1.0), error=0.01)
    >>> found.depth, found.absolute_error <= 0.01
    (4, True)
    """
    low, high = checked_domain(on)
    checked_error(error, "the square root")
    if low < 0.0:
        raise TypeMismatch(f"the square root is wanted at {low:g}", hint="choose low >= 0")
    if low > 0.0:
        carried(error, "the square root, relative to itself,")
        return kept(_relative_root(low, high, error, objective), error, is_relative=True)
    carried(error, "the square root", size=math.sqrt(high))
    return kept(_absolute_root(high, error, objective), error, is_relative=False)


def _relative_root(low: float, high: float, error: float, objective: Objective) -> ScalarCircuit:
    function = Function("sqrt")
    gap = math.sqrt(low / high)
    direct: ScalarCircuit | None = None
    # A root of degree n is no better than the sign of degree 2 n that it makes when divided by z.
    if _sign_error(2 * MAX_DEGREE + 1, gap) <= error:
        found = least_fit(function, (low, high), error, one_over(function))
        scaled = scaled_plan_of(found.polynomial)
        direct = measured(function, (low, high), scaled, "minimax", oscillations=found.degree)
        if objective == "depth":
            return direct
    staged = _staged_sign(error, gap, objective)
    scaled = _in_stages(staged, (low, high), is_root=True)
    whole = measured(function, (low, high), scaled, "composite", oscillations=_turns(staged))
    return whole if direct is None or whole.products < direct.products else direct


def _absolute_root(high: float, error: float, objective: Objective) -> ScalarCircuit:
    function, on = Function("sqrt"), (0.0, high)
    direct: ScalarCircuit | None = None
    try:
        found = least_fit(function, on, error)
        scaled = scaled_plan_of(found.polynomial)
        direct = measured(function, on, scaled, "minimax", oscillations=found.degree)
    except DepthExceeded:
        pass
    if direct is not None and objective == "depth":
        return direct
    share = SHARE * error / math.sqrt(high)
    staged = fit_composite("abs", (-1.0, 1.0), error=share, objective=objective)
    scaled = _in_stages(staged, on, is_root=True)
    whole = measured(function, on, scaled, "composite", oscillations=_turns(staged))
    return whole if direct is None or whole.products < direct.products else direct


def _staged_sign(error: float, gap: float, objective: Objective) -> Composite:
    """The cheapest composite sign of this error on gap <= |z| <= 1."""
    return fit_composite("sign", (-1.0, 1.0), error=SHARE * error, gap=gap, objective=objective)


def _turns(staged: Composite) -> int:
    return math.prod(staged.degrees)


def _sign_error(degree: int, gap: float) -> float:
    """The least error of an odd polynomial of this degree for the sign on gap <= |z| <= 1."""
    return float(minimax_signs(degree, np.array([gap])).errors[0])


def _least_direct(low: float, high: float, error: float) -> ScalarCircuit | None:
    """The best polynomial of least degree for 1 / sqrt(x), if one of at most 255 is enough."""
    gap = math.sqrt(low / high)
    if _sign_error(2 * MAX_DEGREE + 1, gap) > error:
        return None
    degrees = [1, 2, *range(4, MAX_DEGREE + 1)]
    place = bisect_left(degrees, -error, key=lambda each: -_sign_error(2 * each + 1, gap))
    for degree in degrees[place : place + 2]:
        signs = minimax_signs(2 * degree + 1, np.array([gap]))
        # sqrt(x / high) q(x) is near 1, and no value of gap * q exceeds 1 by much.
        coefficients = (gap * signs.coefficients[0]).tolist()
        polynomial = Polynomial(tuple(coefficients), low, high)
        scaled = scaled_plan_of(polynomial).times(1.0 / math.sqrt(low))
        found = measured(Function("rsqrt"), (low, high), scaled, "minimax", oscillations=2 * degree)
        if found.relative_error <= error:
            return found
    return None


def _in_stages(staged: Composite, on: tuple[float, float], *, is_root: bool) -> ScaledPlan:
    """The product of the q of all stages, times x first if it is the root that is wanted.

    The variable is s = 2 z**2 - 1 = T_2(z), which runs in [-1, 1].
    """
    low, high = on
    first, *others = (_divided(each.coefficients) for each in staged.chained)
    assembly, variable = Assembly(), 0
    start = _times_square(first) if is_root else first
    result = assembly.set_in(plan_of(Polynomial(tuple(start))), variable)
    share = math.sqrt(low / high) if others and not is_root else 1.0
    if share != 1.0:
        # No later value exceeds 1 by much. The next variable takes a level more, so this is free.
        result = assembly.add(Step(terms=((result, share),)))
    before = first
    for factor in others:
        variable = _next_variable(assembly, before, variable)
        value = assembly.set_in(plan_of(Polynomial(tuple(factor))), variable)
        result = assembly.add(Step(((result, value, 1),)))
        before = factor
    factor_after = math.sqrt(high) if is_root else 1.0 / (share * math.sqrt(high))
    return ScaledPlan(assembly.plan(result), 2.0 / high, -1.0, factor_after)


def _next_variable(assembly: Assembly, factor: FloatArray, variable: int) -> int:
    """The s of the next stage, 2 (z q)**2 - 1: as a product, or as one polynomial if cheaper."""
    q = assembly.set_in(plan_of(Polynomial(tuple(factor))), variable)
    z_q = assembly.set_in(plan_of(Polynomial(tuple(_times_square(factor)))), variable)
    joined = assembly.add(Step(((z_q, q, 2),), constant=-1.0))
    squared = 2.0 * chebyshev.chebmul(_times_square(factor), factor)
    squared[0] -= 1.0
    alone = assembly.set_in(plan_of(Polynomial(tuple(squared))), variable)
    plans = {value: assembly.plan(value) for value in (joined, alone)}
    return min(plans, key=lambda value: (plans[value].depth, plans[value].products))


def _times_square(factor: FloatArray) -> FloatArray:
    """z**2 times a polynomial of s: z**2 is (1 + s) / 2."""
    return np.asarray(chebyshev.chebmul(factor, [0.5, 0.5]))


def _divided(odd: Sequence[float]) -> FloatArray:
    """The q of p(z) = z q(s), where s = T_2(z), from the Chebyshev coefficients of p.

    T_(2k+1)(z) = 2 z T_k(s) - T_(2k-1)(z), so its quotient is 2 T_k - 2 T_(k-1) + ... ± 1.
    """
    coefficients = np.array(odd[1::2])
    signs = (-1.0) ** np.arange(len(coefficients))
    tails = signs * np.cumsum((signs * coefficients)[::-1])[::-1]
    return np.asarray(np.concatenate([tails[:1], 2.0 * tails[1:]]))
