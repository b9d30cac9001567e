"""Masks are uniform, and no two are alike."""

from __future__ import annotations

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from tacit.arithmetics.field.blind import Layer, MaskArray, Masks
from tacit.arithmetics.field.blind.layers import MOST_ENTRIES, MOST_LAYERS
from tacit.arithmetics.field.blind.ledger import MOST_INDICES
from tacit.arithmetics.field.blind.masks import BLOCK_BYTES, first_block
from tacit.arithmetics.field.blind.secret import Purpose
from tacit.errors import TypeMismatch
from tests.arithmetics.field.blind.scene import SERIES, secret

LAYER = Layer(3, (1 << 19,), (1,))
INDICES = st.integers(0, MOST_INDICES - 1)
NUMBERS = st.integers(0, MOST_LAYERS - 1)
# A uniform source exceeds it once in a thousand million keys; this key is one and the same.
CHANCE = 1e-9


def masks(series: bytes = SERIES, program: bytes = bytes(32)) -> Masks:
    """The masks of a series."""
    return Masks(secret(program=program), series)


def surplus(counts: MaskArray | np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    """The chi-square of counts that ought to be equal, over what uniform ones would not exceed."""
    expected = counts.sum() / len(counts)
    found = ((counts - expected) ** 2 / expected).sum()
    return float(found / chi2.isf(CHANCE, len(counts) - 1))


def test_a_mask_is_the_keystream_of_its_blocks() -> None:
    layer = Layer(5, (3, 70_000), (1,))
    key = secret(program=bytes(32)).key(Purpose.MASKS, SERIES)
    first = int.from_bytes(first_block(9, 5), "big")
    count = 3 * 70_000 * 4 // BLOCK_BYTES
    blocks = b"".join((first + n).to_bytes(BLOCK_BYTES, "big") for n in range(count))
    expected = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(blocks)  # noqa: S305 (the counter mode's own part)

    mask = masks().mask(9, layer)

    assert mask.shape == (3, 70_000)
    assert mask.tobytes() == expected


@pytest.mark.parametrize("place", range(4))
def test_every_byte_of_a_mask_is_uniform(place: int) -> None:
    found = masks().mask(0, LAYER).view(np.uint8).reshape(-1, 4)[:, place]

    assert surplus(np.bincount(found, minlength=256)) < 1


def test_the_halves_of_a_masks_entries_are_uniform() -> None:
    found = masks().mask(1, LAYER).view(np.uint16)

    assert surplus(np.bincount(found, minlength=1 << 16)) < 1


def test_a_blinded_constant_is_uniform() -> None:
    found = (masks().mask(2, LAYER) + np.uint32(255)) >> 24

    assert surplus(np.bincount(found, minlength=256)) < 1


def test_masks_differ_by_index_layer_series_and_program() -> None:
    layer, other = Layer(3, (1 << 14,), (1,)), Layer(4, (1 << 14,), (1,))
    found = [
        masks().mask(0, layer),
        masks().mask(1, layer),
        masks().mask(0, other),
        masks(series=bytes(16)).mask(0, layer),
        masks(program=bytes([1] * 32)).mask(0, layer),
    ]

    pieces = np.concatenate(found).view(np.uint64)

    # Two of 40,960 uniform 64-bit numbers are alike with a chance of 2^-34.
    assert len(np.unique(pieces)) == len(pieces)


def test_a_mask_is_the_same_whenever_it_is_made() -> None:
    assert np.array_equal(masks().mask(8, LAYER), masks().mask(8, LAYER))


@given(INDICES, NUMBERS, INDICES, NUMBERS)
def test_blocks_of_two_masks_never_meet(index: int, number: int, other: int, later: int) -> None:
    first = int.from_bytes(first_block(index, number), "big")
    second = int.from_bytes(first_block(other, later), "big")
    most = MOST_ENTRIES * 4 // BLOCK_BYTES

    assert (first == second) == ((index, number) == (other, later))
    assert first == second or abs(first - second) >= most


@given(INDICES, NUMBERS)
def test_blocks_of_a_mask_never_wrap_around(index: int, number: int) -> None:
    first = int.from_bytes(first_block(index, number), "big")

    assert first + MOST_ENTRIES * 4 // BLOCK_BYTES <= 1 << 128


@pytest.mark.parametrize("shape", [(MOST_ENTRIES + 1,), (1 << 20, 1 << 20), (0,), (3, -1)])
def test_a_layer_that_is_too_large_or_empty_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(TypeMismatch, match="can be blinded"):
        Layer(0, shape, (1,))


@pytest.mark.parametrize("number", [-1, MOST_LAYERS])
def test_a_layer_without_a_proper_number_is_refused(number: int) -> None:
    with pytest.raises(TypeMismatch, match="numbered"):
        Layer(number, (1,), (1,))


def test_memory_of_another_shape_is_not_filled() -> None:
    with pytest.raises(TypeMismatch, match="needs uint32"):
        masks().fill(np.zeros(3, np.uint32), 0, LAYER)
