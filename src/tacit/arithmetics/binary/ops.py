"""The words of bits: quantisers, sums of products of bits, and what becomes of these integers.

`run` computes with what bits stand for: -1 and +1 for bipolar ones, 0 and 1 for unipolar ones. An
engine packs them: a bit is 1 where a bipolar value is negative, and where a unipolar one is 1.
Images are (channels, height, width), as in the graph that was read.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Op, Shape
from tacit.ir.ops import Conv, Linear, Pads, Pool, PoolKind

Entry = TypeVar("Entry", np.float64, np.int32, np.bool_)
SignArray: TypeAlias = NDArray[np.int8]
IntegerArray: TypeAlias = NDArray[np.int32]
SingleArray: TypeAlias = NDArray[np.float32]
TruthArray: TypeAlias = NDArray[np.bool_]

# Comparisons with these hold for every sum, or for none.
ALWAYS, NEVER = int(np.iinfo(np.int32).min), int(np.iinfo(np.int32).max)
# Every integer below it is a number of single precision.
MOST_SUM = 1 << 24


class Alphabet(enum.Enum):
    """What a bit stands for: -1 or +1, or 0 or 1."""

    BIPOLAR = "bipolar"
    UNIPOLAR = "unipolar"

    @property
    def values(self) -> tuple[int, int]:
        """The lesser value and the larger one."""
        return (-1, 1) if self is Alphabet.BIPOLAR else (0, 1)

    def of(self, is_larger: TruthArray) -> FloatArray:
        """The larger value where it is true, else the lesser one."""
        less, more = self.values
        return np.where(is_larger, float(more), float(less))


@dataclass(frozen=True, eq=False)
class Bits(Op):
    """Reals, or integers, as bits by a threshold: one for all, or one a channel along `axis`.

    Bipolar bits are +1 unless x < threshold, or where `flip` is set, unless x > threshold: what is
    no number is +1. Unipolar bits are 1 where x > threshold, or flipped, where x < threshold.
    """

    alphabet: Alphabet
    threshold: FloatArray
    flip: TruthArray
    axis: int = 0

    def __post_init__(self) -> None:
        """Refuse thresholds that do not go with their flips."""
        if self.threshold.ndim != 1 or self.threshold.shape != self.flip.shape:
            raise TypeMismatch("every threshold is flipped or not")

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        require_channels(given, self.axis, self.threshold.size)
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """The bits' values."""
        (x,) = values
        threshold = along(self.threshold, self.axis, x.ndim)
        flip = along(self.flip, self.axis, x.ndim)
        below, above = x < threshold, x > threshold
        match self.alphabet:
            case Alphabet.BIPOLAR:
                return self.alphabet.of(~np.where(flip, above, below))
            case Alphabet.UNIPOLAR:
                return self.alphabet.of(np.where(flip, below, above))


@dataclass(frozen=True, eq=False)
class Digit(Op):
    """One binary digit of how many thresholds are not above an entry, as a unipolar bit.

    `thresholds` is (levels, channels), or (levels, 1) for all; where `flip` is set, thresholds
    count that are above an entry. A quantiser of 2^k levels is k such words, `place` from 0 on.
    """

    thresholds: FloatArray
    flip: TruthArray
    place: int
    axis: int = 0

    def __post_init__(self) -> None:
        """Refuse thresholds that do not go with their flips."""
        if self.thresholds.ndim != 2 or self.thresholds.shape[1:] != self.flip.shape:
            raise TypeMismatch("every channel's thresholds are flipped or not")
        if not 0 <= self.place < len(self.thresholds).bit_length():
            raise TypeMismatch(f"{len(self.thresholds)} levels have no digit {self.place}")

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        require_channels(given, self.axis, self.flip.size)
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """The digits."""
        (x,) = values
        count = np.zeros(x.shape, dtype=np.int64)
        flip = along(self.flip, self.axis, x.ndim)
        for row in self.thresholds:
            threshold = along(row, self.axis, x.ndim)
            count += np.where(flip, x < threshold, x >= threshold)
        return ((count >> self.place) & 1).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Clamps:
    """Integers between their channel's `low` and `high`; channels are the last axis."""

    low: IntegerArray
    high: IntegerArray

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return int(self.low.size)

    def run(self, x: FloatArray) -> FloatArray:
        """The integers."""
        found: FloatArray = np.clip(x, self.low, self.high)
        return found


