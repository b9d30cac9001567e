from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Polynomial, composite, fit
from tacit.approx.fits import Fit
from tacit.approx.methods import Bounded
from tacit.approx.outside import outside
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray, Function

NAMES = ["relu", "sigmoid", "exp", "abs", "gelu", "tanh", "elu"]


def is_within(values: FloatArray, bounds: tuple[float, float], slack: float) -> bool:
    """Whether no value is out of bounds by more than the slack."""
    return bool(values.min() >= bounds[0] - slack and values.max() <= bounds[1] + slack)


@given(st.sampled_from(NAMES), st.floats(-4.0, 2.0), st.floats(0.5, 6.0), st.integers(2, 31))
@settings(max_examples=25, deadline=None)
def test_a_fit_leaves_its_bounds_where_it_is_said_to(
    name: str, low: float, width: float, degree: int
) -> None:
    found = fit(name, (low, low + width), degree=degree)

    around = outside(found)
    width = around.bounds[1] - around.bounds[0]

    # A straight line has a long way to go, which costs it digits: 1e-6 of the bounds' width.
    reach = min(around.above, 1e3)
    x = found.high + reach * np.linspace(0.0, 1.0, 2001)
    assert is_within(found(x), around.bounds, 1e-6 * width)
    crossed = found(np.array([found.high + reach * (1.0 + 1e-6)]))
    assert around.above > 1e3 or not is_within(crossed, around.bounds, 0.0)
    # The same below.
    reach = min(around.below, 1e3)
    x = found.low - reach * np.linspace(0.0, 1.0, 2001)
    assert is_within(found(x), around.bounds, 1e-6 * width)
    crossed = found(np.array([found.low - reach * (1.0 + 1e-6)]))
    assert around.below > 1e3 or not is_within(crossed, around.bounds, 0.0)


@given(st.floats(1.01, 50.0))
def test_the_crossing_of_a_chebyshev_polynomial_is_known(bound: float) -> None:
    cubic = Polynomial((0.0, 0.0, 0.0, 1.0), 2.0, 6.0)
    found = Fit(cubic, Function("tanh"), ((2.0, 6.0),), "given", 1.0)

    around = outside(found, (-bound, bound))

    # T_3(cosh a) = cosh 3a; half-width 2 around 4.
    expected = 2.0 * (math.cosh(math.acosh(bound) / 3.0) - 1.0)
    assert math.isclose(around.above, expected, rel_tol=1e-9)
    assert math.isclose(around.below, expected, rel_tol=1e-9)


def test_a_touch_is_no_crossing() -> None:
    # T_2 at its minimum -1, where 1 + T_2 has a double root: seen from a domain on the right.
    parabola = Polynomial((0.0, 0.0, 1.0), -1.0, 1.0)
    found = Fit(parabola, Function("square"), ((0.5, 1.0),), "given", 1.0)

    around = outside(found, (-1.0, 7.0))

    # T_2(±2) = 7.
    assert math.isclose(around.above, 1.0, rel_tol=1e-12)
    assert math.isclose(around.below, 2.5, rel_tol=1e-12)


def test_a_constant_never_leaves() -> None:
    around = outside(fit("square", (-1, 1), degree=0))

    assert (around.below, around.above, around.nearest) == (math.inf, math.inf, math.inf)


def test_one_bound_may_be_infinite() -> None:
    line = fit("relu", (-1, 1), degree=1)

    around = outside(line, (-math.inf, 2.0))

    # x / 2 + 1 / 4.
    assert around.below == math.inf
    assert math.isclose(around.above, 2.5, rel_tol=1e-9)


def test_what_is_out_of_bounds_within_its_domain_is_at_distance_zero() -> None:
    around = outside(fit("relu", (-1, 1), degree=4), (0.5, 2.0))

    assert around.below == 0.0
    assert around.above > 0.0


def test_the_default_bounds_are_twice_the_functions_range() -> None:
    assert outside(fit("relu", (-2, 6), degree=3)).bounds == (-3.0, 9.0)


def test_values_are_shown_beyond_both_ends() -> None:
    found = fit("exp", (1, 3), degree=4)

    values = outside(found).values

    places = [place for place, _ in values]
    expected = [0.0, 0.5, 0.8, 0.9, 0.95, 3.05, 3.1, 3.2, 3.5, 4.0]
    np.testing.assert_allclose(places, expected, rtol=1e-12, atol=1e-12)
    assert [value for _, value in values] == found(np.array(places)).tolist()


def test_a_bounded_fit_stays_longer_than_the_minimax_polynomial() -> None:
    minimax = outside(fit("relu", (-1, 1), degree=15), (-0.5, 2.0))
    bounded = outside(
        fit("relu", (-1, 1), degree=15, method=Bounded((-1.8, 1.8), -0.5, 2.0)), (-0.5, 2.0)
    )

    assert bounded.nearest >= 0.8
    assert minimax.nearest < 0.1


@pytest.mark.parametrize(("name", "bound"), [("relu", 1.0), ("abs", 3.0), ("max", 2.0)])
def test_a_composite_leaves_its_bounds_where_it_is_said_to(name: str, bound: float) -> None:
    found = composite(name, (7, 7), (-bound, bound))

    around = outside(found)

    steps = np.linspace(0.0, 1.0, 20011)
    assert is_within(found(bound + around.above * steps), around.bounds, 0.0)
    assert is_within(found(-bound - around.below * steps), around.bounds, 0.0)
    after = np.array([bound + around.above * (1.0 + 1e-9)])
    assert not is_within(found(after), around.bounds, 0.0)


def test_a_composite_that_overflows_has_left() -> None:
    found = composite("sign", (7, 15, 15), (-1, 1), gap=0.01)

    around = outside(found)

    # The stages are odd, so both sides agree; the far values are beyond the largest double.
    assert around.below == pytest.approx(around.above, rel=1e-9)
    assert 0.0 < around.nearest < 0.1
    assert not math.isfinite(around.values[0][1])


def test_bounds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="no value is between 1 and 0"):
        outside(fit("relu", (-1, 1), degree=3), (1.0, 0.0))
