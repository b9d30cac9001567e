from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import chebyshev

from tacit.approx import Polynomial
from tacit.arithmetics.ckks.chebyshev import divide, steps
from tacit.lattigo import Context, Evaluator, Parameters, Ring, generate_primes


@st.composite
def polynomials(draw: st.DrawFn) -> Polynomial:
    """A polynomial of any degree to 63, odd, even or neither."""
    coefficients = np.random.default_rng(draw(st.integers(0, 99))).normal(
        size=draw(st.integers(1, 64))
    )
    dropped = draw(st.sampled_from([slice(0, 0), slice(0, None, 2), slice(1, None, 2)]))
    coefficients[dropped] = 0.0
    return Polynomial(tuple(coefficients.tolist()))


@given(polynomials())
def test_the_products_are_as_many_as_the_approximation_was_chosen_by(each: Polynomial) -> None:
    assert len(steps(each.coefficients).products) == each.products


@given(polynomials())
def test_no_product_is_deeper_than_the_polynomial_and_the_last_is_at_its_depth(
    each: Polynomial,
) -> None:
    work = steps(each.coefficients)
    everything = [*work.products, *work.relinearised, *work.rescaled, *work.scaled]

    assert all(0 <= below < max(1, each.depth) for below in everything if each.depth)
    assert each.depth == 0 or max(work.rescaled) == each.depth - 1


@given(polynomials())
def test_no_more_is_relinearised_than_multiplied(each: Polynomial) -> None:
    work = steps(each.coefficients)

    assert len(work.relinearised) <= len(work.products)


@given(polynomials().filter(lambda each: each.degree >= 1))
def test_quotient_and_remainder_make_the_polynomial_again(each: Polynomial) -> None:
    quotient, remainder, power = divide(each.coefficients)
    giant = [0.0] * power + [1.0]

    product = chebyshev.chebmul(quotient, giant)
    found = chebyshev.chebadd(product, remainder or [0.0])

    assert np.allclose(found[: each.degree + 1], each.coefficients)
    assert power <= each.degree < 2 * power


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    """A small ring of seven levels, which protects nothing: for tests only."""
    q, p = generate_primes(10, Ring.CONJUGATE_INVARIANT, [45] + [40] * 7, [46])
    context = Context(Parameters(10, q, p, Ring.CONJUGATE_INVARIANT, 40))
    secret = context.secret_key()
    keys = context.evaluation_keys(secret, relinearisation_level=7, rotations={})
    return Evaluator(context, keys)


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 7, 8, 15, 16, 31, 63, 100])
def test_the_bridge_takes_as_many_levels_as_the_walk_says(
    evaluator: Evaluator, degree: int
) -> None:
    coefficients = np.random.default_rng(degree).normal(size=degree + 1) / (degree + 1)
    context = evaluator.context
    plain = context.encode(np.zeros(context.slots), level=7, scale=2.0**40)
    value = context.encrypt(plain, context.secret_key())

    result = evaluator.polynomial(value, coefficients, target_scale=2.0**40)

    work = steps(coefficients.tolist())
    assert 7 - result.level == max(work.rescaled) + 1 == degree.bit_length()
