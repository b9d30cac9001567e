from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx.fixed import Range, range_of, ranges_of
from tacit.approx.plans.monomials import plan_of_powers
from tacit.approx.plans.plan import Plan, Step
from tacit.errors import TypeMismatch

polynomials = st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=8)
runs = st.tuples(st.integers(-300, 100), st.integers(0, 400)).map(lambda p: (p[0], p[0] + p[1]))


def looked_at(coefficients: list[int], several: list[tuple[int, int]]) -> Range:
    """The range by looking at every input."""
    inputs = chain.from_iterable(range(first, last + 1) for first, last in several)
    values = [sum(each * x**i for i, each in enumerate(coefficients)) for x in inputs]
    return Range(min(values), max(values))


@given(polynomials, st.lists(runs, min_size=1, max_size=3))
@settings(max_examples=150)
def test_a_range_is_what_looking_at_every_input_finds(
    coefficients: list[int], several: list[tuple[int, int]]
) -> None:
    assert range_of(coefficients, tuple(several)) == looked_at(coefficients, several)


@given(st.integers(-200, 200), st.integers(-200, 200), st.integers(1, 3))
@settings(max_examples=60)
def test_zeros_of_the_derivative_on_whole_numbers_are_seen(a: int, b: int, factor: int) -> None:
    # The derivative is 6 factor (x - a)(x - b), so both turns are whole.
    cubic = [0, 6 * factor * a * b, -3 * factor * (a + b), 2 * factor]

    assert range_of(cubic, ((-250, 250),)) == looked_at(cubic, [(-250, 250)])


def test_ranges_are_exact_where_no_one_could_look() -> None:
    far = 2**70

    found = range_of([0, -3 * far**2, 0, 1], ((-2 * far, 2 * far),))

    assert found == Range(-2 * far**3, 2 * far**3)


@given(polynomials, runs)
@settings(max_examples=60)
def test_every_value_of_a_plan_has_its_range(coefficients: list[int], run: tuple[int, int]) -> None:
    plan = plan_of_powers(coefficients)

    found = ranges_of(plan, (run,))

    assert found[0] == Range(*run)
    assert found[-1] == looked_at(coefficients, [run])
    assert len(found) == 1 + len(plan.steps)


@given(st.integers(-1000, 1000), st.integers(0, 1000))
def test_the_needed_modulus_is_the_least_that_fits(least: int, width: int) -> None:
    found = Range(least, least + width)

    assert found.fits(found.needed)
    assert found.needed == 2 or not found.fits(found.needed - 1)


def test_only_plans_of_one_input_have_ranges() -> None:
    with pytest.raises(TypeMismatch, match="one input, not of 2"):
        ranges_of(Plan((Step(products=((0, 1, 1),)),), inputs=2), ((0, 1),))
