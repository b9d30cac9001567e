"""The source operations: what a user's model is read into.

Shapes leave out the batch; a value's first axis is always the batch, and broadcasting is over the
axes after it, aligned at the last one as in NumPy.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.polynomial import chebyshev

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Input, Op, Shape

Pads = tuple[tuple[int, int], ...]
# A convolution copies the windows of so many rows at once as this holds, and of one at least.
WINDOWS_BYTES = 2**26


def _refuse(message: str, *, when: bool) -> None:
    if when:
        raise TypeMismatch(message)


def _broadcast(first: Shape, second: Shape) -> Shape:
    try:
        return tuple(np.broadcast_shapes(first, second))
    except ValueError:
        raise TypeMismatch(f"shapes {first} and {second} do not go together") from None


def _aligned(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both values with as many axes, so that their batches meet."""
    rank = max(first.ndim, second.ndim)

    def widened(value: FloatArray) -> FloatArray:
        ones = (1,) * (rank - value.ndim)
        return value.reshape(value.shape[:1] + ones + value.shape[1:])

    return widened(first), widened(second)


@dataclass(frozen=True, eq=False)
class Constant(Op):
    """A value that the model brings with it, without a batch."""

    value: FloatArray

    def shape(self, *shapes: Shape) -> Shape:
        """The value's own shape."""
        return self.value.shape

    def run(self, *values: FloatArray) -> FloatArray:
        """The value as a batch of one, which broadcasts."""
        return self.value[None]


@dataclass(frozen=True, eq=False)
class Linear(Op):
    """y = W x + b over the last axis; `weight` is (outputs, inputs), `bias` (outputs,)."""

    weight: FloatArray
    bias: FloatArray

    def shape(self, *shapes: Shape) -> Shape:
        """The shape with its last axis replaced by the outputs."""
        (given,) = shapes
        outputs, inputs = self.weight.shape
        wrong = not given or given[-1] != inputs
        _refuse(f"a linear layer of {inputs} inputs was given {given}", when=wrong)
        return (*given[:-1], outputs)

    def run(self, *values: FloatArray) -> FloatArray:
        """W x + b."""
        (x,) = values
        result: FloatArray = x @ self.weight.T + self.bias
        return result


@dataclass(frozen=True, eq=False)
class Conv(Op):
    """A convolution over the last one or two axes, as the field writes it (a correlation).

    `weight` is (outputs, inputs / groups, *kernel); `padding` holds (before, after) per axis.
    """

    weight: FloatArray
    bias: FloatArray
    stride: tuple[int, ...]
    padding: Pads
    dilation: tuple[int, ...]
    groups: int = 1

    @property
    def kernel(self) -> tuple[int, ...]:
        """The kernel's extent per axis."""
        return self.weight.shape[2:]

    def shape(self, *shapes: Shape) -> Shape:
        """(outputs, *positions)."""
        (given,) = shapes
        channels = self.weight.shape[1] * self.groups
        wrong = len(given) != len(self.kernel) + 1 or given[0] != channels
        _refuse(f"a convolution of {channels} channels was given {given}", when=wrong)
        outputs = self.weight.shape[0]
        _refuse(f"{outputs} outputs in {self.groups} groups", when=outputs % self.groups != 0)
        reach = tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return (outputs, *positions(given[1:], reach, self.stride, self.padding))

    def run(self, *values: FloatArray) -> FloatArray:
        """Each output position's window times the weights."""
        (x,) = values
        spots = math.prod(self.shape(x.shape[1:])[1:])
        copied = x.itemsize * x.shape[1] * math.prod(self.kernel) * spots
        rows = max(1, WINDOWS_BYTES // copied)
        if len(x) <= rows:
            return self._piece(x)
        pieces = [self._piece(x[start : start + rows]) for start in range(0, len(x), rows)]
        return np.concatenate(pieces)

    def _piece(self, x: FloatArray) -> FloatArray:
        """The outputs of some rows, whose windows are copied at once."""
        found = windows(x, self.kernel, self.stride, self.padding, self.dilation, 0.0)
        batch, channels, rank = found.shape[0], found.shape[1], len(self.kernel)
        per = channels // self.groups
        out_per = self.weight.shape[0] // self.groups
        spots = found.shape[2 : 2 + rank]
        parts = []
        for group in range(self.groups):
            chosen = found[:, group * per : (group + 1) * per]
            # (batch, positions…, channels, kernel…) as one matrix against (inputs, outputs)
            order = (0, *range(2, 2 + rank), 1, *range(2 + rank, 2 + 2 * rank))
            rows = chosen.transpose(order).reshape(batch * math.prod(spots), -1)
            weight = self.weight[group * out_per : (group + 1) * out_per].reshape(out_per, -1)
            parts.append((rows @ weight.T).reshape(batch, *spots, out_per))
        joined = np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)
        result: FloatArray = joined + self.bias.reshape((1, -1) + (1,) * rank)
        return result


