from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx.circuits import exponential
from tacit.errors import DepthExceeded, TypeMismatch

domains = st.tuples(st.floats(-20.0, 5.0), st.floats(0.1, 20.0)).map(lambda p: (p[0], p[0] + p[1]))
errors = st.floats(1.0, 6.0).map(lambda exponent: 10.0**-exponent)


@given(domains, errors)
@settings(max_examples=25, deadline=None)
def test_the_relative_error_is_met_and_true(on: tuple[float, float], error: float) -> None:
    x = np.linspace(*on, 4099)

    found = exponential(on, error=error)

    assert np.abs(1.0 - found(x) / np.exp(x)).max() <= found.relative_error <= error


@given(domains, errors)
@settings(max_examples=15, deadline=None)
def test_the_absolute_error_is_met_and_true(on: tuple[float, float], error: float) -> None:
    x = np.linspace(*on, 4099)
    asked = error * math.exp(on[1])

    found = exponential(on, error=asked, relative=False)

    # The last rounding of the factor.
    assert np.abs(np.exp(x) - found(x)).max() <= found.absolute_error <= asked * (1.0 + 1e-12)


@pytest.mark.parametrize("levels", [4, 6, 8])
def test_it_is_at_least_ten_times_better_than_heir_at_no_more_depth(levels: int) -> None:
    x = np.linspace(-8.0, 0.0, 2001)
    theirs = np.abs(1.0 - (1.0 + x / 2.0**levels) ** 2**levels / np.exp(x)).max()

    ours = exponential((-8.0, 0.0), error=min(float(theirs), 1.0) / 10.0)

    assert ours.depth <= levels


def test_wide_domains_are_squared_to_save_products() -> None:
    found = exponential((-60.0, 0.0), error=1e-4)

    assert found.method == "minimax, squared"
    assert found.products < 2 * found.depth
    assert found.relative_error <= 1e-4


def test_values_inside_stay_near_one_on_domains_far_from_zero() -> None:
    found = exponential((100.0, 110.0), error=1e-3)

    assert found.reach < 2.0
    assert found.scaled.factor == pytest.approx(math.exp(110.0))


def test_what_doubles_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="no double holds"):
        exponential((-800.0, 0.0), error=0.1)
    with pytest.raises(DepthExceeded, match="does not reach"):
        exponential((-1.0, 0.0), error=1e-17)
