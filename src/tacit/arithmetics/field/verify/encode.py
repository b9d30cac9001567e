"""The input as integers, in one pass: what `ops.Encode` means, laid out as it is stored."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Encode
from tacit.ir.functions import FloatArray


def encoded(op: Encode, x: FloatArray, *, clip: bool) -> NDArray[np.uint8] | NDArray[np.int32]:
    """A batch of finite reals in the graph's layout as integers, channels last in images.

    Raises OutOfRange where an entry is outside, unless `clip`.
    """
    is_image = x.ndim == 4
    channels = x.shape[1] if is_image else 1
    planes = np.ascontiguousarray(x).reshape(len(x), channels, -1)
    shape = (*x.shape[2:], channels) if is_image else x.shape[1:]
    result = np.empty((len(x), prod(shape) // channels, channels), op.dtype)
    grid = (op.scale, float(op.zero_point), float(op.low), float(op.high))
    if _encode(planes, result, grid, (op.least, op.most)) and not clip:
        op.check(x, clip=False)
    return result.reshape(len(x), *shape)


@njit(nogil=True, cache=True)
def _encode(x: Any, result: Any, grid: Any, ends: Any) -> Any:
    """Fill the result; tells whether an entry was outside."""
    scale, zero, low, high = grid
    least, most = ends
    outside = False
    for row in range(x.shape[0]):
        for channel in range(x.shape[1]):
            for spot in range(x.shape[2]):
                value = x[row, channel, spot]
                outside |= (value < least) | (value > most)
                found = np.rint(value / scale) + zero
                result[row, spot, channel] = min(max(found, low), high)
    return outside
