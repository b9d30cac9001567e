"""Layers by NumPy alone: windows times weights in a BLAS, or channels by themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tacit.arithmetics.field.worker.layers import Layer
from tacit.arithmetics.field.worker.proof import Plan, block_norms, plan

Host: TypeAlias = NDArray[np.integer]
Result: TypeAlias = NDArray[np.int32]
Reals: TypeAlias = NDArray[np.floating]

# A strip of windows of this many entries stays in a core's own cache.
STRIP = 2**19
# A proof by blocks of columns is as good as by columns, and small for large layers.
MOST_BLOCKS = 512


@dataclass(frozen=True, eq=False)
class Matrices:
    """A layer as matrix products that are proven exact, group by group and strip by strip."""

    layer: Layer
    plan: Plan
    weights: tuple[Reals, ...]

    def __call__(self, x: Host) -> Result:
        """W x mod 2^32 of images."""
        limbs = self.plan.limbs
        total: Result | None = None
        for k, part in enumerate(limbs.of(x)):
            found = self._product(part)
            total = found if total is None else total + (found << np.int32(limbs.bits * k))
        assert total is not None, "there is always one part"
        return total

    def _product(self, x: Host) -> Result:
        """One part's product; its windows are made a strip of rows at a time."""
        layer = self.layer
        height, width = layer.spots
        result = np.empty((len(x), height, width, layer.outputs), np.int32)
        if layer.is_plain:
            flat = x.reshape(-1, layer.channels)
            out = result.reshape(-1, layer.outputs)
            lines = max(1, STRIP // layer.channels)
            for top in range(0, len(flat), lines):
                rows: Reals = flat[top : top + lines].astype(self.plan.kind)
                self._multiply(rows[:, None, :], out[top : top + lines])
            return result
        one = height * width * layer.matrix.shape[1] * layer.groups
        many, lines = max(1, STRIP // one), max(1, STRIP * height // one)
        for first in range(0, len(x), many):
            seen = self._windows(self._bordered(x[first : first + many]))
            for top in range(0, height, lines):
                strip = seen[:, top : top + lines]
                places = strip.shape[3] * strip.shape[4]
                rows = strip.reshape(-1, places, layer.channels)
                # One image and some of its rows, or all rows of several: one piece of memory.
                out = result[first : first + many, top : top + lines]
                self._multiply(rows, out.reshape(-1, layer.outputs))
        return result

    def _multiply(self, rows: Reals, out: Result) -> None:
        """The windows (many, places, channels) times the weights of every group."""
        groups = self.layer.groups
        inner, outer = self.layer.channels // groups, self.layer.outputs // groups
        for group, weight in enumerate(self.weights):
            own = rows[:, :, group * inner : (group + 1) * inner].reshape(len(rows), -1)
            target = out[:, group * outer : (group + 1) * outer]
            for place, (start, stop) in enumerate(self.plan.spans):
                found = _wrapped(own[:, start:stop] @ weight[start:stop])
                target[...] = found if place == 0 else target + found

    def _bordered(self, images: Host) -> Reals:
        """The images as floats, with zeros around them."""
        (top, _), (left, _) = self.layer.padding
        height, width = self.layer.size
        shape = (len(images), *self.layer.padded, self.layer.channels)
        padded = np.zeros(shape, self.plan.kind)
        padded[:, top : top + height, left : left + width] = images
        return padded

    def _windows(self, images: Reals) -> Reals:
        """A view (batch, height, width, kernel height, kernel width, channels) of all windows."""
        batch, down, right, deep = images.strides
        (sh, sw), (dh, dw) = self.layer.stride, self.layer.dilation
        shape = (len(images), *self.layer.spots, *self.layer.kernel, self.layer.channels)
        strides = (batch, down * sh, right * sw, down * dh, right * dw, deep)
        return as_strided(images, shape, strides, writeable=False)


@dataclass(frozen=True, eq=False)
class Shifts:
    """A depthwise layer: shifted images times numbers, in wrapping 32-bit integers."""

    layer: Layer

    def __call__(self, x: Host) -> Result:
        """W x mod 2^32 of images."""
        layer = self.layer
        weight = layer.weight[..., 0].transpose(1, 2, 0).astype(np.int32)
        wide = x.astype(np.int32, copy=False).repeat(layer.outputs // layer.groups, axis=3)
        padded = np.pad(wide, ((0, 0), *layer.padding, (0, 0)))
        total = np.zeros((len(x), *layer.spots, layer.outputs), np.int32)
        for (i, j), (rows, columns) in layer.offsets():
            total += padded[:, rows, columns] * weight[i, j]
        return total


def by_numpy(layer: Layer) -> Matrices | Shifts:
    """The layer in NumPy's words."""
    if layer.is_depthwise:
        return Shifts(layer)
    columns = layer.matrix.shape[1]
    width = -(-columns // MOST_BLOCKS)
    chosen = plan(block_norms(layer.matrix, width), layer.magnitude, columns)
    spans = tuple((start * width, min(stop * width, columns)) for start, stop in chosen.spans)
    parts = np.split(layer.matrix, layer.groups)
    # A BLAS reads the transpose as it lies; the largest layers are not copied twice.
    weights = tuple(_transposed(part, chosen.kind) for part in parts)
    return Matrices(layer, replace(chosen, spans=spans), weights)


def _transposed(values: Host, kind: type[np.float32 | np.float64]) -> Reals:
    found: Reals = values.astype(kind)
    return found.T


def _wrapped(y: Reals) -> Result:
    """Exact integers in floats as 32-bit integers, modulo 2^32."""
    if y.dtype == np.float32:
        return y.astype(np.int32)
    return y.astype(np.int64).astype(np.int32)
