from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx.plans.monomials import chain_of, level_of, plan_of_powers
from tacit.approx.plans.plan import Plan, Step
from tacit.errors import DepthExceeded

# Far beyond what a float holds exactly.
LARGE = 10**40
whole = st.integers(-LARGE, LARGE)
sparse = st.one_of(st.just(0), st.just(0), whole)
polynomials = st.lists(whole, min_size=1, max_size=70) | st.lists(sparse, min_size=1, max_size=300)
POINTS = np.array([-7, -1, 0, 1, 2, 12345], dtype=object)


def directly(coefficients: list[int], x: int) -> int:
    """The value of a polynomial, by its definition."""
    return sum(each * x**i for i, each in enumerate(coefficients))


def without(coefficients: int, parity: int) -> list[int]:
    """Coefficients that are zero at the indices of one parity."""
    return [0 if i % 2 == parity else i + 1 for i in range(coefficients)]


@given(polynomials, st.integers(0, 2))
@settings(max_examples=80)
def test_a_plan_gives_the_exact_integers(coefficients: list[int], more: int) -> None:
    depth = plan_of_powers(coefficients).depth + more

    values = plan_of_powers(coefficients, depth)(POINTS)

    assert values.tolist() == [directly(coefficients, x) for x in POINTS]


@given(st.lists(whole, min_size=1, max_size=130).filter(lambda each: each[-1] != 0))
@settings(max_examples=60)
def test_a_plan_has_the_least_depth(coefficients: list[int]) -> None:
    assert plan_of_powers(coefficients).depth == level_of(len(coefficients) - 1)


@given(polynomials, st.integers(1, 3))
@settings(max_examples=60)
def test_more_depth_never_costs_products(coefficients: list[int], more: int) -> None:
    least = plan_of_powers(coefficients)

    deeper = plan_of_powers(coefficients, least.depth + more)

    assert deeper.products <= least.products
    assert deeper.depth <= least.depth + more


@pytest.mark.parametrize(
    ("degree", "products"), [(7, 5), (15, 8), (27, 11), (31, 13), (63, 18), (255, 33)]
)
def test_products_stay_below_what_chebyshev_sums_take(degree: int, products: int) -> None:
    plan = plan_of_powers([1] * (degree + 1))

    assert plan.products <= products
    assert plan.depth == degree.bit_length()


@pytest.mark.parametrize("degree", [15, 31, 63, 127, 255])
def test_odd_and_even_polynomials_cost_less(degree: int) -> None:
    general = plan_of_powers([1] * (degree + 1)).products

    assert plan_of_powers(without(degree + 1, parity=0)).products <= general
    assert plan_of_powers(without(degree, parity=1)).products < general


def test_one_high_power_is_squared_out() -> None:
    assert plan_of_powers([1, *65535 * [0], -1]).products == 16


def test_all_products_of_a_value_are_relinearised_together() -> None:
    plan = plan_of_powers([1] * 64)

    assert plan.relinearisations < plan.products


@given(st.sets(st.integers(1, 400), max_size=12))
def test_a_chain_makes_every_power_at_its_least_level(powers: set[int]) -> None:
    chain = chain_of(powers)

    assert powers - {1} <= set(chain)
    assert all(a + b == power for power, (a, b) in chain.items())
    assert all(
        level_of(each) < level_of(power) and (each == 1 or each in chain)
        for power, pair in chain.items()
        for each in pair
    )


def test_too_little_depth_is_refused_with_the_numbers() -> None:
    with pytest.raises(DepthExceeded, match="degree 8 needs 3 products in a row; 2 are allowed"):
        plan_of_powers([1] * 9, 2)


@pytest.mark.parametrize("coefficients", [[], [0], [0, 0, 0], [5]])
def test_constants_are_plans_too(coefficients: list[int]) -> None:
    plan = plan_of_powers(coefficients)

    assert plan(POINTS).tolist() == [sum(coefficients)] * len(POINTS)
    assert (plan.products, plan.depth) == (0, 0)


def test_a_step_with_huge_whole_constants_only_adds() -> None:
    plan = Plan((Step(terms=((0, 2**2000 + 1),), constant=-3),))

    assert plan.depth == 0
    assert plan(np.array([2], dtype=object)).tolist() == [2**2001 - 1]


def test_a_step_with_a_fraction_takes_a_level() -> None:
    assert Plan((Step(terms=((0, 0.5),)),)).depth == 1


def test_plans_still_compute_in_doubles() -> None:
    values = plan_of_powers([1, 2, 3])(np.array([2, 3]))

    assert values.dtype == np.float64
    assert values.tolist() == [17.0, 34.0]
