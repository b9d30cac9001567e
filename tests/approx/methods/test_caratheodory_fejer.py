from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Custom, Parity, fit
from tacit.approx.methods import CaratheodoryFejer
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

CF = CaratheodoryFejer()


@pytest.mark.parametrize(
    ("name", "bound", "degree"),
    [
        ("exp", 1.0, 2),
        ("exp", 2.0, 9),
        ("sigmoid", 8.0, 7),
        ("sigmoid", 8.0, 31),
        ("tanh", 3.0, 15),
        ("gelu", 4.0, 16),
        ("silu", 6.0, 20),
        ("erf", 2.0, 11),
    ],
)
def test_smooth_functions_are_nearly_minimax(name: str, bound: float, degree: int) -> None:
    near = fit(name, (-bound, bound), degree=degree, method=CF)
    best = fit(name, (-bound, bound), degree=degree)

    assert math.isclose(near.error, best.error, rel_tol=1e-6)


@pytest.mark.parametrize("pole", [1.5, 4.0])
@pytest.mark.parametrize("degree", [3, 6, 9])
def test_a_simple_pole_has_chebyshevs_error(pole: float, degree: int) -> None:
    inverse = Custom("inverse", lambda x: 1.0 / (x - pole))

    found = fit(inverse, (-1, 1), degree=degree, method=CF)

    decay = pole - math.sqrt(pole**2 - 1.0)
    expected = decay**degree / (pole**2 - 1.0)
    # The method drops terms of relative size decay**degree; doubles give 1e-14 of the values.
    assert math.isclose(found.error, expected, rel_tol=decay**degree, abs_tol=1e-13)


@given(
    st.sampled_from(["exp", "tanh", "relu", "abs", "elu", "hard_swish"]),
    st.floats(-6.0, 4.0),
    st.floats(0.1, 8.0),
    st.integers(0, 40),
)
@settings(max_examples=25)
def test_nothing_is_better_than_the_proven_bound(
    name: str, low: float, width: float, degree: int
) -> None:
    near = fit(name, (low, low + width), degree=degree, method=CF)
    best = fit(name, (low, low + width), degree=degree)

    assert near.error >= best.lower_bound
    # Twice the minimax error is the worst that kinks were seen to cost at the default terms;
    # 1e-12 of the values is rounding.
    size = float(np.abs(best.function.exact(np.linspace(low, low + width, 101))).max())
    assert near.error <= 2.0 * best.error + 1e-12 * size


# HEIR stops at the interpolant of degree 129: these are the ratios that its users see.
@pytest.mark.parametrize(("degree", "ratio"), [(14, 1.25), (30, 1.57)])
def test_relu_at_the_terms_of_heir_is_worse_by_the_known_ratio(degree: int, ratio: float) -> None:
    near = fit("relu", (-1, 1), degree=degree, method=CaratheodoryFejer(terms=129))
    best = fit("relu", (-1, 1), degree=degree)

    assert math.isclose(near.error / best.error, ratio, rel_tol=1e-3)


@pytest.mark.parametrize("degree", [14, 15, 30, 31])
def test_more_terms_serve_relu_better_than_heirs(degree: int) -> None:
    many = fit("relu", (-1, 1), degree=degree, method=CF)
    few = fit("relu", (-1, 1), degree=degree, method=CaratheodoryFejer(terms=129))

    assert many.error < few.error


@given(st.sampled_from(["tanh", "erf", "hardtanh"]), st.integers(1, 40), st.floats(0.5, 9.0))
@settings(max_examples=25)
def test_odd_functions_get_exact_zeros(name: str, degree: int, bound: float) -> None:
    found = fit(name, (-bound, bound), degree=degree, method=CF)

    assert found.polynomial.parity is Parity.ODD


@given(st.sampled_from(["relu", "gelu", "silu"]), st.integers(1, 40), st.floats(0.5, 9.0))
@settings(max_examples=25)
def test_a_line_plus_an_even_function_keeps_its_line_exactly(
    name: str, degree: int, bound: float
) -> None:
    found = fit(name, (-bound, bound), degree=degree, method=CF)

    assert not any(found.polynomial.coefficients[3::2])
    assert found.polynomial.coefficients[1] == pytest.approx(bound / 2.0, rel=1e-15)


@pytest.mark.parametrize(("name", "value"), [("relu", 0.5), ("abs", 0.5), ("tanh", 0.0)])
def test_a_constant_can_be_asked_for(name: str, value: float) -> None:
    found = fit(name, (-1, 1), degree=0, method=CF)

    # Within the seven percent that kinks cost; tanh is odd, so its constant is exact.
    assert found.degree == 0
    assert found.polynomial.coefficients[0] == pytest.approx(value, abs=0.035)


def test_a_polynomial_is_found_again() -> None:
    def cubic(x: FloatArray) -> FloatArray:
        return x**3 - 2.0 * x + 1.0

    found = fit(cubic, (-2, 3), degree=7, method=CF)

    # A few roundings of values up to 22.
    assert found.degree == 3
    assert found.error <= 1e-13


def test_several_intervals_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="one interval; 2 were given"):
        fit("abs", [(-2, -1), (1, 2)], degree=4, method="cf")


def test_a_weight_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="cannot weigh by exp"):
        fit("abs", (-1, 1), degree=4, method="cf", weight="exp")


def test_fewer_terms_than_the_degree_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="8 terms of exp say nothing above degree 8"):
        fit("exp", (-1, 1), degree=8, method=CaratheodoryFejer(terms=8))
