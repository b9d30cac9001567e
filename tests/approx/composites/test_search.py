from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from tacit.approx import Composite, Fit, best, composite, composite_sign, fit, fit_composite
from tacit.approx.composites.degrees import promising_degrees, squeezes
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import Function


@pytest.mark.parametrize(
    ("alpha", "depth", "products"),
    # The cheapest of all degrees up to 31, checked exactly; a worse search would cost more.
    [(5, 4, 6), (7, 7, 11), (8, 8, 14), (9, 9, 17)],
)
def test_relu_gets_the_least_depth_for_its_error(alpha: int, depth: int, products: int) -> None:
    found = fit_composite("relu", -1, 1, error=2.0**-alpha)

    assert found.error <= 2.0**-alpha
    assert (found.depth, found.products) == (depth, products)


@pytest.mark.slow
@pytest.mark.parametrize(("alpha", "depth"), [(11, 12), (13, 14), (16, 18)])
def test_relu_gets_the_least_depth_for_small_errors_too(alpha: int, depth: int) -> None:
    found = fit_composite("relu", -1, 1, error=2.0**-alpha)

    assert found.error <= 2.0**-alpha
    assert found.depth == depth


@pytest.mark.parametrize(("alpha", "depth"), [(4, 5), (7, 10), (8, 11), (12, 16), (20, 25)])
def test_a_comparison_gets_the_least_depth(alpha: int, depth: int) -> None:
    found = fit_composite("sign", -1, 1, error=2.0 ** (1 - alpha))
    x = np.linspace(2.0**-alpha, 1.0, 20011)

    assert np.abs(found(x) - 1.0).max() <= found.error <= 2.0 ** (1 - alpha)
    assert found.depth == depth


def test_nothing_less_deep_meets_the_error() -> None:
    found = fit_composite("relu", -1, 1, error=2.0**-8)

    # All sequences of depth 7: one level is the last product's.
    errors = [
        composite("relu", each, -1, 1).error for each in [(7, 7), (3, 15), (15, 3), (3, 3, 3)]
    ]
    assert found.depth == 8
    assert min(errors) > 2.0**-8


def test_the_bound_scales_the_gap_and_the_error() -> None:
    unit = fit_composite("abs", -1, 1, error=0.02)

    found = fit_composite("abs", -8, 5, error=0.16)

    assert found.degrees == unit.degrees
    assert found.error <= 0.16
    assert (found.low, found.high) == (-8.0, 5.0)


def test_the_table_agrees_with_the_real_polynomials() -> None:
    promising = list(islice(promising_degrees(np.array([0.02]), 0.01), 20))

    errors = np.array([composite_sign(0.02, degrees).error for degrees in promising])

    # The search looks at what seems to miss by 5 %, and interpolation adds at most 1 %.
    assert errors.max() <= 0.01 * 1.06


def test_every_stage_on_offer_squeezes() -> None:
    widths = np.linspace(0.05, 0.95, 19)

    after = [stage(widths) for stage in squeezes()]

    assert all((each < widths).all() for each in after)
    # Where the error is all rounding, the table is flat.
    assert all((np.diff(each) >= -1e-12).all() for each in after)


@pytest.mark.parametrize("name", ["relu", "gelu", "sigmoid", "elu"])
@pytest.mark.parametrize("error", [0.1, 0.01])
def test_the_best_is_a_fit_where_a_fit_exists(name: str, error: float) -> None:
    found = best(name, -4, 4, error=error)

    assert isinstance(found, Fit)
    assert found == fit(name, (-4, 4), error=error)


def test_no_composite_is_less_deep_than_the_best_fit() -> None:
    found = best("relu", -1, 1, error=2.0**-9)
    composed = fit_composite("relu", -1, 1, error=2.0**-9)

    assert (found.depth, composed.depth) == (7, 9)


def test_composites_take_over_where_the_degree_runs_out() -> None:
    found = best("relu", -1, 1, error=4e-4)

    assert isinstance(found, Composite)
    assert found.error <= 4e-4
    assert found.depth == 12


def test_the_best_sign_is_a_composite_with_a_gap() -> None:
    found = best("sign", -2, 2, error=0.05)

    assert isinstance(found, Composite)
    assert found.gap == 0.05
    assert found.intervals == ((-2.0, -0.05), (0.05, 2.0))


def test_a_smooth_function_out_of_reach_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="exp on"):
        best("exp", 0, 300, error=1e-3)


def test_a_clipped_function_out_of_reach_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="relu6 on"):
        best(Function("relu6"), -10, 10, error=1e-4)


def test_an_error_that_double_cannot_show_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="no composite for relu"):
        fit_composite("relu", -1, 1, error=1e-13)


@pytest.mark.parametrize("error", [0.0, -1.0, float("nan")])
def test_an_error_that_is_not_positive_is_refused(error: float) -> None:
    with pytest.raises(TypeMismatch, match="error"):
        fit_composite("relu", -1, 1, error=error)
