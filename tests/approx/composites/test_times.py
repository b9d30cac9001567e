from __future__ import annotations

import pytest

from tacit.approx import CostModel, Stretches, fit_composite, schedule
from tacit.approx.plans import products_of_odd
from tacit.errors import DepthExceeded
from tests.approx.composites.brute_force import sequences, sign_suffices

MODELS = [
    CostModel(),
    CostModel(bootstrap=60.0, levels=5, levels_after_bootstrap=5),
    CostModel(bootstrap=60.0, levels=2, levels_after_bootstrap=6, levels_kept=1),
    CostModel(product=1.0, relinearisation=0.0, bootstrap=1000.0, levels=7),
]


def total(degrees: tuple[int, ...], costs: CostModel) -> float:
    """What the cheapest schedule of a sign with these degrees takes."""
    parts = tuple((degree.bit_length(), products_of_odd(degree)) for degree in degrees)
    return schedule(Stretches(parts), costs).total


@pytest.mark.parametrize("costs", MODELS)
@pytest.mark.parametrize("alpha", [4, 5])
def test_the_least_time_is_that_of_all_degrees(costs: CostModel, alpha: int) -> None:
    suffices = sign_suffices(alpha)
    # No stage is deeper than what a bootstrap leaves; more depth than nine only takes longer.
    fitting = [
        each
        for depth in range(2, 10)
        for each in sequences(depth)
        if max(each).bit_length() <= costs.levels_after_bootstrap - costs.levels_kept
    ]

    found = fit_composite("sign", (-1, 1), error=2.0 ** (1 - alpha), objective=costs)

    expected = min(total(each, costs) for each in fitting if suffices(each))
    assert schedule(found.stretches, costs).total == pytest.approx(expected)


@pytest.mark.parametrize("function", ["sign", "relu"])
def test_an_error_out_of_reach_ends_the_search(function: str) -> None:
    with pytest.raises(DepthExceeded, match="no composite"):
        fit_composite(function, (-1, 1), error=1e-14, objective="time")


def test_levels_for_no_stage_end_the_search() -> None:
    costs = CostModel(levels=1, levels_after_bootstrap=1)

    with pytest.raises(DepthExceeded, match="no composite"):
        fit_composite("sign", (-1, 1), error=0.1, objective=costs)


def test_stages_too_low_for_the_error_end_the_search() -> None:
    # Only stages of degree 3 fit, which the margin between them keeps from getting this near.
    costs = CostModel(levels=2, levels_after_bootstrap=2)

    with pytest.raises(DepthExceeded, match="no composite"):
        fit_composite("sign", (-1, 1), error=1e-9, gap=0.1, objective=costs)
