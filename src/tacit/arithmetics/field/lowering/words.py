"""The words of a lowered graph as they are added, each with a proof of what its integers can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tacit.arithmetics.field.lowering.grids import grid_of, range_of, weights_of
from tacit.arithmetics.field.lowering.scaling import scaling_of
from tacit.arithmetics.field.lowering.values import Sum, Term, Whole, axis_in, even
from tacit.arithmetics.field.ops import (
    Convolution,
    Decode,
    Dense,
    Encode,
    Rescale,
    Totals,
    WeightArray,
)
from tacit.arithmetics.field.settings import Format, Settings
from tacit.arithmetics.field.widths import (
    Reach,
    reach_of,
    require_accumulator,
    require_exact_floats,
    require_field,
)
from tacit.grids import Grid
from tacit.ir import ops
from tacit.ir.functions import Function
from tacit.ir.graph import Node, Op, Range, Shape, Type
from tacit.ir.rewrite import Builder


class Words:
    """All that was added so far; the range of a word's type is what its integers are proven in."""

    def __init__(self, builder: Builder, settings: Settings) -> None:
        self._builder = builder
        self.settings = settings

    def put(self, node: Node, op: Op, reach: tuple[int, int], *args: str, suffix: str = "") -> str:
        """The name of a word for a node, whose integers are in the reach."""
        known = Type((), Range(float(reach[0]), float(reach[1])))
        return self._builder.add(Node(node.name + suffix, op, args, known, node.origin))

    def shape(self, name: str) -> Shape:
        """The shape of a word's value."""
        return self._builder.type(name).shape

    def encoded(self, node: Node, grid: Grid) -> Whole:
        """The input on a grid."""
        seen, shape = range_of(node), node.type.shape
        op = Encode(shape, grid.scale, grid.zero_point, grid.low, grid.high, seen.low, seen.high)
        self._builder.add(node)
        name = self.put(node, op, (grid.low, grid.high), node.name, suffix="_encoded")
        return Whole(name, grid, shape)

    def rescaled(self, value: Sum, grid: Grid, node: Node) -> Whole:
        """The sum on a grid, in one word."""
        found = scaling_of(value, grid, node.where)
        low, high = (int(grid.integers(np.array(each))) for each in (value.low, value.high))
        op = Rescale(found.multipliers, found.offset, found.shift, low, high, value.axis)
        names = (term.name for term in value.terms)
        name = self.put(node, op, (low, high), *names, suffix="_rescaled")
        return Whole(name, replace(grid, low=low, high=high), value.shape)

    def product(self, node: Node, x: Whole) -> Sum:
        """A linear layer or convolution: the sums of a worker, with bias and zero point apart."""
        layer = node.op
        assert isinstance(layer, ops.Linear | ops.Conv), "only these are products with weights"
        weights = weights_of(layer.weight, node.where, self.settings)
        if isinstance(layer, ops.Conv):
            x = self.bordered(x, ((0, 0), *layer.padding), node)
        word = _word(layer, weights.integers, x)
        reach = reach_of(word.weight, x.grid.low, x.grid.high)
        match self.settings.format:
            case Format.INT8:
                require_accumulator(node.where, reach)
            case Format.SLALOM:
                require_field(node.where, reach)
                magnitude = max(abs(x.grid.low), abs(x.grid.high))
                require_exact_floats(node.where, word.weight, magnitude)
        name = self.put(node, word, _whole(reach), x.name)
        factor = weights.scales * x.grid.scale
        totals = word.weight.sum(axis=tuple(range(1, word.weight.ndim)), dtype=np.int64)
        bias = layer.bias
        if self.settings.format is Format.SLALOM:
            bias = np.rint(bias / factor) * factor
        shift = bias - factor * x.grid.zero_point * totals
        shape = self.shape(name)
        axis = -1 if isinstance(word, Dense) else axis_in(shape, 0)
        return Sum((Term(name, factor, reach),), shift, shape, axis)

    def bordered(self, x: Whole, widths: ops.Pads, node: Node) -> Whole:
        """The value with a border that stands for 0.0.

        Where that is the integer 0, which is what words add themselves, only the grid changes.
        """
        zero = x.grid.zero_point
        if not any(before or after for before, after in widths):
            return x
        low, high = min(x.grid.low, zero), max(x.grid.high, zero)
        grid = replace(x.grid, low=low, high=high)
        if zero == 0:
            return replace(x, grid=grid)
        op = ops.Pad(widths, float(zero))
        name = self.put(node, op, (low, high), x.name, suffix="_bordered")
        return Whole(name, grid, self.shape(name))

    def totals(self, x: Whole, windows: Totals, node: Node) -> Sum:
        """The sum of each window, whose padding stands for 0.0."""
        x = self.bordered(x, ((0, 0), *windows.padding), node)
        if x.grid.zero_point:
            windows = replace(windows, padding=tuple((0, 0) for _ in windows.kernel))
        count = int(np.prod(windows.kernel))
        return self.summed(node, windows, x, count)

    def summed(self, node: Node, op: Op, x: Whole, count: int) -> Sum:
        """What an op makes that adds so many entries of a value to each of its own."""
        reach = (x.grid.low * count, x.grid.high * count)
        shape = op.shape(x.shape)
        offset = x.grid.scale * x.grid.zero_point * count
        name = self.put(node, op, reach, x.name, suffix="_summed")
        found = _sum(name, x.grid.scale, reach, shape)
        require_accumulator(node.where, found.terms[0].reach)
        return found.times(np.ones(1), np.array(-offset))

    def local_product(self, node: Node, op: Op, of: tuple[Whole, Whole], count: int) -> Sum:
        """A product of two values, whose entries are sums of so many products."""
        first, second = of
        ends = [
            (a - first.grid.zero_point) * (b - second.grid.zero_point) * count
            for a in (first.grid.low, first.grid.high)
            for b in (second.grid.low, second.grid.high)
        ]
        reach = (min(ends), max(ends))
        shape = op.shape(first.shape, second.shape)
        name = self.put(node, op, reach, first.name, second.name)
        found = _sum(name, first.grid.scale * second.grid.scale, reach, shape)
        require_accumulator(node.where, found.terms[0].reach)
        return found

    def moved(self, node: Node, op: Op, x: Whole) -> Whole:
        """What an op makes that only moves or chooses entries, or adds a border on the grid."""
        name = self.put(node, op, (x.grid.low, x.grid.high), x.name)
        return Whole(name, x.grid, self.shape(name))

    def rearranged(self, node: Node, op: Op, value: Sum, after: Sum) -> Sum:
        """What an op makes that only moves or chooses entries of one word's integers.

        `after` is the same with the channels that it leaves.
        """
        (term,), (later,) = value.terms, after.terms
        name = self.put(node, op, _whole(later.reach), term.name)
        return replace(after, terms=(replace(later, name=name),))

    def decoded(self, value: Sum, node: Node) -> str:
        """The name of the reals that a sum is, clipped as reals."""
        scales = np.stack([term.factor for term in value.terms])
        op = Decode(scales, value.shift, value.axis)
        names = tuple(term.name for term in value.terms)
        name = self.client(node, op, *names, suffix="_decoded")
        if not value.is_clipped:
            return name
        relu = (value.low, value.high) == (0.0, np.inf)
        clamp = Function("relu") if relu else Function("hardtanh", (value.low, value.high))
        return self.client(node, ops.Map(clamp), name)

    def client(self, node: Node, op: Op, *args: str, suffix: str = "") -> str:
        """The name of an op on reals."""
        known = Type((), node.type.range)
        return self._builder.add(Node(node.name + suffix, op, args, known, node.origin))

    def grid_of(self, node: Node) -> Grid:
        """The grid of a node's range."""
        return grid_of(node, self.settings)


def _word(layer: ops.Linear | ops.Conv, weight: WeightArray, x: Whole) -> Dense | Convolution:
    if isinstance(layer, ops.Linear):
        return Dense(weight)
    # Where 0.0 is another integer, the border is there already.
    bare = tuple((0, 0) for _ in layer.padding)
    padding = bare if x.grid.zero_point else layer.padding
    return Convolution(weight, layer.stride, padding, layer.dilation, layer.groups)


def _whole(reach: Reach) -> tuple[int, int]:
    return int(reach.low.min()), int(reach.high.max())


def _sum(name: str, factor: float, reach: tuple[int, int], shape: Shape) -> Sum:
    """Integers of which all channels are alike."""
    axis = axis_in(shape, 0)
    count = shape[axis]
    term = Term(name, np.full(count, factor), even(*reach, count))
    return Sum((term,), np.zeros(count), shape, axis)
