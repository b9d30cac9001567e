from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.approx import Form, Polynomial, composite
from tacit.arithmetics.ckks.approximation import Approximation
from tacit.errors import TypeMismatch

STAGE = Polynomial((0.0, 1.2, 0.0, -0.2))
RELU = Form("relu", slope=0.5, bend=0.5)
ODD_DEGREES = st.sampled_from([3, 5, 7, 9, 13, 15])
T = np.linspace(-1.0, 1.0, 2001)


def bent(*degrees: int) -> Approximation:
    """The ReLU on [-1, 1] by a composite of these degrees."""
    return Approximation(composite("relu", degrees, (-1, 1), gap=0.05).chained, RELU)


@given(st.lists(ODD_DEGREES, min_size=1, max_size=3))
def test_the_plan_computes_what_the_values_are(degrees: list[int]) -> None:
    found = bent(*degrees)

    # Rounding of some dozens of steps, magnified by slopes below a hundred.
    assert np.abs(found.plan(T) - found(T)).max() < 1e-12


@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=20))
def test_one_stage_without_a_form_is_its_polynomial(coefficients: list[float]) -> None:
    polynomial = Polynomial(tuple(coefficients))

    found = Approximation((polynomial,))

    assert np.array_equal(found(T), polynomial(T))
    assert found.plan == polynomial.plan
    assert found.is_affine == (polynomial.degree < 2)


@pytest.mark.parametrize(
    ("degrees", "more"), [((7, 5), 0), ((7, 13), 0), ((3, 7), 1), ((5, 15), 1), ((7, 7, 27), 0)]
)
def test_a_product_with_the_input_takes_a_level_only_where_the_last_degree_leaves_no_room(
    degrees: tuple[int, ...], more: int
) -> None:
    found = bent(*degrees)

    assert found.plan.depth == sum(stage.depth for stage in found.stages) + more


@pytest.mark.parametrize(
    ("stages", "form"),
    [
        ((), None),
        ((), RELU),
        ((STAGE, STAGE), None),
        ((STAGE,), Form("nothing", constant=1.0)),
        ((STAGE,), Form("both", step=1.0, bend=1.0)),
        ((STAGE,), Form("sign", step=math.inf)),
        ((STAGE,), Form("relu", slope=math.nan, bend=1.0)),
    ],
)
def test_what_no_plan_computes_is_refused(
    stages: tuple[Polynomial, ...], form: Form | None
) -> None:
    with pytest.raises(TypeMismatch, match="no approximation"):
        Approximation(stages, form)


def test_a_stage_on_an_interval_of_its_own_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="not normalised"):
        Approximation((STAGE.moved(-2.0, 2.0), STAGE), RELU)
