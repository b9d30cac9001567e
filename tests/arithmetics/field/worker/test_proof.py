from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.field.worker.layers import WORD
from tacit.arithmetics.field.worker.proof import BITS, Limbs, block_norms, exact_spans, plan
from tests.arithmetics.field.worker.scene import numbers, weights


@given(st.integers(1, 4), st.integers(8, 31), st.integers(0, 2**32))
def test_limbs_make_up_the_number(count: int, bits: int, seed: int) -> None:
    x = numbers(seed, (50,), -(2**bits), 2**bits - 1).astype(np.int32)
    x[:2] = -(2**bits), 2**bits - 1
    limbs = Limbs(count, -(-(bits + 1) // count))

    parts = limbs.of(x)

    total = sum(part.astype(object) * 2 ** (limbs.bits * k) for k, part in enumerate(parts))
    assert np.array_equal(total, x)
    assert max(np.abs(part.astype(np.int64)).max() for part in parts) <= limbs.magnitude(2**bits)


@given(st.integers(1, 100), st.integers(1, 2**31), st.integers(0, 2**32), st.integers(1, 300))
def test_no_partial_sum_of_a_plan_leaves_the_exact_range(
    outputs: int, magnitude: int, seed: int, columns: int
) -> None:
    matrix = weights(seed, outputs, columns, most=2**15 - 1)

    found = plan(block_norms(matrix, 1), magnitude, columns)

    sizes = np.abs(matrix.astype(object))
    largest = max(sizes[:, start:stop].sum(axis=1).max() for start, stop in found.spans)
    assert largest * found.limbs.magnitude(magnitude) < 2 ** BITS[found.kind]
    assert [start for start, _ in found.spans][1:] == [stop for _, stop in found.spans][:-1]
    assert (found.spans[0][0], found.spans[-1][1]) == (0, columns)


def test_a_column_too_large_by_itself_has_no_spans() -> None:
    assert exact_spans(np.array([[2, 300, 2]]), magnitude=1, limit=300) == ()


def test_a_sum_at_the_limit_is_not_below_it() -> None:
    assert exact_spans(np.array([[2, 2]]), magnitude=4, limit=16) == ((0, 1), (1, 2))


def test_small_layers_are_computed_in_singles_and_masked_ones_in_doubles() -> None:
    norms = block_norms(weights(1, 8, 64), 1)

    assert plan(norms, 255, 64).kind is np.float32
    assert plan(norms, WORD, 64).kind is np.float64


def test_slaloms_numbers_are_split_into_two_singles() -> None:
    norms = block_norms(weights(1, 8, 64, most=31), 1)

    found = plan(norms, 2**20, 64)

    assert (found.kind, found.limbs.count) == (np.float32, 2)


def test_blocks_add_up_the_sizes_of_their_columns() -> None:
    matrix = np.array([[-(2**15), 1, -2], [3, -4, 5]], np.int16)

    assert block_norms(matrix, 2).tolist() == [[2**15 + 1, 2], [7, 5]]
