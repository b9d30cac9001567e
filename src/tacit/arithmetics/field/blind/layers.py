"""The layers whose inputs are blinded, and how large they may be."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from tacit.errors import TypeMismatch
from tacit.ir.graph import Shape

# 1 GiB of uint32: far more than an image's largest layer, less than what one call of AES-GCM
# takes (2^31 - 1 bytes), and 2^26 blocks of a counter that has room for 2^32.
MOST_ENTRIES = 1 << 28
# A layer's number has four bytes in a counter block and in a nonce.
MOST_LAYERS = 1 << 32
ENTRY_BYTES = 4


@dataclass(frozen=True)
class Layer:
    """A product of the network: its number, and the shapes of what goes in and what comes out."""

    number: int
    input: Shape
    output: Shape

    def __post_init__(self) -> None:
        """Refuse what no counter block can name."""
        if not 0 <= self.number < MOST_LAYERS:
            raise TypeMismatch(f"layer {self.number} is not numbered from 0 to {MOST_LAYERS - 1}")
        for shape in self._shapes:
            if min(shape, default=1) < 1 or prod(shape) > MOST_ENTRIES:
                raise TypeMismatch(
                    f"layer {self.number} has an array of shape {shape}; 1 to {MOST_ENTRIES} "
                    "entries can be blinded",
                    hint="blind fewer rows at once",
                )

    @property
    def described(self) -> bytes:
        """Its number and shapes, each with its rank: no two layers' bytes are alike."""
        shapes = (struct.pack(f">B{len(each)}Q", len(each), *each) for each in self._shapes)
        return self.number.to_bytes(4, "big") + b"".join(shapes)

    @property
    def input_bytes(self) -> int:
        """The bytes of its mask."""
        return prod(self.input) * ENTRY_BYTES

    @property
    def output_bytes(self) -> int:
        """The bytes of its factor."""
        return prod(self.output) * ENTRY_BYTES

    @property
    def _shapes(self) -> tuple[Shape, Shape]:
        return self.input, self.output


def numbered(layers: Iterable[Layer]) -> dict[int, Layer]:
    """The layers by number; raises TypeMismatch for none, or two of one number."""
    listed = tuple(layers)
    found = {layer.number: layer for layer in listed}
    if not listed or len(found) != len(listed):
        raise TypeMismatch("there must be layers to blind, each with a number of its own")
    return found
