"""The front of depth against products: nothing that is good enough is better in both."""

from __future__ import annotations

from collections.abc import Iterator

from tacit.approx.composites.aim import MAX_DEPTH, MAX_PRODUCTS, Aim
from tacit.approx.composites.composite import Composite
from tacit.approx.composites.forms import error_of, target_of
from tacit.approx.composites.wanted import TABLES, Wanted
from tacit.approx.fits import MAX_DEGREE, Domain, Fit, fit, intervals_of
from tacit.approx.target import Custom
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import Function


def pareto(
    function: str | Function | Custom,
    on: Domain = (-1.0, 1.0),
    *,
    alpha: float | None = None,
    error: float | None = None,
    gap: float | None = None,
) -> tuple[Fit | Composite, ...]:
    """All that is good enough and on the front of depth against products, the least deep first.

    Good enough is an error of at most `error`, or to `alpha` bits (see `error_of`). Functions are
    those of `composite`; where a single polynomial is on the front, it is one. The front is exact
    for stages of degrees up to 63 with the default margins, whatever levels they take and whether
    the product with x is merged into the last one or not.

    >>> [(each.depth, each.products) for each in pareto("sign", alpha=5)]
    [(7, 12), (8, 10), (9, 9)]
    """
    if (alpha is None) == (error is None):
        raise TypeMismatch(
            "a front needs either alpha or an error", hint="say alpha=8 or error=0.004"
        )
    goal = error if error is not None else error_of(function, alpha or 0.0)
    wanted = Wanted(target_of(function), intervals_of(on), goal, gap)
    found = [*singles(wanted), *(_as_single(each, wanted) for each in composites(wanted))]
    # A single polynomial wins ties: it is the simpler of the two.
    found.sort(key=lambda each: (each.depth, each.products, isinstance(each, Composite)))
    kept: list[Fit | Composite] = []
    for each in found:
        if not kept or each.products < kept[-1].products:
            kept.append(each)
    return tuple(kept)


def composites(wanted: Wanted) -> Iterator[Composite]:
    """The front of the composites alone, the least deep first."""
    fewest = MAX_PRODUCTS
    for depth in range(1, MAX_DEPTH + 1):
        for products in range(depth, fewest):
            found = cheapest_of(wanted, depth, products)
            if found:
                yield found
                fewest = products
                break


def fewest_products(wanted: Wanted) -> Iterator[Composite]:
    """The composites of fewest products, and of least depth among them; then those of more."""
    for products in range(1, MAX_PRODUCTS):
        for depth in range(1, min(products, MAX_DEPTH) + 1):
            found = cheapest_of(wanted, depth, products)
            if found:
                yield found


def cheapest_of(wanted: Wanted, depth: int, products: int) -> Composite | None:
    """A composite whose stages cost exactly this, if one is good enough: all are tried."""
    for stages in wanted.aim.sequences(depth, products):
        found = wanted.checked(stages)
        if found:
            return found
    return None


def singles(wanted: Wanted) -> Iterator[Fit]:
    """The polynomial of least degree that is good enough, and one that is deeper for less."""
    if _out_of_reach(wanted):
        return
    try:
        least = fit(wanted.target, wanted.domain, error=wanted.error)
    except DepthExceeded:
        return
    yield least
    # Products grow with the degree but for one step: at a power of two a level is gained.
    deeper = 2**least.depth + (0 if wanted.form.bend else 1)
    if deeper <= MAX_DEGREE:
        yield fit(wanted.target, wanted.domain, degree=deeper)


def _out_of_reach(wanted: Wanted) -> bool:
    """Whether no polynomial of a degree up to MAX_DEGREE is good enough, by a quick look."""
    half = min(-wanted.intervals[0][0], wanted.intervals[-1][1])
    if wanted.form.bend:
        # n times the least error of degree n for |x| on [-1, 1] rises to 0.2801... (Bernstein's
        # constant; Varga & Carpenter 1985), and is above 0.27 from degree 4 on.
        return wanted.error < 0.27 / (MAX_DEGREE + 1) * wanted.form.bend * half
    aim = Aim(min(wanted.width / half, 1.0) if half > 0.0 else 1.0, wanted.goal * TABLES, 0.0)
    return aim.gap < 1.0 and not aim.may_stand_alone


def _as_single(found: Composite, wanted: Wanted) -> Fit | Composite:
    """One stage for a sign, in no more levels than it needs, is one polynomial."""
    if len(found.stages) > 1 or found.form.bend or found.depth > found.stages[0].depth:
        return found
    return fit(wanted.target, wanted.domain, degree=found.degrees[0])
