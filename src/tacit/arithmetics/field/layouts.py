"""How arrays lie in memory: images with their channels last, everything else as the graph says.

What a graph calls (channels, height, width) is stored as (rows, height, width, channels), which is
how products are computed and checked. An image is the same for every product and rescaling: its
channels last, whatever the shape was.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Dense, Rescale
from tacit.ir.graph import Op, Shape
from tacit.ir.ops import Pad

Array = NDArray[Any]


def channels_of(op: Op, shape: Shape) -> int:
    """The axis of a value's channels, as an op sees it: 0 or -1; -1 where there is one axis."""
    match op:
        case _ if len(shape) == 1:
            return -1
        case Dense():
            return -1
        case Rescale():
            return op.axis
        case _:
            return 0


def stored(value: Array) -> Array:
    """A batch in the graph's layout as it is stored."""
    return np.ascontiguousarray(np.moveaxis(value, 1, -1)) if value.ndim == 4 else value


def unstored(value: Array) -> Array:
    """A stored batch in the graph's layout; a view."""
    return np.moveaxis(value, -1, 1) if value.ndim == 4 else value


def image_of(value: Array, axis: int) -> Array:
    """A stored batch as (rows, height, width, channels), its channels being those of the axis."""
    if value.ndim == 4 and axis == 0:
        return value
    graph = unstored(value)
    last = graph if axis == -1 else np.moveaxis(graph, 1, -1)
    rows, rest, channels = last.shape[0], last.shape[1:-1], last.shape[-1]
    # As products see it: a sequence is an image of one row, the vectors of a dense layer are rows.
    height = prod(rest) if axis == -1 else prod(rest[:-1])
    return np.ascontiguousarray(last).reshape(rows, height, prod(rest) // height, channels)


def value_of(image: Array, shape: Shape, axis: int) -> Array:
    """The stored batch of an image of a value of this shape."""
    if len(shape) == 3 and axis == 0:
        return image
    rest = shape[:-1] if axis == -1 else shape[1:]
    last = image.reshape(image.shape[0], *rest, image.shape[-1])
    return stored(last if axis == -1 else np.moveaxis(last, -1, 1))


def bordered(image: Array, op: Pad) -> Array:
    """A stored image with a border."""
    first, *others = op.widths
    widths = ((0, 0), *others, first)
    shape = [
        size + before + after for size, (before, after) in zip(image.shape, widths, strict=True)
    ]
    result = np.full(shape, op.value, image.dtype)
    inside = (
        slice(before, before + size) for size, (before, _) in zip(image.shape, widths, strict=True)
    )
    result[tuple(inside)] = image
    return result
