"""Which kernel taps meet which rows and columns of a product's input, as images (H, W, C)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Convolution, Dense, Product
from tacit.ir.graph import Shape
from tacit.ir.ops import positions

Image = tuple[int, int, int]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Axis:
    """The positions of one axis of the input, by type: the set of taps that meet them.

    `kind` is each position's type, -1 where no tap meets it. `reference` is the output that its
    last tap belongs to; tap `t` of the type belongs to the output `distance[type, t]` further on,
    and -1 says that it is no tap of the type.
    """

    kind: Indices
    reference: Indices
    distance: Indices


@dataclass(frozen=True, eq=False)
class Geometry:
    """A product as a convolution of images; `weight` is (outputs, inputs / groups, *kernel)."""

    image: Image
    result: Image
    weight: NDArray[np.int16]
    groups: int
    rows: Axis
    columns: Axis


def image_shape(product: Product, shape: Shape) -> Image:
    """A product's input as an image (H, W, C): (C, H, W), (C, L) or (…, I) in the graph.

    A sequence is an image of one row; what a dense layer takes has a row for each vector.
    """
    match product, shape:
        case Dense(), (*leading, inputs):
            return (math.prod(leading), 1, inputs)
        case _, (channels, length):
            return (1, length, channels)
        case _, (channels, height, width):
            return (height, width, channels)
        case _:
            raise AssertionError(f"no image of {shape}")


def result_shape(product: Product, shape: Shape) -> Image:
    """What a product gives, as an image (H, W, C)."""
    height, width, _ = image_shape(product, shape)
    # Not by `product.shape`, which makes doubles of all weights.
    match product:
        case Dense():
            return (height, width, len(product.weight))
        case Convolution():
            stride, padding, dilation = product.stride, product.padding, product.dilation
            kernel = product.weight.shape[2:]
            reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
            spots = positions(shape[1:], reach, stride, padding)
            first, second = (1, *spots)[-2:]
            return (first, second, len(product.weight))


def geometry(product: Product, shape: Shape) -> Geometry:
    """A product of inputs of this graph shape, seen as a convolution of images."""
    image, result = image_shape(product, shape), result_shape(product, shape)
    weight, groups = product.weight, 1
    steps = [(1, 0, 1), (1, 0, 1)]
    if isinstance(product, Convolution):
        groups = product.groups
        before = (pads[0] for pads in product.padding)
        steps += zip(product.stride, before, product.dilation, strict=True)
    # A sequence has one row, a dense layer one tap: their kernels have it, too.
    kernel = (1, 1, *weight.shape[2:])[-2:]
    weight = np.ascontiguousarray(weight.reshape(*weight.shape[:2], *kernel), np.int16)
    rows, columns = (
        axis(image[k], result[k], kernel[k], each) for k, each in enumerate(steps[-2:])
    )
    return Geometry(image, result, weight, groups, rows, columns)


def axis(size: int, outputs: int, taps: int, steps: tuple[int, int, int]) -> Axis:
    """The types along one axis; `steps` are stride, padding before, and dilation."""
    stride, before, dilation = steps
    # Input h meets tap i in output (h + before - dilation i) / stride, if that is one.
    numerator = np.arange(size)[:, None] + before - dilation * np.arange(taps)
    output = numerator // stride
    meets = (numerator % stride == 0) & (output >= 0) & (output < outputs)
    names: dict[bytes, int] = {}
    keys = [row.tobytes() if row.any() else b"" for row in meets]
    kind = np.array([names.setdefault(key, len(names)) if key else -1 for key in keys], np.int64)
    last = taps - 1 - np.argmax(meets[:, ::-1], axis=1)
    reference = np.where(kind >= 0, output[np.arange(size), last], 0)
    types = np.frombuffer(b"".join(names), np.bool_).reshape(len(names), taps)
    ends = taps - 1 - np.argmax(types[:, ::-1], axis=1)
    distance = dilation * (ends[:, None] - np.arange(taps)) // stride
    return Axis(kind, reference, np.where(types, distance, -1))
