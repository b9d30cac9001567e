from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Polynomial, composite
from tacit.approx.plans import Plan, Scales, Step, error_growth, noise_of, plan_of, scales, simulate
from tacit.approx.plans.simulate import rounded, sensitivities
from tacit.errors import TypeMismatch
from tests.approx.plans.cases import polynomials

T = np.linspace(-1.0, 1.0, 41)
PRIMES = [2.0**40 * (1.0 + each * 2.0**-20) for each in range(-6, 6)]


def at_forty_bits(plan: Plan) -> Scales:
    return scales(plan, PRIMES, level=11, inputs=[2.0**40], target=2.0**40)


@given(polynomials)
@settings(max_examples=30)
def test_without_noise_only_the_constants_are_rounded(polynomial: Polynomial) -> None:
    plan = plan_of(polynomial)
    found = at_forty_bits(plan)

    silent = simulate(plan, found, [T], deviation=0.0, generator=np.random.default_rng(0))

    np.testing.assert_array_equal(silent, rounded(plan, found)(T))


@given(polynomials)
@settings(max_examples=30)
def test_constants_are_multiples_of_a_unit_of_their_scale(polynomial: Polynomial) -> None:
    plan = plan_of(polynomial)
    found = at_forty_bits(plan)

    steps = zip(plan.steps, rounded(plan, found).steps, found.terms, strict=True)

    moved = [
        (abs(Fraction(was) - Fraction(now)), Fraction(scale))
        for step, encoded, terms in steps
        for (_, was), (_, now), scale in zip(step.terms, encoded.terms, terms, strict=True)
    ]
    # Half a unit, and the double that is nearest to it.
    unit = Fraction(2) ** -1 + Fraction(2) ** -10
    assert all(distance * scale <= unit for distance, scale in moved)


@given(polynomials, st.data())
@settings(max_examples=50)
def test_sensitivities_are_what_a_small_change_of_a_value_does(
    polynomial: Polynomial, data: st.DataObject
) -> None:
    plan = plan_of(polynomial)
    place = data.draw(st.integers(0, len(plan.steps) - 1))
    change = 2.0**-20

    derivative = sensitivities(plan, [T])[place + 1]

    up, down = (_shifted(plan, place, sign * change)(T) for sign in (1.0, -1.0))
    # The result is a polynomial of the value, of degree up to 127 / place: what a central
    # difference leaves is its third derivative times change**2, and rounding over change.
    size = float(np.abs(plan(T)).max()) + float(np.abs(derivative).max()) + 1.0
    np.testing.assert_allclose((up - down) / (2.0 * change), derivative, atol=1e-3 * size)


def _shifted(plan: Plan, place: int, change: float) -> Plan:
    """The plan with something added to a step's value."""
    steps = list(plan.steps)
    steps[place] = replace(steps[place], constant=steps[place].constant + change)
    return replace(plan, steps=tuple(steps))


@pytest.mark.parametrize(
    "plan",
    [
        Polynomial(tuple(np.random.default_rng(3).normal(size=28).tolist())).plan,
        composite("relu", (7, 13), (-3, 3)).plan,
        replace(composite("relu", (7, 13), (-3, 3)), levels=(3, 4, 1)).plan,
    ],
    ids=["polynomial", "merged", "apart"],
)
def test_the_spread_is_what_the_derivatives_say(plan: Plan) -> None:
    found = at_forty_bits(plan)
    runs, deviation = 2000, 3.0
    generator = np.random.default_rng(7)
    many = np.tile(T, (runs, 1))

    results = simulate(plan, found, [many], deviation=deviation, generator=generator)

    spread = (results - rounded(plan, found)(T)).std(axis=0)
    noises = [deviation / scale for scale in found.values]
    # An input comes with its own noise; no step adds any to it.
    parts = zip(sensitivities(plan, [T])[1:], noises[1:], strict=True)
    expected = np.sqrt(sum(((by * noise) ** 2 for by, noise in parts), start=np.zeros_like(T)))
    # The spread of 2000 samples is known to 1 / sqrt(4000) = 1.6 %; six of that for 41 places.
    np.testing.assert_allclose(spread, expected, rtol=0.095)
    growth = error_growth(plan)
    assert expected.max() <= noise_of(plan, found, deviation=deviation, growth=growth)


def test_growth_without_inputs_is_the_worst_on_the_unit_interval() -> None:
    plan = Polynomial((0.0, 0.0, 0.0, 0.0, 1.0)).plan

    # T_4' is 16 at the ends, T_4 = 2 T_2 T_2 - 1 grows by 4 T_2.
    assert error_growth(plan) == (16.0, 4.0, 1.0, 1.0)


def test_steps_that_only_add_are_exact() -> None:
    plan = Plan((Step(terms=((0, 0.5),)), Step(terms=((1, 3), (1, -1)))))
    found = scales(plan, PRIMES, level=2, inputs=[2.0**40], target=2.0**40)

    noisy = simulate(plan, found, [T], deviation=1.0, generator=np.random.default_rng(1))

    noise = (noisy - T) / 2.0
    assert noise_of(plan, found, deviation=1.0, growth=error_growth(plan)) == 2.0 * 2.0**-40
    assert 0.0 < np.abs(noise).max() < 6.0 * 2.0**-40


def test_a_plan_of_several_inputs_needs_to_be_told_where() -> None:
    plan = Plan((Step(products=((0, 1, 1),)),), inputs=2)

    assert error_growth(plan, [T, 3.0 * T]) == (3.0, 1.0, 1.0)
    with pytest.raises(TypeMismatch, match="a plan of 2 inputs has no domain of its own"):
        error_growth(plan)
