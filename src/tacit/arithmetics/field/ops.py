"""The words of the field: integer products that a worker computes, and what the verifier does.

Values between `Encode` and `Decode` are integers. `run` computes them as doubles, which hold every
integer below 2^53 exactly, or as int64 where a number grows longer; an engine computes the very
same numbers. Images are (channels, height, width), as in the graph that was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from tacit.errors import OutOfRange, TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Op, Shape
from tacit.ir.ops import Conv, Linear, Pads, positions, windows

# As many bits as Slalom's weights need; those of the other format are 8 and fit in a byte.
Number = TypeVar("Number", np.int64, np.float64)
WeightArray: TypeAlias = NDArray[np.int16]
IntegerArray: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Encode(Op):
    """The input as integers: rint(x / scale) + zero_point, between `low` and `high`.

    `least` and `most` are what an entry may hold without being refused.
    """

    of: Shape
    scale: float
    zero_point: int
    low: int
    high: int
    least: float
    most: float

    holds_weights: ClassVar[bool] = False

    @property
    def dtype(self) -> np.dtype[np.uint8] | np.dtype[np.int32]:
        """In what an engine keeps the integers."""
        narrow = self.low >= 0 and self.high <= np.iinfo(np.uint8).max
        return np.dtype(np.uint8) if narrow else np.dtype(np.int32)

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        if given != self.of:
            raise TypeMismatch(f"an input of shape {given} was given for {self.of}")
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """The integers; what is outside goes to the border."""
        (x,) = values
        found: FloatArray = np.rint(x / self.scale) + self.zero_point
        return found.clip(self.low, self.high)

    def check(self, x: FloatArray, *, clip: bool) -> FloatArray:
        """The input, refused with OutOfRange where an entry is outside, unless it may be moved."""
        outside = (x < self.least) | (x > self.most)
        if clip or not outside.any():
            return x
        row, *entry = np.argwhere(outside)[0]
        raise OutOfRange(
            f"entry {tuple(map(int, entry))} of row {row} is {x[(row, *entry)]:.6g}; "
            f"calibrated is {self.least:.6g} to {self.most:.6g}",
            hint="scale it as in training, clip it, or calibrate on such data",
        )


@dataclass(frozen=True, eq=False)
class Dense(Op):
    """y = W x over the last axis, exactly; `weight` is (outputs, inputs)."""

    weight: WeightArray

    def shape(self, *shapes: Shape) -> Shape:
        """The shape with its last axis replaced by the outputs."""
        return self._real.shape(*shapes)

    def run(self, *values: FloatArray) -> FloatArray:
        """W x."""
        return self._real.run(*values)

    @property
    def _real(self) -> Linear:
        return Linear(self.weight.astype(np.float64), np.zeros(len(self.weight)))


@dataclass(frozen=True, eq=False)
class Convolution(Op):
    """A convolution of integers, exactly; outside of the image are zeros.

    `weight` is (outputs, inputs / groups, *kernel), as in `ir.ops.Conv`.
    """

    weight: WeightArray
    stride: tuple[int, ...]
    padding: Pads
    dilation: tuple[int, ...]
    groups: int = 1

    def shape(self, *shapes: Shape) -> Shape:
        """(outputs, *positions)."""
        return self._real.shape(*shapes)

    def run(self, *values: FloatArray) -> FloatArray:
        """Each output position's window times the weights."""
        return self._real.run(*values)

    @property
    def is_depthwise(self) -> bool:
        """Whether every output depends on one channel alone."""
        return self.weight.shape[1] == 1 and self.groups > 1

    @property
    def _real(self) -> Conv:
        weight = self.weight.astype(np.float64)
        bias = np.zeros(len(weight))
        return Conv(weight, bias, self.stride, self.padding, self.dilation, self.groups)


Product: TypeAlias = Dense | Convolution
PRODUCTS: tuple[type[Op], ...] = (Dense, Convolution)