def positions(
    size: Shape, reach: Shape, stride: Shape, padding: Pads, *, ceil: bool = False
) -> Shape:
    """How many windows of this reach fit along each axis."""
    result = []
    for n, k, s, (before, after) in zip(size, reach, stride, padding, strict=True):
        room = n + before + after - k
        _refuse(f"a window of {k} does not fit in {n} + padding {before + after}", when=room < 0)
        count = (-(-room // s) if ceil else room // s) + 1
        # As torch: a window that would begin in the padding behind does not count.
        if ceil and (count - 1) * s >= n + before:
            count -= 1
        result.append(count)
    return tuple(result)


def windows(  # noqa: PLR0913, PLR0917 (a window is all of these)
    x: FloatArray,
    kernel: Shape,
    stride: Shape,
    padding: Pads,
    dilation: Shape,
    fill: float,
) -> FloatArray:
    """A view (batch, channels, *positions, *kernel) of all windows of `x`."""
    rank = len(kernel)
    if any(before or after for before, after in padding):
        x = np.pad(x, ((0, 0), (0, 0), *padding), constant_values=fill)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    view = sliding_window_view(x, reach, axis=tuple(range(2, 2 + rank)))
    steps = tuple(slice(None, None, s) for s in stride)
    skips = tuple(slice(None, None, d) for d in dilation)
    result: FloatArray = view[(slice(None), slice(None), *steps, *skips)]
    return result


@dataclass(frozen=True, eq=False)
class Affine(Op):
    """scale · x + shift, each of one value per channel (the first axis): a batch norm at rest."""

    scale: FloatArray
    offset: FloatArray

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        wrong = not given or given[0] != self.scale.shape[0]
        _refuse(f"a batch norm of {self.scale.shape[0]} channels was given {given}", when=wrong)
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """scale · x + shift."""
        (x,) = values
        broad = (1, -1) + (1,) * (x.ndim - 2)
        result: FloatArray = x * self.scale.reshape(broad) + self.offset.reshape(broad)
        return result


class PoolKind(enum.Enum):
    """What a pooling takes of each window."""

    AVERAGE = "average"
    MAXIMUM = "maximum"


@dataclass(frozen=True, eq=False)
class Pool(Op):
    """The average or maximum of each window over the last axes, one or two.

    `count_padding` says whether zeros of the padding count in an average.
    """

    kind: PoolKind
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Pads
    dilation: tuple[int, ...]
    ceil: bool = False
    count_padding: bool = True

    def shape(self, *shapes: Shape) -> Shape:
        """(channels, *positions)."""
        (given,) = shapes
        wrong = len(given) != len(self.kernel) + 1
        _refuse(f"a pooling over {len(self.kernel)} axes was given {given}", when=wrong)
        reach = tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        spots = positions(given[1:], reach, self.stride, self.padding, ceil=self.ceil)
        return (given[0], *spots)

    def run(self, *values: FloatArray) -> FloatArray:
        """The average or maximum of every window."""
        (x,) = values
        axes = tuple(range(-len(self.kernel), 0))
        if self.kind is PoolKind.MAXIMUM:
            found: FloatArray = self._windows(x, -np.inf).max(axis=axes)
            return found
        total: FloatArray = self._windows(x, 0.0).sum(axis=axes)
        return total / self.counts(x.shape[2:])

    def counts(self, size: Shape) -> FloatArray:
        """By how much each window's sum is divided, of the positions' shape."""
        axes = tuple(range(-len(self.kernel), 0))
        inside = np.ones((1, 1, *size))
        if self.count_padding:
            # The padding counts, but what a ceiling adds behind it does not, as in torch.
            inside = np.pad(inside, ((0, 0), (0, 0), *self.padding), constant_values=1.0)
            bare = tuple((0, 0) for _ in self.padding)
            found = self._windows(inside, 0.0, bare, self.overhang(size))
        else:
            found = self._windows(inside, 0.0)
        result: FloatArray = found[0, 0].sum(axis=axes)
        return result

    def overhang(self, size: Shape) -> tuple[int, ...]:
        """How far the last window reaches beyond the padded end of each axis."""
        reach = tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        spots = positions(size, reach, self.stride, self.padding, ceil=self.ceil)
        return tuple(
            max(0, (count - 1) * s + k - (n + sum(pads)))
            for count, s, k, n, pads in zip(
                spots, self.stride, reach, size, self.padding, strict=True
            )
        )

    def _windows(
        self,
        x: FloatArray,
        fill: float,
        padding: Pads | None = None,
        overhang: tuple[int, ...] | None = None,
    ) -> FloatArray:
        over = self.overhang(x.shape[2:]) if overhang is None else overhang
        pads = self.padding if padding is None else padding
        wider = tuple(
            (before, after + more) for (before, after), more in zip(pads, over, strict=True)
        )
        return windows(x, self.kernel, self.stride, wider, self.dilation, fill)


@dataclass(frozen=True, eq=False)
class AdaptivePool(Op):
    """The average or maximum over windows that divide the last axes into `to` parts, as torch."""

    kind: PoolKind
    to: tuple[int, ...]

    def shape(self, *shapes: Shape) -> Shape:
        """(channels, *to)."""
        (given,) = shapes
        _refuse(f"a pooling to {self.to} was given {given}", when=len(given) != len(self.to) + 1)
        return (given[0], *self.to)

    def run(self, *values: FloatArray) -> FloatArray:
        """Axis after axis, the average or maximum of each part."""
        (x,) = values
        for axis, count in enumerate(self.to, start=2):
            parts = [
                np.take(x, range(low, high), axis=axis)
                for low, high in adaptive_windows(x.shape[axis], count)
            ]
            kept = [self._of(part, axis) for part in parts]
            x = np.concatenate(kept, axis=axis)
        return x

    def _of(self, part: FloatArray, axis: int) -> FloatArray:
        if self.kind is PoolKind.MAXIMUM:
            result: FloatArray = part.max(axis=axis, keepdims=True)
            return result
        average: FloatArray = part.mean(axis=axis, keepdims=True)
        return average


def adaptive_windows(size: int, count: int) -> list[tuple[int, int]]:
    """The begin and end of each of `count` windows over `size` entries, as torch divides them."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


@dataclass(frozen=True, eq=False)
class Add(Op):
    """a + b."""

    def shape(self, *shapes: Shape) -> Shape:
        """Both shapes, broadcast."""
        return _broadcast(*shapes)

    def run(self, *values: FloatArray) -> FloatArray:
        """a + b."""
        first, second = _aligned(*values)
        result: FloatArray = first + second
        return result


@dataclass(frozen=True, eq=False)
class Sub(Op):
    """a - b."""

    def shape(self, *shapes: Shape) -> Shape:
        """Both shapes, broadcast."""
        return _broadcast(*shapes)

    def run(self, *values: FloatArray) -> FloatArray:
        """a - b."""
        first, second = _aligned(*values)
        result: FloatArray = first - second
        return result


@dataclass(frozen=True, eq=False)
class Mul(Op):
    """a · b, entry by entry."""

    def shape(self, *shapes: Shape) -> Shape:
        """Both shapes, broadcast."""
        return _broadcast(*shapes)

    def run(self, *values: FloatArray) -> FloatArray:
        """a · b."""
        first, second = _aligned(*values)
        result: FloatArray = first * second
        return result


@dataclass(frozen=True, eq=False)
class MatMul(Op):
    """The matrix product over the last two axes, broadcast over those before."""

    def shape(self, *shapes: Shape) -> Shape:
        """(…, rows, columns)."""
        first, second = shapes
        wrong = len(first) < 2 or len(second) < 2 or first[-1] != second[-2]
        _refuse(f"matrices {first} and {second} do not go together", when=wrong)
        return (*_broadcast(first[:-2], second[:-2]), first[-2], second[-1])

    def run(self, *values: FloatArray) -> FloatArray:
        """a @ b."""
        first, second = _aligned(*values)
        result: FloatArray = first @ second
        return result


@dataclass(frozen=True, eq=False)
class Map(Op):
    """A scalar function of every entry."""

    function: Function

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """The function's exact values."""
        (x,) = values
        return self.function.exact(x)


@dataclass(frozen=True, eq=False)
class Approximated(Op):
    """A scalar function of every entry, by the polynomials that a trained model brings for it.

    `stages` are Chebyshev coefficients on `intervals`, innermost first; all but the first interval
    lie around 0. With s the last stage's value at x, what comes out is constant + step · s +
    slope · x + bend · x · s. A single polynomial is a step of 1.
    """

    function: Function
    stages: tuple[tuple[float, ...], ...]
    intervals: tuple[tuple[float, float], ...]
    constant: float = 0.0
    step: float = 0.0
    slope: float = 0.0
    bend: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what are no polynomials after one another."""
        pairs = len(self.stages) == len(self.intervals) > 0
        _refuse(f"{len(self.stages)} stages on {len(self.intervals)} intervals", when=not pairs)
        inside = (number for each in (*self.stages, *self.intervals) for number in each)
        numbers = (*inside, self.constant, self.step, self.slope, self.bend)
        _refuse("a number is not finite", when=not all(map(math.isfinite, numbers)))
        _refuse("a stage has no coefficient", when=not all(self.stages))
        for place, (low, high) in enumerate(self.intervals):
            wrong = low >= high or (place > 0 and low != -high)
            _refuse(f"stage {place + 1} cannot be on [{low:g}, {high:g}]", when=wrong)

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """The polynomials' values, which are what it means, not the function's."""
        (x,) = values
        s = x
        for coefficients, (low, high) in zip(self.stages, self.intervals, strict=True):
            t = ((s - low) + (s - high)) / (high - low)
            s = chebyshev.chebval(t, np.array(coefficients))
        result: FloatArray = self.constant + self.step * s + x * (self.slope + self.bend * s)
        return result


@dataclass(frozen=True, eq=False)
class FakeQuantise(Op):
    """Every entry moved to the nearest point scale · (q - zero_point), `low` <= q <= `high`.

    Scale and zero point are of one value, or of one per channel (the first axis). What training
    with quantisation leaves in a model (Jacob et al. 2018, arXiv 1712.05877, section 3).
    """

    scale: FloatArray
    zero_point: FloatArray
    low: int
    high: int

    def __post_init__(self) -> None:
        """Refuse what is no grid."""
        whole = np.array_equal(self.zero_point, np.rint(self.zero_point))
        positive = bool(np.all(self.scale > 0.0) and np.all(np.isfinite(self.scale)))
        _refuse("the scales of a grid are positive numbers", when=not positive)
        _refuse("the zero points of a grid are whole numbers", when=not whole)
        _refuse(f"a grid from {self.low} to {self.high} is empty", when=self.low > self.high)
        same = self.scale.shape == self.zero_point.shape and self.scale.ndim <= 1
        _refuse("a grid has one scale for each zero point", when=not same)

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        wrong = self.scale.size > 1 and (not given or given[0] != self.scale.size)
        _refuse(f"a grid of {self.scale.size} channels was given {given}", when=wrong)
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """The nearest points, halves to the even one."""
        (x,) = values
        broad = (1, -1) + (1,) * (x.ndim - 2)
        scale, zero_point = self.scale, self.zero_point
        if scale.size > 1:
            scale, zero_point = scale.reshape(broad), zero_point.reshape(broad)
        q = np.clip(np.rint(x / scale + zero_point), self.low, self.high)
        result: FloatArray = (q - zero_point) * scale
        return result


class ReduceKind(enum.Enum):
    """What a reduction makes of the entries along its axes."""

    SUM = "sum"
    MEAN = "mean"


@dataclass(frozen=True, eq=False)
class Reduce(Op):
    """The sum or mean along `axes` (counted without the batch), which stay as 1 if `keep`."""

    kind: ReduceKind
    axes: tuple[int, ...]
    keep: bool = False

    def shape(self, *shapes: Shape) -> Shape:
        """The shape without the axes."""
        (given,) = shapes
        _refuse(f"no axes {self.axes}", when=any(not 0 <= axis < len(given) for axis in self.axes))
        if self.keep:
            return tuple(1 if i in self.axes else n for i, n in enumerate(given))
        return tuple(n for i, n in enumerate(given) if i not in self.axes)

    def run(self, *values: FloatArray) -> FloatArray:
        """The sum or mean."""
        (x,) = values
        axes = tuple(axis + 1 for axis in self.axes)
        total: FloatArray = x.sum(axis=axes, keepdims=self.keep)
        if self.kind is ReduceKind.SUM:
            return total
        mean: FloatArray = total / math.prod(x.shape[axis] for axis in axes)
        return mean


@dataclass(frozen=True, eq=False)
class Reshape(Op):
    """The same entries in row-major order under another shape."""

    to: Shape

    def shape(self, *shapes: Shape) -> Shape:
        """The new shape."""
        (given,) = shapes
        wrong = math.prod(given) != math.prod(self.to)
        _refuse(f"{given} cannot be shaped into {self.to}", when=wrong)
        return self.to

    def run(self, *values: FloatArray) -> FloatArray:
        """The entries under the new shape."""
        (x,) = values
        return x.reshape(x.shape[0], *self.to)


@dataclass(frozen=True, eq=False)
class Permute(Op):
    """The axes (counted without the batch) in another order."""

    order: tuple[int, ...]

    def shape(self, *shapes: Shape) -> Shape:
        """The shape in the new order."""
        (given,) = shapes
        _refuse(
            f"no order {self.order} of {given}", when=sorted(self.order) != list(range(len(given)))
        )
        return tuple(given[axis] for axis in self.order)

    def run(self, *values: FloatArray) -> FloatArray:
        """The value with its axes in the new order."""
        (x,) = values
        return x.transpose(0, *(axis + 1 for axis in self.order))


@dataclass(frozen=True, eq=False)
class Concat(Op):
    """Values one behind the other along an axis (counted without the batch)."""

    axis: int

    def shape(self, *shapes: Shape) -> Shape:
        """The sum of the extents along the axis."""
        first = shapes[0]
        others = [s[: self.axis] + s[self.axis + 1 :] for s in shapes]
        _refuse(f"{shapes} do not line up", when=any(each != others[0] for each in others))
        total = sum(each[self.axis] for each in shapes)
        return (*first[: self.axis], total, *first[self.axis + 1 :])

    def run(self, *values: FloatArray) -> FloatArray:
        """The values joined."""
        batch = max(value.shape[0] for value in values)
        full = [np.broadcast_to(value, (batch, *value.shape[1:])) for value in values]
        return np.concatenate(full, axis=self.axis + 1)


@dataclass(frozen=True, eq=False)
class Slice(Op):
    """Every `step`-th entry from `start` to before `stop` along an axis (without the batch)."""

    axis: int
    start: int
    stop: int
    step: int = 1

    def shape(self, *shapes: Shape) -> Shape:
        """The shape with the axis cut."""
        (given,) = shapes
        wrong = not 0 <= self.axis < len(given) or self.step < 1
        _refuse(f"no axis {self.axis} in {given}, or step {self.step} is not positive", when=wrong)
        count = len(range(*slice(self.start, self.stop, self.step).indices(given[self.axis])))
        _refuse(f"the slice {self.start}:{self.stop} of {given} is empty", when=count == 0)
        return (*given[: self.axis], count, *given[self.axis + 1 :])

    def run(self, *values: FloatArray) -> FloatArray:
        """The entries kept."""
        (x,) = values
        index: list[slice] = [slice(None)] * x.ndim
        index[self.axis + 1] = slice(self.start, self.stop, self.step)
        return x[tuple(index)]


@dataclass(frozen=True, eq=False)
class Pad(Op):
    """The value with a border of one constant; `widths` holds (before, after) for every axis."""

    widths: Pads
    value: float = 0.0

    def shape(self, *shapes: Shape) -> Shape:
        """The shape with the borders."""
        (given,) = shapes
        wrong = len(self.widths) != len(given) or any(min(each) < 0 for each in self.widths)
        _refuse(f"borders {self.widths} do not fit {given}", when=wrong)
        return tuple(
            n + before + after for n, (before, after) in zip(given, self.widths, strict=True)
        )

    def run(self, *values: FloatArray) -> FloatArray:
        """The value with its border."""
        (x,) = values
        return np.pad(x, ((0, 0), *self.widths), constant_values=self.value)


@dataclass(frozen=True, eq=False)
class Softmax(Op):
    """exp(x) over its sum along an axis (without the batch), or the logarithm of that."""

    axis: int
    logarithm: bool = False

    def shape(self, *shapes: Shape) -> Shape:
        """The shape given."""
        (given,) = shapes
        _refuse(f"no axis {self.axis} in {given}", when=not 0 <= self.axis < len(given))
        return given

    def run(self, *values: FloatArray) -> FloatArray:
        """The softmax or its logarithm."""
        (x,) = values
        calm = x - x.max(axis=self.axis + 1, keepdims=True)
        logs: FloatArray = calm - np.log(np.exp(calm).sum(axis=self.axis + 1, keepdims=True))
        return logs if self.logarithm else np.exp(logs)


@dataclass(frozen=True, eq=False)
class ArgMax(Op):
    """The position of the largest entry along an axis (without the batch), as a number."""

    axis: int
    keep: bool = False

    def shape(self, *shapes: Shape) -> Shape:
        """The shape without the axis, or with 1 in its place."""
        (given,) = shapes
        _refuse(f"no axis {self.axis} in {given}", when=not 0 <= self.axis < len(given))
        kept = (1,) if self.keep else ()
        return (*given[: self.axis], *kept, *given[self.axis + 1 :])

    def run(self, *values: FloatArray) -> FloatArray:
        """The position, the first where there are several."""
        (x,) = values
        found: FloatArray = np.argmax(x, axis=self.axis + 1, keepdims=self.keep).astype(np.float64)
        return found


# Every source operation; what is stored, listed or documented goes by this table.
SOURCE_OPS: Sequence[type[Op]] = (
    Input,
    Constant,
    Linear,
    Conv,
    Affine,
    Pool,
    AdaptivePool,
    Add,
    Sub,
    Mul,
    MatMul,
    Map,
    Approximated,
    FakeQuantise,
    Reduce,
    Reshape,
    Permute,
    Concat,
    Slice,
    Pad,
    Softmax,
    ArgMax,
)
