from __future__ import annotations

import math

import numpy as np
import pytest

from tacit.approx import fit
from tacit.approx.compare import Row, compare
from tacit.approx.composites import composite
from tacit.approx.histogram import Histogram
from tacit.approx.methods import METHODS
from tacit.errors import TypeMismatch

SIGN = [(-1.0, -0.1), (0.1, 1.0)]


def named(rows: list[Row], method: str) -> Row:
    """The only row of a method."""
    (row,) = (each for each in rows if each.method == method)
    return row


def test_every_method_has_a_row_for_each_depth() -> None:
    rows = compare("sigmoid", (-4, 4), depths=[2, 3])

    expected = sorted([*METHODS, "composite", "iterates"] * 2)
    assert sorted(row.method for row in rows) == expected
    assert [row.allowed for row in rows] == sorted(row.allowed for row in rows)


@pytest.mark.parametrize("name", ["relu", "exp", "sigmoid"])
def test_nothing_takes_more_than_the_depth_allowed(name: str) -> None:
    rows = compare(name, (-1, 1), depths=[3, 5])

    assert all(row.depth <= row.allowed for row in rows)
    assert all(row.reason or row.degrees for row in rows)


@pytest.mark.parametrize("name", ["relu", "exp", "gelu"])
def test_no_polynomial_beats_minimax(name: str) -> None:
    rows = compare(name, (-2, 2), depths=[4])

    best = named(rows, "minimax")
    assert rows[0] == best
    assert best.lower_bound is not None
    assert all(row.error >= best.lower_bound * (1.0 - 1e-9) for row in rows)


def test_an_even_functions_row_has_the_smaller_degree_and_fewer_products() -> None:
    row = named(compare("abs", (-1, 1), depths=[4]), "minimax")

    assert row.degrees == (14,)
    assert row.products == fit("abs", (-1, 1), degree=14).products


def test_each_method_takes_the_better_of_two_degrees() -> None:
    row = named(compare("abs", (-1, 1), depths=[3]), "chebyshev")

    # Seven points have one at the kink, eight have not.
    errors = [fit("abs", (-1, 1), degree=d, method="chebyshev").error for d in (6, 7)]
    assert row.error == min(errors)


def test_heirs_limit_for_the_exponential_is_fifty_times_worse_than_minimax() -> None:
    rows = compare("exp", (-1, 1), depths=[2, 3, 4])

    minimax = [row.error for row in rows if row.method == "minimax"]
    limits = [row for row in rows if row.method == "limit"]
    assert [row.depth for row in limits] == [row.products for row in limits] == [2, 3, 4]
    assert all(row.error > 50.0 * best for row, best in zip(limits, minimax, strict=True))
    # At x = 1 the power (5/4)**4 misses e by this.
    assert math.isclose(limits[0].error, math.e - 1.25**4, rel_tol=1e-9)


def test_only_the_exponential_has_a_limit() -> None:
    assert not [row for row in compare("tanh", (-1, 1), depths=[2]) if row.method == "limit"]


def test_what_does_not_apply_is_listed_with_its_reason() -> None:
    rows = compare("sign", SIGN, depths=[3])

    refused = {row.method: row.reason for row in rows if row.error == math.inf}
    assert "one interval" in refused["cf"]
    assert "one interval" in refused["chebyshev"]
    assert refused["composite"].startswith("two stages of sign take depth 4; 3 is allowed")
    assert all(row.reason for row in rows[-len(refused) :])


def test_a_function_that_is_not_made_of_signs_has_no_composite() -> None:
    rows = compare("gelu", (-1, 1), depths=[5])

    assert "not made of one sign" in named(rows, "composite").reason
    assert "not made of one sign" in named(rows, "iterates").reason


def test_the_composite_of_the_sign_is_the_best_within_the_depth() -> None:
    row = named(compare("sign", SIGN, depths=[6]), "composite")

    others = [(7, 7), (3, 15), (15, 3), (3, 3, 3)]
    errors = [composite("sign", degrees, SIGN).error for degrees in others]
    assert row.error == pytest.approx(min(errors), rel=1e-9)
    assert row.degrees == others[int(np.argmin(errors))]


def test_composites_take_fewer_products_at_equal_depth() -> None:
    rows = compare("relu", (-1, 1), depths=[6])

    assert named(rows, "composite").products < named(rows, "minimax").products
    assert named(rows, "composite").error < named(rows, "iterates").error


def test_a_histogram_gives_every_row_its_root_mean_square() -> None:
    samples = np.random.default_rng(5).normal(size=4000).clip(-3.0, 3.0)
    rows = compare("relu", (-3, 3), depths=[3], histogram=Histogram.of(samples))

    found = {row.method: row.root_mean_square or 0.0 for row in rows if not row.reason}
    assert min(found, key=lambda method: found[method]) == "least_squares"
    assert all(found[method] > 0.0 for method in found)


def test_degrees_may_be_asked_for_instead_of_depths() -> None:
    rows = compare("exp", (-1, 1), degrees=[5, 9])

    assert [row.degrees for row in rows if row.method == "cf"] == [(5,), (9,)]
    assert [row.allowed for row in rows if row.method == "cf"] == [3, 4]


def test_max_is_compared_as_half_a_magnitude() -> None:
    row = named(compare("max", (-1, 1), depths=[2]), "minimax")

    # The best parabola for |x| has error 1/8.
    assert math.isclose(row.error, 1.0 / 16.0, rel_tol=1e-9)


def test_bounded_rows_stay_in_bounds_longest() -> None:
    rows = compare("relu", (-1, 1), depths=[4])

    reaches = {row.method: row.outside or 0.0 for row in rows if row.method in METHODS}
    assert max(reaches, key=lambda method: reaches[method]) == "bounded"


def test_a_sign_without_a_gap_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="sign jumps"):
        compare("sign", (-1, 1), depths=[3])


def test_a_depth_below_0_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="depth -1 is below 0"):
        compare("exp", (-1, 1), depths=[-1])
