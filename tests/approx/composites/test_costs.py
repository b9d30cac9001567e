from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import CostModel, Schedule, Stretches, composite, schedule
from tacit.errors import DepthExceeded, TypeMismatch


def paths(longest: int) -> st.SearchStrategy[Stretches]:
    """Paths of at most so many stretches, and perhaps of a product with the input after them."""
    steps = st.lists(st.sampled_from([(2, 2), (3, 5), (4, 8)]), min_size=1, max_size=longest)
    parts = steps.map(tuple)
    multiplied = st.builds(lambda each: Stretches((*each, (1, 1)), times_input=True), parts)
    return multiplied | st.builds(Stretches, parts, times_input=st.booleans())


costs_of_all_kinds = st.builds(
    CostModel,
    bootstrap=st.sampled_from([1.0, 50.0, 2000.0]),
    levels=st.integers(0, 7),
    # Enough for the deepest stretch and for what is kept.
    levels_after_bootstrap=st.integers(6, 8),
    levels_kept=st.integers(0, 2),
)


def by_brute_force(stretches: Stretches, costs: CostModel) -> float:
    """The least cost over all starts and all places of bootstraps."""
    steps = stretches.parts
    highest = max(costs.levels, costs.levels_after_bootstrap)
    ways = product(
        product([False, True], repeat=len(steps)), product(range(highest + 1), repeat=len(steps))
    )
    return min(cost(stretches, costs, refreshes, starts) for refreshes, starts in ways)


def cost(
    stretches: Stretches, costs: CostModel, refreshes: tuple[bool, ...], starts: tuple[int, ...]
) -> float:
    """What one schedule costs; infinite if levels are missing."""
    steps = stretches.parts
    # Levels that are there before each step: after a bootstrap, or what the step before left.
    lefts = [start - step[0] for start, step in zip(starts, steps, strict=True)]
    there = [
        costs.levels_after_bootstrap if fresh else before
        for fresh, before in zip(refreshes, [costs.levels, *lefts[:-1]], strict=True)
    ]
    inputs = costs.levels_after_bootstrap if refreshes[0] else costs.levels
    possible = (
        all(start <= each for start, each in zip(starts, there, strict=True))
        and min(lefts) >= 0
        and lefts[-1] >= costs.levels_kept
        and (starts[-1] <= inputs or not stretches.times_input)
    )
    products = sum(costs.of(step, start) for step, start in zip(steps, starts, strict=True))
    return products + costs.bootstrap * sum(refreshes) if possible else math.inf


@given(paths(2), costs_of_all_kinds)
@settings(max_examples=20, deadline=None)
def test_a_schedule_is_the_cheapest_of_all(stretches: Stretches, costs: CostModel) -> None:
    found = schedule(stretches, costs)

    assert found.total == pytest.approx(by_brute_force(stretches, costs))


@given(paths(4), costs_of_all_kinds)
@settings(max_examples=50, deadline=None)
def test_a_schedule_adds_up(stretches: Stretches, costs: CostModel) -> None:
    found = schedule(stretches, costs)

    refreshes = tuple(place in found.refreshes for place in range(len(found.starts)))
    assert found.total == pytest.approx(cost(stretches, costs, refreshes, found.starts))
    assert found.levels[-1] >= costs.levels_kept


def test_levels_that_suffice_need_no_bootstrap() -> None:
    found = schedule(Stretches(((3, 5), (3, 5))), CostModel(levels=9))

    # Three levels are dropped at once: products are cheaper below.
    assert found == Schedule(
        (), (6, 3), (3, 0), CostModel().of((3, 5), 6) + CostModel().of((3, 5), 3)
    )


def test_a_bootstrap_stands_before_the_stretch_that_lacks_levels() -> None:
    found = schedule(Stretches(((3, 5), (4, 8))), CostModel(levels=5))

    assert (found.refreshes, found.starts, found.levels) == ((1,), (3, 4), (0, 0))


def test_an_input_without_levels_is_bootstrapped_first() -> None:
    costs = CostModel(levels=0, levels_after_bootstrap=8)

    found = schedule(Stretches(((3, 5), (1, 1)), times_input=True), costs)

    assert (found.refreshes, found.starts) == ((0,), (4, 1))


def test_a_stage_that_merges_the_product_needs_levels_of_the_input() -> None:
    costs = CostModel(levels=2, levels_after_bootstrap=8)

    apart = schedule(Stretches(((2, 2), (3, 5), (1, 1)), times_input=True), costs)
    merged = schedule(Stretches(((2, 2), (3, 6)), times_input=True), costs)

    # Without it the value alone is bootstrapped; with it so is the input, as x needs three levels.
    assert (apart.refreshes, merged.refreshes) == ((1,), (0,))


@pytest.mark.parametrize(
    ("function", "degrees", "stretches"),
    [
        ("sign", (7, 13), ((3, 5), (4, 7))),
        ("relu", (7, 13), ((3, 5), (4, 8))),
        # Within four levels x times degree 7 takes 5 products, apart it would take 5 and 1.
        ("relu", (13, 7), ((4, 7), (4, 5))),
        ("relu", (7, 3), ((3, 5), (2, 2), (1, 1))),
    ],
)
def test_a_composite_knows_its_stretches(
    function: str, degrees: tuple[int, ...], stretches: tuple[tuple[int, int], ...]
) -> None:
    found = composite(function, degrees, (-1, 1), gap=0.1)

    assert found.stretches == Stretches(stretches, times_input=function == "relu")
    assert sum(depth for depth, _ in stretches) == found.depth
    assert sum(products for _, products in stretches) == found.products


def test_a_stage_deeper_than_a_bootstrap_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="bootstraps that leave 3"):
        schedule(Stretches(((4, 8),)), CostModel(levels=3, levels_after_bootstrap=3))


@pytest.mark.parametrize("bootstrap", [-1.0, -1e-9])
def test_negative_costs_are_refused(bootstrap: float) -> None:
    with pytest.raises(TypeMismatch, match="below 0"):
        CostModel(bootstrap=bootstrap)


def test_digits_without_limbs_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="digits without limbs"):
        CostModel(limbs_per_digit=0)
