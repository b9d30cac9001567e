from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Polynomial
from tacit.approx.plans import Plan, Step, plan_of
from tacit.approx.plans.compose import Assembly, then
from tacit.errors import TypeMismatch

coefficients = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=12).map(lambda c: (*c, 1.0))
SQUARE = Plan((Step(products=((0, 0, 1),)),))


@given(coefficients, coefficients)
@settings(max_examples=40)
def test_one_plan_then_another_computes_one_after_the_other(
    first: tuple[float, ...], second: tuple[float, ...]
) -> None:
    inner, outer = plan_of(Polynomial(first)), plan_of(Polynomial(second))
    t = np.linspace(-1.0, 1.0, 41)

    joined = then(inner, outer)

    assert joined(t).tolist() == outer(inner(t)).tolist()
    assert joined.depth <= inner.depth + outer.depth
    assert joined.products <= inner.products + outer.products


def test_equal_steps_are_made_once() -> None:
    assembly = Assembly()
    cubic = plan_of(Polynomial((0.0, 0.5, 0.25, 1.0)))
    other = plan_of(Polynomial((0.0, 0.0, 0.5, 2.0)))

    first, second = assembly.set_in(cubic, 0), assembly.set_in(other, 0)
    both = assembly.plan(assembly.add(Step(((first, second, 1),))))

    # T_2 and T_3 are shared, where each has them.
    assert both.products < cubic.products + other.products + 1


def test_an_integer_term_and_an_equal_float_stay_two_steps() -> None:
    assembly = Assembly()

    free = assembly.add(Step(terms=((0, 1),)))
    dear = assembly.add(Step(terms=((0, 1.0),)))

    assert assembly.plan(free).depth == 0
    assert assembly.plan(dear).depth == 1


def test_steps_that_the_result_does_not_need_are_left_out() -> None:
    assembly = Assembly()
    assembly.add(Step(products=((0, 0, 3),)))
    cube = assembly.add(Step(((assembly.set_in(SQUARE, 0), 0, 1),)))
    assembly.add(Step(terms=((cube, 2),)))

    plan = assembly.plan(cube)

    assert len(plan.steps) == 2
    assert plan(np.array([3.0])).tolist() == [27.0]


def test_plans_of_several_inputs_are_set_in_by_their_values() -> None:
    difference = Plan((Step(terms=((0, 1), (1, -1))),), inputs=2)
    assembly = Assembly(inputs=3)

    value = assembly.set_in(difference, 2, 0)

    assert assembly.plan(value)(np.array(5.0), np.array(7.0), np.array(9.0)) == 4.0


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="2 values were given for 1"):
        Assembly(inputs=2).set_in(SQUARE, 0, 1)
    with pytest.raises(TypeMismatch, match="not made by a step"):
        Assembly().plan(0)
