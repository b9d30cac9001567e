"""Between Chebyshev coefficients, powers and decimal strings: exactly, or in ball arithmetic."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from fractions import Fraction

import flint

from tacit.errors import WidthExceeded

# A double is read back from this many digits.
DOUBLE_DIGITS = 17


def powers_of_chebyshev(coefficients: Sequence[flint.arb]) -> flint.arb_poly:
    """The sum of coefficients[k] T_k(t) by powers of t; loses 1.3 bits for each degree."""
    before, now = flint.arb_poly([1]), flint.arb_poly([0, 1])
    twice = flint.arb_poly([0, 2])
    total = flint.arb_poly([])
    for each in coefficients:
        total += each * before
        before, now = now, twice * now - before
    return total


def chebyshev_of_powers(polynomial: flint.arb_poly) -> list[flint.arb]:
    """The Chebyshev coefficients of a polynomial that is given by its powers of t."""
    found = [flint.arb(0)]
    for each in reversed(polynomial.coeffs()):
        found = _times_variable(found)
        found[0] += each
    return [each.mid() for each in found[:-1]] or [flint.arb(0)]


def _times_variable(coefficients: list[flint.arb]) -> list[flint.arb]:
    """The coefficients of t times a Chebyshev sum: t T_k = (T_(k-1) + T_(k+1)) / 2."""
    halves = [each / 2 for each in coefficients]
    found = [flint.arb(0), coefficients[0], *halves[1:]]
    for k, each in enumerate(halves[1:]):
        found[k] += each
    return found


def powers_in(coefficients: Sequence[float | str], low: float, high: float) -> tuple[Fraction, ...]:
    """The exact powers of x of the Chebyshev sum with these coefficients on [low, high]."""
    low_ends, high_ends = Fraction(low), Fraction(high)
    width = high_ends - low_ends
    start, slope = -(low_ends + high_ends) / width, 2 / width
    line = flint.fmpq_poly([_rational(start), _rational(slope)])
    before, now = flint.fmpq_poly([1]), line
    total = flint.fmpq_poly([])
    for each in coefficients:
        total += before * _rational(Fraction(each))
        before, now = now, 2 * line * now - before
    return tuple(Fraction(int(each.p), int(each.q)) for each in total.coeffs()) or (Fraction(0),)


def _rational(x: Fraction) -> flint.fmpq:
    return flint.fmpq(x.numerator, x.denominator)


def without_dust(coefficients: tuple[float, ...]) -> tuple[float, ...]:
    """The coefficients with zeros for those that are only rounding, which would cost depth."""
    dust = sys.float_info.epsilon * max(abs(each) for each in coefficients)
    return tuple(each if abs(each) > dust else 0.0 for each in coefficients)


def as_doubles(numbers: Sequence[Fraction]) -> tuple[float, ...]:
    """The nearest doubles; raises where one is too large."""
    try:
        return tuple(float(each) for each in numbers)
    except OverflowError as failure:
        raise WidthExceeded(
            "a power of x has a coefficient beyond 1.8e308",
            hint='use basis="chebyshev", or decimals_in("power")',
        ) from failure


def as_decimals(numbers: Sequence[Fraction], digits: int) -> tuple[str, ...]:
    """Decimal strings of so many significant digits."""
    with flint.ctx.workprec(math.ceil((digits + 2) / math.log10(2.0))):
        return tuple(decimal(flint.arb(_rational(each)), digits) for each in numbers)


def decimal(x: flint.arb, digits: int) -> str:
    """The number as a decimal string of so many digits, without needless zeros."""
    text: str = x.mid().str(digits, radius=False)
    mantissa, mark, exponent = text.partition("e")
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa) + mark + exponent


def rounded_up(x: flint.arb) -> float:
    """A double that is not below the ball; at most two roundings above it, and 0 for 0."""
    return 0.0 if x == 0 else math.nextafter(float(x.upper()), math.inf)


def rounded_down(x: flint.arb) -> float:
    """A nonnegative double that is not above the ball, which is not negative."""
    return max(0.0, math.nextafter(float(x.lower()), -math.inf))
