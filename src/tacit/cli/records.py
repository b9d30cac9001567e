"""What is told of an approximation, of a comparison, and of a front."""

from __future__ import annotations

import time

from tacit.approx import Composite, Fit, Row, compare, outside, paf, pareto
from tacit.cli.printed import Basis, decimals_of, doubles_of, errors_of, has_decimals
from tacit.cli.wishes import Wish
from tacit.errors import TacitError
from tacit.program import Json


def record(approximation: Fit | Composite, basis: Basis, seconds: float) -> dict[str, Json]:
    """What is known of an approximation; its error is proven where `certified` says so.

    The error is that of the polynomial whose coefficients are the `decimals` where there are any,
    else the `coefficients`, which are doubles. Where there are both, `error_of_doubles` is what
    the doubles alone give. Errors of composites of many degrees are measured, not proven.
    """
    plan = approximation.plan
    away = outside(approximation)
    told: dict[str, Json] = {
        "function": repr(approximation.function),
        "method": approximation.method,
        "intervals": [list(each) for each in approximation.intervals],
        **errors_of(approximation, basis).record,
        "degrees": list(approximation.degrees),
        "depth": approximation.depth,
        "products": approximation.products,
        "relinearisations": plan.relinearisations,
        "plain_products": plan.plain_products,
        "outside": {
            "bounds": list(away.bounds),
            "below": away.below,
            "above": away.above,
            "values": [list(each) for each in away.values],
        },
        "seconds": seconds,
        "basis": basis.value,
    }
    match approximation:
        case Fit():
            return {**told, **_fit_record(approximation, basis)}
        case Composite():
            return {**told, **_composite_record(approximation, basis)}


def _fit_record(found: Fit, basis: Basis) -> dict[str, Json]:
    known: dict[str, Json] = {} if found.weight is None else {"weight": repr(found.weight)}
    if has_decimals(found, basis):
        known["decimals"] = list(found.decimals_in(basis.value))
    return {
        **known,
        "bits": found.bits,
        "parity": found.polynomial.parity.value,
        "alternation": list(found.alternation),
        "coefficients": list(found.coefficients_in(basis.value)),
    }


def _composite_record(found: Composite, basis: Basis) -> dict[str, Json]:
    decimals: list[Json] = [list(each) for each in decimals_of(found, basis)]
    return {
        "form": found.form.formula,
        "gap": found.gap,
        "stage_intervals": [[stage.low, stage.high] for stage in found.chained],
        **({"decimals": decimals} if decimals else {}),
        "coefficients": [list(doubles_of(stage, basis)) for stage in found.chained],
    }


def trainable(name: str) -> dict[str, Json]:
    """A named composite sign's coefficients of x, x**3, ... stage by stage, before any scaling."""
    return {"paf": paf(name).name, "trainable": [list(each) for each in paf(name).trainable]}


def comparison(wish: Wish) -> dict[str, Json]:
    """Method against method at equal depth, best first, or at the degree that is asked for."""
    begin = time.perf_counter()
    rows = compare(
        wish.target,
        wish.intervals,
        **({} if wish.depth is None else {"depths": [wish.depth]}),
        degrees=None if wish.degree is None else [wish.degree],
        histogram=wish.histogram,
    )
    return {
        "function": repr(wish.target),
        "intervals": [list(each) for each in wish.intervals],
        "methods": [_row(row) for row in rows if not row.reason],
        "do_not_apply": [
            {"within_depth": row.allowed, "method": row.method, "reason": row.reason}
            for row in rows
            if row.reason
        ],
        "seconds": time.perf_counter() - begin,
    }


def front(wish: Wish) -> dict[str, Json]:
    """Every composite, or single polynomial, that wins in depth or in products."""
    if wish.alpha is wish.error is None:
        raise TacitError("how good the front is, is not said", hint="say --alpha 8 or --error 0.01")
    begin = time.perf_counter()
    gap = wish.usual_gap if wish.gap is not None else None
    found = pareto(wish.target, wish.whole, alpha=wish.alpha, error=wish.error, gap=gap)
    if not found:
        raise TacitError(
            f"nothing for {wish.target!r} is that good", hint="ask for less, or a wider gap"
        )
    return {
        "function": repr(wish.target),
        "intervals": [list(each) for each in found[0].intervals],
        "front": [
            {
                "depth": each.depth,
                "products": each.products,
                "degrees": list(each.degrees),
                "error": each.error,
            }
            for each in found
        ],
        "seconds": time.perf_counter() - begin,
    }


def _row(row: Row) -> dict[str, Json]:
    """One line of a comparison; what is not known is none, and the RMS is there with samples."""
    weighed = {} if row.root_mean_square is None else {"rms": row.root_mean_square}
    return {
        "within_depth": row.allowed,
        "method": row.method,
        "error": row.error,
        "lower_bound": row.lower_bound,
        **weighed,
        "degrees": list(row.degrees),
        "depth": row.depth,
        "products": row.products,
        "stays_bounded_for": row.outside,
        "seconds": row.seconds,
    }
