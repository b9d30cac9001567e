from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.binary.lowering.weights import Signs, signs_of
from tacit.ir.functions import FloatArray


def reals(found: Signs) -> FloatArray:
    total = sum(each.coefficient * each.sign.astype(np.float64) for each in found.planes)
    return np.asarray(total * found.scale.reshape(-1, *(1,) * (found.planes[0].sign.ndim - 1)))


def drawn(levels: list[float], seed: int, *shape: int) -> FloatArray:
    return np.random.default_rng(seed).choice(np.array(levels), size=shape)


@pytest.mark.parametrize(
    ("levels", "planes"),
    [
        ([-1.0, 1.0], 1),
        ([-1.0, 0.0, 1.0], 2),
        ([-3.0, -1.0, 1.0, 3.0], 2),
        ([-2.0, -1.0, 0.0, 1.0], 3),
        ([float(each) for each in range(-8, 8)], 5),
    ],
)
def test_weights_of_few_levels_are_so_many_signs(levels: list[float], planes: int) -> None:
    weight = drawn(levels, 0, 6, 50, 3)

    found = signs_of(0.125 * weight)

    assert found is not None
    assert len(found.planes) == planes
    np.testing.assert_array_equal(reals(found), 0.125 * weight)
    steps = 0.125 * weight.sum(axis=(1, 2))
    np.testing.assert_array_equal(found.totals * found.scale, steps)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6), st.integers(0, 99))
def test_signs_with_a_scale_for_each_output_are_exact(scales: list[float], seed: int) -> None:
    weight = np.array(scales)[:, None] * drawn([-1.0, 1.0], seed, len(scales), 9)

    found = signs_of(weight)

    assert found is not None
    np.testing.assert_array_equal(reals(found), weight)


def test_grids_of_single_precision_are_recognised() -> None:
    weight = (2 * np.float32(1) * np.rint(drawn([0.0, 1.0, 2.0, 3.0], 1, 4, 30)) / 3 - 1).astype(
        np.float32
    )

    found = signs_of(weight.astype(np.float64))

    assert found is not None
    assert len(found.planes) == 2
    np.testing.assert_allclose(reals(found), weight, rtol=1e-6)


def test_outputs_without_weights_have_no_scale() -> None:
    weight = drawn([-0.5, 0.5], 2, 3, 8)
    weight[1] = 0.0

    found = signs_of(weight)

    assert found is not None
    assert len(found.planes) == 1
    np.testing.assert_array_equal(reals(found), weight)


def test_weights_on_no_grid_are_no_signs() -> None:
    assert signs_of(np.random.default_rng(3).normal(size=(2, 9))) is None
    assert signs_of(np.random.default_rng(3).normal(size=(2, 900))) is None
