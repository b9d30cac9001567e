from __future__ import annotations

import numpy as np
import pytest

from tacit.approx import (
    Composite,
    CostModel,
    Fit,
    best,
    composite,
    error_of,
    fit,
    fit_composite,
    schedule,
)
from tacit.approx.composites.search import Objective
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import Function


@pytest.mark.parametrize(
    ("alpha", "depth"),
    # Brute force in test_pareto confirms the first ones; degrees up to 31 need 13 at alpha = 9.
    [(4, 5), (5, 7), (6, 8), (7, 10), (8, 11), (9, 12), (10, 14), (12, 16), (16, 21), (20, 25)],
)
def test_a_comparison_gets_the_least_depth(alpha: int, depth: int) -> None:
    found = fit_composite("sign", (-1, 1), error=2.0 ** (1 - alpha))
    x = np.geomspace(2.0**-alpha, 1.0, 20011)

    assert np.abs(found(x) - 1.0).max() <= found.error <= 2.0 ** (1 - alpha)
    assert found.depth == depth


@pytest.mark.parametrize("function", ["relu", "abs", "max", "comparison", "sign"])
@pytest.mark.parametrize("objective", ["depth", "products"])
def test_what_is_asked_for_is_met_everywhere(function: str, objective: Objective) -> None:
    found = fit_composite(function, (-3, 2), error=0.01, objective=objective)
    parts = [np.linspace(low, high, 20011) for low, high in found.intervals]
    x = np.concatenate(parts)

    assert np.abs(found(x) - found.function.exact(x)).max() <= found.error <= 0.01


def test_objectives_are_best_at_what_they_name() -> None:
    costs = CostModel(bootstrap=100.0, levels=6, levels_after_bootstrap=6)
    error = error_of("sign", 10)

    deep, few, fast = (
        fit_composite("sign", (-1, 1), error=error, objective=each)
        for each in ("depth", "products", costs)
    )
    times = [schedule(each.stretches, costs).total for each in (fast, few, deep)]

    assert deep.depth < min(few.depth, fast.depth)
    assert few.products < deep.products
    assert times[0] < min(times[1:])


def test_without_bootstraps_and_with_flat_prices_time_is_products() -> None:
    # A price that no level changes: what a product takes is 1.
    costs = CostModel(product=0.0, relinearisation=1.0, limbs_per_digit=1, levels=40)
    few = fit_composite("relu", (-1, 1), error=2.0**-8, objective="products")

    found = fit_composite("relu", (-1, 1), error=2.0**-8, objective=costs)

    assert schedule(found.stretches, costs).total <= schedule(few.stretches, costs).total


def test_the_accuracy_of_fifteen_fifteen_twenty_seven_needs_three_levels_less() -> None:
    # HEIR's built-in ReLU has these degrees, error 3.6e-4, and depth 14 with x multiplied apart.
    found = fit_composite("relu", (-1, 1), error=3.6e-4)

    assert found.depth == 14 - 3
    assert composite("relu", (15, 15, 27), (-1, 1)).error <= 1.1e-4


def test_the_bound_scales_the_gap_and_the_error() -> None:
    unit = fit_composite("abs", (-1, 1), error=0.02)

    found = fit_composite("abs", (-8, 5), error=0.16)

    assert found.degrees == unit.degrees
    assert found.error <= 0.16
    assert (found.low, found.high) == (-8.0, 5.0)


@pytest.mark.parametrize("name", ["relu", "gelu", "sigmoid", "elu"])
@pytest.mark.parametrize("error", [0.1, 0.01])
def test_the_best_is_a_fit_where_a_fit_exists(name: str, error: float) -> None:
    found = best(name, (-4, 4), error=error)

    assert isinstance(found, Fit)
    assert found == fit(name, (-4, 4), error=error)


def test_no_composite_is_less_deep_than_the_best_fit() -> None:
    found = best("relu", (-1, 1), error=2.0**-9)
    composed = fit_composite("relu", (-1, 1), error=2.0**-9)

    assert (found.depth, composed.depth) == (7, 9)


def test_composites_take_over_where_the_degree_runs_out() -> None:
    found = best("relu", (-1, 1), error=4e-4)

    assert isinstance(found, Composite)
    assert found.error <= 4e-4
    assert found.depth == 11


def test_the_best_sign_is_a_composite_with_a_gap() -> None:
    found = best("sign", (-2, 2), error=0.05)

    assert isinstance(found, Composite)
    assert found.gap == 0.05
    assert found.intervals == ((-2.0, -0.05), (0.05, 2.0))


def test_a_smooth_function_out_of_reach_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="exp on"):
        best("exp", (0, 300), error=1e-3)


def test_a_clipped_function_out_of_reach_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="relu6 on"):
        best(Function("relu6"), (-10, 10), error=1e-4)


def test_an_error_that_double_cannot_show_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="no composite for relu"):
        fit_composite("relu", (-1, 1), error=1e-13)


@pytest.mark.parametrize("error", [0.0, -1.0, float("nan")])
def test_an_error_that_is_not_positive_is_refused(error: float) -> None:
    with pytest.raises(TypeMismatch, match="error"):
        fit_composite("relu", (-1, 1), error=error)


def test_a_gap_for_what_bends_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="needs no gap"):
        fit_composite("relu", (-1, 1), error=0.01, gap=0.1)


@pytest.mark.parametrize("gap", [0.0, 1.0, -0.1])
def test_a_gap_that_leaves_nothing_of_the_domain_is_refused(gap: float) -> None:
    with pytest.raises(TypeMismatch, match="leaves nothing"):
        fit_composite("sign", (-1, 1), error=0.01, gap=gap)


@pytest.mark.parametrize("function", ["max", "comparison"])
def test_the_best_for_two_numbers_is_known_by_name(function: str) -> None:
    found = best(function, (-1, 1), error=0.02)

    assert found.error <= 0.02
