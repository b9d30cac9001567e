from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tacit.ir import ops
from tacit.ir.windows import adaptive, pooled


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(0, 99))
def test_the_largest_of_every_window_is_the_pooled_value(
    kernel: int, stride: int, pad: int, seed: int
) -> None:
    pads = ((min(pad, kernel // 2),) * 2,) * 2
    op = ops.Pool(ops.PoolKind.MAXIMUM, (kernel, kernel), (stride, stride), pads, (1, 1))
    x = np.random.default_rng(seed).normal(size=(1, 2, 5, 4))

    found = x.reshape(-1)[pooled(op, (2, 5, 4))].max(axis=1)

    assert np.array_equal(found, op.run(x).reshape(-1))


@given(st.tuples(st.integers(1, 4), st.integers(1, 4)), st.integers(0, 99))
def test_the_largest_of_every_part_is_the_adaptive_value(to: tuple[int, int], seed: int) -> None:
    op = ops.AdaptivePool(ops.PoolKind.MAXIMUM, to)
    x = np.random.default_rng(seed).normal(size=(1, 2, 7, 4))

    found = x.reshape(-1)[adaptive(op, (2, 7, 4))].max(axis=1)

    assert np.array_equal(found, op.run(x).reshape(-1))
