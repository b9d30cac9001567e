"""Layers of bits of all shapes, and their integers by another way: windows of int64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tacit.arithmetics.binary.ops import (
    Alphabet,
    BinaryProduct,
    Clamps,
    IntegerArray,
    Reals,
    Thresholds,
    Transform,
    Window,
)
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Shape

FAR = 1 << 20


@dataclass(frozen=True)
class Case:
    """A convolution of bits over an image, or over a sequence where the size is one number."""

    alphabet: Alphabet
    channels: int
    outputs: int
    size: Shape
    kernel: Shape
    window: Window
    seed: int = 0

    @property
    def generator(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    @property
    def shape(self) -> Shape:
        return self.channels, *self.size

    def weight(self) -> NDArray[np.int8]:
        shape = (self.outputs, self.channels // self.window.groups, *self.kernel)
        return self.generator.choice(np.array([-1, 1], dtype=np.int8), size=shape)

    def inputs(self, rows: int = 2) -> FloatArray:
        less, more = self.alphabet.values
        values = np.array([less, more], dtype=np.float64)
        return self.generator.choice(values, size=(rows, *self.shape))

    def product(self, transform: Transform | None = None) -> BinaryProduct:
        found = free(self.outputs) if transform is None else transform
        return BinaryProduct(self.weight(), self.alphabet, self.window, found)

    def sums(self, x: FloatArray) -> NDArray[np.int64]:
        """The integers, (rows, outputs, *positions)."""
        return convolved(x, self.weight(), self.window)


def convolved(x: FloatArray, weight: NDArray[np.int8], window: Window) -> NDArray[np.int64]:
    """A convolution in int64, group after group."""
    rank = len(window.stride)
    padded = np.pad(
        x.astype(np.int64), ((0, 0), (0, 0), *window.padding), constant_values=window.border
    )
    kernel = weight.shape[2:]
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, window.dilation, strict=True))
    seen = sliding_window_view(padded, reach, axis=tuple(range(2, 2 + rank)))
    steps = tuple(slice(None, None, s) for s in window.stride)
    taps = tuple(slice(None, None, d) for d in window.dilation)
    seen = seen[(slice(None), slice(None), *steps, *taps)]
    whole = weight.astype(np.int64)
    parts = zip(np.split(seen, window.groups, axis=1), np.split(whole, window.groups), strict=True)
    axes = tuple(range(2 + rank, 2 + 2 * rank))
    found = [np.tensordot(a, w, ((1, *axes), (1, *range(2, 2 + rank)))) for a, w in parts]
    return np.moveaxis(np.concatenate(found, axis=-1), -1, 1)


def free(outputs: int) -> Clamps:
    """Clamps that clamp nothing."""
    return Clamps(*(np.full(outputs, end, dtype=np.int32) for end in (-FAR, FAR)))


def integers(values: NDArray[np.int64]) -> IntegerArray:
    return values.astype(np.int32)


@st.composite
def windows(draw: st.DrawFn, rank: int, border: st.SearchStrategy[int]) -> tuple[Shape, Window]:
    """A kernel and how it goes over the image; filters may be larger than that."""

    def each(low: int, high: int) -> Shape:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    padding = tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(rank))
    window = Window(each(1, 3), padding, each(1, 3), border=draw(border))
    return each(1, 5), window


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any layer: 1 to 130 channels, odd sizes, groups, any border."""
    alphabet = draw(st.sampled_from(Alphabet))
    rank = draw(st.sampled_from((2, 2, 1)))
    kernel, window = draw(windows(rank, st.sampled_from((0, 0, 1, -1, 2, -3))))
    groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
    most = {1: 130, 2: 65, 3: 11}[groups]
    channels = groups * draw(st.integers(1, most) | st.sampled_from((1, min(32, most))))
    outputs = groups * draw(st.integers(1, 12))
    reach = [
        max(1, d * (k - 1) + 1 - sum(pads))
        for k, d, pads in zip(kernel, window.dilation, window.padding, strict=True)
    ]
    size = tuple(draw(st.integers(least, least + 4)) for least in reach)
    grouped = Window(window.stride, window.padding, window.dilation, groups, window.border)
    seed = draw(st.integers(0, 2**31))
    return Case(alphabet, channels, outputs, size, kernel, grouped, seed)


def transforms(case: Case, sums: NDArray[np.int64]) -> tuple[Clamps, Reals, Thresholds, Thresholds]:
    """One of each kind, with ends and thresholds among the sums themselves."""
    random, outputs = case.generator, case.outputs
    chosen = [integers(random.choice(sums.reshape(-1), size=outputs)) for _ in range(3)]
    low, high = np.minimum(*chosen[:2]), np.maximum(*chosen[:2])
    flip = random.random(outputs) < 0.5
    factors = (random.normal(size=outputs).astype(np.float32) for _ in range(2))
    return (
        Clamps(low, high),
        Reals(low, high, *factors),
        Thresholds(Alphabet.BIPOLAR, chosen[2], flip),
        Thresholds(Alphabet.UNIPOLAR, chosen[2], flip),
    )
