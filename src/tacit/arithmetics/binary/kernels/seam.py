"""The seam: what kernels are given, and what they give.

Images are (rows, height, width, channels), contiguous; bits of them (rows, height, width, words)
as `packing` has them. A sequence is an image of height 1, a vector one of a single pixel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.binary.ops import Alphabet, Transform, TruthArray
from tacit.arithmetics.binary.packing import WordArray
from tacit.ir.functions import FloatArray

Pair: TypeAlias = tuple[int, int]
Sides: TypeAlias = tuple[Pair, Pair]
NumberArray: TypeAlias = NDArray[np.int32] | NDArray[np.float32]
CaseArray: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Packed:
    """A layer on images of one size, its weights in words.

    With a = popcount(x XOR weight) over a window and a group of channels, the integer of output o
    at (row, column) is slope · a + offset[o] + corrections[row_cases[row], column_cases[column],
    o]. Corrections are there where a border holds what no bit stands for, or have no cases at all.
    """

    # (outputs, kernel height, kernel width, words of a group); outputs of a group lie together.
    weight: WordArray
    slope: int
    offset: NDArray[np.int32]
    # (groups · words,): a pixel of the border.
    border: WordArray
    corrections: NDArray[np.int32]
    row_cases: CaseArray
    column_cases: CaseArray
    stride: Pair
    padding: Sides
    dilation: Pair
    groups: int

    @property
    def size(self) -> Pair:
        """The height and width of what comes out."""
        return len(self.row_cases), len(self.column_cases)


@dataclass(frozen=True, eq=False)
class PoolWindow:
    """A pooling of bits of one image size; what lies outside of the image never comes out.

    `ones` is (words,): channels whose bit is 1 in it become the OR of their window, others its AND.
    """

    kernel: Pair
    stride: Pair
    padding: Sides
    dilation: Pair
    size: Pair
    ones: WordArray


class Kernels(ABC):
    """One way to compute on packed bits; all ways give the same numbers."""

    @abstractmethod
    def pack(
        self,
        x: FloatArray | NumberArray,
        alphabet: Alphabet,
        threshold: FloatArray,
        flip: TruthArray,
    ) -> WordArray:
        """The bits that the word `Bits` makes of (…, channels), as (…, words).

        Thresholds are doubles, and compared as such; they are one a channel, or one for all.
        """

    @abstractmethod
    def product(
        self, bits: WordArray, layer: Packed, transform: Transform
    ) -> NumberArray | WordArray:
        """What a layer makes of (rows, height, width, groups · words), channels last.

        Clamps give int32, Reals float32, and Thresholds bits of one group.
        """

    @abstractmethod
    def pool(self, bits: WordArray, window: PoolWindow) -> WordArray:
        """The pooling of (rows, height, width, words)."""
