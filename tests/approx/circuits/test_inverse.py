from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Custom, fit
from tacit.approx.circuits import inverse
from tacit.approx.circuits.inverse import least_size, minimax_inverse
from tacit.errors import DepthExceeded, TypeMismatch

ratios = st.floats(0.0, 5.0).map(lambda exponent: 10.0**exponent + 0.1)
errors = st.floats(1.0, 7.0).map(lambda exponent: 10.0**-exponent)


@given(st.floats(1e-3, 1e3), ratios, errors, st.sampled_from([1.0, -1.0]))
@settings(max_examples=60, deadline=None)
def test_the_relative_error_is_met_and_true(
    low: float, ratio: float, error: float, sign: float
) -> None:
    on = sorted((sign * low, sign * low * ratio))
    x = np.clip(sign * low * np.geomspace(1.0, ratio, 4099), on[0], on[1])

    found = inverse((on[0], on[1]), error=error)

    assert np.abs(1.0 - x * found(x)).max() <= found.relative_error <= error


@given(ratios, errors)
@settings(max_examples=60, deadline=None)
def test_depth_and_products_are_those_of_the_factors_or_less(ratio: float, error: float) -> None:
    factors = (least_size(1.0, ratio, error) - 1).bit_length()

    found = inverse((1.0, ratio), error=error)

    assert found.depth <= factors
    assert found.products <= 2 * max(factors - 1, 0)


@given(st.floats(1.05, 20.0), st.integers(1, 15))
@settings(max_examples=30, deadline=None)
def test_the_closed_form_is_the_minimax_polynomial(ratio: float, degree: int) -> None:
    angle = math.acosh((ratio + 1.0) / (ratio - 1.0))
    least = 1.0 / math.cosh((degree + 1) * angle)
    x = np.linspace(1.0, ratio, 1001)

    found = minimax_inverse(1.0, ratio, degree)

    # The angle loses half of its digits where the ends are close; the residual is then tiny.
    assert np.abs(1.0 - x * found(x)).max() <= least * (1.0 + 1e-9) + 1e-14


def test_the_closed_form_agrees_with_remez() -> None:
    weight = Custom("x", lambda x: x)

    expected = fit("inverse", (0.1, 1.0), degree=9, weight=weight)

    found = minimax_inverse(0.1, 1.0, 9)
    np.testing.assert_allclose(found.coefficients, expected.polynomial.coefficients, atol=1e-8)


@pytest.mark.parametrize(("ratio", "error"), [(1e3, 1e-3), (1e4, 1e-3), (1e6, 1e-6)])
def test_wide_domains_take_less_depth_and_fewer_products_than_goldschmidt(
    ratio: float, error: float
) -> None:
    # Goldschmidt from the best constant: the residual 1 - 2 / (1 + 1 / ratio) / ratio is squared
    # with each level; the first factor needs none, each further one a square and a product.
    residual = (ratio - 1.0) / (ratio + 1.0)
    rounds = math.ceil(math.log2(math.log(error) / math.log(residual)))

    found = inverse((1.0 / ratio, 1.0), error=error)

    assert found.depth < rounds
    assert found.products < 2 * (rounds - 1)


def test_the_pole_inside_is_refused() -> None:
    with pytest.raises(TypeMismatch, match=r"pole inside \[-1, 1\]"):
        inverse((-1.0, 1.0), error=0.1)
    with pytest.raises(TypeMismatch, match="pole inside"):
        inverse((0.0, 1.0), error=0.1)


def test_errors_below_what_doubles_hold_are_refused() -> None:
    with pytest.raises(DepthExceeded, match="double precision"):
        inverse((1.0, 2.0), error=1e-18)
    with pytest.raises(DepthExceeded, match="needs degree"):
        inverse((1e-20, 1.0), error=0.1)


def test_a_relative_error_of_one_is_no_answer() -> None:
    with pytest.raises(TypeMismatch, match="below 1"):
        inverse((1.0, 2.0), error=1.0)
