"""What a verifier computes by itself, on images NHWC."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Convolution, Dense, Product, Totals
from tacit.arithmetics.field.verify.channels import by_channel
from tacit.arithmetics.field.verify.geometry import geometry, result_shape
from tacit.arithmetics.field.verify.lanes import STEP
from tacit.arithmetics.field.verify.windows import Windows, windows
from tacit.ir.graph import Shape
from tacit.ir.ops import Pool, positions

Integers: TypeAlias = NDArray[np.uint8] | NDArray[np.int32]


def depthwise(x: NDArray[np.uint8], op: Convolution) -> NDArray[np.int32]:
    """A convolution of bytes in which every output depends on one channel alone."""
    images, height, width, channels = x.shape
    # Several outputs of one channel go the general way.
    if op.groups != len(op.weight):
        return convolve(x, op)
    rows, columns, _ = result_shape(op, _shape(op, x))
    wide = -(-channels // STEP) * STEP
    weights = np.zeros((math.prod(op.weight.shape[2:]), wide), np.int32)
    weights[:, :channels] = op.weight.reshape(channels, -1).T
    taps = tuple(_taps(op, axis) for axis in range(2))
    result = np.empty(images * rows * columns * channels + STEP, np.int32)
    flat = x.reshape(-1)
    # The last step of a pixel may go beyond its channels; what it writes there comes later.
    flat = flat if wide == channels else np.concatenate([flat, np.zeros(STEP, np.uint8)])
    sizes = (images, height, width, channels, rows, columns)
    _depthwise(flat, weights.reshape(-1), result, sizes, taps)
    return result[:-STEP].reshape(images, rows, columns, channels)


def convolve(x: NDArray[Any], op: Product) -> NDArray[np.int32]:
    """Any product of images of integers, modulo 2^32."""
    inputs = np.ascontiguousarray(x).astype(np.int64, copy=False)
    layer = geometry(op, _shape(op, x))
    outputs, per = layer.weight.shape[:2]
    by_tap = layer.weight.reshape(
        layer.groups, outputs // layer.groups, per, *layer.weight.shape[2:]
    )
    weights = np.ascontiguousarray(np.moveaxis(by_tap, (3, 4), (0, 1)).swapaxes(-1, -2), np.int64)
    result = np.zeros((len(x), *layer.result), np.int64)
    _convolve(inputs, weights, result, tuple(_taps(op, axis) for axis in range(2)))
    return result.astype(np.int32)


def maximum(x: Integers, pool: Pool) -> Integers:
    """The largest entry of each window; padding is less than all."""
    images, height, width, channels = x.shape
    view = windows(pool, height, width)
    result = np.full((images, view[8], view[9], channels), np.iinfo(x.dtype).min, x.dtype)
    _maximum(x, result, view)
    return result


def totals(x: Integers, op: Totals) -> NDArray[np.int32]:
    """The sum of each window; padding is zero."""
    missing = 2 - len(op.kernel)
    kernel, stride = (1,) * missing + op.kernel, (1,) * missing + op.stride
    padding = ((0, 0),) * missing + op.padding
    rows, columns = positions(x.shape[1:3], kernel, stride, padding)
    result = np.zeros((len(x), rows, columns, x.shape[3]), np.int32)
    before = tuple(pads[0] for pads in padding)
    _totals(x, result, (*kernel, *stride, *before))
    return result


def _shape(op: Product, x: NDArray[Any]) -> Shape:
    """The graph's shape of one image; a dense layer takes the last axis."""
    _, height, width, channels = x.shape
    match op:
        case Dense():
            assert width == 1
            return (height, channels)
        case Convolution() if len(op.stride) == 1:
            return (channels, width)
        case Convolution():
            return (channels, height, width)


def _taps(op: Product, axis: int) -> tuple[int, int, int, int]:
    """Along an axis of the image, the kernel's extent, stride, padding before and dilation."""
    if isinstance(op, Dense) or axis < 2 - len(op.stride):
        return (1, 1, 0, 1)
    k = axis - 2 + len(op.stride)
    return (op.weight.shape[2 + k], op.stride[k], op.padding[k][0], op.dilation[k])


