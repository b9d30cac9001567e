"""From words of a graph to what kernels take: weights and borders packed for images of one size."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.binary.kernels.seam import CaseArray, Packed, Pair, PoolWindow, Sides
from tacit.arithmetics.binary.ops import (
    Alphabet,
    BinaryProduct,
    BitPool,
    SignArray,
    TruthArray,
    Window,
)
from tacit.arithmetics.binary.packing import WordArray, bits_of, packed
from tacit.ir.graph import Shape
from tacit.ir.ops import Pads

POINT = Window((1, 1), ((0, 0), (0, 0)), (1, 1))


def prepared(op: BinaryProduct, shape: Shape) -> Packed:
    """A product's layer, for inputs of this shape (without the batch)."""
    window = POINT if op.window is None else op.window
    weight = _as_image(op.weight)
    groups = window.groups
    words = packed(np.moveaxis(weight < 0, 1, -1))
    negative = (weight < 0).sum(axis=(1, 2, 3), dtype=np.int32)
    slope, offset = _line(op.alphabet, weight, negative)
    channels = weight.shape[1] * groups
    inside = _inside(op.alphabet, window.border)
    border = packed(np.full(channels, bits_of(np.array(float(inside)), op.alphabet)), groups)
    padding, stride, dilation = _sides(window.padding), _pair(window.stride), _pair(window.dilation)
    cases = [
        _cases(n, k, s, p, d)
        for n, k, s, p, d in zip(
            image_size(op, shape), weight.shape[2:], stride, padding, dilation, strict=True
        )
    ]
    difference = window.border - inside
    return Packed(
        weight=words,
        slope=slope,
        offset=offset,
        border=border,
        corrections=_corrections(weight, cases[0][1], cases[1][1], difference),
        row_cases=cases[0][0],
        column_cases=cases[1][0],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def prepared_pool(op: BitPool, shape: Shape, alphabet: Alphabet) -> PoolWindow:
    """A pooling's window, for bits of this shape."""
    least: TruthArray = np.broadcast_to(op.least, shape[0])
    is_one = least if alphabet is Alphabet.BIPOLAR else ~least
    kernel = _pair(op.kernel)
    size = _pair(op.shape(shape)[1:])
    around = (_pair(op.stride), _sides(op.padding), _pair(op.dilation))
    return PoolWindow(kernel, *around, size, packed(is_one))


def image_size(op: BinaryProduct, shape: Shape) -> Pair:
    """The height and width of a value as the image that a product takes."""
    return (1, prod(shape[:-1])) if op.window is None else _pair(shape[1:])


def _line(
    alphabet: Alphabet, weight: SignArray, negative: NDArray[np.int32]
) -> tuple[int, NDArray[np.int32]]:
    """The integer of a popcount a: K - 2a, or a - N for unipolar bits."""
    match alphabet:
        case Alphabet.BIPOLAR:
            return -2, np.full(len(weight), prod(weight.shape[1:]), dtype=np.int32)
        case Alphabet.UNIPOLAR:
            return 1, -negative


def _inside(alphabet: Alphabet, border: int) -> int:
    """The border itself where a bit stands for it, else the value of the bit 0."""
    if border in alphabet.values:
        return border
    return 1 if alphabet is Alphabet.BIPOLAR else 0


def _as_image(weight: SignArray) -> SignArray:
    """Weights over one axis, or none, as those over two."""
    outputs, inputs, *kernel = weight.shape
    return weight.reshape(outputs, inputs, *(1,) * (2 - len(kernel)), *kernel)


def _pair(each: Shape) -> Pair:
    height, width = (1,) * (2 - len(each)) + each
    return height, width


def _sides(padding: Pads) -> Sides:
    rows, columns = ((0, 0),) * (2 - len(padding)) + padding
    return rows, columns


def _cases(
    size: int, taps: int, stride: int, padding: Pair, dilation: int
) -> tuple[CaseArray, TruthArray]:
    """For every position which case it is, and (cases, taps): which taps are outside in a case."""
    reach = dilation * (taps - 1) + 1
    count = (size + sum(padding) - reach) // stride + 1
    places = np.arange(count)[:, None] * stride + np.arange(taps) * dilation - padding[0]
    outside = (places < 0) | (places >= size)
    found, case = np.unique(outside, axis=0, return_inverse=True)
    return case.reshape(-1), found


def _corrections(
    weight: SignArray, rows: TruthArray, columns: TruthArray, difference: int
) -> NDArray[np.int32]:
    """(row cases, column cases, outputs): what a border adds that no bit stands for."""
    if not difference or not (rows.any() or columns.any()):
        return np.zeros((0, 0, len(weight)), dtype=np.int32)
    taps = weight.sum(axis=1, dtype=np.int64)
    inside = np.einsum("rh,ohw,cw->rco", ~rows, taps, ~columns, dtype=np.int64, casting="unsafe")
    found: NDArray[np.int32] = (difference * (taps.sum(axis=(1, 2)) - inside)).astype(np.int32)
    return found


def weight_words(op: BinaryProduct) -> WordArray:
    """A product's weights in words: (outputs, kernel height, kernel width, words)."""
    return packed(np.moveaxis(_as_image(op.weight) < 0, 1, -1))
