"""Masks: uniform numbers modulo 2^32, the keystream of AES-256 in counter mode.

A query's index, a layer's number and a count of blocks share the counter's 128 bits:

    index (64) | layer (32) | block (32)

A mask of layer l in query i takes the blocks from (i · 2^32 + l) · 2^32 on. It has at most 2^26 of
them (`MOST_ENTRIES`), so it ends before block 2^32, where the next layer's begin: two masks under
one key never share a block. Another series or another program has another key.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from tacit.arithmetics.field.blind.layers import Layer
from tacit.arithmetics.field.blind.secret import Hidden, Purpose, Secret
from tacit.errors import TypeMismatch

# Little-endian on every machine, so that a mask is one and the same wherever it is made.
WORD = np.dtype("<u4")
MaskArray: TypeAlias = NDArray[np.uint32]

BLOCK_BYTES = 16
# Enciphering zeros gives the keystream. This many at once are read from a core's own cache:
# measured, 256 KiB is as fast as any, and twice as fast as enciphering an array in its place.
ZEROS = bytes(1 << 18)


def first_block(index: int, layer: int) -> bytes:
    """The counter block that a mask begins with."""
    return index.to_bytes(8, "big") + layer.to_bytes(4, "big") + bytes(4)


class Masks(Hidden):
    """The masks of one series."""

    __slots__ = ("_key",)

    def __init__(self, secret: Secret, series: bytes) -> None:
        self._key = secret.key(Purpose.MASKS, series)

    def mask(self, index: int, layer: Layer) -> MaskArray:
        """The mask of a layer's input in one query, of that input's shape."""
        mask = np.empty(layer.input, WORD)
        self.fill(mask, index, layer)
        return mask

    def fill(self, mask: MaskArray, index: int, layer: Layer) -> None:
        """Write a mask into memory that is there already."""
        if mask.shape != layer.input or mask.dtype != WORD or not mask.flags.c_contiguous:
            raise TypeMismatch(f"a mask of layer {layer.number} needs uint32 of {layer.input}")
        begin = modes.CTR(first_block(index, layer.number))
        stream = Cipher(algorithms.AES(self._key), begin).encryptor()
        room = mask.reshape(-1).data.cast("B")
        for start in range(0, len(room), len(ZEROS)):
            part = room[start : start + len(ZEROS)]
            stream.update_into(memoryview(ZEROS)[: len(part)], part)
