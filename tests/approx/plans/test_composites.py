from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Composite, Form, composite
from tacit.approx.plans import plan_of_composite
from tacit.errors import DepthExceeded, TypeMismatch
from tests.approx.plans.cases import generic

# Values of size one, rounded some dozens of times by stages with slopes up to a hundred.
ROUNDING = 1e-11
degrees = st.lists(st.sampled_from([3, 5, 7, 9, 13, 15]), min_size=1, max_size=3).map(tuple)


@st.composite
def composites(draw: st.DrawFn) -> Composite:
    """A composite for any form on any symmetric interval."""
    bound = draw(st.sampled_from([0.25, 1.0, 12.0]))
    function = draw(st.sampled_from(["sign", "comparison", "relu", "abs", "max", "leaky_relu"]))
    return composite(function, draw(degrees), (-bound, bound), gap=0.125 * bound)


def apart(found: Composite) -> tuple[int, ...]:
    """The least levels of the stages, and one for the product with x after them if there is one."""
    return (*(stage.depth for stage in found.stages), *(1,) * found.form.products)


@given(composites())
@settings(max_examples=40)
def test_both_plans_of_a_composite_compute_it(found: Composite) -> None:
    t = np.linspace(-1.0, 1.0, 201)
    slack = ROUNDING * max(1.0, found.bound)

    values, separate = found.plan(t), replace(found, levels=apart(found)).plan(t)

    np.testing.assert_allclose(values, found(found.bound * t), rtol=0.0, atol=slack)
    np.testing.assert_allclose(separate, found(found.bound * t), rtol=0.0, atol=slack)


@given(composites())
@settings(max_examples=40)
def test_stages_and_a_product_with_x_apart_take_their_levels_and_products(
    found: Composite,
) -> None:
    separate = replace(found, levels=apart(found))

    assert separate.depth == sum(apart(found))
    assert separate.products == sum(each.products for each in found.stages) + found.form.products


@given(composites())
@settings(max_examples=40)
def test_a_level_is_saved_where_the_last_degree_leaves_room_for_x(found: Composite) -> None:
    degree = found.stages[-1].degree
    room = bool(found.form.bend) and degree + 2 <= 2 ** found.stages[-1].depth
    separate = replace(found, levels=apart(found))

    assert found.depth == separate.depth - room
    # x T_k replaces T_k: no more is made but the first, and one that makes a giant.
    assert found.products <= separate.products + room


@given(composites(), st.integers(0, 2))
@settings(max_examples=20)
def test_a_composite_takes_the_levels_that_it_is_given(found: Composite, more: int) -> None:
    # A level more than the last degree's least is always enough for x.
    levels = tuple(stage.depth + 1 + more for stage in found.stages)

    given_levels = replace(found, levels=levels)

    assert given_levels.depth <= sum(levels)
    assert len(given_levels.stretches.parts) == len(levels)
    assert given_levels.products == sum(products for _, products in given_levels.stretches.parts)


@given(composites(), st.integers(1, 4))
@settings(max_examples=20)
def test_more_levels_never_cost_products(found: Composite, more: int) -> None:
    depth = found.depth + more

    plan = plan_of_composite(found.chained, found.form, radius=found.bound, depth=depth)

    assert plan.products <= found.products
    assert plan.depth <= depth


@pytest.mark.parametrize(
    ("last", "separately", "merged"),
    # (depth, products) of stages of degrees 7 and `last` and of the product by x.
    [(5, (7, 9), (6, 10)), (13, (8, 13), (7, 13)), (29, (9, 17), (8, 17))],
)
def test_merging_costs_at_most_a_product(
    last: int, separately: tuple[int, int], merged: tuple[int, int]
) -> None:
    stages = [generic(7, "odd", seed=1), generic(last, "odd", seed=2)]
    form = Form("abs", bend=1.0)

    shallow = plan_of_composite(stages, form)
    plain = plan_of_composite(stages, form, levels=(3, last.bit_length(), 1))

    assert (shallow.depth, shallow.products) == merged
    assert (plain.depth, plain.products) == separately


def test_a_slope_without_a_bend_is_a_term_of_the_last_step() -> None:
    stage = generic(5, "odd")
    t = np.linspace(-1.0, 1.0, 9)

    plan = plan_of_composite([stage], Form("shift", 0.25, step=2.0, slope=0.5), radius=4.0)

    np.testing.assert_allclose(plan(t), 0.25 + 2.0 * stage(t) + 2.0 * t, atol=ROUNDING)
    assert plan.depth == stage.depth


@pytest.mark.parametrize("form", [Form("none"), Form("both", step=1.0, bend=1.0)])
def test_a_form_is_of_one_kind(form: Form) -> None:
    with pytest.raises(TypeMismatch, match="no plan for 1 stages"):
        plan_of_composite([generic(3, "odd")], form)


def test_no_stages_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="no plan for 0 stages"):
        plan_of_composite([], Form("sign", step=1.0))


def test_too_few_levels_are_refused() -> None:
    stages = [generic(7, "odd"), generic(15, "odd")]

    with pytest.raises(DepthExceeded, match="2 stages needs 8 levels, not 7"):
        plan_of_composite(stages, Form("abs", bend=1.0), depth=7)


@pytest.mark.parametrize("levels", [(3,), (3, 4, 2), (3, 3, 1, 1)])
def test_levels_for_other_stages_are_refused(levels: tuple[int, ...]) -> None:
    with pytest.raises(TypeMismatch, match="are not those of 2 stages"):
        plan_of_composite([generic(7, "odd")] * 2, Form("abs", bend=1.0), levels=levels)


def test_a_product_that_is_not_there_takes_no_level() -> None:
    with pytest.raises(TypeMismatch, match="are not those of 1 stages"):
        plan_of_composite([generic(7, "odd")], Form("sign", step=1.0), levels=(3, 1))


@pytest.mark.parametrize(
    ("levels", "complaint"),
    [((2, 4), "degree 7 needs 3 levels, not 2"), ((3, 3), "degree 7 needs more than 3 levels")],
)
def test_levels_for_lower_degrees_are_refused(levels: tuple[int, ...], complaint: str) -> None:
    with pytest.raises(DepthExceeded, match=complaint):
        plan_of_composite([generic(7, "odd")] * 2, Form("abs", bend=1.0), levels=levels)
