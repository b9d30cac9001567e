from __future__ import annotations

import numpy as np
import pytest

from tacit.approx import Composite, Fit, Form, error_of, fit, pareto
from tacit.approx.composites.pareto import composites
from tacit.approx.composites.wanted import Wanted
from tacit.errors import TypeMismatch
from tacit.ir.functions import Function
from tests.approx.composites.brute_force import bend_suffices, front, sign_suffices

SIGN, MAGNITUDE = Form("sign", step=1.0), Form("abs", bend=1.0)


@pytest.mark.parametrize("alpha", [4, 5, 6])
def test_the_front_of_comparisons_is_that_of_all_degrees(alpha: int) -> None:
    expected = front(8, sign_suffices(alpha), SIGN)

    found = [(each.depth, each.products) for each in pareto("sign", alpha=alpha)]

    assert [each for each in found if each[0] <= 8] == expected


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [7, 8])
def test_the_front_of_finer_comparisons_is_that_of_all_degrees(alpha: int) -> None:
    expected = front(11, sign_suffices(alpha), SIGN)

    found = [(each.depth, each.products) for each in pareto("sign", alpha=alpha)]

    assert [each for each in found if each[0] <= 11] == expected


@pytest.mark.parametrize("goal", [0.05, 0.02])
def test_the_front_of_bends_is_that_of_all_degrees(goal: float) -> None:
    expected = front(7, bend_suffices(goal), MAGNITUDE)

    wanted = Wanted(Function("abs"), ((-1.0, 1.0),), goal)
    found = [(each.depth, each.products) for each in composites(wanted)]

    assert [each for each in found if each[0] <= 7] == expected


@pytest.mark.slow
@pytest.mark.parametrize("goal", [2.0**-6, 2.0**-7])
def test_the_front_of_finer_bends_is_that_of_all_degrees(goal: float) -> None:
    expected = front(9, bend_suffices(goal), MAGNITUDE)

    wanted = Wanted(Function("abs"), ((-1.0, 1.0),), goal)
    found = [(each.depth, each.products) for each in composites(wanted)]

    assert [each for each in found if each[0] <= 9] == expected


@pytest.mark.parametrize("function", ["sign", "comparison", "relu", "max", "abs"])
@pytest.mark.parametrize("alpha", [4, 10])
def test_everything_on_the_front_is_good_enough_and_cheaper_in_something(
    function: str, alpha: int
) -> None:
    found = pareto(function, alpha=alpha)

    depths, products = [each.depth for each in found], [each.products for each in found]
    assert max(each.error for each in found) <= error_of(function, alpha)
    assert (np.diff(depths) > 0).all()
    assert (np.diff(products) < 0).all()


def test_what_is_on_the_front_is_computed_at_that_cost() -> None:
    found = [each for each in pareto("relu", alpha=11) if isinstance(each, Composite)]

    plans = [each.plan for each in found]
    stretches = [each.stretches.parts for each in found]

    # Merged where the least depth is wanted, and not where products are.
    assert found[0].levels != found[-1].levels
    assert [(each.depth, each.products) for each in found] == [
        (plan.depth, plan.products) for plan in plans
    ]
    assert [(sum(n for n, _ in each), sum(m for _, m in each)) for each in stretches] == [
        (plan.depth, plan.products) for plan in plans
    ]


@pytest.mark.slow
@pytest.mark.parametrize("function", ["sign", "relu"])
def test_the_front_for_twenty_bits_is_good_enough(function: str) -> None:
    found = pareto(function, alpha=20)

    assert max(each.error for each in found) <= error_of(function, 20)
    assert found[0].depth <= 25
    assert found[-1].products <= 36


def test_a_single_polynomial_on_the_front_is_a_fit() -> None:
    single, *composed = pareto("relu", alpha=10)

    assert single == fit("relu", (-1, 1), error=2.0**-10)
    assert all(isinstance(each, Composite) for each in composed)


def test_one_stage_of_a_sign_is_a_fit() -> None:
    first = pareto("sign", alpha=4)[0]

    assert isinstance(first, Fit)
    assert first.intervals == ((-1.0, -(2.0**-4)), (2.0**-4, 1.0))


def test_a_gap_of_ones_own_moves_the_front() -> None:
    wide = pareto("sign", error=1e-3, gap=0.25)

    narrow = pareto("sign", error=1e-3, gap=0.125)

    assert wide[0].depth < narrow[0].depth
    assert wide[-1].products < narrow[-1].products


def test_a_front_without_a_goal_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="either alpha or an error"):
        pareto("relu")


def test_a_front_with_two_goals_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="either alpha or an error"):
        pareto("relu", alpha=5.0, error=0.1)
