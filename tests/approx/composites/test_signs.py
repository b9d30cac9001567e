from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import fit
from tacit.approx.composites.gaps import bend_errors
from tacit.approx.composites.signs import minimax_signs
from tacit.approx.composites.squeezes import squeeze


@given(st.integers(0, 31), st.floats(1e-4, 0.9))
@settings(max_examples=25)
def test_many_signs_at_once_are_the_minimax_polynomials(half: int, ratio: float) -> None:
    degree = 2 * half + 1
    single = fit("sign", [(-1.0, -ratio), (ratio, 1.0)], degree=degree)

    found = minimax_signs(degree, np.array([0.99, ratio, 1e-3]))

    # Both round values near 1: an error is known to a few times 1e-13 and no better.
    np.testing.assert_allclose(found.errors[1], single.error, rtol=1e-8, atol=1e-12)


@given(st.integers(0, 31), st.floats(1e-3, 0.9))
@settings(max_examples=25)
def test_the_errors_are_those_of_the_values(half: int, ratio: float) -> None:
    found = minimax_signs(2 * half + 1, np.array([ratio]))
    x = np.linspace(ratio, 1.0, 20011)[None, :]

    largest = np.abs(1.0 - found(x)).max()

    # 20011 points are near enough to all extrema of 63 degrees to see them to 1e-4.
    np.testing.assert_allclose(largest, found.errors[0], rtol=1e-4, atol=1e-12)
    np.testing.assert_allclose(found(-x), -found(x))


def test_widths_that_leave_only_rounding_do_no_harm() -> None:
    gaps = np.geomspace(2.0**-5, 20.0 * 2.0**-6, 24)

    inside, outside = bend_errors(gaps)((9, 23))

    # In the widest of them degree 23 is right to rounding, on which a reference falls together.
    assert (np.diff(inside) > 0.0).all()
    assert (outside <= inside[-1]).all()


def test_every_stage_squeezes_and_more_so_the_higher() -> None:
    widths = np.linspace(0.05, 0.95, 19).tolist()

    degrees = range(3, 64, 2)

    after = np.array([[squeeze(degree).width(width) for width in widths] for degree in degrees])

    assert (after < np.array(widths)).all()
    # Where the error is all rounding, above 1e-12, the tables end and are flat.
    assert (np.diff(after, axis=0) <= 1e-11).all()


@pytest.mark.parametrize("degree", [3, 7, 27, 63])
def test_the_tables_are_right_between_their_points(degree: int) -> None:
    table = squeeze(degree)
    places = np.arange(-11.95, float(table.before[-1]), 0.1)
    widths = 1.0 / (1.0 + np.exp(places))
    errors = minimax_signs(degree, (1.0 - widths) / (1.0 + widths)).errors

    found = np.array([table.width(width) for width in widths.tolist()])

    # A goal of 1e-10 or less is all that is known worse: see the 1.001 of the search.
    known = errors > 1e-10
    np.testing.assert_allclose(found[known], errors[known], rtol=5e-6)
    np.testing.assert_allclose(found, errors, rtol=5e-4)


@given(st.sampled_from([3, 5, 15, 31]), st.floats(0.05, 0.999999))
@settings(max_examples=50)
def test_the_widest_start_is_the_inverse(degree: int, width: float) -> None:
    table = squeeze(degree)
    # Below, widths after a stage are rounding.
    after = max(table.width(width), 1e-10)

    assert table.width(table.widest(after)) == pytest.approx(after, rel=1e-9)


def test_what_no_width_reaches_has_no_start() -> None:
    assert squeeze(3).widest(1e-15) == 0.0
