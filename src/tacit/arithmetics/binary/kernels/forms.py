"""The ways to count in how many bits windows and weights differ, and which a host takes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

# Channels that lie side by side in a vector, or in two of them.
LANES = 32
# Steps that are looked up before counts of two pixels are taken apart.
THREE = 3
# A loop's end costs time: so many threes are gone through without asking whether it is there.
UNROLLED = 8
# The largest sum of a total of 16 bits.
MOST_SHORT = (1 << 15) - 1


@dataclass(frozen=True)
class Shape:
    """How image, weights and totals lie for one form, and how much of them a tile takes."""

    # An image's bytes for every word of its bits, and how many weights' steps these are.
    word_bytes: int
    word_steps: int
    # The bytes of a step's weights of LANES channels.
    lane_bytes: int
    # How many steps can be added up before a tile must leave its counts.
    most_steps: int
    # Pixels that one entry of an image stands for.
    pixels: int
    # The bits of a total.
    total_bits: int
    # Tiles, the widest first: so many times LANES channels, and so many entries, at once.
    tiles: tuple[tuple[int, int], ...]


class Form(enum.Enum):
    """How bits are counted.

    LOOK_UP: four bits of a weight pick from a table of counts, of two pixels at once. BYTES: a
    popcount of bytes. WIDE_WORDS: a popcount of 16 words. WORDS: the same, of what there is.
    """

    # A count of two fours of bits is 4 · 17 at most; three times that is a byte.
    LOOK_UP = Shape(8, 8, 32, 63, 2, 16, ((4, 1), (2, 1), (1, 1)))
    # A byte counts 8 at most, and 31 times that is a byte.
    BYTES = Shape(4, 4, 32, 31, 1, 16, ((1, 8),))
    # Weights of so many words stay in a core's first cache.
    WIDE_WORDS = Shape(4, 1, 128, 192, 1, 32, ((1, 8),))
    WORDS = Shape(4, 1, 128, 192, 1, 32, ((1, 2),))


def chosen(machine: str, features: Mapping[str, bool]) -> Form:
    """The quickest form of a machine, by what LLVM says that its processor has."""
    if features.get("avx512vpopcntdq") and features.get("avx512f"):
        return Form.WIDE_WORDS
    if features.get("avx2"):
        return Form.LOOK_UP
    # Every processor of 64 bits that is an Arm has it.
    return Form.BYTES if machine in {"aarch64", "arm64"} else Form.WORDS
