"""The kernels in NumPy: exact, on every host, and what all others are tested against."""

from __future__ import annotations

from itertools import product as every
from typing import final

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.binary.kernels.seam import Kernels, NumberArray, Packed, PoolWindow
from tacit.arithmetics.binary.ops import Alphabet, Clamps, Reals, Thresholds, Transform, TruthArray
from tacit.arithmetics.binary.packing import WordArray, count_ones, packed
from tacit.ir.functions import FloatArray

ALL_ONES = np.uint32(0xFFFFFFFF)
# As many sums at once as stay in the second level of a cache.
TILE = 1 << 16


@final
class Reference(Kernels):
    """NumPy's own operations on words."""

    def pack(
        self,
        x: FloatArray | NumberArray,
        alphabet: Alphabet,
        threshold: FloatArray,
        flip: TruthArray,
    ) -> WordArray:
        """The bits of (…, channels)."""
        below, above = x < threshold, x > threshold
        match alphabet:
            case Alphabet.BIPOLAR:
                return packed(np.where(flip, above, below))
            case Alphabet.UNIPOLAR:
                return packed(np.where(flip, below, above))

    def product(
        self, bits: WordArray, layer: Packed, transform: Transform
    ) -> NumberArray | WordArray:
        """What a layer makes of an image, one row of pixels after the other."""
        image = _bordered(bits, layer.padding, layer.border)
        height, width = layer.size
        outputs = len(layer.weight)
        sums = np.empty((len(bits), height, width, outputs), dtype=np.int32)
        rows = max(1, TILE // (width * outputs))
        for image_row, sum_row in zip(image, sums, strict=True):
            for start in range(0, height, rows):
                part = slice(start, min(start + rows, height))
                sum_row[part] = _counts(image_row, layer, part)
        sums *= layer.slope
        sums += layer.offset
        if layer.corrections.size:
            sums += layer.corrections[layer.row_cases][:, layer.column_cases]
        return transformed(sums, transform)

    def pool(self, bits: WordArray, window: PoolWindow) -> WordArray:
        """The AND of every window, of the opposites where an OR is wanted."""
        border = np.full(bits.shape[-1], ALL_ONES)
        image = _bordered(bits ^ window.ones, _covering(bits, window), border)
        height, width = window.size
        found = np.full((len(bits), height, width, bits.shape[-1]), ALL_ONES)
        for tap in every(*map(range, window.kernel)):
            rows, columns = (
                slice(t * d, t * d + (n - 1) * s + 1, s)
                for t, d, n, s in zip(tap, window.dilation, window.size, window.stride, strict=True)
            )
            found &= image[:, rows, columns]
        return found ^ window.ones


def transformed(sums: NDArray[np.int32], transform: Transform) -> NumberArray | WordArray:
    """A transform of (…, channels)."""
    match transform:
        case Clamps(low=low, high=high):
            return np.clip(sums, low, high)
        case Reals(low=low, high=high, multiplier=multiplier, bias=bias):
            return np.clip(sums, low, high).astype(np.float32) * multiplier + bias
        case Thresholds(alphabet=alphabet, threshold=threshold, flip=flip):
            is_larger = (sums >= threshold) != flip
            return packed(~is_larger if alphabet is Alphabet.BIPOLAR else is_larger)


def _bordered(
    bits: WordArray, padding: tuple[tuple[int, int], tuple[int, int]], border: WordArray
) -> WordArray:
    """The image with pixels around it."""
    (top, bottom), (left, right) = padding
    rows, height, width, words = bits.shape
    found = np.empty((rows, top + height + bottom, left + width + right, words), dtype=np.uint32)
    found[:] = border
    found[:, top : top + height, left : left + width] = bits
    return found


def _covering(bits: WordArray, window: PoolWindow) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding with what the last windows need behind it."""
    sides = []
    for axis in range(2):
        before, after = window.padding[axis]
        reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1
        last = (window.size[axis] - 1) * window.stride[axis] + reach
        sides.append((before, max(after, last - before - bits.shape[1 + axis])))
    return sides[0], sides[1]


def _counts(image: WordArray, layer: Packed, part: slice) -> NDArray[np.int32]:
    """The popcounts of some rows of one image, (rows, width, outputs)."""
    outputs, *kernel, words = layer.weight.shape
    height, width = part.stop - part.start, layer.size[1]
    each = outputs // layer.groups
    total = np.zeros((height, width, layer.groups, each), dtype=np.int32)
    weight = layer.weight.reshape(layer.groups, each, *kernel, words)
    for row, column in every(*map(range, kernel)):
        top = part.start * layer.stride[0] + row * layer.dilation[0]
        left = column * layer.dilation[1]
        seen = image[
            top : top + (height - 1) * layer.stride[0] + 1 : layer.stride[0],
            left : left + (width - 1) * layer.stride[1] + 1 : layer.stride[1],
        ].reshape(height, width, layer.groups, words)
        for word in range(words):
            total += count_ones(seen[..., word, None] ^ weight[:, :, row, column, word])
    return total.reshape(height, width, outputs)
