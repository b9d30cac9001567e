from __future__ import annotations

import math
from fractions import Fraction

import flint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx.crossings import first_positive

# Roots with multiplicities, in 64ths: negative, zero and positive, some of them close together.
roots = st.lists(
    st.tuples(st.integers(-300, 300), st.integers(1, 3)), max_size=7, unique_by=lambda pair: pair[0]
)
# Quadratics without real roots, by the place and the distance of their complex ones.
quadratics = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)), max_size=3)


def product_of(
    factors: list[tuple[int, int]], complex_ones: list[tuple[int, int]]
) -> flint.fmpq_poly:
    """The product of (64 s - root)**multiplicity and of ((64 s - place)**2 + distance**2)."""
    whole = flint.fmpq_poly([1])
    for root, multiplicity in factors:
        whole = whole * flint.fmpq_poly([-root, 64]) ** multiplicity
    for place, distance in complex_ones:
        whole = whole * (flint.fmpq_poly([-place, 64]) ** 2 + distance**2)
    return whole


@given(roots, quadratics)
@settings(max_examples=150, deadline=None)
def test_the_first_change_of_sign_is_found(
    factors: list[tuple[int, int]], complex_ones: list[tuple[int, int]]
) -> None:
    whole = product_of(factors, complex_ones)
    # Just right of 0 the sign is that of (-1) to the number of positive roots: make it negative.
    positive = sum(multiplicity for root, multiplicity in factors if root > 0)
    negated = whole * (-1 if positive % 2 == 0 else 1)

    found = first_positive(negated)

    changes = [root for root, multiplicity in factors if root > 0 and multiplicity % 2 == 1]
    # To the last rounding: roots in 64ths are doubles.
    assert math.isclose(found, min(changes, default=math.inf) / 64.0, rel_tol=4e-16)


@given(roots)
@settings(deadline=None)
def test_what_is_positive_right_of_zero_is_so_at_once(factors: list[tuple[int, int]]) -> None:
    whole = product_of([(0, 1), *((root, each) for root, each in factors if root < 0)], [])

    # s times positive factors.
    assert first_positive(whole) == 0.0


@pytest.mark.parametrize("exponent", [-40, 0, 60])
def test_roots_of_any_size_are_found_to_the_last_digits(exponent: int) -> None:
    root = Fraction(2) ** exponent * Fraction(1, 3)

    found = first_positive(flint.fmpq_poly([-root.numerator, root.denominator]))

    assert math.isclose(found, float(root), rel_tol=4e-16)


def test_two_roots_that_are_close_together_are_told_apart() -> None:
    # -(s - 1)(s - 1 - 2**-50)(s + 2) is negative at 0 only if a factor is turned.
    near = flint.fmpq(2**50 + 1, 2**50)
    whole = flint.fmpq_poly([-1, 1]) * flint.fmpq_poly([-near, 1]) * flint.fmpq_poly([-2, -1])

    # It is negative up to 1, positive between the two.
    assert math.isclose(first_positive(whole), 1.0, rel_tol=4e-16)


def test_a_constant_has_no_crossing() -> None:
    assert first_positive(flint.fmpq_poly([-1])) == math.inf
    assert first_positive(flint.fmpq_poly([0])) == math.inf
