"""Blinding and unblinding are sums modulo 2^32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tacit.arithmetics.field.blind import MaskArray, blinded, unblinded
from tacit.errors import TypeMismatch

SHAPES = st.shared(array_shapes(max_dims=3, max_side=4), key="shape")
MASKS = arrays(np.uint32, SHAPES)
BORDERS = [0, 1, 2**31 - 1, 2**31, 2**32 - 1]


@given(arrays(np.uint8, SHAPES), MASKS)
def test_bytes_are_blinded_modulo_2_to_the_32(
    x: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], mask: MaskArray
) -> None:
    expected = (x.astype(object) + mask.astype(object)) % 2**32

    found = blinded(x, mask)

    assert found.dtype == np.uint32
    assert (found == expected).all()


@given(arrays(np.int32, SHAPES), MASKS)
def test_integers_are_blinded_modulo_2_to_the_32(
    x: np.ndarray[tuple[int, ...], np.dtype[np.int32]], mask: MaskArray
) -> None:
    expected = (x.astype(object) + mask.astype(object)) % 2**32

    assert (blinded(x, mask) == expected).all()


@given(arrays(np.int32, SHAPES), MASKS)
def test_what_is_blinded_comes_back(
    x: np.ndarray[tuple[int, ...], np.dtype[np.int32]], mask: MaskArray
) -> None:
    found = unblinded(blinded(x, mask), mask)

    assert found.dtype == np.int32
    assert np.array_equal(found, x)


@pytest.mark.parametrize("factor", BORDERS)
@pytest.mark.parametrize("answer", BORDERS)
def test_a_difference_is_the_nearest_to_zero(answer: int, factor: int) -> None:
    expected = (answer - factor + 2**31) % 2**32 - 2**31

    found = unblinded(np.array([answer], np.uint32), np.array([factor], np.uint32))

    assert found.tolist() == [expected]


@given(
    arrays(np.uint8, (2, 5)),
    arrays(np.int8, (5, 3)),
    arrays(np.uint32, (2, 5)),
)
def test_a_product_of_what_is_blinded_unblinds_to_the_product(
    x: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
    W: np.ndarray[tuple[int, int], np.dtype[np.int8]],
    mask: MaskArray,
) -> None:
    weight = W.astype(np.int32).view(np.uint32)

    found = unblinded(blinded(x, mask) @ weight, mask @ weight)

    assert np.array_equal(found, x.astype(np.int32) @ W.astype(np.int32))


def test_nothing_is_changed_that_was_given() -> None:
    x, mask = np.full(4, 255, np.uint8), np.full(4, 2**32 - 1, np.uint32)

    unblinded(blinded(x, mask), mask)

    assert (x == 255).all()
    assert (mask == 2**32 - 1).all()


def test_a_mask_is_not_stretched_over_a_larger_input() -> None:
    with pytest.raises(TypeMismatch, match="was given for a mask"):
        blinded(np.zeros((4, 3), np.uint8), np.zeros(3, np.uint32))


def test_numbers_of_another_type_are_not_blinded() -> None:
    wide: Any = np.zeros(3, np.int16)

    with pytest.raises(TypeMismatch, match="cannot be blinded"):
        blinded(wide, np.zeros(3, np.uint32))


def test_an_answer_of_another_type_is_refused() -> None:
    wide: Any = np.zeros(3, np.uint64)

    with pytest.raises(TypeMismatch, match="it is uint32"):
        unblinded(wide, np.zeros(3, np.uint32))
