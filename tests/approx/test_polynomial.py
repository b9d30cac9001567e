from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial as Powers

from tacit.approx import Parity, Polynomial
from tacit.errors import TypeMismatch

numbers = st.floats(-10.0, 10.0)
coefficient_lists = st.lists(numbers, min_size=1, max_size=12)
polynomials = st.builds(
    lambda coefficients, low, width: Polynomial(tuple(coefficients), low, low + width),
    coefficient_lists,
    numbers,
    st.floats(0.1, 10.0),
)

# A dozen coefficients below ten, each rounded a few times.
ROUNDING = 1e-11


@given(polynomials)
def test_clenshaw_gives_the_sum_of_cosines(polynomial: Polynomial) -> None:
    angles = np.linspace(0.0, np.pi, 25)
    half = (polynomial.high - polynomial.low) / 2.0
    x = polynomial.low + half + half * np.cos(angles)
    orders = np.arange(polynomial.degree + 1)

    values = polynomial(x)

    expected = np.cos(np.outer(angles, orders)) @ np.array(polynomial.coefficients)
    # x is rounded, and a polynomial of degree 11 has slopes up to 121 times its size.
    slack = 1e-11 * (1.0 + abs(polynomial.low) / half)
    np.testing.assert_allclose(values, expected, rtol=0.0, atol=100.0 * slack)


@given(st.integers(0, 300))
def test_depth_is_the_logarithm_of_the_degree(degree: int) -> None:
    polynomial = Polynomial((0.0,) * degree + (1.0,))

    assert polynomial.degree == degree
    assert polynomial.depth == math.ceil(math.log2(degree + 1))


@given(polynomials, numbers, numbers)
def test_scaling_acts_on_the_values(polynomial: Polynomial, factor: float, offset: float) -> None:
    x = np.linspace(polynomial.low, polynomial.high, 7)

    scaled = polynomial.scaled(factor, offset)

    np.testing.assert_allclose(scaled(x), factor * polynomial(x) + offset, atol=1e-9)


@given(polynomials, st.sampled_from([-3.0, -0.5, 0.25, 2.0]), numbers)
def test_after_composes_with_an_affine_map(
    polynomial: Polynomial, scale: float, offset: float
) -> None:
    composed = polynomial.after(scale, offset)
    x = np.linspace(composed.low, composed.high, 7)

    # Dividing by the scale and multiplying again rounds x, which slopes up to 121 enlarge.
    np.testing.assert_allclose(composed(x), polynomial(scale * x + offset), atol=1e-8)


@given(polynomials)
def test_moving_keeps_the_values_at_the_same_place_of_the_interval(polynomial: Polynomial) -> None:
    moved = polynomial.moved(-1.0, 1.0)
    x = np.linspace(polynomial.low, polynomial.high, 7)

    np.testing.assert_allclose(moved(polynomial.normalised(x)), polynomial(x), atol=ROUNDING)


@given(coefficient_lists)
def test_powers_become_chebyshev_coefficients(powers: list[float]) -> None:
    x = np.linspace(-1.0, 1.0, 9)

    polynomial = Polynomial.of_powers(powers)

    np.testing.assert_allclose(polynomial(x), Powers(powers)(x), atol=ROUNDING)


@pytest.mark.parametrize(
    ("coefficients", "parity"),
    [
        ((1.0, 0.0, 2.0), Parity.EVEN),
        ((0.0, 1.0, 0.0, 3.0), Parity.ODD),
        ((0.5, 1.0), Parity.NEITHER),
        ((0.0,), Parity.EVEN),
    ],
)
def test_parity_is_read_from_exact_zeros(coefficients: tuple[float, ...], parity: Parity) -> None:
    assert Polynomial(coefficients).parity is parity


def test_trailing_zeros_cost_no_depth() -> None:
    assert Polynomial((1.0, 2.0, 0.0, 0.0)) == Polynomial((1.0, 2.0))
    assert hash(Polynomial((1.0, 2.0, 0.0))) == hash(Polynomial((1.0, 2.0)))


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (math.nan, 1.0), (0, math.inf)])
def test_an_interval_without_an_inside_is_refused(low: float, high: float) -> None:
    with pytest.raises(TypeMismatch, match="interval"):
        Polynomial((1.0,), low, high)


def test_coefficients_that_are_not_finite_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="not finite"):
        Polynomial((1.0, math.nan))


@given(polynomials)
def test_products_are_those_of_the_plan_at_the_least_depth(polynomial: Polynomial) -> None:
    plan = polynomial.plan
    x = np.linspace(polynomial.low, polynomial.high, 7)

    assert (polynomial.products, polynomial.depth) == (plan.products, plan.depth)
    np.testing.assert_allclose(plan(polynomial.normalised(x)), polynomial(x), atol=ROUNDING)


@given(polynomials, numbers, st.floats(0.5, 2.0))
def test_another_interval_keeps_every_value(
    polynomial: Polynomial, shift: float, times: float
) -> None:
    width = (polynomial.high - polynomial.low) * times
    low = polynomial.low + 0.1 * shift
    x = np.linspace(low, low + width, 33)

    found = polynomial.on(low, low + width)

    expected = polynomial(x)
    slack = 1e-10 * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found(x), expected, rtol=0.0, atol=100.0 * slack)


@pytest.mark.parametrize("coefficients", [(0.0, 1.0, 0.0, -0.3), (0.5, 0.0, 0.25)])
def test_a_wider_interval_around_the_same_middle_keeps_the_parity(
    coefficients: tuple[float, ...],
) -> None:
    polynomial = Polynomial(coefficients, -2.0, 2.0)

    assert polynomial.on(-3.0, 3.0).parity is polynomial.parity
    assert polynomial.on(-3.0, 4.0).parity is Parity.NEITHER
