"""What `tacit approximate` is asked for, found, and told as a record."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import numpy as np

from tacit.approx import (
    METHODS,
    Composite,
    Custom,
    Fit,
    Histogram,
    LeastSquares,
    Method,
    Minimax,
    Polynomial,
    Row,
    ScalarFunction,
    compare,
    composite,
    error_of,
    fit,
    fit_composite,
    outside,
    pareto,
)
from tacit.approx.bases import as_doubles, powers_in
from tacit.approx.composites.forms import form_of, target_of
from tacit.approx.domain import Intervals
from tacit.cli import arguments
from tacit.errors import TacitError
from tacit.ir.functions import FloatArray, Function
from tacit.program import Json

CALL = re.compile(r"^(\w+)\((.*)\)$")
WHOLE: Intervals = ((-1.0, 1.0),)
# A comparison whose gap nobody said: seven bits, as SmartPAF's forms have.
USUAL_ALPHA = 7.0


class Basis(StrEnum):
    """What the coefficients belong to."""

    CHEBYSHEV = "chebyshev"
    POWER = "power"


class Objective(StrEnum):
    """What a composite has least of."""

    DEPTH = "depth"
    PRODUCTS = "products"
    TIME = "time"


class Least(StrEnum):
    """What is least where an error is given."""

    DEGREE = "degree"
    DEPTH = "depth"


@dataclass(frozen=True)
class Wish:
    """What is asked for, as it stands on the command line."""

    function: str
    on: Intervals = ()
    degree: int | None = None
    depth: int | None = None
    error: float | None = None
    least: Least = Least.DEGREE
    method: str = Minimax.name
    precision: int | None = None
    relative: bool = False
    samples: Path | None = None
    alpha: float | None = None
    gap: float | None = None
    degrees: str | None = None
    objective: Objective = Objective.DEPTH

    @property
    def is_composite(self) -> bool:
        """Whether a composite is asked for."""
        return self.alpha is not None or self.degrees is not None

    @property
    def target(self) -> Function | Custom:
        """The function."""
        return named(self.function)

    @property
    def intervals(self) -> Intervals:
        """The intervals; by default [-1, 1], without a gap for what jumps at 0."""
        if self.on:
            return self.on
        if self.target != Function("sign"):
            return WHOLE
        gap = 2.0**-USUAL_ALPHA if self.gap is None else self.gap
        return ((-1.0, -gap), (gap, 1.0))

    @property
    def histogram(self) -> Histogram | None:
        """The distribution of the samples, if there are any."""
        return None if self.samples is None else Histogram.of(_samples(self.samples))


def named(text: str) -> Function | Custom:
    """The function that a text means: a name, or a call with parameters as `repr` writes them.

    >>> named("leaky_relu(slope=0.1)"), named("relu")
    (leaky_relu(slope=0.1), relu)
    """
    call = CALL.match(text.strip())
    if call is None:
        return target_of(text.strip())
    name, inside = call.groups()
    numbers = [part.split("=")[-1].strip() for part in filter(None, inside.split(","))]
    try:
        return Function(name, tuple(map(float, numbers)))
    except ValueError as wrong:
        raise TacitError(
            f"{text!r} is no function: {wrong}", hint="such as 'leaky_relu(slope=0.1)'"
        ) from wrong


def found(wish: Wish) -> tuple[Fit | Composite, float]:
    """The approximation that is asked for, and the seconds that finding it took."""
    begin = time.perf_counter()
    approximation = _composite(wish) if wish.is_composite else _fit(wish)
    return approximation, time.perf_counter() - begin


def _fit(wish: Wish) -> Fit:
    weight = _relative(wish.target) if wish.relative else None
    return fit(
        wish.target,
        wish.intervals,
        degree=wish.degree,
        depth=wish.depth,
        error=wish.error,
        least=wish.least.value,
        method=_method(wish),
        weight=weight,
    )


def _relative(function: ScalarFunction) -> Custom:
    """The weight that makes an error relative to the function's values."""

    def one_over(x: FloatArray) -> FloatArray:
        return np.asarray(1.0 / np.abs(function.exact(x)))

    return Custom(f"1/|{function.name}|", one_over, function.kinks)


def _method(wish: Wish) -> Method:
    if wish.method not in METHODS:
        raise TacitError(
            f"no method is called {wish.method!r}", hint=f"known are {', '.join(METHODS)}"
        )
    kind = METHODS[wish.method]
    if wish.precision is not None:
        if kind is not Minimax:
            raise TacitError(
                f"--precision goes with the method minimax, not with {wish.method}",
                hint="leave out one of them",
            )
        return Minimax(bits=wish.precision)
    if wish.samples is not None:
        if kind is not LeastSquares:
            raise TacitError(
                f"--samples goes with the method {LeastSquares.name}, not with {wish.method}",
                hint=f"--method {LeastSquares.name}",
            )
        return LeastSquares(wish.histogram)
    return kind()


