"""The coefficients that are printed, and how far off a polynomial with exactly these is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import flint
import numpy as np

from tacit.approx import Composite, Fit, Polynomial
from tacit.approx.bases import as_doubles, chebyshev_of_powers, decimal, powers_in
from tacit.approx.composites.gaps import MOST_OSCILLATIONS
from tacit.approx.measure import largest_error
from tacit.program import Json

# What is computed from printed powers is right to so many bits more than what is printed.
SPARE_BITS = 128
# Decimals of a composite's powers are those of twice a double's bits: later stages magnify them.
COMPOSITE_BITS = 106
# The error of a composite turns about as often as the product of its degrees says: up to here a
# proof takes a few seconds, beyond it soon as many minutes, and then it is not close.
MOST_PROVEN = 12_000


class Basis(StrEnum):
    """What the coefficients belong to: T_k(t) with t in [-1, 1], or x**k."""

    CHEBYSHEV = "chebyshev"
    POWER = "power"


def doubles_of(stage: Polynomial, basis: Basis) -> tuple[float, ...]:
    """The nearest doubles to the coefficients of a stage."""
    if basis is Basis.CHEBYSHEV:
        return stage.coefficients
    return as_doubles(powers_in(stage.coefficients, stage.low, stage.high))


def decimals_of(found: Composite, basis: Basis) -> tuple[tuple[str, ...], ...]:
    """For powers, every stage's coefficients with all the digits that they need; else nothing."""
    if basis is Basis.CHEBYSHEV:
        return ()
    return tuple(
        Fit(
            stage, found.function, ((stage.low, stage.high),), "", 0.0, bits=COMPOSITE_BITS
        ).decimals_in(Basis.POWER.value)
        for stage in found.chained
    )


def with_coefficients(found: Fit, printed: Sequence[float | str], basis: Basis) -> Fit:
    """The fit whose polynomial has the coefficients that are printed, all digits of them."""
    # A double is all of its digits, not the few that its text is read back from.
    numbers = tuple(str(Decimal(each)) for each in printed)
    if basis is Basis.POWER:
        numbers = chebyshev_of(numbers, (found.low, found.high), found.bits + SPARE_BITS)
    polynomial = Polynomial(tuple(map(float, numbers)), found.low, found.high)
    return replace(found, polynomial=polynomial, decimals=numbers)


def chebyshev_of(powers: Sequence[str], on: tuple[float, float], bits: int) -> tuple[str, ...]:
    """Chebyshev coefficients on [low, high] of what is given by powers of x, to so many bits.

    >>> chebyshev_of(("0", "0", "1"), (-1.0, 1.0), 60)
    ('0.5', '0', '0.5')
    """
    low, high = map(Fraction, on)
    reach = max(abs(low), abs(high))
    summed = sum((abs(Fraction(each)) * reach**k for k, each in enumerate(powers)), Fraction(0))
    # Powers may cancel down to the smallest of the coefficients, and lose a bit in each step.
    lost = max(0, math.ceil(_log2(summed))) + 4 * len(powers)
    with flint.ctx.workprec(bits + lost):
        line = flint.arb_poly([_ball((low + high) / 2), _ball((high - low) / 2)])
        around = flint.arb_poly([_ball(Fraction(each)) for each in powers])(line)
        digits = math.ceil((bits + lost) * math.log10(2.0))
        return tuple(decimal(each, digits) for each in chebyshev_of_powers(around))


@dataclass(frozen=True)
class Errors:
    """The largest error of what is printed, and what is below that of all of its degree.

    Where decimals are printed beside doubles, `of_doubles` is the error of the doubles alone.
    """

    error: float
    lower_bound: float
    proven: bool
    of_doubles: float | None = None

    @property
    def record(self) -> dict[str, Json]:
        """The errors by the names that they are told by."""
        doubles = {} if self.of_doubles is None else {"error_of_doubles": self.of_doubles}
        bounds = {"lower_bound": self.lower_bound, "certified": self.proven}
        return {"error": self.error, **doubles, **bounds}


def errors_of(found: Fit | Composite, basis: Basis) -> Errors:
    """The errors with the coefficients that are printed for this basis."""
    match found:
        case Fit():
            return _errors_of_fit(found, basis)
        case Composite():
            return _errors_of_composite(found, basis)


def has_decimals(found: Fit, basis: Basis) -> bool:
    """Whether doubles do not say all: they were not enough, or are powers, which may cancel."""
    return bool(found.decimals) or basis is Basis.POWER


def _errors_of_fit(found: Fit, basis: Basis) -> Errors:
    if not has_decimals(found, basis):
        return _bounds(found)
    doubles = with_coefficients(found, found.coefficients_in(basis.value), basis)
    if basis is Basis.POWER:
        found = with_coefficients(found, found.decimals_in(Basis.POWER.value), basis)
    return replace(_bounds(found), of_doubles=_bounds(doubles).error)


def _errors_of_composite(found: Composite, basis: Basis) -> Errors:
    shown = _bounds(replace(found, stages=found.chained))
    if basis is Basis.CHEBYSHEV:
        return shown
    # Put back into Chebyshev coefficients that are doubles, too: true to their rounding.
    stages = tuple(_rounded_powers(stage) for stage in found.chained)
    doubles = replace(found, stages=stages)
    return replace(shown, of_doubles=_bounds(doubles).error)


def _bounds(found: Fit | Composite) -> Errors:
    """What is proven, or measured where no proof is near, or would take too long."""
    is_deep = len(found.degrees) > 1 and math.prod(found.degrees) > MOST_PROVEN
    if not is_deep and found.certified.proven:
        bounds = found.certified
        return Errors(rounded_up(bounds.upper), rounded_down(bounds.lower), proven=True)
    error = _measured(found)
    return Errors(error, min(found.lower_bound, error), proven=False)


def rounded_up(value: Decimal) -> float:
    """A double that is not below the decimal."""
    return float(np.nextafter(float(value), np.inf)) if value else 0.0


def rounded_down(value: Decimal) -> float:
    """A double that is not above the decimal, and not below 0."""
    return max(0.0, float(np.nextafter(float(value), -np.inf)))


def _measured(found: Fit | Composite) -> float:
    match found:
        case Fit():
            return largest_error(
                found.function,
                found,
                found.intervals,
                degree=found.degree,
                weight=found.weight,
            )
        case Composite():
            return largest_error(
                found.function,
                found,
                found.intervals,
                degree=min(math.prod(found.degrees), MOST_OSCILLATIONS),
                breaks=(-found.gap, found.gap),
            )


def _rounded_powers(stage: Polynomial) -> Polynomial:
    powers = tuple(str(Decimal(each)) for each in doubles_of(stage, Basis.POWER))
    back = chebyshev_of(powers, (stage.low, stage.high), SPARE_BITS)
    return replace(stage, coefficients=tuple(map(float, back)))


def _ball(x: Fraction) -> flint.arb:
    return flint.arb(flint.fmpq(x.numerator, x.denominator))


def _log2(x: Fraction) -> float:
    """About the logarithm, of numbers that no double holds too."""
    return x.numerator.bit_length() - x.denominator.bit_length() if x else 0.0
