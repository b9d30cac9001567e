"""GELU as one polynomial: x / 2 plus an even part, so that half of the powers are not needed."""

from __future__ import annotations

from tacit.approx.circuits.circuit import (
    ScalarCircuit,
    carried,
    checked_domain,
    checked_error,
    kept,
    measured,
)
from tacit.approx.circuits.scaled import least_fit, scaled_plan_of
from tacit.ir.functions import Function


def gelu(on: tuple[float, float], *, error: float) -> ScalarCircuit:
    """The circuit for GELU with this absolute error, of least depth, then least degree.

    Its degree grows with the width of the domain; DepthExceeded is raised where 255 is not enough.
    Composites are no shallower: one of stages of k_1, k_2, ... levels is itself a polynomial of a
    degree below 2**(k_1 + k_2 + ...), and the best of that degree takes no more levels.

    >>> found = gelu((-8.0, 8.0), error=1e-3)
    >>> found.depth, found.absolute_error <= 1e-3
    (5, True)
    """
    domain = checked_domain(on)
    checked_error(error, "GELU")
    function = Function("gelu")
    # No value of the plan is larger than about 1 when it is divided by this.
    size = max(map(abs, domain))
    carried(error, "GELU", size=size)
    found = least_fit(function, domain, error)
    scaled = scaled_plan_of(found.polynomial.scaled(1.0 / size)).times(size)
    whole = measured(function, domain, scaled, "minimax", oscillations=found.degree)
    return kept(whole, error, is_relative=False)
