from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Custom, Fit, Parity, fit
from tacit.approx.methods import Bounded
from tacit.approx.outside import outside
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

SMOOTH = ["exp", "sigmoid", "tanh", "gelu", "softplus"]
KINKED = ["relu", "abs", "hardtanh", "elu"]
SIGN = [(-1.0, -0.1), (0.1, 1.0)]


def on_the_wider(found: Fit, count: int = 50021) -> FloatArray:
    """The polynomial's values on evenly spaced points, which the method does not use."""
    low, high = found.polynomial.low, found.polynomial.high
    return found(np.linspace(low, high, count))


@given(
    st.sampled_from(SMOOTH + KINKED),
    st.integers(0, 24),
    st.floats(1.0, 2.5),
    st.floats(0.0, 0.5),
)
@settings(max_examples=12, deadline=None)
def test_the_bounds_hold_on_the_whole_wider_interval(
    name: str, degree: int, stretch: float, room: float
) -> None:
    wider = (-2.0 * stretch, 2.0 * stretch)
    values = fit(name, wider, degree=0).function.exact(np.linspace(*wider, 4001))
    least, most = float(values.min()) - room, float(values.max()) + room

    method = Bounded(wider=wider, least=least, most=most)
    found = fit(name, (-2, 2), degree=degree, method=method)

    assert least <= on_the_wider(found).min() <= on_the_wider(found).max() <= most


@given(st.sampled_from(SMOOTH + KINKED), st.integers(0, 20))
@settings(max_examples=12, deadline=None)
def test_bounds_that_do_not_bind_leave_the_minimax_polynomial(name: str, degree: int) -> None:
    found = fit(name, (-2, 2), degree=degree, method=Bounded((-2, 2), -math.inf, 1e3))
    best = fit(name, (-2, 2), degree=degree)

    # The exchange ends at 1e-9 of the error; rounding stays under 1e-12 of values up to 8.
    assert math.isclose(found.error, best.error, rel_tol=3e-8, abs_tol=1e-12)


@given(st.integers(1, 20), st.floats(1.05, 2.0))
@settings(max_examples=10, deadline=None)
def test_a_wider_interval_costs_accuracy(degree: int, stretch: float) -> None:
    near = fit("relu", (-1, 1), degree=degree, method=Bounded((-stretch, stretch), -0.5, 2.5))
    far = fit("relu", (-1, 1), degree=degree, method=Bounded((-2.5, 2.5), -0.5, 2.5))
    best = fit("relu", (-1, 1), degree=degree)

    assert best.lower_bound <= near.error * (1.0 + 1e-9)
    assert near.error <= far.error * (1.0 + 1e-7)


def test_no_polynomial_on_a_grid_of_parabolas_is_better() -> None:
    found = fit("relu", (-1, 1), degree=2, method=Bounded((-2, 2), 0.0, 2.0))

    # All a + b x + c x**2 with coefficients in steps of 1/64: none is in bounds and errs less.
    steps = np.arange(-64, 65) / 64.0
    a, b, c = (each.ravel() for each in np.meshgrid(steps[64:97], steps[64:97], steps[64:]))
    wide, narrow = np.linspace(-2.0, 2.0, 65), np.linspace(-1.0, 1.0, 65)
    powers = np.stack([a, b, c])
    heights = np.vander(wide, 3, increasing=True) @ powers
    errors = np.vander(narrow, 3, increasing=True) @ powers - np.maximum(narrow, 0.0)[:, None]
    allowed = (heights.min(axis=0) >= 0.0) & (heights.max(axis=0) <= 2.0)
    least = float(np.abs(errors).max(axis=0)[allowed].min())
    assert found.error <= least <= found.error + 3.0 / 64.0


def test_the_unbounded_polynomial_explodes_where_the_bounded_one_stays() -> None:
    bounded = fit("sigmoid", (-8, 8), degree=31, method=Bounded((-16, 16), 0.0, 1.0))
    best = fit("sigmoid", (-8, 8), degree=31)

    edges = np.array([-16.0, 16.0])
    assert np.abs(best(edges)).min() > 1e10
    assert 0.0 <= on_the_wider(bounded).min() <= on_the_wider(bounded).max() <= 1.0
    assert bounded.error < 2e-4


def test_a_small_error_is_found_to_eight_digits() -> None:
    found = fit("exp", (-1, 1), degree=8, method=Bounded((-1.5, 1.5)))
    best = fit("exp", (-1, 1), degree=8)

    # 1.1e-8: a linear programme's own tolerance of 1e-10 would leave two digits.
    assert math.isclose(found.error, best.error, rel_tol=1e-6)


def test_several_intervals_keep_the_sign_within_one() -> None:
    found = fit("sign", SIGN, degree=15, method=Bounded(least=-1.0, most=1.0))

    assert found.polynomial.parity is Parity.ODD
    assert (found.polynomial.low, found.polynomial.high) == (-1.25, 1.25)
    assert np.abs(on_the_wider(found)).max() <= 1.0


def test_an_even_function_gets_an_even_polynomial() -> None:
    found = fit("abs", (-3, 3), degree=9, method="bounded")

    assert found.polynomial.parity is Parity.EVEN


def test_one_bound_may_be_infinite() -> None:
    found = fit("exp", (-1, 1), degree=5, method=Bounded((-4, 1), 0.0, math.inf))

    assert on_the_wider(found).min() >= 0.0


def test_a_weight_shifts_the_error() -> None:
    weight = Custom("inverse", lambda x: np.exp(-x))

    relative = fit("exp", (-2, 2), degree=6, method="bounded", weight=weight)
    absolute = fit("exp", (-2, 2), degree=6, method="bounded")

    x = np.linspace(-2.0, 2.0, 4001)
    ratios = [float(np.abs(each(x) / np.exp(x) - 1.0).max()) for each in (relative, absolute)]
    assert ratios[0] < 0.3 * ratios[1]


def test_bounds_that_exclude_the_function_are_refused_with_what_to_relax() -> None:
    with pytest.raises(TypeMismatch, match=r"relax least to 0 and most to 3"):
        fit("relu", (-1, 3), degree=7, method=Bounded(least=0.0, most=2.0))


def test_bounds_with_nothing_between_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="at least 1 and at most 1"):
        fit("relu", (-1, 1), degree=7, method=Bounded(least=1.0, most=1.0))


@pytest.mark.parametrize("wider", [(-0.5, 2.0), (-2.0, 0.5), (-math.inf, 2.0)])
def test_a_wider_interval_that_is_narrower_is_refused(wider: tuple[float, float]) -> None:
    with pytest.raises(TypeMismatch, match=r"does not hold \[-1, 1\]"):
        fit("relu", (-1, 1), degree=7, method=Bounded(wider=wider))


@pytest.mark.parametrize("degree", [9, 15, 20, 31, 63])
def test_the_bounds_hold_exactly_between_all_points(degree: int) -> None:
    bounds = (-0.5, 2.0)
    found = fit("relu", (-1, 1), degree=degree, method=Bounded((-1.8, 1.8), *bounds))

    # Exact real roots of p - bound: none may lie on the wider interval, whose bounds both bind.
    around = outside(found, bounds)

    assert around.nearest >= 0.8
    assert np.abs(on_the_wider(found) - 0.75).max() >= 1.25 - 1e-3
