from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from tacit.approx import Polynomial
from tacit.approx.plans import Plan, Step, plan_of
from tacit.errors import TypeMismatch
from tests.approx.plans.cases import polynomials

SQUARE = Step(products=((0, 0, 1),))


@given(polynomials)
def test_every_value_is_made_above_the_steps_that_use_it(polynomial: Polynomial) -> None:
    plan = plan_of(polynomial)
    levels = plan.levels

    pairs = [(levels[v], levels[k]) for k, step in enumerate(plan.steps, 1) for v in step.uses]

    assert all(used < made for used, made in pairs)


@given(polynomials)
def test_values_are_made_as_late_as_one_of_their_uses_needs(polynomial: Polynomial) -> None:
    plan = plan_of(polynomial)
    levels = plan.levels
    uses = [(v, levels[k]) for k, step in enumerate(plan.steps, 1) for v in step.uses]

    first_use = {v: min(level for used, level in uses if used == v) for v, _ in uses}

    assert all(levels[v] == level - 1 for v, level in first_use.items() if v)


@given(polynomials)
def test_no_value_is_used_after_its_last_use(polynomial: Polynomial) -> None:
    plan = plan_of(polynomial)

    uses = [(v, place) for place, step in enumerate(plan.steps) for v in step.uses]

    assert all(place <= plan.last_uses[v] for v, place in uses)
    assert plan.last_uses[-1] == len(plan.steps) - 1


def test_integers_are_free_and_floats_take_a_level() -> None:
    doubled = Plan((Step(terms=((0, 2),)),))
    scaled = Plan((Step(terms=((0, 2.0),)),))

    assert (doubled.depth, doubled.rescalings, doubled.plain_products) == (0, 0, 0)
    assert (scaled.depth, scaled.rescalings, scaled.plain_products) == (1, 1, 1)


def test_a_step_that_only_adds_leaves_what_it_adds_on_its_level() -> None:
    plan = Plan((SQUARE, Step(products=((1, 1, 1),)), Step(terms=((1, 1), (2, 1)))))

    assert plan.levels == (0, 1, 2, 2)


def test_a_value_that_nothing_uses_is_made_below_what_it_uses() -> None:
    plan = Plan((SQUARE, Step(products=((1, 1, 1),)), Step(terms=((0, 0.5),))))

    assert plan.levels == (0, 1, 2, 1)


def test_several_inputs_are_multiplied() -> None:
    plan = Plan((Step(products=((0, 1, -3),), terms=((1, 0.5),), constant=1.0),), inputs=2)

    assert plan(np.array([2.0]), np.array([5.0])).tolist() == [-26.5]


def test_python_integers_stay_exact() -> None:
    plan = Plan((SQUARE, Step(products=((1, 1, 1),), constant=1)))

    assert plan(np.array([10**9 + 1], dtype=object)).tolist() == [(10**9 + 1) ** 4 + 1]


def test_the_text_names_every_value_and_its_level() -> None:
    plan = plan_of(Polynomial((0.5, -0.25, 0.0, 0.125)))

    assert plan.text().splitlines() == [
        "1  T2 = 2 t·t - 1",
        "1  p[2] = 0.25 t",
        "2  p = p[2]·T2 - 0.375 t + 0.5",
    ]


def test_a_plan_without_names_has_a_text_too() -> None:
    plan = replace(plan_of(Polynomial((0.5, 0.0, -1.0))), names=())

    assert plan.text().splitlines() == ["1  v0 = 2 x0·x0 - 1", "2  v1 = -v0 + 0.5"]


def test_names_do_not_tell_plans_apart() -> None:
    assert Plan((SQUARE,), names=("t", "p")) == Plan((SQUARE,))


def test_a_value_that_is_not_made_yet_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="step 0 uses a value that is not made yet"):
        Plan((Step(products=((0, 1, 1),)),))


@pytest.mark.parametrize(("steps", "inputs"), [((), 1), ((Step(constant=1.0),), 0)])
def test_a_plan_without_steps_or_inputs_is_refused(steps: tuple[Step, ...], inputs: int) -> None:
    with pytest.raises(TypeMismatch, match="needs an input and a step"):
        Plan(steps, inputs)


def test_a_wrong_number_of_inputs_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="2 inputs were given for 1"):
        Plan((SQUARE,))(np.zeros(1), np.zeros(1))


def test_a_value_is_kept_until_its_last_use_only() -> None:
    square, fourth, eighth = (Step(products=((n, n, 1),)) for n in range(3))

    kept = Plan((square, fourth, eighth)).most_alive

    assert kept == 1
    assert Plan((square, fourth, Step(products=((1, 2, 1), (0, 2, 1))))).most_alive == 3
