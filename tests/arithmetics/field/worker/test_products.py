from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.arithmetics.field.ops import Convolution, Dense
from tacit.arithmetics.field.worker.found import Products
from tacit.arithmetics.field.worker.host_products import HostProducts
from tacit.arithmetics.field.worker.layers import WORD
from tacit.arithmetics.field.worker.torch_products import Bytes, Convolutions
from tacit.errors import ProtocolError
from tests.arithmetics.field.worker.scene import (
    AROUND,
    ONE,
    Case,
    cases,
    last,
    numbers,
    truth,
    weights,
)

BACK_ENDS = [HostProducts(), Convolutions(), Bytes(torch.device("cpu"))]
back_ends = pytest.mark.parametrize("products", BACK_ENDS, ids=lambda each: each.name)
quick = settings(max_examples=40, deadline=None)


@back_ends
@quick
@given(case=cases())
def test_bytes_are_multiplied_exactly(products: Products, case: Case) -> None:
    x = case.values(0, 255)
    prepared = products.prepare(case.product, case.shape)

    found = products.product(prepared, last(case.product, x).astype(np.uint8))

    assert found.dtype == np.int32
    assert np.array_equal(found, last(case.product, truth(case.product, x)))


@back_ends
@quick
@given(case=cases(most=2**15 - 1), bits=st.integers(1, 31))
def test_wider_numbers_are_multiplied_exactly_modulo_32_bits(
    products: Products, case: Case, bits: int
) -> None:
    x = case.values(-(2**bits), 2**bits - 1)
    prepared = products.prepare(case.product, case.shape, 2**bits)

    found = products.product(prepared, last(case.product, x).astype(np.int32))

    expected = truth(case.product, x) % 2**32
    assert np.array_equal(found.view(np.uint32), last(case.product, expected))


@back_ends
@quick
@given(case=cases())
def test_masked_values_are_multiplied_modulo_32_bits(products: Products, case: Case) -> None:
    x = case.values(0, 2**32 - 1)
    prepared = products.prepare(case.product, case.shape)

    found = products.masked(prepared, last(case.product, x).astype(np.uint32))

    assert found.dtype == np.uint32
    assert np.array_equal(found, last(case.product, truth(case.product, x) % 2**32))


@back_ends
@pytest.mark.parametrize("sign", [-1, 1])
def test_sums_of_nearly_32_bits_are_exact(products: Products, sign: int) -> None:
    # 255 · 127 · 66,300 = 2^31 - 352,148.
    op = Dense(np.full((3, 66_300), 127 * sign, np.int16))
    prepared = products.prepare(op, (66_300,))

    found = products.product(prepared, np.full((1, 66_300), 255, np.uint8))

    assert found.tolist() == [[sign * 255 * 127 * 66_300] * 3]


@back_ends
def test_odd_sums_beyond_24_bits_are_exact(products: Products) -> None:
    op = Convolution(np.full((8, 512, 3, 3), 127, np.int16), ONE, AROUND, ONE)
    x = np.full((2, 5, 5, 512), 255, np.uint8)
    x[0, 2, 2, 0] = 254

    found = products.product(products.prepare(op, (512, 5, 5)), x)

    assert set(found[0, 2, 2].tolist()) == {255 * 127 * 512 * 9 - 127}
    assert set(found[1, 2, 2].tolist()) == {255 * 127 * 512 * 9}


@back_ends
def test_a_batch_is_its_rows(products: Products) -> None:
    op = Convolution(weights(1, 6, 4, 3, 3), (2, 2), AROUND, ONE)
    prepared = products.prepare(op, (4, 9, 7))
    x = numbers(2, (5, 9, 7, 4), 0, 255).astype(np.uint8)

    whole = products.product(prepared, x)

    rows = [products.product(prepared, x[row : row + 1]) for row in range(5)]
    assert np.array_equal(whole, np.concatenate(rows))


@back_ends
def test_an_image_larger_than_a_strip_is_exact(products: Products) -> None:
    op = Convolution(weights(1, 2, 16, 5, 5), ONE, ((2, 2), (2, 2)), ONE)
    x = numbers(2, (1, 16, 60, 60), 0, 255)

    found = products.product(products.prepare(op, (16, 60, 60)), last(op, x).astype(np.uint8))

    assert np.array_equal(found, last(op, op.run(x.astype(np.float64))))


@back_ends
def test_what_is_larger_than_was_proven_is_refused(products: Products) -> None:
    prepared = products.prepare(Dense(weights(1, 3, 4)), (4,), 100)

    with pytest.raises(ProtocolError, match="larger than 100"):
        products.product(prepared, np.full((1, 4), -101, np.int32))


def test_masked_weights_are_loaded_only_when_they_are_wanted() -> None:
    prepared = HostProducts().prepare(Dense(weights(1, 3, 4)), (4,))

    HostProducts().masked(prepared, np.zeros((1, 4), np.uint32))

    assert "plain" not in vars(prepared)
    assert prepared.layer.magnitude < WORD
