from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product

import pytest

from tacit.approx import CostModel, Stretches, fit_composite, schedule
from tacit.approx.plans import Stretch, products_of_odd
from tacit.approx.plans.merged import best_merged
from tacit.approx.plans.splits import pattern_of
from tacit.errors import DepthExceeded
from tests.approx.composites.brute_force import bend_suffices, sequences, sign_suffices

MODELS = [
    CostModel(),
    CostModel(bootstrap=60.0, levels=5, levels_after_bootstrap=5),
    CostModel(bootstrap=60.0, levels=2, levels_after_bootstrap=6, levels_kept=1),
    CostModel(product=1.0, relinearisation=0.0, bootstrap=1000.0, levels=7),
]


def parts(degree: int) -> list[tuple[Stretch, ...]]:
    """A stage at its least levels, and with up to two more."""
    least = degree.bit_length()
    return [((n, products_of_odd(degree, n)),) for n in range(least, least + 3)]


def parts_times_input(degree: int) -> list[tuple[Stretch, ...]]:
    """A stage and then the product with x, and a stage that merges it."""
    pattern = pattern_of(range(1, degree + 1, 2))
    least = degree.bit_length()
    merged = [(n, best_merged(pattern, n)) for n in range(least, least + 3)]
    apart = [(*each, (1, 1)) for each in parts(degree)]
    return [*apart, *(((n, shape.cost.products),) for n, shape in merged if shape)]


def least_time(good: Iterable[tuple[int, ...]], costs: CostModel, *, times_input: bool) -> float:
    """The least that stages of any of these degrees take, in any of their ways."""
    last = parts_times_input if times_input else parts
    every = {
        tuple(stretch for part in chosen for stretch in part)
        for degrees in good
        for chosen in product(*(parts(each) for each in degrees[:-1]), last(degrees[-1]))
    }
    highest = costs.levels_after_bootstrap - costs.levels_kept
    # No stage is deeper than what there is, at first or after a bootstrap.
    fitting = (each for each in every if max(depth for depth, _ in each) <= highest)
    return min(schedule(Stretches(each, times_input), costs).total for each in fitting)


def found_time(function: str, error: float, costs: CostModel) -> float:
    """What the composite takes that is found."""
    found = fit_composite(function, (-1, 1), error=error, objective=costs)
    return schedule(found.stretches, costs).total


def good(depth: int, suffices: Callable[[tuple[int, ...]], bool]) -> list[tuple[int, ...]]:
    """All degrees of stages of at most this depth that are good enough."""
    return [each for levels in range(2, depth + 1) for each in sequences(levels) if suffices(each)]


@pytest.mark.parametrize("costs", MODELS)
@pytest.mark.parametrize(("alpha", "depth"), [(4, 8), (5, 9)])
def test_the_least_time_is_that_of_all_degrees(costs: CostModel, alpha: int, depth: int) -> None:
    # More depth than that only takes longer.
    every = good(depth, sign_suffices(alpha))

    found = found_time("sign", 2.0 ** (1 - alpha), costs)

    assert found == pytest.approx(least_time(every, costs, times_input=False))


@pytest.mark.parametrize("costs", MODELS)
def test_the_least_time_of_a_bend_is_that_of_all_degrees(costs: CostModel) -> None:
    every = good(7, bend_suffices(0.05))

    found = found_time("abs", 0.05, costs)

    assert found == pytest.approx(least_time(every, costs, times_input=True))


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
