"""What rounding does to a plan's result: by trying it, and beforehand by derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from tacit.approx.domain import graded
from tacit.approx.plans.plan import Plan, Step
from tacit.approx.plans.scales import Scales
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

# Points between neighbouring zeros of a polynomial of a plan's depth.
POINTS_PER_DEGREE = 16
# Composites of more than ten levels have as many steep places as this already sees.
MOST_POINTS = 2**14


def simulate(
    plan: Plan,
    scales: Scales,
    inputs: Sequence[FloatArray],
    *,
    deviation: float,
    generator: np.random.Generator,
) -> FloatArray:
    """The result for inputs in the clear, with the rounding of ciphertexts and constants.

    Each rescaling adds a normal error to every entry, of `deviation` units of the value's scale;
    constants are rounded to whole multiples of one unit at the scale at which they are encoded.
    """
    plan_of_rounded = rounded(plan, scales)
    known = [np.asarray(each, dtype=np.float64) for each in inputs]
    shape = np.broadcast_shapes(*(each.shape for each in known))
    for place, step in enumerate(plan_of_rounded.steps):
        value = step.of(known, shape)
        if not step.only_adds:
            noise = generator.normal(size=shape)
            value = value + noise * (deviation / scales.values[plan.inputs + place])
        known.append(value)
    return known[-1]


def rounded(plan: Plan, scales: Scales) -> Plan:
    """The plan with the constants that are left of its own when they are encoded."""
    steps = (
        _rounded(step, raw, terms)
        for step, raw, terms in zip(plan.steps, scales.raw, scales.terms, strict=True)
    )
    return Plan(tuple(steps), plan.inputs, plan.names)


def _rounded(step: Step, raw: float, scales: Sequence[float]) -> Step:
    if step.only_adds:
        return Step((), step.terms, _encoded(step.constant, raw))
    terms = (
        (value, _encoded(constant, scale))
        for (value, constant), scale in zip(step.terms, scales, strict=True)
    )
    return Step(step.products, tuple(terms), _encoded(step.constant, raw))


def _encoded(constant: float, scale: float) -> float:
    """The nearest multiple of 1 / scale."""
    exact = Fraction(scale)
    return float(round(Fraction(constant) * exact) / exact)


def sensitivities(plan: Plan, inputs: Sequence[FloatArray]) -> list[FloatArray]:
    """The derivatives of the result by every value, the inputs first, where the inputs are these.

    Backwards through the plan, so it costs about three evaluations.
    """
    values = plan.values(inputs)
    found = [np.zeros_like(values[-1]) for _ in values]
    found[-1] = np.ones_like(values[-1])
    for place in range(len(values) - 1, plan.inputs - 1, -1):
        step, arrived = plan.steps[place - plan.inputs], found[place]
        for first, second, weight in step.products:
            found[first] = found[first] + weight * arrived * values[second]
            found[second] = found[second] + weight * arrived * values[first]
        for value, constant in step.terms:
            found[value] = found[value] + constant * arrived
    return found


def error_growth(plan: Plan, inputs: Sequence[FloatArray] | None = None) -> tuple[float, ...]:
    """For every value, the inputs first, how much of a small error in it the result has at worst.

    At worst over `inputs`; without them over points of [-1, 1], which a plan of one input is for.

    >>> from tacit.approx import Polynomial
    >>> error_growth(Polynomial((0.0, 0.0, 1.0)).plan)  # T_2' = 4 t, then 1 T_2
    (4.0, 1.0, 1.0)
    """
    if inputs is None:
        if plan.inputs != 1:
            raise TypeMismatch(
                f"a plan of {plan.inputs} inputs has no domain of its own",
                hint="say at which inputs",
            )
        count = min(POINTS_PER_DEGREE * 2**plan.depth + 1, MOST_POINTS + 1)
        inputs = [graded(((-1.0, 1.0),), count)]
    return tuple(float(np.abs(each).max()) for each in sensitivities(plan, inputs))


def noise_of(plan: Plan, scales: Scales, *, deviation: float, growth: Sequence[float]) -> float:
    """The deviation of the result's error, at worst, when each rescaling adds `deviation` units.

    `growth` is what `error_growth` found; the roundings are taken as independent, and constants as
    exact. It is what `simulate` shows where the result is most sensitive, or more.
    """
    rescaled = (
        growth[place] * deviation / scales.values[place]
        for place, step in enumerate(plan.steps, start=plan.inputs)
        if not step.only_adds
    )
    return math.sqrt(sum(each * each for each in rescaled))
