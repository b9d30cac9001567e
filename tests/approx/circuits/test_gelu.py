from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from tacit.approx.circuits import gelu
from tacit.errors import DepthExceeded

domains = st.tuples(st.floats(-30.0, -0.1), st.floats(0.1, 30.0))


@given(domains, st.sampled_from([0.1, 0.02, 0.003]))
@settings(max_examples=20, deadline=None)
def test_the_absolute_error_is_met_and_true(on: tuple[float, float], error: float) -> None:
    x = np.linspace(*on, 4099)

    found = gelu(on, error=error)

    assert np.abs(found(x) - x * special.ndtr(x)).max() <= found.absolute_error <= error


def test_symmetric_domains_take_fewer_products() -> None:
    even, shifted = gelu((-20.0, 20.0), error=0.01), gelu((-20.0, 19.0), error=0.01)

    assert even.products < shifted.products


def test_no_value_inside_a_wide_circuit_is_large() -> None:
    assert gelu((-50.0, 50.0), error=0.05).reach < 1.01


def test_domains_that_are_too_wide_are_refused_with_the_error_there_is() -> None:
    with pytest.raises(DepthExceeded, match="even at degree 255"):
        gelu((-500.0, 500.0), error=1e-3)
