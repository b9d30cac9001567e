from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Parity
from tacit.approx.fixed import FieldPolynomial, interpolate, plan_modulo
from tacit.errors import TypeMismatch

PRIMES = (2, 3, 5, 17, 257, 65537, 2**61 - 1)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, list[int], list[int]]:
    """A prime, some points that differ modulo it, and a value for each."""
    prime = draw(st.sampled_from(PRIMES))
    points = draw(
        st.lists(
            st.integers(-prime, 2 * prime),
            min_size=1,
            max_size=min(prime, 40),
            unique_by=lambda point: point % prime,
        )
    )
    value = st.integers(0, prime - 1)
    return prime, points, draw(st.lists(value, min_size=len(points), max_size=len(points)))


def directly(coefficients: Sequence[int], x: int, prime: int) -> int:
    """The value of a polynomial modulo a prime, by its definition."""
    return sum(each * pow(x, i, prime) for i, each in enumerate(coefficients)) % prime


@given(tables())
@settings(max_examples=120)
def test_the_interpolant_takes_the_values(table: tuple[int, list[int], list[int]]) -> None:
    prime, points, values = table

    found = interpolate(values, prime, points=points)

    assert [directly(found.coefficients, x, prime) for x in points] == values
    assert found.degree < len(points)


@given(tables())
@settings(max_examples=80)
def test_evaluation_and_the_plan_are_exact(table: tuple[int, list[int], list[int]]) -> None:
    prime, points, values = table

    found = interpolate(values, prime, points=points)

    assert found(points).tolist() == values
    assert plan_modulo(found.plan, [points], prime).tolist() == values


@given(st.sampled_from([5, 17, 257, 65537]), st.lists(st.integers(0, 4), min_size=1, max_size=5))
def test_a_polynomial_is_found_again_at_its_own_degree(prime: int, powers: list[int]) -> None:
    polynomial = FieldPolynomial(tuple(powers), prime)
    points = range(min(prime, 40))

    found = interpolate(polynomial(points).tolist(), prime, points=points)

    assert found == polynomial


@given(st.lists(st.integers(0, 256), min_size=40, max_size=40).filter(lambda half: any(half[1:])))
@settings(max_examples=20)
def test_symmetric_points_keep_symmetry(half: list[int]) -> None:
    points = range(-39, 40)

    even = interpolate(lambda x: half[abs(x)], 257, points=points)
    odd = interpolate(lambda x: (x > 0) * half[x] - (x < 0) * half[-x], 257, points=points)

    assert even.parity is Parity.EVEN
    assert odd.parity is Parity.ODD


@pytest.mark.parametrize("prime", [2, 3, 5, 17, 257])
def test_a_function_is_looked_up_on_the_whole_field(prime: int) -> None:
    found = interpolate(lambda x: x**3 + 2 ** (x % 7), prime)

    assert found(range(prime)).tolist() == [(x**3 + 2 ** (x % 7)) % prime for x in range(prime)]
    assert found.degree < prime


@pytest.mark.slow
def test_the_whole_field_of_sixteen_bits_is_interpolated() -> None:
    values = [x * x % 1009 for x in range(65537)]

    found = interpolate(values, 65537)

    assert found(range(65537)).tolist() == values


def test_the_test_for_zero_is_fermats_power() -> None:
    found = interpolate(lambda x: x == 0, 257)

    assert found.coefficients == (1, *255 * (0,), 256)
    assert (found.products, found.depth) == (8, 8)


@pytest.mark.parametrize(("entries", "depth", "most"), [(64, 6, 16), (256, 8, 33), (1024, 10, 66)])
def test_tables_cost_about_twice_the_root_of_their_size(
    entries: int, depth: int, most: int
) -> None:
    found = interpolate([pow(3, x, 65537) for x in range(entries)], 65537)

    assert found.degree == entries - 1
    assert found.depth == depth
    assert found.products <= most


def test_constants_of_a_plan_are_centred() -> None:
    found = interpolate([0, 16, 15], 17)

    assert found.coefficients == (0, 16)
    assert found.plan.steps[-1].terms == ((0, -1),)


def test_depth_that_is_there_saves_products() -> None:
    found = interpolate([pow(3, x, 65537) for x in range(256)], 65537)

    assert found.plan_at(found.depth + 1).products < found.products


def test_values_keep_the_shape_of_the_inputs() -> None:
    assert interpolate([1, 2, 3], 5)([[0, 1, 2], [5, 6, 7]]).tolist() == [[1, 2, 3], [1, 2, 3]]


@pytest.mark.parametrize("modulus", [-7, 0, 1, 4, 65536, 2**61 + 1])
def test_moduli_that_are_not_prime_are_refused(modulus: int) -> None:
    with pytest.raises(TypeMismatch, match=f"{modulus} is not prime"):
        interpolate([0], modulus)


def test_points_that_are_equal_modulo_t_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="points 1 and 18 are equal modulo 17"):
        interpolate([0, 1, 2], 17, points=[1, 2, 18])


def test_tables_longer_than_the_field_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="at most 5 entries"):
        interpolate(range(6), 5)


def test_a_table_needs_a_value_for_each_point() -> None:
    with pytest.raises(TypeMismatch, match="3 values were given for 2 points"):
        interpolate([0, 1, 2], 17, points=[0, 1])


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="0 values were given for 0 points"):
        interpolate([], 17)


def test_values_that_are_not_whole_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="whole numbers"):
        interpolate(np.array([0.5, 1.5]).tolist(), 17)
