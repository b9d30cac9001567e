"""How polynomials that a model brings with it are computed under CKKS: with exactly their values.

Only intervals change, and with them coefficients: the first interval holds what was calibrated,
and each other one what the stage before it gives.
"""

from __future__ import annotations

import math

import numpy as np

from tacit.approx import Composite, Fit, Form, Polynomial
from tacit.approx.composites.composite import outside
from tacit.approx.composites.gaps import MOST_OSCILLATIONS
from tacit.approx.composites.pafs import settled_gap
from tacit.approx.composites.stages import fitting
from tacit.approx.measure import largest_error
from tacit.arithmetics.ckks.activations import Recipe, recipe_of
from tacit.arithmetics.ckks.approximation import Approximation
from tacit.errors import LoweringError, TypeMismatch
from tacit.ir.graph import Range
from tacit.ir.ops import Approximated

# How much wider than it was made an interval may become. Up to there it costs three bits of the
# precision of what lies in it. Measured on the named composites with inputs beyond the scale: as
# long as the last value is below 2, no stage is given more than 2 times its interval; soon after
# 5 times the last value is in the thousands.
MOST = 8.0
# Points on which values are looked at: hundreds for each oscillation of what networks use.
LOOKS = 8001
HINT = "freeze(model, margin=1.1) for a wider scale, or tune again on such inputs"


def recipe_of_tuned(op: Approximated, seen: Range) -> Recipe:
    """How the polynomials are computed on what they were made for, and on `seen` where it is more.

    Raises LoweringError where they explode there, or where no plan could compute them.
    """
    is_single = len(op.stages) == 1 and not op.bend
    if not is_single and bool(op.step) == bool(op.bend):
        raise LoweringError(
            f"the last stage's value is used {'twice' if op.step else 'nowhere'}",
            hint="what is computed is a multiple of it, or of its product with the input",
        )
    own = [Polynomial(c, *ends) for c, ends in zip(op.stages, op.intervals, strict=True)]
    first = _holding(own[0], seen, around_zero=not is_single)
    _refuse_far_inputs(op, first)
    return _single(op, first) if is_single else _composite(op, [first, *own[1:]])


def _holding(stage: Polynomial, seen: Range, *, around_zero: bool) -> Polynomial:
    """The stage on an interval that holds all that was seen; around 0 if it was, or has to be."""
    low, high = min(stage.low, seen.low), max(stage.high, seen.high)
    if around_zero or stage.low == -stage.high:
        high = max(-low, high)
        low = -high
    return stage if (low, high) == (stage.low, stage.high) else stage.on(low, high)


def _refuse_far_inputs(op: Approximated, first: Polynomial) -> None:
    """Raise where inputs, or what the polynomials make of them, are far outside."""
    low, high = op.intervals[0]
    wider = (first.high - first.low) / (high - low)
    larger = _largest(op, first.low, first.high) / _largest(op, low, high) if wider <= MOST else 0.0
    if wider > MOST or not larger <= MOST:
        raise LoweringError(
            f"its inputs go from {first.low:.4g} to {first.high:.4g}; its polynomials, made for "
            f"{low:.4g} to {high:.4g}, explode there",
            hint=HINT,
        )


def _largest(op: Approximated, low: float, high: float) -> float:
    """The largest magnitude of the values on an interval, or 1 where they are zero."""
    with np.errstate(all="ignore"):
        return float(np.abs(op.run(np.linspace(low, high, LOOKS))).max()) or 1.0


def _single(op: Approximated, stage: Polynomial) -> Recipe:
    """One polynomial, with all that is made of it in its coefficients."""
    coefficients = np.zeros(max(2, len(stage.coefficients)))
    coefficients[: len(stage.coefficients)] = op.step * np.array(stage.coefficients)
    # x is the middle plus half the width times T_1.
    coefficients[0] += op.constant + op.slope * (stage.low + stage.high) / 2.0
    coefficients[1] += op.slope * (stage.high - stage.low) / 2.0
    whole = Polynomial(tuple(coefficients.tolist()), stage.low, stage.high)
    domain = ((stage.low, stage.high),)
    error = largest_error(op.function, op.run, domain, degree=whole.degree)
    return recipe_of(Fit(whole, op.function, domain, "tuned", error), op.function)


def _composite(op: Approximated, stages: list[Polynomial]) -> Recipe:
    """The stages, each giving the next one's normalised variable, and the form of the last."""
    try:
        first, *others = fitting(stages, most=MOST)
    except TypeMismatch as wrong:
        raise LoweringError(f"its polynomials explode: {wrong.message}", hint=HINT) from wrong
    radius = first.high
    gap = settled_gap((first.moved(-1.0, 1.0), *others)) * radius
    # What is made of the sign alone jumps, as every composite of it does.
    domain = ((-radius, radius),) if op.bend else outside(((-radius, radius),), gap)
    degree = min(math.prod(stage.degree for stage in stages), MOST_OSCILLATIONS)
    error = largest_error(op.function, op.run, domain, degree=degree, breaks=(-gap, gap))
    given = Form(op.function.name, op.constant, op.step, op.slope, op.bend)
    found = Composite((first, *others), given, op.function, domain, gap, error)
    size = _largest(op, -radius, radius)
    # The same of t = x / radius, divided by its largest value.
    form = Form(
        given.name,
        constant=op.constant / size,
        step=op.step / size,
        slope=op.slope * radius / size,
        bend=op.bend * radius / size,
    )
    unit = Approximation(tuple(stage.moved(-1.0, 1.0) for stage in found.chained), form)
    return Recipe(unit, 0.0, radius, size, repr(op.function), error)