@dataclass(frozen=True, eq=False)
class Rescale(Op):
    """clip(floor((Σ_k multipliers[k] · v_k + offset) / 2^shift), low, high), in 64-bit integers.

    It takes one value or several of one shape, each with a multiplier for every channel, along
    `axis` (0 for images, -1 for what a dense layer gives). Rounding to nearest, halves upwards, is
    2^(shift - 1) in the offset. The lowering proves that no intermediate leaves 63 bits.
    """

    multipliers: IntegerArray
    offset: IntegerArray
    shift: int
    low: int
    high: int
    axis: int = 0

    def __post_init__(self) -> None:
        """Refuse what fits nowhere."""
        if self.multipliers.ndim != 2 or self.multipliers.shape[1:] != self.offset.shape:
            raise TypeMismatch("every value of a rescaling needs a multiplier for every channel")
        if not 0 <= self.shift < 63 or self.low > self.high:
            raise TypeMismatch(f"no rescaling shifts by {self.shift} into {self.low}..{self.high}")

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        first = shapes[0]
        channels = first[self.axis] if first else None
        if any(each != first for each in shapes) or channels != len(self.offset):
            raise TypeMismatch(f"a rescaling of {len(self.offset)} channels was given {shapes}")
        if len(shapes) != len(self.multipliers):
            raise TypeMismatch(f"{len(shapes)} values, {len(self.multipliers)} of them known")
        return first

    def run(self, *values: FloatArray) -> FloatArray:
        """The integers, halves upwards."""
        total = along(self.offset, self.axis, values[0].ndim)
        for multiplier, value in zip(self.multipliers, values, strict=True):
            total = total + along(multiplier, self.axis, value.ndim) * value.astype(np.int64)
        found: IntegerArray = (total >> self.shift).clip(self.low, self.high)
        return found.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Table(Op):
    """table[v - low]: any scalar function of an integer from `low` on."""

    table: NDArray[np.int16]
    low: int

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """The entries looked up."""
        (x,) = values
        return self.table[x.astype(np.int64) - self.low].astype(np.float64)


@dataclass(frozen=True, eq=False)
class Totals(Op):
    """The sum of each window over the last axes: an average pooling before its division."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Pads

    def shape(self, *shapes: Shape) -> Shape:
        """(channels, *positions)."""
        (given,) = shapes
        if len(given) != len(self.kernel) + 1:
            raise TypeMismatch(f"a pooling over {len(self.kernel)} axes was given {given}")
        return (given[0], *positions(given[1:], self.kernel, self.stride, self.padding))

    def run(self, *values: FloatArray) -> FloatArray:
        """The sums."""
        (x,) = values
        ones = (1,) * len(self.kernel)
        found = windows(x, self.kernel, self.stride, self.padding, ones, 0.0)
        total: FloatArray = found.sum(axis=tuple(range(-len(self.kernel), 0)))
        return total


@dataclass(frozen=True, eq=False)
class Inner(Op):
    """The matrix product of two activations without their zero points; the verifier computes it."""

    zero_points: tuple[int, int]

    def shape(self, *shapes: Shape) -> Shape:
        """(…, rows, columns)."""
        first, second = shapes
        if len(first) < 2 or len(second) < 2 or first[-1] != second[-2]:
            raise TypeMismatch(f"no matrix product of {first} and {second}")
        return (*np.broadcast_shapes(first[:-2], second[:-2]), first[-2], second[-1])

    def run(self, *values: FloatArray) -> FloatArray:
        """(a - Z_a) (b - Z_b)."""
        first, second = (v - zero for v, zero in zip(values, self.zero_points, strict=True))
        result: FloatArray = np.matmul(first, second)
        return result


@dataclass(frozen=True, eq=False)
class Entrywise(Op):
    """The product of two activations entry by entry, without their zero points, by broadcasting."""

    zero_points: tuple[int, int]

    def shape(self, *shapes: Shape) -> Shape:
        """The shape after broadcasting."""
        return tuple(np.broadcast_shapes(*shapes))

    def run(self, *values: FloatArray) -> FloatArray:
        """(a - Z_a) · (b - Z_b)."""
        first, second = (v - zero for v, zero in zip(values, self.zero_points, strict=True))
        return first * second


@dataclass(frozen=True, eq=False)
class Decode(Op):
    """The reals Σ_k scales[k] · v_k + offset that integers stand for, by channel along `axis`."""

    scales: FloatArray
    offset: FloatArray
    axis: int = 0

    holds_weights: ClassVar[bool] = True

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        first = shapes[0]
        known = len(shapes) == len(self.scales) and all(each == first for each in shapes)
        if not known or not first or first[self.axis] != len(self.offset):
            raise TypeMismatch(f"a decoding of {len(self.offset)} channels was given {shapes}")
        return first

    def run(self, *values: FloatArray) -> FloatArray:
        """The reals."""
        total: FloatArray = along(self.offset, self.axis, values[0].ndim)
        for scale, value in zip(self.scales, values, strict=True):
            total = total + along(scale, self.axis, value.ndim) * value
        return total


def along(values: NDArray[Number], axis: int, rank: int) -> NDArray[Number]:
    """One value a channel, shaped to go with a batch of this many axes."""
    if axis == -1:
        return values
    return values.reshape(1, -1, *(1,) * (rank - 2))


# All that a lowered graph may hold beside source operations that need no other meaning here:
# maximum pooling, reshapes, permutations, slices, borders, concatenations and sums.
WORDS: tuple[type[Op], ...] = (
    Encode,
    Dense,
    Convolution,
    Rescale,
    Table,
    Totals,
    Inner,
    Entrywise,
    Decode,
)
