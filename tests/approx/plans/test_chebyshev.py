from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.approx import Polynomial
from tacit.approx.plans import plan_of, products_of_odd
from tacit.approx.plans.chebyshev import divide, exact
from tacit.errors import DepthExceeded
from tests.approx.plans.cases import KINDS, exact_result, exact_values, generic, polynomials

EPSILON = float(np.finfo(np.float64).eps)
sixteenths = st.integers(-16, 16).map(lambda each: Fraction(each, 16))


@given(polynomials, sixteenths)
def test_a_plan_is_the_polynomial_but_for_the_rounding_of_its_constants(
    polynomial: Polynomial, t: Fraction
) -> None:
    plan = plan_of(polynomial)

    missed = abs(exact_result(plan, t) - exact_values(polynomial.coefficients, t))

    # Each constant is rounded once, and what it is multiplied by stays within [-1, 1].
    constants = [abs(c) for step in plan.steps for c in (step.constant, *dict(step.terms).values())]
    assert missed <= EPSILON / 2.0 * sum(constants)


@given(polynomials)
def test_a_plan_in_doubles_gives_the_values_of_clenshaw(polynomial: Polynomial) -> None:
    t = np.linspace(-1.0, 1.0, 33)

    values = plan_of(polynomial)(t)

    # The slope of T_k is up to k**2, and each T_k is rounded as if its argument had been.
    slope = max(polynomial.degree, 1) ** 2
    slack = slope * EPSILON * sum(abs(each) for each in polynomial.coefficients)
    np.testing.assert_allclose(values, polynomial(t), rtol=0.0, atol=slack)


@given(polynomials)
def test_the_depth_is_the_logarithm_of_the_degree(polynomial: Polynomial) -> None:
    assert plan_of(polynomial).depth == polynomial.degree.bit_length()


@given(polynomials, st.integers(1, 4))
def test_more_levels_never_cost_products(polynomial: Polynomial, more: int) -> None:
    least = plan_of(polynomial)

    deeper = plan_of(polynomial, depth=least.depth + more)

    assert deeper.products <= least.products
    assert deeper.depth <= least.depth + more


@given(polynomials)
def test_every_value_is_used_and_made_before_it_is_used(polynomial: Polynomial) -> None:
    plan = plan_of(polynomial)

    used = {value for step in plan.steps for value in step.uses}

    assert used | {0, len(plan.steps)} == set(range(len(plan.steps) + 1))


@given(polynomials)
def test_no_step_is_relinearised_that_does_not_multiply(polynomial: Polynomial) -> None:
    plan = plan_of(polynomial)

    assert plan.relinearisations <= plan.products
    assert len(set(plan.names)) == len(plan.names) == len(plan.steps) + 1


@pytest.mark.parametrize(
    ("degree", "general", "odd"),
    [(7, 5, 5), (15, 8, 8), (27, 11, 10), (31, 13, 12), (63, 18, 17)],
)
def test_products_are_never_above_the_known_ones(degree: int, general: int, odd: int) -> None:
    assert plan_of(generic(degree)).products <= general
    assert plan_of(generic(degree, "odd")).products <= odd
    assert plan_of(generic(degree, "odd and constant")).products <= odd
    assert products_of_odd(degree) == plan_of(generic(degree, "odd")).products


@pytest.mark.parametrize("kind", ["dense", "odd"])
@pytest.mark.parametrize("degree", [7, 15, 27, 31, 63])
def test_one_more_level_saves_a_product(degree: int, kind: str) -> None:
    polynomial = generic(degree, kind)
    least = plan_of(polynomial)

    deeper = plan_of(polynomial, depth=least.depth + 1)

    assert deeper.products < least.products
    assert deeper.depth == least.depth + 1


@given(st.integers(2, 127))
def test_an_even_polynomial_takes_one_product_more_than_one_of_half_its_degree(half: int) -> None:
    even = plan_of(generic(2 * half, "even"))

    assert even.products <= plan_of(generic(half)).products + 1
    # As ReLU's: x/2 and a constant are free.
    assert plan_of(generic(2 * half, "even and linear")).products == even.products


@given(st.integers(1, 126), st.sampled_from(KINDS[:3]))
def test_a_higher_degree_never_costs_less_but_for_its_last_blocks(degree: int, kind: str) -> None:
    lower, higher = plan_of(generic(degree, kind)), plan_of(generic(degree + 1, kind))

    # Where a degree fills its depth, blocks of the longest path are split once more a level.
    assert higher.products >= lower.products - lower.depth


def test_sparse_coefficients_make_only_the_powers_that_they_need() -> None:
    only_the_64th = Polynomial((0.0,) * 64 + (0.3,))
    first_and_32nd = Polynomial((0.0, 0.7) + (0.0,) * 30 + (0.3,))
    multiples_of_three = Polynomial((0.1, 0.0, 0.0, 0.2, 0.0, 0.0, 0.3))

    assert plan_of(only_the_64th).products == 6
    assert plan_of(first_and_32nd).products == 5
    # T_2, T_3 and T_6, which no constant can multiply within three levels.
    assert plan_of(multiples_of_three, depth=4).products == 3


def test_coefficients_that_cancel_cost_nothing() -> None:
    mirrored = Polynomial((1.0,) * 8)

    # 1 + T_1 + … + T_7 leaves a constant when the part above T_4 is taken out.
    assert plan_of(mirrored).products == plan_of(generic(7)).products - 1


@given(polynomials.filter(lambda each: each.degree >= 2), st.data())
def test_a_quotient_has_at_most_twice_the_coefficients(
    polynomial: Polynomial, data: st.DataObject
) -> None:
    giant = data.draw(st.integers((polynomial.degree + 1) // 2, polynomial.degree))
    coefficients = exact(polynomial.coefficients)

    quotient, rest = divide(coefficients, giant)

    largest = max(abs(each) for each in coefficients)
    assert max(abs(each) for each in quotient) <= 2 * largest
    assert sum(abs(each) for each in rest) <= sum(abs(each) for each in coefficients)


def test_a_constant_takes_no_level() -> None:
    plan = plan_of(Polynomial((0.5,)))

    assert (plan.depth, plan.products, plan.rescalings) == (0, 0, 0)
    assert plan(np.zeros(3)).tolist() == [0.5, 0.5, 0.5]


def test_whole_coefficients_take_the_level_that_brings_them_to_their_scale() -> None:
    plan = plan_of(Polynomial((1.0, 2.0)))

    assert (plan.depth, plan.rescalings) == (1, 1)


def test_too_few_levels_are_refused() -> None:
    with pytest.raises(DepthExceeded, match="degree 8 needs 4 levels, not 3"):
        plan_of(generic(8), depth=3)


@pytest.mark.parametrize(("kind", "products"), [("dense", 36), ("odd", 32), ("even", 28)])
def test_the_highest_degrees_have_plans_too(kind: str, products: int) -> None:
    polynomial = generic(254 if kind == "even" else 255, kind)
    t = Fraction(5, 16)

    plan = plan_of(polynomial)

    assert (plan.depth, plan.products) == (8, products)
    size = sum(abs(each) for each in polynomial.coefficients)
    missed = abs(exact_result(plan, t) - exact_values(polynomial.coefficients, t))
    # Coefficients are summed exactly: only some dozens of constants are rounded.
    assert missed <= 64 * EPSILON * size