@dataclass(frozen=True, eq=False)
class Reals:
    """clip(x, low, high) · multiplier + bias, by channel; channels are the last axis.

    In single precision: the product is rounded, and then the sum is.
    """

    low: IntegerArray
    high: IntegerArray
    multiplier: SingleArray
    bias: SingleArray

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return int(self.low.size)

    def run(self, x: FloatArray) -> FloatArray:
        """The reals."""
        whole = np.clip(x, self.low, self.high).astype(np.float32)
        found: SingleArray = whole * self.multiplier + self.bias
        return found.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Bits of integers, by channel: the larger value where x >= threshold, or where `flip`, not so.

    Channels are the last axis. The threshold ALWAYS is below all integers, NEVER above them.
    """

    alphabet: Alphabet
    threshold: IntegerArray
    flip: TruthArray

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return int(self.flip.size)

    def run(self, x: FloatArray) -> FloatArray:
        """The bits' values."""
        return self.alphabet.of((x >= self.threshold) != self.flip)


# What becomes of a product's integers.
Transform: TypeAlias = Clamps | Reals | Thresholds


@dataclass(frozen=True)
class Window:
    """How a convolution goes over an image of bits; `border` is what lies outside of it."""

    stride: tuple[int, ...]
    padding: Pads
    dilation: tuple[int, ...]
    groups: int = 1
    border: int = 0


@dataclass(frozen=True, eq=False)
class BinaryProduct(Op):
    """Sums of bits times weights of -1 and +1, exactly, and one transform of these integers.

    `weight` is (outputs, inputs / groups, *kernel), of one axis or two. Without a window it is
    (outputs, inputs), for the last axis. `alphabet` is that of the bits that come in.
    """

    weight: SignArray
    alphabet: Alphabet
    window: Window | None
    transform: Transform

    def __post_init__(self) -> None:
        """Refuse weights that are no signs."""
        if not np.all(np.abs(self.weight) == 1):
            raise TypeMismatch("a weight of bits is -1 or +1")
        if self.window is None and self.weight.ndim != 2:
            raise TypeMismatch("a product over the last axis has weights of two axes")
        if self.fan_in * max(abs(self.border), 1) >= MOST_SUM:
            raise TypeMismatch(f"sums of {self.fan_in} products are no numbers of single precision")

    @property
    def outputs(self) -> int:
        """How many channels come out."""
        return int(self.weight.shape[0])

    @property
    def fan_in(self) -> int:
        """How many products a sum is of."""
        return math.prod(self.weight.shape[1:])

    @property
    def border(self) -> int:
        """What lies outside of the image."""
        return 0 if self.window is None else self.window.border

    @property
    def axis(self) -> int:
        """The axis of channels: the first of images, the last of what has no window."""
        return -1 if self.window is None else 0

    def shape(self, *shapes: Shape) -> Shape:
        """(outputs, *positions), or the shape with its last axis replaced by the outputs."""
        found = self._layer.shape(*self._bordered_shape(*shapes))
        require_channels(found, self.axis, self.transform.channels)
        return found

    def run(self, *values: FloatArray) -> FloatArray:
        """The transform of the sums."""
        return by_channels(self.transform, self.sums(*values), self.axis)

    def sums(self, *values: FloatArray) -> FloatArray:
        """The integers."""
        (x,) = values
        if self.window is not None:
            sides = ((0, 0), (0, 0), *self.window.padding)
            x = np.pad(x, sides, constant_values=float(self.window.border))
        return self._layer.run(x)

    def _bordered_shape(self, *shapes: Shape) -> tuple[Shape, ...]:
        (given,) = shapes
        window = self.window
        if window is None or len(given) != len(window.padding) + 1:
            return (given,)
        rest = (n + sum(each) for n, each in zip(given[1:], window.padding, strict=True))
        return ((given[0], *rest),)

    @property
    def _layer(self) -> Linear | Conv:
        weight, bias, window = self.weight.astype(np.float64), np.zeros(self.outputs), self.window
        if window is None:
            return Linear(weight, bias)
        bare = tuple((0, 0) for _ in window.padding)
        return Conv(weight, bias, window.stride, bare, window.dilation, window.groups)


