from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.approx import Form, Polynomial
from tacit.approx.plans import Plan, Scales, Step, plan_of, plan_of_composite, scales
from tacit.errors import DepthExceeded, LoweringError, TypeMismatch
from tests.approx.plans.cases import generic, polynomials

SQUARE = Step(products=((0, 0, 1),))
# Every scale is the outcome of a few dozen products and quotients, each rounded once.
ROUNDING = 1e-13


def moduli(seed: int, bits: int = 40) -> list[float]:
    """Primes' sizes by level, each within 2**-15 of a power of two, as primes for rings are."""
    noise = np.random.default_rng(seed).uniform(-(2.0**-15), 2.0**-15, size=12)
    return [float(round(2.0**bits * (1.0 + each))) for each in noise.tolist()]


def products_of(plan: Plan, found: Scales) -> list[tuple[float, float]]:
    """For every product its scale and that of the sum it goes into."""
    return [
        (found.values[a] * found.values[b], raw)
        for step, raw in zip(plan.steps, found.raw, strict=True)
        for a, b, _ in step.products
    ]


@given(polynomials, st.integers(0, 99), st.floats(39.0, 41.0), st.floats(30.0, 50.0))
def test_all_products_of_a_step_have_the_scale_of_its_sum(
    polynomial: Polynomial, seed: int, bits: float, target: float
) -> None:
    plan, primes = plan_of(polynomial), moduli(seed)

    found = scales(plan, primes, level=11, inputs=[2.0**bits], target=2.0**target)

    ratios = [product / raw for product, raw in products_of(plan, found)]
    np.testing.assert_allclose(ratios, np.ones(len(ratios)), rtol=ROUNDING)
    assert found.values[0] == 2.0**bits
    assert math.isclose(found.values[-1], 2.0**target, rel_tol=ROUNDING)


@given(polynomials, st.integers(0, 99))
def test_rescaling_by_the_levels_prime_gives_a_values_scale(
    polynomial: Polynomial, seed: int
) -> None:
    plan, primes = plan_of(polynomial), moduli(seed)

    found = scales(plan, primes, level=9, inputs=[2.0**40], target=2.0**40)

    divided = [
        raw / (1.0 if step.only_adds else primes[level + 1])
        for step, raw, level in zip(plan.steps, found.raw, found.levels[1:], strict=True)
    ]
    np.testing.assert_allclose(divided, found.values[1:], rtol=ROUNDING)
    assert found.levels == tuple(9 - below for below in plan.levels)


@given(polynomials, st.integers(0, 99))
def test_constants_bring_their_values_to_the_scale_of_the_sum(
    polynomial: Polynomial, seed: int
) -> None:
    plan = plan_of(polynomial)

    found = scales(plan, moduli(seed), level=9, inputs=[2.0**40], target=2.0**40)

    reached = [
        (found.values[value] * scale, raw)
        for step, raw, encoded in zip(plan.steps, found.raw, found.terms, strict=True)
        for (value, _), scale in zip(step.terms, encoded, strict=True)
    ]
    assert all(math.isclose(a, b, rel_tol=ROUNDING) for a, b in reached)
    # With the input near the primes, so is everything: no constant loses more than a few bits.
    assert all(scale > 2.0**37 for encoded in found.terms for scale in encoded)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_a_stages_value_is_as_fine_as_the_prime_that_its_powers_are_rescaled_by(
    inner: int, outer: int, seed: int
) -> None:
    first, second = generic(2 * inner + 1, "odd"), generic(2 * outer + 1, "odd")
    plan, primes = plan_of_composite([first, second], Form("sign", step=1.0)), moduli(seed)

    found = scales(plan, primes, level=11, inputs=[2.0**40], target=2.0**41)

    stage = plan.names.index("s1")
    assert found.values[stage] == primes[found.levels[stage]]
    assert all(math.isclose(a, b, rel_tol=ROUNDING) for a, b in products_of(plan, found))


def test_what_a_step_adds_without_a_level_has_its_scale() -> None:
    halves = (Step(terms=((0, 0.5),)), Step(terms=((0, 0.25),)), Step(terms=((1, 1), (2, -3))))
    plan = Plan(halves)

    found = scales(plan, moduli(0), level=3, inputs=[2.0**40], target=2.0**38)

    assert found.values[1:] == (2.0**38,) * 3
    assert found.raw[2] == 2.0**38


def test_a_square_takes_the_root_of_the_scale_that_is_asked_for() -> None:
    plan = Plan((Step(terms=((0, 0.5),)), Step(products=((1, 1, 1),))))

    found = scales(plan, [2.0**40] * 3, level=2, inputs=[2.0**40], target=2.0**30)

    assert found.values[1] == 2.0**35


def test_a_product_of_inputs_has_the_scale_that_it_has() -> None:
    plan, primes = Plan((SQUARE,)), [2.0**50, 2.0**40]

    assert scales(plan, primes, level=1, inputs=[2.0**40], target=2.0**40).raw == (2.0**80,)
    with pytest.raises(LoweringError, match=r"scales 2\*\*40\.0+ and 2\*\*41\.0+ at once"):
        scales(plan, primes, level=1, inputs=[2.0**40], target=2.0**41)


@given(st.floats(30.0, 45.0), st.integers(0, 99))
def test_an_input_without_a_scale_gets_the_one_from_which_the_target_follows(
    target: float, seed: int
) -> None:
    plan, primes = Plan((SQUARE, Step(products=((1, 1, 1),), terms=((0, 0.5),)))), moduli(seed)
    chosen = scales(plan, primes, level=5, inputs=[None], target=2.0**target)

    found = scales(plan, primes, level=5, inputs=chosen.values[:1], target=None)

    assert chosen.values[-1] == 2.0**target
    assert found.values == pytest.approx(chosen.values, rel=ROUNDING)


@given(polynomials, st.integers(0, 99))
def test_without_an_inputs_scale_and_a_target_values_stay_near_the_primes(
    polynomial: Polynomial, seed: int
) -> None:
    plan = plan_of(polynomial)

    found = scales(plan, moduli(seed), level=8, inputs=[None], target=None)

    assert found.values == pytest.approx([2.0**40] * len(found.values), rel=0.01)


def test_two_products_of_different_scales_are_no_sum() -> None:
    plan = Plan((Step(products=((0, 0, 1), (0, 1, 1))),), inputs=2)

    with pytest.raises(LoweringError, match="at once"):
        scales(plan, moduli(0), level=1, inputs=[2.0**40, 2.0**39], target=2.0**40)


@pytest.mark.parametrize("level", [2, 12])
def test_levels_that_are_not_there_are_refused(level: int) -> None:
    with pytest.raises(DepthExceeded, match=f"depth 3 starts at level {level} of 11"):
        scales(plan_of(generic(7)), moduli(0), level=level, inputs=[2.0**40], target=2.0**40)


@pytest.mark.parametrize("inputs", [[], [2.0**40] * 2])
def test_every_input_has_a_scale(inputs: list[float]) -> None:
    with pytest.raises(TypeMismatch, match=f"{len(inputs)} scales were given for 1 inputs"):
        scales(plan_of(generic(7)), moduli(0), level=3, inputs=inputs, target=2.0**40)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_scales_are_positive_numbers(scale: float) -> None:
    with pytest.raises(TypeMismatch, match="positive"):
        scales(plan_of(generic(7)), moduli(0), level=3, inputs=[scale], target=2.0**40)
