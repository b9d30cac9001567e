from __future__ import annotations

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


@given(composites())
@settings(max_examples=40)
def test_both_plans_of_a_composite_compute_it(found: Composite) -> None:
    t = np.linspace(-1.0, 1.0, 201)
    slack = ROUNDING * max(1.0, found.bound)

    values, shallow = found.plan(t), found.shallow_plan(t)

    np.testing.assert_allclose(values, found(found.bound * t), rtol=0.0, atol=slack)
    np.testing.assert_allclose(shallow, found(found.bound * t), rtol=0.0, atol=slack)


@given(composites())
@settings(max_examples=40)
def test_stages_and_the_product_with_x_take_their_levels_and_products(found: Composite) -> None:
    stages = found.stages
    product = found.form.products

    assert found.depth == sum(stage.depth for stage in stages) + product
    assert found.products == sum(stage.products for stage in stages) + product


@given(composites())
@settings(max_examples=40)
def test_a_level_is_saved_where_the_last_degree_leaves_room_for_x(found: Composite) -> None:
    degree = found.stages[-1].degree
    room = bool(found.form.bend) and degree + 2 <= 2 ** found.stages[-1].depth

    assert found.shallow_plan.depth == found.depth - room
    # x T_k replaces T_k: no more is made but the first, and one that makes a giant.
    assert found.shallow_plan.products <= found.products + 1


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
    plain = plan_of_composite(stages, form, merge=False)

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