def _composite(wish: Wish) -> Composite:
    if wish.degree is not None or wish.depth is not None or wish.error is not None:
        raise TacitError(
            "a composite is asked for by --alpha or --degrees, not by --degree, --depth or --error",
            hint="leave out one of them",
        )
    on = wish.on or WHOLE
    if wish.degrees is not None:
        return composite(wish.target, _whole_numbers(wish.degrees), on, gap=_gap(wish))
    assert wish.alpha is not None, "a composite is asked for by one of the two"
    return fit_composite(
        wish.target,
        on,
        error=error_of(wish.target, wish.alpha),
        gap=wish.gap,
        objective=wish.objective.value,
    )


def _gap(wish: Wish) -> float | None:
    """The gap that is said, or that the bits of a comparison mean; None where a form finds it."""
    if wish.gap is not None or wish.alpha is None:
        return wish.gap
    return None if form_of(wish.target).bend else 2.0**-wish.alpha


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as wrong:
        raise TacitError(f"--degrees {text!r} is no list of numbers", hint="7,15,15") from wrong


def _samples(path: Path) -> FloatArray:
    return np.ravel(arguments.load_data(path).x)


def record(approximation: Fit | Composite, basis: Basis, seconds: float) -> dict[str, Json]:
    """What is known of an approximation; its error is proven where `certified` says so."""
    bounds = approximation.certified
    plan = approximation.plan
    away = outside(approximation)
    told: dict[str, Json] = {
        "function": repr(approximation.function),
        "method": approximation.method,
        "intervals": [list(each) for each in approximation.intervals],
        "error": _up(bounds.upper) if bounds.proven else approximation.error,
        "lower_bound": _down(bounds.lower),
        "certified": bounds.proven,
        "degrees": list(approximation.degrees),
        "depth": approximation.depth,
        "products": approximation.products,
        "relinearisations": plan.relinearisations,
        "plain_products": plan.plain_products,
        "outside": {
            "bounds": list(away.bounds),
            "below": _finite(away.below),
            "above": _finite(away.above),
            "values": [list(map(_finite, each)) for each in away.values],
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
    if found.decimals:
        known["decimals"] = list(found.decimals_in(basis.value))
    return {
        **known,
        "bits": found.bits,
        "parity": found.polynomial.parity.value,
        "alternation": list(found.alternation),
        "coefficients": list(found.coefficients_in(basis.value)),
    }


def _composite_record(found: Composite, basis: Basis) -> dict[str, Json]:
    stages = found.chained
    return {
        "form": found.form.formula,
        "gap": found.gap,
        "stage_intervals": [[stage.low, stage.high] for stage in stages],
        "coefficients": [list(coefficients_in(stage, basis)) for stage in stages],
    }


def coefficients_in(stage: Polynomial, basis: Basis) -> tuple[float, ...]:
    """The coefficients of a stage's T_k(t), t in [-1, 1], or of x**k."""
    if basis is Basis.CHEBYSHEV:
        return stage.coefficients
    return as_doubles(powers_in(stage.coefficients, stage.low, stage.high))


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
        "methods": [_row(row) for row in rows],
        "seconds": time.perf_counter() - begin,
    }


def front(wish: Wish) -> dict[str, Json]:
    """Every composite, or single polynomial, that wins in depth or in products."""
    begin = time.perf_counter()
    found = pareto(wish.target, wish.on or WHOLE, alpha=wish.alpha, error=wish.error, gap=wish.gap)
    return {
        "function": repr(wish.target),
        "intervals": [list(each) for each in wish.on or WHOLE],
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
    """One line of a comparison; what is not known, or does not apply, is none."""
    applies = not row.reason
    return {
        "within_depth": row.allowed,
        "method": row.method,
        "error": row.error if applies else None,
        "lower_bound": row.lower_bound,
        "rms": row.root_mean_square,
        "degrees": list(row.degrees),
        "depth": row.depth if applies else None,
        "products": row.products if applies else None,
        "stays_bounded_for": None if row.outside is None else _finite(row.outside),
        "seconds": row.seconds if applies else None,
        "reason": row.reason or None,
    }


def _up(value: Decimal) -> float:
    """A double that is not below the decimal."""
    return float(np.nextafter(float(value), np.inf))


def _down(value: Decimal) -> float:
    """A double that is not above the decimal."""
    return max(0.0, float(np.nextafter(float(value), -np.inf)))


def _finite(value: float) -> float | None:
    """JSON knows no infinity: none means never, or beyond all doubles."""
    return value if np.isfinite(value) else None
