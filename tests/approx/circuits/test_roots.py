from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Custom, fit
from tacit.approx.circuits import inverse_square_root, square_root
from tacit.errors import TypeMismatch

lows = st.floats(0.01, 100.0)
ratios = st.floats(0.05, 2.0).map(lambda exponent: 10.0**exponent)
errors = st.floats(1.0, 4.0).map(lambda exponent: 10.0**-exponent)


@given(lows, ratios, errors)
@settings(max_examples=12, deadline=None)
def test_the_relative_error_of_the_inverse_root_is_met_and_true(
    low: float, ratio: float, error: float
) -> None:
    x = np.clip(low * np.geomspace(1.0, ratio, 4099), low, low * ratio)

    found = inverse_square_root((low, low * ratio), error=error)

    assert np.abs(1.0 - np.sqrt(x) * found(x)).max() <= found.relative_error <= error


@given(lows, ratios, errors)
@settings(max_examples=8, deadline=None)
def test_the_relative_error_of_the_root_is_met_and_true(
    low: float, ratio: float, error: float
) -> None:
    x = np.clip(low * np.geomspace(1.0, ratio, 4099), low, low * ratio)

    found = square_root((low, low * ratio), error=error)

    assert np.abs(1.0 - found(x) / np.sqrt(x)).max() <= found.relative_error <= error


@pytest.mark.parametrize("objective", ["depth", "products"])
@pytest.mark.parametrize(("high", "error"), [(1.0, 0.1), (4.0, 0.01), (100.0, 0.02)])
def test_a_root_from_zero_on_has_an_absolute_error(
    high: float, error: float, objective: str
) -> None:
    x = high * np.concatenate([[0.0], np.geomspace(1e-12, 1.0, 4099)])

    found = square_root(
        (0.0, high), error=error, objective="depth" if objective == "depth" else "products"
    )

    assert np.abs(np.sqrt(x) - found(x)).max() <= found.absolute_error <= error
    assert found.relative_error == math.inf


def test_the_single_polynomial_is_the_weighted_minimax_fit() -> None:
    weight = Custom("root", np.sqrt)
    found = inverse_square_root((0.05, 1.0), error=1e-3)

    expected = fit("rsqrt", (0.05, 1.0), error=1e-3, weight=weight)

    assert found.relative_error == pytest.approx(expected.error, rel=1e-6)
    assert found.depth == expected.depth


def test_wide_domains_are_reached_in_stages() -> None:
    x = np.geomspace(1e-6, 1.0, 20011)

    found = inverse_square_root((1e-6, 1.0), error=1e-2)

    assert found.method == "composite"
    # The plan's values are multiplied by the factor, and so are the roundings of evaluating it.
    rounding = 64.0 * np.finfo(np.float64).eps * found.scaled.factor
    assert np.abs(1.0 - np.sqrt(x) * found(x)).max() <= found.relative_error + rounding
    assert found.relative_error <= 1e-2


def test_fewer_products_can_be_had_for_more_depth() -> None:
    shallow = inverse_square_root((1e-2, 1.0), error=1e-3)

    frugal = inverse_square_root((1e-2, 1.0), error=1e-3, objective="products")

    assert frugal.products < shallow.products
    assert frugal.depth > shallow.depth
    assert frugal.relative_error <= 1e-3


def test_stages_need_less_depth_than_newton() -> None:
    # Newton's y (3 - x y**2) / 2 from the best constant: |1 - sqrt(x) y| = e goes to
    # (3 - e) e**2 / 2 at the end where it is largest, and each round takes at least two levels.
    ratio = 1e3
    share, rounds = (math.sqrt(ratio) - 1.0) / (math.sqrt(ratio) + 1.0), 0
    value = 1.0 - share
    rounds = next(n for n in range(1, 40) if _newton(value, n) >= 1.0 - 1e-3)

    found = inverse_square_root((1.0 / ratio, 1.0), error=1e-3, objective="products")

    assert found.depth < 2 * rounds


def _newton(value: float, rounds: int) -> float:
    """sqrt(x) y after so many rounds of Newton from this value."""
    if rounds == 0:
        return value
    before = _newton(value, rounds - 1)
    return before * (3.0 - before**2) / 2.0


def test_domains_that_are_not_positive_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="not positive"):
        inverse_square_root((0.0, 1.0), error=0.1)
    with pytest.raises(TypeMismatch, match="wanted at -1"):
        square_root((-1.0, 1.0), error=0.1)
