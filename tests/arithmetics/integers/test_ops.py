from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tacit.arithmetics.integers.ops import Decode, Encode, Lookup, Product, Sums
from tacit.errors import OutOfRange, TypeMismatch
from tacit.ir.affine import IndexArray, Matrix
from tacit.ir.functions import FloatArray

NO_GROUP: IndexArray = np.zeros(0, dtype=np.int64)


def encoding(low: list[int], high: list[int], slope: float = 4.0) -> Encode:
    """An input of grids of these integers, with a quarter for a step."""
    ends = np.array(low, dtype=np.int64), np.array(high, dtype=np.int64)
    slopes, offsets = np.full(len(low), slope), np.zeros(len(low))
    return Encode((len(low),), slopes, offsets, *ends, ends[0] / slope, ends[1] / slope)


def lookup(tables: list[list[int]], low: int, group: list[int], dropped: int = 0) -> Lookup:
    """Tables by hand."""
    return Lookup(np.array(tables), low, "by hand", np.array(group, dtype=np.int64), dropped)


@given(
    st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 5)), min_size=1, max_size=4),
    st.integers(0, 1 << 16),
)
def test_steps_are_1_from_their_thresholds_on(grids: list[tuple[int, int]], seed: int) -> None:
    word = encoding([a for a, _ in grids], [a + more for a, more in grids])
    x = np.random.default_rng(seed).uniform(-3.0, 3.0, size=(8, len(grids)))

    whole, steps = word.run(x), replace(word, steps=True).run(x)

    entry, least = word.thresholds
    assert np.array_equal(steps, (whole[:, entry] >= least).astype(float))
    # And the steps of a number add up to it.
    total = np.stack([steps[:, entry == i].sum(axis=1) for i in range(len(grids))], axis=1)
    assert np.array_equal(total + word.low, whole)


def test_a_constant_entry_has_no_steps() -> None:
    word = replace(encoding([0, 2], [3, 2]), steps=True)

    assert word.size == 3
    assert word.run(np.array([[0.5, 9.0]])).tolist() == [[1.0, 1.0, 0.0]]


def test_an_input_of_several_axes_becomes_one() -> None:
    word = replace(encoding([0] * 4, [3] * 4), of=(2, 2))

    assert word.shape((2, 2)) == (4,)
    assert word.run(np.full((1, 2, 2), 0.5)).tolist() == [[2.0] * 4]


@given(st.floats(-2.0, 2.0))
def test_what_is_outside_is_refused_before_encryption_and_clipped_when_asked(x: float) -> None:
    word, row = encoding([-2], [2]), np.array([[x]])
    inside = -0.5 <= x <= 0.5

    assert word.check(row, clip=True) is row
    assert -2 <= word.run(row)[0, 0] <= 2
    assert inside == (refused(word, row) is None)


def refused(word: Encode, x: FloatArray) -> str | None:
    """The message of the refusal, if there is one."""
    try:
        word.check(x, clip=False)
    except OutOfRange as wrong:
        return wrong.message
    return None


def test_a_refusal_names_the_entry_and_its_range() -> None:
    message = refused(encoding([-2, -2], [2, 2]), np.array([[0.0, 0.0], [0.0, 0.75]]))

    assert message == "entry 1 of row 1 is 0.75; calibrated is -0.5 to 0.5"


@pytest.mark.parametrize(
    "wrong", [{"slope": np.ones(3)}, {"low": np.array([5, 5])}, {"of": (2, 2)}]
)
def test_what_is_no_grid_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeMismatch, match="no grid"):
        replace(encoding([-2, -2], [2, 2]), **wrong)


def test_sums_are_those_of_the_matrices() -> None:
    matrices = (Matrix(sparse.csr_array([[1.0, 2.0]])), Matrix(sparse.csr_array([[-1.0]])))
    word = Sums(matrices, np.array([3.0]), (1,), -10, 10)

    assert word.run(np.array([[1.0, 2.0]]), np.array([[4.0]])).tolist() == [[4.0]]
    assert word.shape((2,), (1,)) == (1,)
    with pytest.raises(TypeMismatch, match="sums of"):
        word.shape((1,), (2,))


@pytest.mark.parametrize(("low", "high", "bits"), [(0, 0, 0), (0, 1, 1), (-8, 7, 4), (5, 21, 5)])
def test_the_width_of_sums_counts_what_they_may_be(low: int, high: int, bits: int) -> None:
    assert Sums((), np.zeros(1), (1,), low, high).bits == bits


@given(st.integers(-40, 40), st.integers(1, 3))
def test_bits_are_rounded_away_with_halves_upwards(x: int, dropped: int) -> None:
    rounded = int(np.floor(x / 2**dropped + 0.5))
    low = -40
    word = lookup([list(range(low, 41))], low, [], dropped)

    assert word.run(np.array([[float(x)]])).tolist() == [[float(rounded)]]


def test_every_entry_takes_the_table_of_its_group() -> None:
    word = lookup([[1, 2], [3, 4]], -1, [0, 1, 1])

    assert word.run(np.array([[0.0, 0.0, -1.0]])).tolist() == [[2.0, 4.0, 3.0]]


@pytest.mark.parametrize("x", [-2.0, 1.0])
def test_what_no_table_holds_is_refused(x: float) -> None:
    with pytest.raises(TypeMismatch, match="no entry"):
        lookup([[1, 2]], -1, []).run(np.array([[x]]))


@pytest.mark.parametrize(
    ("tables", "group"), [([[]], []), ([[1], [2]], []), ([[1]], [1]), ([[1]], [-1])]
)
def test_what_is_no_table_is_refused(tables: list[list[int]], group: list[int]) -> None:
    with pytest.raises(TypeMismatch):
        lookup(tables, 0, group)


def test_tables_of_other_entries_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="3 entries"):
        lookup([[1], [2]], 0, [0, 1, 1]).shape((4,))


def test_products_want_vectors_of_one_size() -> None:
    assert Product().run(np.array([[2.0, 3.0]]), np.array([[5.0, 7.0]])).tolist() == [[10.0, 21.0]]
    with pytest.raises(TypeMismatch, match="no product"):
        Product().shape((2,), (3,))


def test_decoding_gives_the_users_units_and_shape() -> None:
    word = Decode((2, 1), 0.5, 0.25, -4, 4)

    assert word.run(np.array([[2.0, -4.0]])).tolist() == [[[1.25], [-1.75]]]
    assert word.shape((2,)) == (2, 1)


def test_no_group_is_a_table_for_all() -> None:
    word = lookup([[7]], 0, [])

    assert word.group.tolist() == NO_GROUP.tolist()
    assert word.entries == 1
    assert word.shape((5,)) == (5,)
