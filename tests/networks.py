"""Random networks for properties: small, exact under every lowering, of every kind of layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Op, Shape
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate

SHAPES: tuple[Shape, ...] = ((), (5,), (1, 4), (3, 7), (1, 1, 1), (2, 5, 6), (3, 4, 4), (6, 1, 3))


@dataclass(frozen=True, eq=False)
class Sketch:
    """A network being drawn: the graph so far, the last value, where weights come from."""

    builder: Builder
    last: str
    random: np.random.Generator
    draw: st.DrawFn

    @property
    def shape(self) -> Shape:
        return self.builder.type(self.last).shape

    def weights(self, *shape: int) -> FloatArray:
        """Random weights of a size at which values neither grow nor vanish."""
        inputs = max(1, int(np.prod(shape[1:])))
        return np.asarray(self.random.normal(size=shape) / np.sqrt(inputs), dtype=np.float64)

    def whole(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def put(self, op: Op, *args: str) -> Sketch:
        """The sketch with one op more, by default on the last value."""
        name = self.builder.put(
            f"n{len(self.builder.graph(self.last))}", op, *(args or (self.last,))
        )
        return Sketch(self.builder, name, self.random, self.draw)

    def constant(self, shape: Shape) -> str:
        return self.builder.put("constant", ops.Constant(self.random.normal(size=shape)))


def linear(sketch: Sketch) -> Sketch:
    if not sketch.shape:
        return sketch
    outputs = sketch.whole(1, 6)
    return sketch.put(
        ops.Linear(sketch.weights(outputs, sketch.shape[-1]), sketch.weights(outputs))
    )


def conv(sketch: Sketch) -> Sketch:
    """A convolution with any stride, padding, dilation and groups that fit."""
    if len(sketch.shape) not in {2, 3}:
        return sketch
    channels, *size = sketch.shape
    groups = sketch.draw(st.sampled_from([n for n in (1, 2, 3) if channels % n == 0]))
    pads = tuple((sketch.whole(0, 1), sketch.whole(0, 2)) for _ in size)
    room = [n + sum(pad) for n, pad in zip(size, pads, strict=True)]
    kernel = tuple(sketch.whole(1, min(3, n)) for n in room)
    dilation = tuple(
        sketch.whole(1, 2 if 2 * (k - 1) < n else 1) for k, n in zip(kernel, room, strict=True)
    )
    stride = tuple(sketch.whole(1, 3) for _ in size)
    outputs = groups * sketch.whole(1, 3)
    weight = sketch.weights(outputs, channels // groups, *kernel)
    return sketch.put(ops.Conv(weight, sketch.weights(outputs), stride, pads, dilation, groups))


def norm(sketch: Sketch) -> Sketch:
    if not sketch.shape:
        return sketch
    channels = sketch.shape[0]
    return sketch.put(ops.Affine(sketch.weights(channels), sketch.weights(channels)))


def pool(sketch: Sketch) -> Sketch:
    """An average pooling with padding that counts or not, with ceilings or not."""
    if len(sketch.shape) not in {2, 3} or min(sketch.shape[1:]) < 2:
        return sketch
    size = sketch.shape[1:]
    kernel = tuple(sketch.whole(2, min(3, n)) for n in size)
    stride = tuple(sketch.whole(1, 3) for _ in size)
    pads = tuple((sketch.whole(0, k // 2),) * 2 for k in kernel)
    ceil, count = sketch.draw(st.booleans()), sketch.draw(st.booleans())
    kind = ops.PoolKind.AVERAGE
    return sketch.put(ops.Pool(kind, kernel, stride, pads, (1,) * len(size), ceil, count))


def adaptive(sketch: Sketch) -> Sketch:
    if len(sketch.shape) not in {2, 3}:
        return sketch
    to = tuple(sketch.whole(1, 3) for _ in sketch.shape[1:])
    return sketch.put(ops.AdaptivePool(ops.PoolKind.AVERAGE, to))


def residual(sketch: Sketch) -> Sketch:
    """x plus or minus a layer of x, in either order."""
    if not sketch.shape:
        return sketch
    outputs = sketch.shape[-1]
    layer = sketch.put(ops.Linear(sketch.weights(outputs, outputs), sketch.weights(outputs)))
    op = sketch.draw(st.sampled_from([ops.Add(), ops.Sub()]))
    return sketch.put(op, *sketch.draw(st.permutations([sketch.last, layer.last])))


def arithmetic(sketch: Sketch) -> Sketch:
    """A sum, difference or product with a constant that broadcasts."""
    shape = tuple(n if sketch.draw(st.booleans()) else 1 for n in sketch.shape)
    shape = shape[sketch.whole(0, len(shape)) :]
    op = sketch.draw(st.sampled_from([ops.Add(), ops.Sub(), ops.Mul()]))
    return sketch.put(op, *sketch.draw(st.permutations([sketch.last, sketch.constant(shape)])))


def gate(sketch: Sketch) -> Sketch:
    """The product of two layers of x, or of x and a sum over one of its axes."""
    if not sketch.shape:
        return sketch
    axis = sketch.whole(0, len(sketch.shape) - 1)
    mean = sketch.put(ops.Reduce(ops.ReduceKind.MEAN, (axis,), keep=True))
    return sketch.put(ops.Mul(), *sketch.draw(st.permutations([sketch.last, mean.last])))


def gram(sketch: Sketch) -> Sketch:
    """The matrix product of x and x transposed."""
    if len(sketch.shape) < 2:
        return sketch
    order = (*range(len(sketch.shape) - 2), len(sketch.shape) - 1, len(sketch.shape) - 2)
    turned = sketch.put(ops.Permute(order))
    return sketch.put(ops.MatMul(), sketch.last, turned.last)


def matrix(sketch: Sketch) -> Sketch:
    """The matrix product with a constant."""
    if len(sketch.shape) < 2:
        return sketch
    right = sketch.builder.put("right", ops.Constant(sketch.weights(sketch.shape[-1], 2)))
    return sketch.put(ops.MatMul(), sketch.last, right)


def moved(sketch: Sketch) -> Sketch:
    """The entries elsewhere: permuted, flattened, padded, or every second one."""
    if not sketch.shape:
        return sketch
    rank = len(sketch.shape)
    axis = sketch.whole(0, rank - 1)
    widths = tuple((sketch.whole(0, 1), sketch.whole(0, 1)) for _ in range(rank))
    choices: list[Op] = [
        ops.Permute(tuple(sketch.draw(st.permutations(range(rank))))),
        ops.Reshape((int(np.prod(sketch.shape)),)),
        ops.Slice(axis, 0, sketch.shape[axis], 2),
        ops.Pad(widths, 0.5),
        ops.Reduce(ops.ReduceKind.SUM, (axis,), keep=sketch.draw(st.booleans())),
    ]
    return sketch.put(sketch.draw(st.sampled_from(choices)))


def joined(sketch: Sketch) -> Sketch:
    """x beside a layer of x, or beside a constant."""
    if not sketch.shape:
        return sketch
    other = sketch.draw(st.sampled_from([sketch.last, sketch.constant(sketch.shape)]))
    axis = sketch.whole(0, len(sketch.shape) - 1)
    return sketch.put(ops.Concat(axis), sketch.last, other)


def square(sketch: Sketch) -> Sketch:
    return sketch.put(ops.Map(Function("square")))


Step = Callable[[Sketch], Sketch]
AFFINE: tuple[Step, ...] = (
    *(linear, conv, norm, pool, adaptive, residual, arithmetic, matrix, moved, joined),
)
EXACT: tuple[Step, ...] = (*AFFINE, square, gate, gram)
LARGEST = 400


@st.composite
def networks(draw: st.DrawFn, steps: tuple[Step, ...] = EXACT, most: int = 5) -> Graph:
    """A calibrated network of some steps, of few entries, in which something is computed."""
    builder = Builder()
    name = builder.input("x", draw(st.sampled_from(SHAPES)))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    sketch = Sketch(builder, name, random, draw)
    for step in draw(st.lists(st.sampled_from(steps), min_size=1, max_size=most)):
        grown = step(sketch)
        sketch = grown if builder.type(grown.last).size <= LARGEST else sketch
    graph = builder.graph(sketch.last)
    return calibrate(graph, rows(graph, 16))


def rows(graph: Graph, count: int) -> FloatArray:
    """Rows for a graph's input, uniform in [-1, 1]."""
    random = np.random.default_rng(7)
    return random.uniform(-1.0, 1.0, size=(count, *graph.inputs[0].type.shape))
