"""Where a polynomial of exact coefficients first becomes positive, by Descartes' rule of signs."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import flint

# Bisection ends when the crossing is known to more bits than a double has.
BITS = 60


def first_positive(values: flint.fmpq_poly) -> float:
    """The infimum of the s > 0 with values(s) > 0, where values(0) <= 0; inf if there are none.

    Exact up to the last rounding: Descartes' rule, applied to halves of intervals, isolates the
    first root of odd multiplicity (Collins & Akritas 1976).
    """
    whole = values.numer()
    # A root at 0 does not change the sign to the right of it.
    while whole.degree() > 0 and whole[0] == 0:
        whole = whole.right_shift(1)
    if whole[0] > 0:
        return 0.0
    changing = _sign_changing(whole)
    found = _first_isolated(_mapped(changing))
    return math.inf if found is None else _bisected(changing, *found)


def _sign_changing(whole: flint.fmpz_poly) -> flint.fmpz_poly:
    """The product of the factors of odd multiplicity, whose roots are where the sign changes."""
    changing = flint.fmpz_poly([1])
    for factor, multiplicity in whole.factor_squarefree()[1]:
        if multiplicity % 2 == 1:
            changing = changing * factor
    return changing


def _variations(polynomial: flint.fmpz_poly) -> int:
    """Changes of sign among the coefficients: as many as positive roots, or an even number more."""
    signs = [each > 0 for each in polynomial.coeffs() if each != 0]
    return sum(before != after for before, after in pairwise(signs))


def _mapped(polynomial: flint.fmpz_poly) -> flint.fmpz_poly:
    """The polynomial of y whose roots in (0, 1) are y = s / (1 + s) for the positive roots s."""
    return _reversed(_reversed(polynomial)(flint.fmpz_poly([-1, 1])))


def _reversed(polynomial: flint.fmpz_poly) -> flint.fmpz_poly:
    return flint.fmpz_poly(polynomial.coeffs()[::-1])


def _first_isolated(mapped: flint.fmpz_poly) -> tuple[flint.fmpq, flint.fmpq] | None:
    """Ends, in [0, 1], around the least root in (0, 1) and no other: equal if that is exact.

    None if there is no root. Halving ends because all roots are simple.
    """
    shift = flint.fmpz_poly([1, 1])
    waiting = [(mapped, flint.fmpq(0), flint.fmpq(1))]
    while waiting:
        here, start, width = waiting.pop()
        count = 1 if width == 0 else _variations(_reversed(here)(shift))
        if count == 1:
            return start, start + width
        if count > 1:
            half, middle = width / 2, start + width / 2
            lower = _halved(here)
            upper = lower(shift)
            waiting.append((upper, middle, half))
            if upper[0] == 0:
                waiting[-1] = (upper.right_shift(1), middle, half)
                waiting.append((upper, middle, flint.fmpq(0)))
            waiting.append((lower, start, half))
    return None


def _halved(polynomial: flint.fmpz_poly) -> flint.fmpz_poly:
    """The polynomial of y / 2, times a power of two: its (0, 1) is the lower half of the old."""
    degree = polynomial.degree()
    return flint.fmpz_poly([each << (degree - k) for k, each in enumerate(polynomial.coeffs())])


def _bisected(polynomial: flint.fmpz_poly, low: flint.fmpq, high: flint.fmpq) -> float:
    """The least s > 0 at which the polynomial is 0, where low <= s / (1 + s) <= high."""
    starts_below = polynomial[0] < 0
    while high - low > (low - low * low) / 2**BITS:
        middle = (low + high) / 2
        # There is no change of sign before the first.
        is_before = (polynomial(middle / (1 - middle)) < 0) == starts_below
        low, high = (middle, high) if is_before else (low, middle)
    return float(Fraction(int(low.p), int(low.q)) / (1 - Fraction(int(low.p), int(low.q))))
