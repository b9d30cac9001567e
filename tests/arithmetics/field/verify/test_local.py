from __future__ import annotations

import numpy as np
import pytest

from tacit.arithmetics.field.ops import Convolution, Dense, Totals
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.arithmetics.field.verify.local import convolve, depthwise, maximum, totals
from tacit.arithmetics.field.verify.prime import Prime
from tacit.ir.ops import Pool, PoolKind
from tests.arithmetics.field.verify.layers import (
    LAYERS,
    SEED,
    Layer,
    convolution,
    first_axis,
    inputs,
    last_axis,
    product_of,
    weights,
)

DEPTHWISE = {
    "bytes of a step": (convolution((64, 1, 3, 3), groups=64), (64, 5, 6)),
    "strided": LAYERS["depthwise"],
    "few channels": (convolution((3, 1, 5, 2), groups=3, dilation=(1, 2)), (3, 7, 6)),
    "several outputs a channel": (convolution((6, 1, 3, 3), groups=3), (3, 5, 6)),
    "sequence": (
        convolution((17, 1, 3), stride=(1,), padding=((1, 1),), dilation=(1,), groups=17),
        (17, 8),
    ),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_any_product_is_computed_exactly(layer: Layer) -> None:
    x = inputs(Challenge.fresh(*layer, Prime.P52, 1))

    np.testing.assert_array_equal(convolve(x, layer[0]), product_of(layer, x))


@pytest.mark.parametrize("layer", DEPTHWISE.values(), ids=DEPTHWISE)
def test_a_depthwise_layer_is_computed_exactly(layer: Layer) -> None:
    product, _ = layer
    x = inputs(Challenge.fresh(*layer, Prime.P52, 1))
    assert isinstance(product, Convolution)

    np.testing.assert_array_equal(depthwise(x, product), product_of(layer, x))


def test_the_widest_weights_of_a_depthwise_layer_are_exact() -> None:
    shape = (32, 1, 3, 3)
    weight = np.where(weights(*shape) > 0, 2**15 - 1, -(2**15)).astype(np.int16)
    product = Convolution(weight, (1, 1), ((1, 1), (1, 1)), (1, 1), 32)
    x = np.full((1, 4, 4, 32), 255, np.uint8)

    np.testing.assert_array_equal(depthwise(x, product), product_of((product, (32, 4, 4)), x))


def test_a_product_of_a_mask_is_taken_modulo_two_to_the_32() -> None:
    mask = np.random.default_rng(SEED).integers(0, 2**32, (2, 1, 1, 40), np.uint32)
    weight = weights(3, 40)
    exact = mask.astype(object) @ weight.T.astype(object) % 2**32

    found = convolve(mask, Dense(weight))

    assert (found.view(np.uint32).astype(object) == exact).all()


MAXIMA = (
    Pool(PoolKind.MAXIMUM, (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    Pool(PoolKind.MAXIMUM, (3, 3), (2, 2), ((1, 0), (0, 1)), (1, 1), ceil=True),
    Pool(PoolKind.MAXIMUM, (3, 2), (1, 2), ((1, 1), (0, 1)), (2, 1)),
)


@pytest.mark.parametrize("pool", MAXIMA)
def test_maxima_of_bytes_are_those_of_the_word(pool: Pool) -> None:
    x = np.random.default_rng(SEED).integers(0, 256, (2, 7, 6, 5)).astype(np.uint8)

    found = maximum(x, pool)

    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, last_axis(pool.run(first_axis(x))))


@pytest.mark.parametrize("pool", MAXIMA)
def test_maxima_of_integers_are_those_of_the_word(pool: Pool) -> None:
    x = np.random.default_rng(SEED).integers(-(2**31), -5, (2, 7, 6, 5)).astype(np.int32)

    found = maximum(x, pool)

    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, last_axis(pool.run(first_axis(x))))


def test_maxima_of_a_sequence_are_those_of_the_word() -> None:
    pool = Pool(PoolKind.MAXIMUM, (3,), (2,), ((1, 1),), (1,))
    x = np.random.default_rng(SEED).integers(0, 256, (2, 1, 9, 5)).astype(np.uint8)

    expected = pool.run(np.moveaxis(x[:, 0], -1, 1).astype(np.float64))

    np.testing.assert_array_equal(maximum(x, pool)[:, 0], np.moveaxis(expected, 1, -1))


@pytest.mark.parametrize(
    "op",
    [
        Totals((7, 6), (1, 1), ((0, 0), (0, 0))),
        Totals((3, 2), (2, 1), ((1, 2), (0, 1))),
    ],
)
def test_totals_are_those_of_the_word(op: Totals) -> None:
    x = np.random.default_rng(SEED).integers(0, 256, (2, 7, 6, 5)).astype(np.uint8)

    np.testing.assert_array_equal(totals(x, op), last_axis(op.run(first_axis(x))))
