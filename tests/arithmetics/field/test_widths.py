"""Proofs of width: what they promise is reached, and never exceeded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tacit.arithmetics.field.ops import WeightArray
from tacit.arithmetics.field.widths import (
    EXACT,
    MOST_RESIDUE,
    MOST_SUM,
    SLALOM_PRIME,
    Reach,
    reach_of,
    require_accumulator,
    require_exact_floats,
    require_field,
    split,
    split_of,
)
from tacit.errors import WidthExceeded

SHAPES = arrays.array_shapes(min_dims=2, max_dims=4, max_side=5)
WEIGHTS = arrays.arrays(np.int16, SHAPES, elements=st.integers(-2000, 2000))
ENDS = st.tuples(st.integers(-4000, 4000), st.integers(-4000, 4000)).map(sorted)


def worst(weight: WeightArray, low: int, high: int) -> list[list[int]]:
    """What each output is at most and at least, on the inputs that make it so, in any precision."""
    rows = weight.reshape(len(weight), -1).astype(object)
    up = np.where(rows > 0, high, low)
    down = np.where(rows > 0, low, high)
    return [(rows * down).sum(axis=1).tolist(), (rows * up).sum(axis=1).tolist()]


@given(WEIGHTS, ENDS)
def test_the_reach_is_reached(weight: WeightArray, ends: list[int]) -> None:
    found = reach_of(weight, *ends)

    assert [found.low.tolist(), found.high.tolist()] == worst(weight, *ends)


@pytest.mark.parametrize("sign", [-1, 1])
def test_32_bits_are_allowed_and_not_one_more(sign: int) -> None:
    most = np.array([0, sign * MOST_SUM])
    require_accumulator("layer", Reach(most, most))

    with pytest.raises(WidthExceeded, match=r"layer: channel 1 may reach 2147483648, .* 33 bits"):
        require_accumulator("layer", Reach(most + sign, most + sign))


def test_a_refusal_says_what_to_lower() -> None:
    reach = Reach(np.zeros(1, np.int64), np.array([2**40]))

    with pytest.raises(WidthExceeded) as refused:
        require_accumulator("layer", reach)

    assert "lower the bits" in str(refused.value.hint)


@given(
    arrays.arrays(np.int64, 20, elements=st.integers(-(2**31), 2**31)),
    st.integers(2, 5000),
)
def test_a_split_is_whole_and_small(x: np.ndarray, q: int) -> None:
    low, high = split(x, q)

    assert np.array_equal(low + q * high, x)
    assert np.abs(low).max() <= q / 2
    assert np.abs(high).max() <= (np.abs(x).max() + q / 2) / q


def test_slaloms_own_split_is_used_where_it_is_exact() -> None:
    assert split_of(np.ones((1, 3), np.int16), MOST_RESIDUE) == round((SLALOM_PRIME / 2) ** 0.5)


def test_large_weights_get_a_split_whose_parts_are_alike() -> None:
    weight = np.full((1, 8), 1000, dtype=np.int16)

    assert split_of(weight, MOST_RESIDUE) == round((2 * MOST_RESIDUE) ** 0.5)


@given(
    arrays.arrays(np.int16, (3, 40), elements=st.integers(-250, 250)),
    st.sampled_from([1, 255, 4000, MOST_RESIDUE]),
    st.integers(0, 2**16),
)
def test_what_is_proven_exact_is_so_in_single_precision(
    weight: WeightArray, most: int, seed: int
) -> None:
    require_exact_floats("layer", weight, most)
    random = np.random.default_rng(seed)
    drawn = random.integers(-most, most + 1, size=(5, 40))
    x = np.concatenate([drawn, most * np.sign(weight.astype(int)), np.full((1, 40), -most)])
    q = split_of(weight, most)

    low, high = (part.astype(np.float32) @ weight.T.astype(np.float32) for part in split(x, q))

    assert np.array_equal(low.astype(int) + q * high.astype(int), x @ weight.T.astype(int))


def test_what_wraps_in_slaloms_field_is_refused() -> None:
    most = np.array([MOST_RESIDUE])
    require_field("layer", Reach(-most, most))

    with pytest.raises(WidthExceeded, match=f"layer: .* up to {MOST_RESIDUE} is exact"):
        require_field("layer", Reach(most, most + 1))


def test_what_single_precision_may_round_is_refused() -> None:
    weight = np.full((2, 8), 1300, dtype=np.int16)
    weight[0] = 0

    with pytest.raises(WidthExceeded, match=f"layer: channel 1 .* up to {EXACT - 1} is exact"):
        require_exact_floats("layer", weight, MOST_RESIDUE)
