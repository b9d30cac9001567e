"""Which approximation is cheapest for an error: a composite's degrees, or a single polynomial."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tacit.approx.composites.aim import MAX_DEPTH
from tacit.approx.composites.composite import Composite
from tacit.approx.composites.costs import CostModel
from tacit.approx.composites.forms import COMPARISON, target_of
from tacit.approx.composites.pareto import composites, fewest_products
from tacit.approx.composites.times import by_time
from tacit.approx.composites.wanted import Wanted
from tacit.approx.domain import Intervals
from tacit.approx.fits import Domain, Fit, fit, intervals_of
from tacit.approx.methods import Minimax
from tacit.approx.target import Approximable, Custom, as_function
from tacit.errors import DepthExceeded
from tacit.ir.functions import Function

Objective = Literal["depth", "products", "time"] | CostModel


def fit_composite(
    function: str | Function | Custom,
    on: Domain,
    *,
    error: float,
    gap: float | None = None,
    objective: Objective = "depth",
) -> Composite:
    """The cheapest composite whose measured error on `on` is at most `error`.

    The cheapest has the least depth, then the fewest products; or the other way round; or, as a
    cost model says, takes the least time ("time" means the default one). Only the sign and the
    comparison take a gap: outside of |x| < gap their error holds. Unless said, it is what
    comparisons to alpha bits have: 2**-alpha of the bound for an error of 2**(1 - alpha) in the
    sign. Raises DepthExceeded where no composite gets there.

    >>> fit_composite("sign", (-1, 1), error=2.0**-7).degrees
    (7, 15, 15)
    """
    wanted = Wanted(target_of(function), intervals_of(on), error, gap)
    for found in _cheapest_first(wanted, objective):
        return found
    raise DepthExceeded(
        f"no composite for {wanted.target!r} on {_named(wanted.intervals)} has error "
        f"{error:.3g} in depth {MAX_DEPTH}",
        hint="ask for a larger error, or a wider gap",
    )


def _cheapest_first(wanted: Wanted, objective: Objective) -> Iterator[Composite]:
    match objective:
        case "depth":
            return composites(wanted)
        case "products":
            return fewest_products(wanted)
        case "time":
            return _by_time(wanted, CostModel())
        case CostModel():
            return _by_time(wanted, objective)


def _by_time(wanted: Wanted, costs: CostModel) -> Iterator[Composite]:
    # Without this a search by time would try for ever longer ones.
    if not wanted.aim.is_in_reach:
        return iter(())
    return (found for each in by_time(wanted.aim, costs) if (found := wanted.checked(each)))


def _named(intervals: Intervals) -> str:
    return ", ".join(f"[{low:g}, {high:g}]" for low, high in intervals)


def best(function: Approximable, on: Domain, *, error: float) -> Fit | Composite:
    """The approximation of least depth whose error is at most `error`; ties go to fewer products.

    For a function with a bend that is the fit of least degree, where a fit exists: a composite of
    stages of k_1, k_2, ... levels, x merged into the last, is a polynomial of a degree of at most
    (2**k_1 - 1) (2**k_2 - 1) ... (2**k_n - 3) + 1. The fit of that degree takes no more levels, and
    the error asked for two or more levels less (`pareto`). Composites take over where the degree
    outgrows MAX_DEGREE. Around 0 the sign and the comparison get a
    composite, which may have one stage, with the gap of `fit_composite`.
    """
    target = target_of(function) if isinstance(function, str) else as_function(function)
    intervals = intervals_of(on)
    if target in (Function("sign"), COMPARISON) and intervals[0][0] < 0.0 < intervals[-1][1]:
        return fit_composite(target, intervals, error=error)
    try:
        # What runs on ciphertexts has coefficients that are doubles: their error counts.
        return fit(target, intervals, error=error, method=Minimax(escalates=False))
    except DepthExceeded:
        match target:
            case Function("relu" | "abs" | "leaky_relu") | Custom("max"):
                return fit_composite(target, intervals, error=error)
            case _:
                raise
