"""Which approximation is cheapest for an error: a composite's degrees, or a single polynomial."""

from __future__ import annotations

import math

import numpy as np

from tacit.approx.composites.composite import Composite, can_bend, composite, composite_sign
from tacit.approx.composites.degrees import MAX_DEPTH, promising_degrees
from tacit.approx.composites.forms import form_of, target_of
from tacit.approx.fits import Fit, fit
from tacit.approx.target import Approximable, Custom, as_function
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import Function

# Gaps that a bent function's error may come from, as multiples of its goal: measured composites
# have 3.8 (error 1/8) to 10 (error 2**-16) times, growing with the accuracy.
GAPS_PER_GOAL = np.geomspace(3.0, 16.0, 17)


def fit_composite(
    function: str | Function | Custom,
    low: float,
    high: float,
    *,
    error: float,
    gap: float | None = None,
) -> Composite:
    """The composite of least depth, then of fewest products, whose measured error meets `error`.

    Only the sign takes a gap: outside of |x| < gap its error holds. Unless said it is error / 2
    of the larger end, as a comparison to alpha bits has gap 2**-alpha and error 2**(1 - alpha).
    """
    target = target_of(function)
    form = form_of(target)
    bound = max(abs(low), abs(high))
    if not (low < high and 0.0 < error < math.inf and bound < math.inf):
        raise TypeMismatch(
            f"error {error:g} on [{low:g}, {high:g}] makes no sense",
            hint="the error must be above 0, and low < high",
        )
    if form.bend:
        return _fit_bend(target, low, high, error)
    ratio = error / 2.0 if gap is None else gap / bound
    if not 0.0 < ratio < 1.0:
        raise TypeMismatch(
            f"a gap of {ratio * bound:g} leaves nothing of [-{bound:g}, {bound:g}]",
            hint="choose a smaller gap or error",
        )
    for degrees in promising_degrees(np.array([ratio]), error):
        found = composite_sign(ratio * bound, degrees, bound=bound)
        if found.error <= error:
            return found
    raise _unreachable(target, low, high, error)


def _fit_bend(target: Function | Custom, low: float, high: float, error: float) -> Composite:
    """The cheapest composite for a function with a bend at 0."""
    goal = error / (form_of(target).bend * max(abs(low), abs(high)))
    gaps = np.unique(np.minimum(GAPS_PER_GOAL * goal, 0.9))
    for degrees in promising_degrees(gaps, goal):
        if not can_bend(degrees, goal):
            continue
        found = composite(target, degrees, low, high)
        if found.error <= error:
            return found
    raise _unreachable(target, low, high, error)


def _unreachable(target: Function | Custom, low: float, high: float, error: float) -> DepthExceeded:
    return DepthExceeded(
        f"no composite for {target!r} on [{low:g}, {high:g}] has error {error:.3g} "
        f"in depth {MAX_DEPTH}",
        hint="ask for a larger error",
    )


def best(function: Approximable, low: float, high: float, *, error: float) -> Fit | Composite:
    """The approximation of least depth whose error is at most `error`; ties go to fewer products.

    A composite is itself a polynomial, of a lower degree than its depth allows, so where a fit
    exists no composite is less deep; composites take over where the degree outgrows MAX_DEGREE.
    The sign always gets a composite, with the gap of `fit_composite`.
    """
    target = as_function(function)
    if target == Function("sign") and low <= 0.0 <= high:
        return fit_composite(target, low, high, error=error)
    try:
        return fit(target, (low, high), error=error)
    except DepthExceeded:
        match target:
            case Function("relu" | "abs" | "leaky_relu"):
                return fit_composite(target, low, high, error=error)
            case _:
                raise
