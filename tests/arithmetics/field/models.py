"""Small calibrated networks of every kind that the field has words for, with random weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Op, Shape
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate

AVERAGE, MAXIMUM = ops.PoolKind.AVERAGE, ops.PoolKind.MAXIMUM
IMAGE: Shape = (3, 8, 8)


def rows(graph: Graph, count: int = 24, seed: int = 5) -> FloatArray:
    """Rows for a graph, uniform in [-1, 2], so that no grid is symmetric."""
    random = np.random.default_rng(seed)
    return random.uniform(-1.0, 2.0, size=(count, *graph.inputs[0].type.shape))


class Sketch:
    """A network being written: the last value, and layers behind it with seeded weights."""

    def __init__(self, shape: Shape, seed: int = 1) -> None:
        self.builder = Builder()
        self.random = np.random.default_rng(seed)
        self.last = self.builder.input("x", shape)

    @property
    def shape(self) -> Shape:
        return self.builder.type(self.last).shape

    def put(self, name: str, op: Op, *args: str) -> str:
        """The name of an op behind the last value, or behind those named."""
        self.last = self.builder.put(name, op, *(args or (self.last,)))
        return self.last

    def weights(self, *shape: int) -> FloatArray:
        inputs = max(1, int(np.prod(shape[1:])))
        return np.asarray(self.random.normal(size=shape) / np.sqrt(inputs), dtype=np.float64)

    def dense(self, outputs: int) -> str:
        weight = self.weights(outputs, self.shape[-1])
        return self.put("dense", ops.Linear(weight, self.weights(outputs, 4)[:, 0]))

    def conv(self, outputs: int, *, kernel: int = 3, stride: int = 1, groups: int = 1) -> str:
        weight = self.weights(outputs, self.shape[0] // groups, kernel, kernel)
        pads = ((kernel // 2, kernel // 2),) * 2
        bias = self.weights(outputs, 4)[:, 0]
        return self.put("conv", ops.Conv(weight, bias, (stride,) * 2, pads, (1, 1), groups))

    def norm(self) -> str:
        channels = self.shape[0]
        scale = self.random.uniform(0.3, 1.5, channels) * self.random.choice([-1.0, 1.0], channels)
        return self.put("norm", ops.Affine(scale, self.random.normal(size=channels) / 4))

    def function(self, name: str, *values: float) -> str:
        return self.put(name, ops.Map(Function(name, values)))

    def pool(self, kind: ops.PoolKind, *, padding: int = 0, kernel: int = 2) -> str:
        pads = ((padding, padding),) * 2
        return self.put("pool", ops.Pool(kind, (kernel,) * 2, (2, 2), pads, (1, 1)))

    def flat(self) -> str:
        return self.put("flat", ops.Reshape((int(np.prod(self.shape)),)))

    def graph(self) -> Graph:
        """The network with ranges seen on its rows."""
        graph = self.builder.graph(self.last)
        return calibrate(graph, rows(graph))


def perceptron() -> Graph:
    sketch = Sketch((12,))
    sketch.dense(16)
    sketch.function("relu")
    sketch.dense(8)
    sketch.function("hardtanh", -0.5, 0.75)
    sketch.dense(3)
    return sketch.graph()


def convolution() -> Graph:
    """conv, batch norm, relu, max pooling, and a classifier."""
    sketch = Sketch(IMAGE)
    sketch.conv(6, stride=2)
    sketch.norm()
    sketch.function("relu")
    sketch.pool(MAXIMUM)
    sketch.flat()
    sketch.dense(4)
    return sketch.graph()


def residual() -> Graph:
    """Two blocks, the second of which has a convolution in its shortcut, and an average."""
    sketch = Sketch(IMAGE)
    sketch.conv(4)
    first = sketch.function("relu")
    sketch.conv(4)
    sketch.function("relu")
    sketch.put("add", ops.Add(), sketch.conv(4), first)
    second = sketch.function("relu")
    sketch.conv(6, stride=2)
    sketch.function("relu")
    inner = sketch.conv(6)
    sketch.last = second
    sketch.put("add", ops.Add(), inner, sketch.conv(6, kernel=1, stride=2))
    sketch.function("relu")
    sketch.put("mean", ops.Reduce(ops.ReduceKind.MEAN, (1, 2)))
    sketch.dense(5)
    return sketch.graph()


def separable() -> Graph:
    """A depthwise convolution and one of single pixels, as MobileNet has them, with ReLU6."""
    sketch = Sketch(IMAGE)
    sketch.conv(4, stride=2)
    sketch.function("relu6")
    sketch.conv(4, groups=4)
    sketch.norm()
    sketch.function("relu6")
    sketch.conv(8, kernel=1)
    sketch.function("relu6")
    sketch.put("pool", ops.AdaptivePool(AVERAGE, (1, 1)))
    sketch.flat()
    sketch.dense(3)
    return sketch.graph()


def averages() -> Graph:
    """Averages of values below 0 too, whose padding counts."""
    sketch = Sketch(IMAGE)
    sketch.pool(AVERAGE, padding=1, kernel=3)
    sketch.conv(4)
    sketch.pool(AVERAGE)
    sketch.put("sum", ops.Reduce(ops.ReduceKind.SUM, (2,)))
    sketch.flat()
    sketch.dense(3)
    return sketch.graph()


def joined() -> Graph:
    """Branches one behind the other, a border, a slice."""
    sketch = Sketch(IMAGE)
    entry = sketch.function("relu")
    left = sketch.conv(3)
    sketch.last = entry
    right = sketch.conv(2, kernel=1)
    sketch.put("concat", ops.Concat(0), left, entry, right)
    sketch.put("pad", ops.Pad(((0, 0), (1, 0), (0, 2)), 0.25))
    sketch.put("slice", ops.Slice(1, 1, 9, 2))
    sketch.conv(4)
    sketch.flat()
    sketch.dense(3)
    return sketch.graph()


def attention() -> Graph:
    """Products of activations with each other, without a softmax."""
    sketch = Sketch((5, 6))
    left = sketch.dense(4)
    sketch.last = "x"
    sketch.dense(4)
    right = sketch.put("turned", ops.Permute((1, 0)))
    scores = sketch.put("scores", ops.MatMul(), left, right)
    gate = sketch.function("sigmoid")
    sketch.put("gated", ops.Mul(), scores, gate)
    sketch.put("mixed", ops.MatMul(), sketch.last, left)
    sketch.dense(3)
    return sketch.graph()


def smooth() -> Graph:
    """Functions that only tables have."""
    sketch = Sketch((10,))
    sketch.dense(8)
    sketch.function("gelu")
    sketch.dense(8)
    sketch.function("tanh")
    sketch.dense(6)
    sketch.function("leaky_relu", 0.2)
    sketch.dense(3)
    sketch.function("sigmoid")
    return sketch.graph()


def scaled() -> Graph:
    """Constants that are factors and shifts, from either side."""
    sketch = Sketch((4, 6))
    sketch.dense(6)
    constant = ops.Constant(sketch.random.uniform(-1.0, 1.0, size=(6,)))
    factor = sketch.builder.put("factor", constant)
    rows_of = sketch.builder.put("rows", ops.Constant(sketch.random.normal(size=(4, 1))))
    one = sketch.builder.put("one", ops.Constant(np.array(1.5)))
    sketch.put("times", ops.Mul(), sketch.last, factor)
    sketch.put("less", ops.Sub(), one, sketch.last)
    sketch.put("more", ops.Add(), sketch.last, rows_of)
    matrix = sketch.builder.put("matrix", ops.Constant(sketch.weights(6, 3)))
    sketch.put("product", ops.MatMul(), sketch.last, matrix)
    sketch.put("twice", ops.Add(), sketch.last, sketch.last)
    return sketch.graph()


MODELS: dict[str, Callable[[], Graph]] = {
    each.__name__: each
    for each in (
        perceptron,
        convolution,
        residual,
        separable,
        averages,
        joined,
        attention,
        smooth,
        scaled,
    )
}
