from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.field.layouts import (
    channels_of,
    image_of,
    stored,
    unstored,
    value_of,
)
from tacit.arithmetics.field.ops import Convolution, Dense, Product
from tacit.arithmetics.field.verify.geometry import image_shape, result_shape
from tacit.arithmetics.field.worker.messages import input_shape
from tacit.ir.graph import Shape

ONE = (1, 1)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
PRODUCTS: dict[str, tuple[Product, Shape]] = {
    "vector": (Dense(np.ones((2, 6), np.int16)), (6,)),
    "sequence": (Dense(np.ones((2, 6), np.int16)), (5, 6)),
    "stack": (Dense(np.ones((2, 6), np.int16)), (3, 5, 6)),
    "line": (Convolution(np.ones((2, 3, 1), np.int16), (1,), ((0, 0),), (1,)), (3, 7)),
    "image": (
        Convolution(np.ones((2, 3, 1, 1), np.int16), ONE, ((0, 0), (0, 0)), ONE),
        (3, 4, 5),
    ),
}
products = pytest.mark.parametrize(("product", "shape"), PRODUCTS.values(), ids=PRODUCTS)


def counted(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.arange(np.prod(shape), dtype=np.int32).reshape(shape)


@given(shapes)
def test_what_is_stored_can_be_had_back(shape: Shape) -> None:
    value = counted(2, *shape)

    assert np.array_equal(unstored(stored(value)), value)
    assert stored(value).shape == (2, *input_shape(shape))
    assert stored(value).flags.c_contiguous


@given(shapes, st.sampled_from([0, -1]))
def test_an_image_is_of_one_value(shape: Shape, wanted: int) -> None:
    axis = -1 if len(shape) == 1 else wanted
    value = stored(counted(2, *shape))

    image = image_of(value, axis)

    assert image.flags.c_contiguous
    assert image.shape[-1] == shape[axis]
    assert np.array_equal(value_of(image, shape, axis), value)


@products
def test_an_operand_is_the_image_that_is_checked(product: Product, shape: Shape) -> None:
    value = stored(counted(2, *shape))

    image = image_of(value, channels_of(product, shape))

    assert image.shape[1:] == image_shape(product, shape)


@products
def test_a_result_is_the_image_that_is_checked(product: Product, shape: Shape) -> None:
    result = product.shape(shape)
    image = image_of(stored(counted(2, *result)), channels_of(product, result))

    assert image.shape[1:] == result_shape(product, shape)


def test_an_images_channels_go_last() -> None:
    value = counted(1, 2, 3, 4)

    assert image_of(stored(value), 0)[0, 1, 2, 1] == value[0, 1, 1, 2]
    assert input_shape((2, 3, 4)) == (3, 4, 2)