@njit(nogil=True, cache=True)
def _depthwise(x: Any, weights: Any, result: Any, sizes: Any, taps: Any) -> None:
    images, height, width, channels, rows, columns = sizes
    (down, step, above, apart), (across, stride, before, gap) = taps
    wide = (channels + STEP - 1) // STEP * STEP
    met = np.empty(2 * down * across, np.int64)
    arrays = (x, weights, met, result)
    goal = 0
    for image in range(images):
        for row in range(rows):
            count, was_inside = 0, False
            for column in range(columns):
                begin = column * stride - before
                is_inside = begin >= 0 and begin + gap * (across - 1) < width
                if is_inside and was_inside:
                    # The same taps of the next pixel.
                    for tap in range(count):
                        met[2 * tap] += stride * channels
                else:
                    spot = (image * height, row * step - above, begin)
                    count = _meet(met, spot, sizes, (down, apart, across, gap, wide))
                was_inside = is_inside
                by_channel(arrays, (0, count, goal, wide // STEP))
                goal += channels


@njit(nogil=True, cache=True)
def _meet(met: Any, spot: Any, sizes: Any, taps: Any) -> Any:
    """How many taps are inside; where the pixel and where the weights of each begin."""
    (first, top, begin), (down, apart, across, gap, wide) = spot, taps
    height, width, channels = sizes[1], sizes[2], sizes[3]
    count = 0
    for i in range(down):
        h = top + i * apart
        for j in range(across if 0 <= h < height else 0):
            w = begin + j * gap
            if 0 <= w < width:
                met[2 * count] = ((first + h) * width + w) * channels
                met[2 * count + 1] = (i * across + j) * wide
                count += 1
    return count


@njit(nogil=True, cache=True)
def _convolve(x: Any, weights: Any, result: Any, taps: Any) -> None:
    images, height, width, _ = x.shape
    (down, step, above, apart), (across, stride, before, gap) = taps
    _, _, groups, per, outputs = weights.shape
    for image in range(images):
        for row in range(result.shape[1]):
            for column in range(result.shape[2]):
                for i in range(down):
                    h = row * step - above + i * apart
                    for j in range(across if 0 <= h < height else 0):
                        w = column * stride - before + j * gap
                        for c in range(groups * per if 0 <= w < width else 0):
                            group = c // per
                            total = result[image, row, column, group * outputs :]
                            weight = weights[i, j, group, c % per]
                            value = x[image, h, w, c]
                            for o in range(outputs):
                                total[o] += value * weight[o]


@njit(nogil=True, cache=True)
def _maximum(x: Any, result: Any, windows: Windows) -> None:
    images, height, width, channels = x.shape
    for image in range(images):
        for row in range(windows[8]):
            for column in range(windows[9]):
                for i in range(windows[0]):
                    h = row * windows[1] - windows[2] + i * windows[3]
                    for j in range(windows[4] if 0 <= h < height else 0):
                        w = column * windows[5] - windows[6] + j * windows[7]
                        for c in range(channels if 0 <= w < width else 0):
                            result[image, row, column, c] = max(
                                result[image, row, column, c], x[image, h, w, c]
                            )


@njit(nogil=True, cache=True)
def _totals(x: Any, result: Any, sizes: Any) -> None:
    images, height, width, channels = x.shape
    _, rows, columns, _ = result.shape
    for image in range(images):
        for row in range(rows):
            for column in range(columns):
                for i in range(sizes[0]):
                    h = row * sizes[2] - sizes[4] + i
                    for j in range(sizes[1] if 0 <= h < height else 0):
                        w = column * sizes[3] - sizes[5] + j
                        for c in range(channels if 0 <= w < width else 0):
                            result[image, row, column, c] += x[image, h, w, c]
