"""Bounds against brute force: all inputs of small matrices, one after the other."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tacit.arithmetics.integers.accumulators import bounds, box, chains
from tacit.ir.affine import IndexArray, Matrix
from tacit.ir.functions import FloatArray


@st.composite
def matrices(draw: st.DrawFn, columns: int) -> FloatArray:
    """Small whole numbers, some rows and columns empty."""
    number = st.integers(-3, 3)
    rows = draw(
        st.lists(st.lists(number, min_size=columns, max_size=columns), min_size=1, max_size=4)
    )
    return np.array(rows, dtype=np.float64)


def unsorted(dense: FloatArray) -> Matrix:
    """The matrix with the columns of every row in falling order."""
    rows, columns = np.nonzero(dense)
    order = np.lexsort((-columns, rows))
    counts = np.bincount(rows, minlength=len(dense))
    ends = np.concatenate([[0], np.cumsum(counts)])
    data = dense[rows, columns][order]
    return Matrix((data, columns[order], ends), shape=dense.shape)


def extremes(dense: FloatArray, inputs: FloatArray) -> tuple[list[float], list[float]]:
    """The least and the largest of every row over all inputs."""
    values = inputs @ dense.T
    return values.min(axis=0).tolist(), values.max(axis=0).tolist()


def as_lists(found: tuple[FloatArray, FloatArray]) -> tuple[list[float], list[float]]:
    """Both bounds to be compared."""
    return found[0].tolist(), found[1].tolist()


def in_box(low: IndexArray, high: IndexArray) -> FloatArray:
    """All vectors of integers between two."""
    ranges = (range(a, b + 1) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    return np.array(list(itertools.product(*ranges)), dtype=np.float64)


def in_chains(counts: list[int]) -> FloatArray:
    """All vectors of steps of numbers: of each, some first ones are 1."""
    each = [np.tril(np.ones((count + 1, count)), -1) for count in counts]
    return np.array([np.concatenate(parts) for parts in itertools.product(*each)])


@given(
    matrices(3), st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2)), min_size=3, max_size=3)
)
def test_bounds_in_a_box_are_those_of_all_its_points(
    dense: FloatArray, ends: list[tuple[int, int]]
) -> None:
    low = np.array([start for start, _ in ends])
    high = np.array([start + more for start, more in ends])

    found = bounds(unsorted(dense), box(low.astype(np.float64), high.astype(np.float64)))

    assert as_lists(found) == extremes(dense, in_box(low, high))


@given(st.data(), st.lists(st.integers(0, 3), min_size=1, max_size=3).filter(any))
def test_bounds_of_steps_are_those_of_all_numbers(data: st.DataObject, counts: list[int]) -> None:
    dense = data.draw(matrices(sum(counts)))
    numbers = np.repeat(np.arange(len(counts)), counts)

    found = bounds(unsorted(dense), chains(numbers))

    assert as_lists(found) == extremes(dense, in_chains(counts))


def test_steps_of_a_sign_are_bounded_by_one_of_them() -> None:
    # Rises by 2 and falls by 2 again: never 4, as independent entries would allow.
    matrix = Matrix(sparse.csr_array(np.array([[2.0, -2.0, 2.0, -2.0]])))

    low, high = bounds(matrix, chains(np.array([0, 0, 1, 1])))

    assert (low.tolist(), high.tolist()) == ([0.0], [4.0])


def test_a_matrix_without_entries_stays_zero() -> None:
    matrix = Matrix((2, 3), dtype=np.float64)

    assert as_lists(bounds(matrix, chains(np.array([0, 0, 1])))) == ([0.0, 0.0], [0.0, 0.0])


def test_a_matrix_that_is_given_is_left_as_it_is() -> None:
    matrix = unsorted(np.array([[1.0, 2.0], [0.0, 3.0]]))

    bounds(matrix, chains(np.array([0, 0])))

    assert matrix.indices.tolist() == [1, 0, 1]


def test_a_reach_has_a_bound_for_every_entry() -> None:
    assert chains(np.array([0, 0, 1])).size == 3
    assert box(np.zeros(4), np.ones(4)).size == 4
