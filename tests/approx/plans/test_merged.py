from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.approx.plans import products_of_odd
from tacit.approx.plans.merged import Multiples, best_merged
from tacit.approx.plans.powers import Powers
from tacit.approx.plans.splits import pattern_of

indices = st.sets(st.integers(1, 60), min_size=1, max_size=8)


@given(indices, indices)
def test_every_multiple_is_made_from_what_is_there(wanted: set[int], powers: set[int]) -> None:
    found = Multiples.of(wanted, Powers.of(powers))

    ways = [(k, before, power) for k, (before, power) in found.ways.items()]
    assert all(before + power == k for k, before, power in ways)
    assert all(
        {before, abs(before - power)} <= {0, *found.ways} for _, before, power in ways if before
    )
    assert all(power in found.powers.levels for _, _, power in ways)


@given(indices, indices)
def test_a_multiple_is_as_deep_as_the_next_power(wanted: set[int], powers: set[int]) -> None:
    found = Multiples.of(wanted, Powers.of(powers))

    # x T_k is of degree k + 1 in x and y.
    assert all(level >= k.bit_length() for k, level in found.levels.items())


@given(st.integers(1, 31).map(lambda each: 2 * each + 1))
def test_an_early_factor_merges_exactly_where_the_degree_leaves_room(degree: int) -> None:
    depth = degree.bit_length()

    merged = best_merged(pattern_of(range(1, degree + 1, 2)), depth)

    assert (merged is not None) == (degree + 2 <= 2**depth)


@pytest.mark.parametrize("degree", [5, 11, 13, 21, 27, 29, 45, 61])
def test_merging_saves_a_level_for_at_most_a_product(degree: int) -> None:
    depth = degree.bit_length()

    merged = best_merged(pattern_of(range(1, degree + 1, 2)), depth)

    assert merged is not None
    # The product by x is one in any case.
    assert merged.cost.products <= products_of_odd(degree, depth) + 2


@given(st.integers(2, 60))
def test_a_polynomial_without_parity_is_multiplied_too(degree: int) -> None:
    merged = best_merged(pattern_of(range(degree + 1)), degree.bit_length() + 1)

    assert merged is not None
