from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.field.verify.geometry import axis, image_shape, result_shape
from tests.arithmetics.field.verify.layers import LAYERS, Layer


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_an_image_has_all_entries_of_the_graphs_value(layer: Layer) -> None:
    product, shape = layer

    assert np.prod(image_shape(product, shape)) == np.prod(shape)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_result_has_all_entries_that_the_word_gives(layer: Layer) -> None:
    product, shape = layer

    assert np.prod(result_shape(product, shape)) == np.prod(product.shape(shape))


def test_a_sequence_is_an_image_of_one_row() -> None:
    assert image_shape(*LAYERS["sequence"]) == (1, 17, 3)


def test_a_dense_layers_vectors_are_rows() -> None:
    assert image_shape(*LAYERS["dense over rows"]) == (6, 1, 64)


@given(
    size=st.integers(1, 20),
    outputs=st.integers(1, 20),
    taps=st.integers(1, 6),
    steps=st.tuples(st.integers(1, 4), st.integers(0, 5), st.integers(1, 4)),
)
def test_types_tell_which_output_each_tap_belongs_to(
    size: int, outputs: int, taps: int, steps: tuple[int, int, int]
) -> None:
    stride, before, dilation = steps
    expected = {
        (h * stride - before + dilation * i, i, h)
        for h in range(outputs)
        for i in range(taps)
        if 0 <= h * stride - before + dilation * i < size
    }

    found = axis(size, outputs, taps, steps)

    assert expected == {
        (position, tap, int(found.reference[position] + found.distance[kind, tap]))
        for position, kind in enumerate(found.kind)
        for tap in range(taps)
        if kind >= 0 and found.distance[kind, tap] >= 0
    }
