"""What an approximation does outside of its domain: how far it goes until it leaves bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import flint
import numpy as np

from tacit.approx.composites import Composite
from tacit.approx.crossings import first_positive
from tacit.approx.domain import graded, pieces
from tacit.approx.fits import Fit
from tacit.approx.polynomial import Polynomial
from tacit.approx.target import values_of
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

# Where the values are shown: multiples of half the domain's width, from its middle.
FACTORS = (1.05, 1.1, 1.2, 1.5, 2.0)
# The bounds unless said, as a multiple of the function's range on the domain.
ROOM = 2.0
# Composites are followed this many half-widths beyond their domain, in steps that grow
# geometrically from the first: they explode within a small part of the first half-width.
REACH = 1000.0
FIRST_STEP = 1e-9
STEPS = 4000
# Points that find the function's range.
LOOKS = 4001


@dataclass(frozen=True)
class Outside:
    """How far beyond the domain an approximation stays within `bounds` = (least, most).

    `below` and `above` are distances in x from the lower and the upper end: 0 if the bounds are
    left within the domain's end already, inf if never. `values` are (x, value) at 1.05, 1.1, 1.2,
    1.5 and 2 times the half-width from the middle, in ascending order of x.
    """

    bounds: tuple[float, float]
    below: float
    above: float
    values: tuple[tuple[float, float], ...]

    @property
    def nearest(self) -> float:
        """The smaller of the two distances."""
        return min(self.below, self.above)


def outside(
    approximation: Fit | Composite,
    bounds: tuple[float, float] | None = None,
    *,
    reach: float = REACH,
) -> Outside:
    """Where the approximation leaves the bounds, below and above its domain.

    The bounds unless said are the function's range on the domain, twice as wide. A polynomial's
    crossings are real roots of p - bound, isolated exactly; a composite is followed in small
    steps, at most `reach` half-widths far.

    >>> from tacit.approx import fit
    >>> line = outside(fit("relu", (-1, 1), degree=1), (-1, 2))  # x / 2 + 1 / 4
    >>> round(line.below, 9), round(line.above, 9)
    (1.5, 2.5)
    """
    least, most = _default_bounds(approximation) if bounds is None else bounds
    if not least < most:
        raise TypeMismatch(
            f"no value is between {least:g} and {most:g}", hint="choose bounds (least, most)"
        )
    low, high = approximation.intervals[0][0], approximation.intervals[-1][1]
    middle, half = (low + high) / 2.0, (high - low) / 2.0
    within = (float(least), float(most))
    below, above = _distances(approximation, within, reach)
    factors = np.array([-each for each in reversed(FACTORS)] + list(FACTORS))
    places = middle + half * factors
    # Values beyond the largest double are infinite, and are shown so.
    with np.errstate(all="ignore"):
        values = approximation(places)
    return Outside(within, below, above, tuple(zip(places.tolist(), values.tolist(), strict=True)))


def _distances(
    approximation: Fit | Composite, bounds: tuple[float, float], reach: float
) -> tuple[float, float]:
    """How far below and above its domain the approximation stays within the bounds."""
    low, high = approximation.intervals[0][0], approximation.intervals[-1][1]
    match approximation:
        case Fit(polynomial=polynomial):
            return _crossed(polynomial, bounds, (low, high))
        case Composite():
            steps = np.concatenate([[0.0], np.geomspace(FIRST_STEP, reach, STEPS)])
            steps *= (high - low) / 2.0
            return (
                _followed(lambda s: approximation(low - s), bounds, steps),
                _followed(lambda s: approximation(high + s), bounds, steps),
            )


def _default_bounds(approximation: Fit | Composite) -> tuple[float, float]:
    function = approximation.function
    x = graded(pieces(approximation.intervals, function.kinks), LOOKS)
    values = values_of(function, x)
    low, high = float(values.min()), float(values.max())
    # A constant has no range; its size, or 1, stands for it.
    width = (high - low) or abs(high) or 1.0
    room = (ROOM - 1.0) * width / 2.0
    return low - room, high + room


def _crossed(
    polynomial: Polynomial, bounds: tuple[float, float], ends: tuple[float, float]
) -> tuple[float, float]:
    """The distances from the ends at which the polynomial leaves the bounds, exactly."""
    powers = _powers(polynomial)
    half = (Fraction(polynomial.high) - Fraction(polynomial.low)) / 2
    distances = []
    for end, towards in zip(ends, (-1, 1), strict=True):
        start = (Fraction(end) - Fraction(polynomial.low)) / half - 1
        # The polynomial of the distance from the end, in half-widths of its interval.
        away = powers(flint.fmpq_poly([_rational(start), towards]))
        beyond = [
            sign * (away - _rational(Fraction(bound)))
            for bound, sign in zip(bounds, (-1, 1), strict=True)
            if math.isfinite(bound)
        ]
        crossings = [0.0 if each[0] > 0 else first_positive(each) for each in beyond]
        distances.append(min(crossings, default=math.inf) * float(half))
    return distances[0], distances[1]


def _powers(polynomial: Polynomial) -> flint.fmpq_poly:
    """The polynomial of t in powers of t, exactly, by Clenshaw's recurrence."""
    t = flint.fmpq_poly([0, 1])
    first, *rest = (_rational(Fraction(each)) for each in polynomial.coefficients)
    last, before = flint.fmpq_poly([0]), flint.fmpq_poly([0])
    for each in reversed(rest):
        last, before = 2 * t * last - before + each, last
    return t * last - before + first


def _rational(number: Fraction) -> flint.fmpq:
    return flint.fmpq(number.numerator, number.denominator)


def _followed(
    value: Callable[[FloatArray], FloatArray], bounds: tuple[float, float], steps: FloatArray
) -> float:
    """The first step at which a value is outside of the bounds, by bisection; inf if none is."""

    def is_out(distances: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        # Outside of its domain a composite overflows, to inf or nan: it has then left long ago.
        with np.errstate(all="ignore"):
            found = value(distances)
        return np.asarray(~((found >= bounds[0]) & (found <= bounds[1])))

    out = np.flatnonzero(is_out(steps))
    if not out.size:
        return math.inf
    if out[0] == 0:
        return 0.0
    inner, outer = float(steps[out[0] - 1]), float(steps[out[0]])
    while outer - inner > 1e-12 * outer:
        middle = (inner + outer) / 2.0
        inner, outer = (inner, middle) if is_out(np.array([middle]))[0] else (middle, outer)
    return inner
