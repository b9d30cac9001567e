from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import composite
from tacit.arithmetics.ckks.activations import Recipe, recipe, recipe_of
from tacit.errors import DepthExceeded
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Range

FUNCTIONS = ("relu", "leaky_relu", "abs", "sigmoid", "tanh", "gelu", "silu", "softplus", "elu")
RANGES = st.tuples(st.floats(-8.0, 0.0), st.floats(0.25, 8.0))


def value(made: Recipe, u: FloatArray) -> FloatArray:
    """What a server computes for u."""
    return made.factor * made.approximation.plan((u - made.centre) / made.radius)


def grid(seen: Range) -> FloatArray:
    return np.linspace(seen.low, seen.high, 4001)


# A fit takes a tenth of a second: few examples.
@settings(max_examples=15)
@given(st.sampled_from(FUNCTIONS), RANGES, st.sampled_from([2**-4, 2**-7, 2**-9]))
def test_the_error_asked_for_is_kept(name: str, ends: tuple[float, float], error: float) -> None:
    function, seen = Function(name), Range(*ends)

    made = recipe(function, seen, error=error)

    distance = np.abs(value(made, grid(seen)) - function.exact(grid(seen))).max()
    assert distance <= error * seen.magnitude * (1 + 1e-6)
    assert distance <= made.error * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_a_function_that_stays_small_is_near_in_its_own_measure(name: str) -> None:
    function, seen = Function(name), Range(-30.0, 25.0)

    made = recipe(function, seen, error=2**-6)

    # Relative to the input, an error of 0.47 would be allowed, and a constant would do.
    assert np.abs(value(made, grid(seen)) - function.exact(grid(seen))).max() <= 2**-6


def test_a_function_that_is_a_line_where_it_is_used_takes_no_level() -> None:
    made = recipe(Function("relu"), Range(0.5, 2.0), error=2**-12)

    assert made.approximation.is_affine
    assert np.allclose(value(made, grid(Range(0.5, 2.0))), grid(Range(0.5, 2.0)), atol=1e-9)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "abs"])
def test_a_sharp_bend_becomes_a_composite_with_the_product_inside(name: str) -> None:
    made = recipe(Function(name), Range(-2.0, 3.0), error=2**-12)

    stages, form = made.approximation.stages, made.approximation.form
    assert len(stages) > 1
    assert form is not None
    assert form.bend > 0.0
    assert made.depth == sum(stage.depth for stage in stages)
    assert (made.centre, made.radius, made.factor) == (0.0, 3.0, 3.0)


def test_a_sign_is_stages_alone() -> None:
    seen = Range(-1.0, 1.0)

    made = recipe(Function("sign"), seen, error=2**-6)

    u = grid(seen)[np.abs(grid(seen)) > 2**-6]
    assert made.depth == sum(stage.depth for stage in made.approximation.stages)
    assert np.abs(value(made, u) - np.sign(u)).max() <= 2**-6


@given(st.sampled_from([(7, 5), (7, 7), (5, 13), (3, 5, 7)]), st.floats(0.5, 9.0))
def test_any_composite_becomes_a_recipe_that_computes_it(
    degrees: tuple[int, ...], reach: float
) -> None:
    found = composite("relu", degrees, (-reach, reach))
    u = grid(Range(-reach, reach))

    made = recipe_of(found, Function("relu"))

    assert made.error == found.error
    # Rounding of some dozens of steps.
    assert np.abs(value(made, u) - found(u)).max() < 1e-12 * reach


def test_an_interval_around_zero_is_taken_where_the_range_itself_saves_nothing() -> None:
    made = recipe(Function("tanh"), Range(-2.0, 1.5), error=2**-7)

    assert (made.centre, made.radius) == (0.0, 2.0)
    assert not any(made.approximation.stages[0].coefficients[0::2])


def test_the_range_itself_is_taken_where_it_saves_a_level() -> None:
    made = recipe(Function("sigmoid"), Range(0.0, 6.0), error=2**-7)
    around = recipe(Function("sigmoid"), Range(-6.0, 6.0), error=2**-7)

    assert made.depth < around.depth
    assert (made.centre, made.radius) == (3.0, 3.0)


def test_a_function_that_no_polynomial_has_around_zero_is_made_on_its_range() -> None:
    seen = Range(-40.0, 0.0)

    made = recipe(Function("exp"), seen, error=2**-7)

    assert made.centre == -20.0
    assert np.abs(value(made, grid(seen)) - np.exp(grid(seen))).max() <= 2**-7


def test_what_no_depth_reaches_is_refused() -> None:
    with pytest.raises(DepthExceeded, match="larger error"):
        recipe(Function("exp"), Range(-30.0, 30.0), error=1e-9)


@pytest.mark.parametrize("degree", [1, 3, 7, 15])
def test_a_degree_that_is_asked_for_is_one_polynomial_of_at_most_that(degree: int) -> None:
    made = recipe(Function("silu"), Range(-4.0, 4.0), error=0.5, degree=degree)

    (found,) = made.approximation.degrees
    assert found <= degree
    assert made.approximation.form is None


def test_a_degree_is_spent_on_the_range_where_that_more_than_halves_the_error() -> None:
    made = recipe(Function("exp"), Range(-12.0, 0.0), error=0.5, degree=7)

    assert (made.centre, made.radius) == (-6.0, 6.0)


def test_a_range_of_one_number_is_an_interval_around_zero() -> None:
    made = recipe(Function("gelu"), Range(3.0, 3.0), error=2**-7)

    assert (made.centre, made.radius) == (0.0, 3.0)


@settings(max_examples=10)
@given(st.sampled_from(FUNCTIONS), RANGES)
def test_stages_hand_on_values_that_the_next_may_be_given(
    name: str, ends: tuple[float, float]
) -> None:
    made = recipe(Function(name), Range(*ends), error=2**-8)
    t = np.linspace(-1.0, 1.0, 1001)

    largest = []
    for stage in made.approximation.stages[:-1]:
        t = stage(t)
        largest.append(float(np.abs(t).max()))

    assert all(each <= 1.0 + 1e-9 for each in largest)