@dataclass(frozen=True, eq=False)
class Totals(Op):
    """Σ_k coefficients[k] · v_k + constant, of integers, and one transform of that.

    The constant is one number a channel, along `axis`: 0 for images, -1 otherwise.
    """

    coefficients: tuple[int, ...]
    constant: IntegerArray
    transform: Transform
    axis: int = 0

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        first = shapes[0]
        if len(shapes) != len(self.coefficients) or any(each != first for each in shapes):
            raise TypeMismatch(f"a total of {len(self.coefficients)} values was given {shapes}")
        require_channels(first, self.axis, self.constant.size)
        require_channels(first, self.axis, self.transform.channels)
        return first

    def run(self, *values: FloatArray) -> FloatArray:
        """The transform of the total."""
        total: FloatArray = along(self.constant, self.axis, values[0].ndim).astype(np.float64)
        for coefficient, value in zip(self.coefficients, values, strict=True):
            total = total + coefficient * value
        return by_channels(self.transform, total, self.axis)


@dataclass(frozen=True, eq=False)
class BitPool(Op):
    """The largest bit of each window, or the least in channels where `least` is set."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Pads
    dilation: tuple[int, ...]
    least: TruthArray
    ceil: bool = False

    @property
    def pool(self) -> Pool:
        """The same as a pooling of reals, were all channels to give their largest."""
        around = (self.padding, self.dilation)
        return Pool(PoolKind.MAXIMUM, self.kernel, self.stride, *around, ceil=self.ceil)

    def shape(self, *shapes: Shape) -> Shape:
        """(channels, *positions)."""
        (given,) = shapes
        require_channels(given, 0, self.least.size)
        return self.pool.shape(given)

    def run(self, *values: FloatArray) -> FloatArray:
        """The bits' values."""
        (x,) = values
        least = along(self.least, 0, x.ndim)
        found = self.pool.run(np.where(least, 0.0 - x, x))
        return np.where(least, 0.0 - found, found)


def pooled(pool: Pool, least: TruthArray) -> BitPool:
    """A maximum pooling, of bits some channels of which stand for their opposite."""
    around = (pool.padding, pool.dilation)
    return BitPool(pool.kernel, pool.stride, *around, least, pool.ceil)


def transformed(op: BinaryProduct | Totals, transform: Transform) -> BinaryProduct | Totals:
    """The word with another transform."""
    return replace(op, transform=transform)


def require_channels(shape: Shape, axis: int, count: int) -> None:
    """Refuse a shape whose channels are not as many; one number stands for all of them."""
    if count != 1 and (not shape or shape[axis] != count):
        raise TypeMismatch(f"{count} channels are known of a value of shape {shape}")


def along(values: NDArray[Entry], axis: int, rank: int) -> NDArray[Entry]:
    """One value a channel, shaped to go with a batch of this many axes."""
    if axis == -1 or values.size == 1:
        return values
    return values.reshape(1, -1, *(1,) * (rank - 2))


def by_channels(transform: Transform, sums: FloatArray, axis: int) -> FloatArray:
    """What a transform makes of a batch whose channels are along an axis, 0 or -1."""
    if axis == -1:
        return transform.run(sums)
    return np.moveaxis(transform.run(np.moveaxis(sums, 1, -1)), -1, 1)


# A lowered graph holds source operations too, for what stays real and for moves of bits.
WORDS: tuple[type[Op], ...] = (
    Bits,
    Digit,
    BinaryProduct,
    Totals,
    BitPool,
)
