from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Polynomial, fit
from tacit.approx.circuits.scaled import least_fit, scaled_plan_of
from tacit.errors import DepthExceeded
from tacit.ir.functions import Function

ends = st.tuples(st.floats(-5.0, 5.0), st.floats(0.1, 9.0)).map(lambda p: (p[0], p[0] + p[1]))
# The leading coefficient is not nearly 0: nobody takes a polynomial for one of a higher degree.
polynomials = st.tuples(
    st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=9),
    st.floats(0.05, 1.0) | st.floats(-1.0, -0.05),
).map(lambda pair: (*pair[0], pair[1]))


@given(polynomials, ends)
@settings(max_examples=100)
def test_a_scaled_plan_computes_the_polynomial(
    coefficients: tuple[float, ...], on: tuple[float, float]
) -> None:
    polynomial = Polynomial(coefficients, *on)
    x = np.linspace(*on, 101)

    found = scaled_plan_of(polynomial)

    # Without x**3 a quartic has powers of 1 + the shift of at most 20 / 4 to cancel: (6 ** 4)
    # roundings of a few values; and x itself is rounded at 14 / 0.1 times its share of the width.
    np.testing.assert_allclose(found(x), polynomial(x), atol=1e-10)


@pytest.mark.parametrize(
    ("degree", "depth", "products"), [(1, 0, 0), (2, 1, 1), (3, 2, 2), (4, 2, 2)]
)
def test_low_degrees_take_their_least_depth(degree: int, depth: int, products: int) -> None:
    found = scaled_plan_of(fit("exp", (-1, 1), degree=degree).polynomial)

    assert (found.plan.depth, found.plan.products) == (depth, products)


def test_the_least_fit_takes_the_quartic_where_it_is_shallower_than_what_is_needed() -> None:
    error = 1.01 * fit("exp", (-1, 1), degree=4).error

    found = least_fit(Function("exp"), (-1.0, 1.0), error)

    assert found.degree == 4
    assert scaled_plan_of(found.polynomial).plan.depth == 2


def test_a_fit_that_no_degree_gives_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="even at degree 255"):
        least_fit(Function("sqrt"), (0.0, 1.0), 1e-5)
