from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.approx.plans.powers import Powers
from tacit.approx.plans.splits import Search, best_shape, divided, pattern_of

indices = st.sets(st.integers(2, 100), min_size=1, max_size=8)


@given(indices)
def test_every_power_is_made_from_powers_that_are_there(wanted: set[int]) -> None:
    powers = Powers.of(wanted)

    made = {0, 1, *powers.ways}
    assert wanted <= made
    assert all(a + b == k and a >= b for k, (a, b) in powers.ways.items())
    assert all({a, b, a - b} <= made for a, b in powers.ways.values())


@given(indices)
def test_no_power_is_shallower_than_its_index_allows(wanted: set[int]) -> None:
    levels = Powers.of(wanted).levels

    assert all(levels[each] >= (each - 1).bit_length() for each in wanted)


@pytest.mark.parametrize("top", [1, 2, 3, 4, 5, 6])
def test_powers_of_two_are_as_shallow_as_can_be(top: int) -> None:
    powers = Powers.of(2**each for each in range(1, top + 1))

    assert powers.levels[2**top] == top


@given(indices, st.data())
def test_what_is_needed_is_closed(wanted: set[int], data: st.DataObject) -> None:
    powers = Powers.of(wanted)
    some = data.draw(st.sampled_from(sorted(wanted)))

    needed = powers.needed([some])

    parts = {part for each in needed for part in (*powers.ways[each],)}
    assert some in needed
    assert parts <= needed | {1}


def least_products(pattern: int, depth: int) -> int:
    """The fewest products with any set of powers, tried one by one."""
    degree = pattern.bit_length() - 1
    sizes = range(1, degree)
    sets = chain.from_iterable(combinations(range(2, degree + 1), size) for size in sizes)
    every = {frozenset(Powers.of(each).ways): Powers.of(each) for each in sets}
    found = ((len(each.ways), Search(each).raw(pattern, depth - 1)) for each in every.values())
    return min(made + way.cost.products for made, way in found if way is not None)


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("degree", range(3, 11))
def test_no_other_set_of_powers_saves_a_product_of_a_dense_polynomial(
    degree: int, more: int
) -> None:
    pattern, depth = pattern_of(range(degree + 1)), degree.bit_length() + more

    assert best_shape(pattern, depth).cost.products == least_products(pattern, depth)


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("degree", [3, 5, 7, 9, 11])
def test_no_other_set_of_powers_saves_a_product_of_an_odd_polynomial(
    degree: int, more: int
) -> None:
    pattern, depth = pattern_of(range(1, degree + 1, 2)), degree.bit_length() + more

    assert best_shape(pattern, depth).cost.products == least_products(pattern, depth)


@given(st.integers(2, 2**40), st.data())
def test_dividing_patterns_puts_every_index_where_its_product_has_it(
    pattern: int, data: st.DataObject
) -> None:
    degree = pattern.bit_length() - 1
    giant = data.draw(st.integers(max((degree + 1) // 2, 1), degree))
    present = {each for each in range(degree + 1) if pattern >> each & 1}

    quotient, rest = divided(pattern, giant)

    above = {each - giant for each in present if each >= giant}
    below = {each for each in present if each < giant} | {giant - each for each in above - {0}}
    assert quotient == pattern_of(above)
    assert rest == pattern_of(below)
