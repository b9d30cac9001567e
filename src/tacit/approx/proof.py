"""Certified errors: bounds that hold whatever was rounded on the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING

import flint

from tacit.approx.bases import powers_of_chebyshev
from tacit.approx.domain import Intervals, pieces
from tacit.approx.supremum import WORK, Goal, Stretch, reach, supremum
from tacit.approx.target import ScalarFunction, branches_of
from tacit.ir.balls import Branch, expansion, value

if TYPE_CHECKING:
    from tacit.approx.composites.composite import Composite
    from tacit.approx.fits import Fit

# Bits to which the bounds of a fit in double precision agree: to a unit of their last place.
CLOSE_BITS = 56
CLOSE = Goal(2.0**-CLOSE_BITS, flint.arb(0))
# Digits of a bound: more than the closest ones agree to.
DIGITS = 50
# Bits beyond those of the coefficients, for errors that are small and bounds that are close.
SPARE_BITS = 96
# A Chebyshev polynomial's powers have coefficients of up to (1 + sqrt(2))**degree.
BITS_PER_DEGREE = 1.28
# Places on a stretch where the error is looked at first.
LOOKS = 33
# Terms of a Taylor model: measured to be fastest where each brings some six bits.
LEAST_TERMS, BITS_PER_TERM, MOST_TERMS = 16, 6, 96
# Of the spare bits, those that the rounding of the search itself takes.
ROUNDING_BITS = 12


@dataclass(frozen=True)
class Bounds:
    """What an error lies between; if they are not proven they were measured in doubles.

    `upper` bounds the error of the approximation itself, `lower` that of any polynomial of its
    degree on the same intervals; 0 where nothing is known.
    """

    lower: Decimal
    upper: Decimal
    proven: bool


def certified(fit: Fit) -> Bounds:
    """The bounds of a fit's error and, where it alternates, of the least error of its degree.

    They are those of the polynomial whose coefficients are the decimals, where there are any, else
    the doubles, taken as exact; measured ones for functions that have no meaning in balls.
    """
    measured = Bounds(Decimal(fit.lower_bound), Decimal(fit.error), proven=False)
    with flint.ctx.workprec(_precision(fit.bits, fit.degree)):
        coefficients = [flint.arb(each) for each in fit.decimals or fit.polynomial.coefficients]
        approximation = polynomial_in_balls(coefficients, fit.low, fit.high)
        parts = stretches(fit.function, approximation, fit.intervals, fit.weight)
        if parts is None:
            return measured
        goal = Goal(2.0 ** -(CLOSE_BITS + (fit.bits - 53) // 4), _unseen(coefficients, fit.bits))
        _, upper = largest_in_balls(parts, goal)
        if not upper.is_finite():
            return measured
        lower = _least_in_balls(fit, parts)
        return Bounds(_decimal(lower, ROUND_FLOOR), _decimal(upper, ROUND_CEILING), proven=True)


def certified_composite(composite: Composite) -> Bounds:
    """The bounds of a composite's error: no composite's least error is known, so `lower` is 0."""
    degree = max(composite.degrees)
    with flint.ctx.workprec(_precision(53, degree)):
        approximation = composite_in_balls(composite)
        parts = stretches(composite.function, approximation, composite.intervals)
        if parts is not None:
            _, upper = largest_in_balls(parts)
            if upper.is_finite():
                return Bounds(Decimal(0), _decimal(upper, ROUND_CEILING), proven=True)
    return Bounds(Decimal(0), Decimal(composite.error), proven=False)


def polynomial_in_balls(coefficients: Sequence[flint.arb], low: float, high: float) -> Branch:
    """The polynomial with these Chebyshev coefficients on [low, high], for series and balls.

    On a ball it is expanded about the middle, so that it stays as narrow as its terms allow. It
    has the precision at which it was made.
    """
    powers = powers_of_chebyshev(coefficients)
    half, middle = (flint.arb(high) - low) / 2, (flint.arb(high) + low) / 2

    def evaluate(x: flint.arb_series) -> flint.arb_series:
        t = (x - middle) / half
        centre = t[0].mid()
        around = powers(flint.arb_poly([centre, 1]))
        if not t[0].is_exact():
            around = around(flint.arb_poly([t[0] - centre, 1]))
        outer = flint.arb_series(around.coeffs()[: t.prec], t.prec)
        # Only series without a constant term can be put into a series.
        return outer(flint.arb_series([0, *t.coeffs()[1:]], t.prec)) if len(t) > 1 else outer

    return evaluate


def composite_in_balls(composite: Composite) -> Branch:
    """The composite for series and balls, at the precision at which this was made."""
    stages = tuple(
        polynomial_in_balls([flint.arb(each) for each in p.coefficients], p.low, p.high)
        for p in composite.stages
    )
    form = composite.form

    def evaluate(x: flint.arb_series) -> flint.arb_series:
        sign = reduce(lambda inner, stage: stage(inner), stages, x)
        return form.constant + sign * form.step + x * form.slope + x * sign * form.bend

    return evaluate


def stretches(
    function: ScalarFunction,
    approximation: Branch,
    intervals: Intervals,
    weight: ScalarFunction | None = None,
) -> tuple[Stretch, ...] | None:
    """The intervals cut at all kinks, each piece with its weight (function - approximation).

    None where the function or the weight has no meaning in balls.
    """
    known = branches_of(function)
    weights = None if weight is None else branches_of(weight)
    if known is None or (weight is not None and weights is None):
        return None
    kinks = (*function.kinks, *(weight.kinks if weight is not None else ()))

    def error(middle: float) -> Branch:
        meaning = known[sum(kink < middle for kink in function.kinks)]
        if weight is None or weights is None:
            return lambda x: meaning(x) - approximation(x)
        factor = weights[sum(kink < middle for kink in weight.kinks)]
        return lambda x: factor(x) * (meaning(x) - approximation(x))

    return tuple(
        Stretch(flint.arb(low), flint.arb(high), error(low + (high - low) / 2.0))
        for low, high in pieces(intervals, kinks)
    )


def largest_in_balls(
    parts: Sequence[Stretch], goal: Goal = CLOSE, *, work: int = WORK
) -> tuple[flint.arb, flint.arb]:
    """Bounds (lower, upper) of the largest |error| on the stretches, both exact numbers.

    `goal` is how close they come where `flint.ctx.prec` bits carry it, `work` how many cells and
    parts of them are looked at before the bounds are given as they are: wider, but true.
    """
    values = [value(part.error, x) for part in parts for x in _places(part)]
    reached = reduce(lambda most, each: most if most >= each else each, map(reach, values))
    noise = max((float(each.rad()) for each in values if each.is_finite()), default=0.0)
    size_in_noise = math.log2(max(float(reached), noise) / noise) if noise else flint.ctx.prec
    bits = flint.ctx.prec - size_in_noise - math.log2(goal.relative)
    length = min(max(LEAST_TERMS, LEAST_TERMS // 2 + int(bits / BITS_PER_TERM)), MOST_TERMS)
    # A branch of few digits hides more than the rounding of this search.
    unseen = flint.arb(noise) * 2**ROUNDING_BITS
    goal = replace(goal, absolute=goal.absolute if goal.absolute >= unseen else unseen)
    return supremum(parts, reached, goal, length=length, work=work)


def alternating_bound(errors: Sequence[flint.arb], count: int) -> flint.arb:
    """What is below every polynomial's largest |error| because these alternate; 0 if they do not.

    `errors` are those of some polynomial with count - 2 as its degree, at ascending points
    (de la Vallée-Poussin 1910). Of neighbours with one sign the largest counts.
    """
    signed = [each for each in errors if reach(each) > 0]
    runs = [
        max(reach(each) for each in run)
        for _, run in groupby(signed, key=lambda each: bool(each > 0))
    ]
    windows = (runs[start : start + count] for start in range(len(runs) - count + 1))
    return max((min(window) for window in windows), default=flint.arb(0))


def _least_in_balls(fit: Fit, parts: Sequence[Stretch]) -> flint.arb:
    """The bound that a fit's alternation points give, or these with their mirror images.

    A reference on one half of the domain is enough to find a symmetric polynomial, not to bound
    all of them; the mirror images alternate too if the error is symmetric.
    """
    middle = flint.arb(fit.intervals[0][0]) + fit.intervals[-1][1]
    points = [_sharpened(parts, flint.arb(each)) for each in fit.alternation]
    mirrored = [(middle - each).mid() for each in points]
    count = fit.degree + 2
    found = alternating_bound(_errors(parts, points), count)
    return found if found > 0 else alternating_bound(_errors(parts, points + mirrored), count)


def _sharpened(parts: Sequence[Stretch], point: flint.arb) -> flint.arb:
    """A place of larger |error| by a step of Newton's method, or the point if that is none.

    Where an interval is narrow and far from 0, the doubles on it are few.
    """
    part = next((each for each in parts if each.low < point < each.high), None)
    if part is None:
        return point
    near = expansion(part.error, point, 3)
    moved = (point - near[1] / (2 * near[2])).mid()
    is_inside = part.low < moved < part.high
    return moved if is_inside and reach(value(part.error, moved)) > reach(near[0]) else point


def _errors(parts: Sequence[Stretch], points: Sequence[flint.arb]) -> list[flint.arb]:
    """The errors at those of the points that are on a stretch, ascending."""
    return [
        value(part.error, point)
        for part in parts
        for point in sorted(points)
        if part.low <= point <= part.high
    ]


def _places(part: Stretch) -> list[flint.arb]:
    """The ends of a stretch and places between, closer towards the ends."""
    ramp = (0.5 - 0.5 * math.cos(math.pi * k / (LOOKS - 1)) for k in range(1, LOOKS - 1))
    inside = [(part.low + (part.high - part.low) * each).mid() for each in ramp]
    return [part.low, *inside, part.high]


def _unseen(coefficients: Sequence[flint.arb], bits: int) -> flint.arb:
    """The error that rounding hides from the search."""
    scale = sum((abs(each) for each in coefficients), flint.arb(0))
    return scale.upper() * flint.arb(2) ** (ROUNDING_BITS - SPARE_BITS - bits)


def _precision(bits: int, degree: int) -> int:
    return bits + SPARE_BITS + math.ceil(BITS_PER_DEGREE * degree)


def _decimal(x: flint.arb, rounding: str) -> Decimal:
    """An exact number as a decimal, rounded to DIGITS digits."""
    mantissa, exponent = (int(each) for each in x.man_exp())
    context = Context(prec=DIGITS, rounding=rounding)
    if exponent >= 0:
        return context.create_decimal(mantissa << exponent)
    return context.divide(Decimal(mantissa), Decimal(1 << -exponent))
