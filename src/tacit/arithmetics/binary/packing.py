"""Bits in words: 32 of them in each, the first channel in the lowest bit.

A bit is 1 where a bipolar value is negative, and where a unipolar one is 1. Channels are the last
axis; each group of them begins with a word of its own, whose bits beyond the last channel are 0.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.binary.ops import Alphabet, TruthArray
from tacit.ir.functions import FloatArray

WordArray: TypeAlias = NDArray[np.uint32]

WORD_BITS = 32
_BYTE_BITS = 8
_WORD_BYTES = WORD_BITS // _BYTE_BITS
_WORD = np.dtype("<u4")


def word_count(channels: int) -> int:
    """How many words so many bits take.

    >>> word_count(32), word_count(33)
    (1, 2)
    """
    return -(-channels // WORD_BITS)


def packed(bits: TruthArray, groups: int = 1) -> WordArray:
    """(…, channels) as (…, groups · words)."""
    each = bits.shape[-1] // groups
    words = word_count(each)
    parts = bits.reshape(*bits.shape[:-1], groups, each)
    found = np.packbits(parts, axis=-1, bitorder="little")
    whole = np.zeros((*found.shape[:-1], words * _WORD_BYTES), dtype=np.uint8)
    whole[..., : found.shape[-1]] = found
    joined = whole.reshape(*bits.shape[:-1], groups * words * _WORD_BYTES)
    return joined.view(_WORD).astype(np.uint32, copy=False)


def unpacked(words: WordArray, channels: int, groups: int = 1) -> TruthArray:
    """(…, groups · words) as (…, channels)."""
    each = channels // groups
    flat = np.ascontiguousarray(words, dtype=_WORD).view(np.uint8)
    parts = flat.reshape(*words.shape[:-1], groups, -1)
    bits = np.unpackbits(parts, axis=-1, count=each, bitorder="little")
    return bits.reshape(*words.shape[:-1], channels).astype(np.bool_)


def bits_of(values: FloatArray, alphabet: Alphabet) -> TruthArray:
    """The bits of values that an alphabet has."""
    match alphabet:
        case Alphabet.BIPOLAR:
            return np.asarray(values < 0.0)
        case Alphabet.UNIPOLAR:
            return np.asarray(values > 0.0)


def values_of(bits: TruthArray, alphabet: Alphabet) -> NDArray[np.int8]:
    """What bits stand for."""
    found = bits.astype(np.int8)
    match alphabet:
        case Alphabet.BIPOLAR:
            return 1 - 2 * found
        case Alphabet.UNIPOLAR:
            return found


def count_ones(words: WordArray) -> NDArray[np.uint8]:
    """How many bits of each word are 1."""
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        counted: NDArray[np.uint8] = np.bitwise_count(words)
        return counted
    # Pairs, then fours, then bytes are added up within the word (Warren, Hacker's Delight, 5-1).
    pairs = words - ((words >> np.uint32(1)) & np.uint32(0x55555555))
    fours = (pairs & np.uint32(0x33333333)) + ((pairs >> np.uint32(2)) & np.uint32(0x33333333))
    octets = (fours + (fours >> np.uint32(4))) & np.uint32(0x0F0F0F0F)
    ones: NDArray[np.uint8] = ((octets * np.uint32(0x01010101)) >> np.uint32(24)).astype(np.uint8)
    return ones
