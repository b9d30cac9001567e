"""Random networks on whole multiples of powers of two: exact when lowered, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Op, Shape
from tacit.ir.rewrite import Builder
from tests.arithmetics.integers.graphs import calibrated, grid, rows

FUNCTIONS = ("relu", "abs", "sign", "square")


@dataclass(frozen=True, eq=False)
class Sketch:
    """A network being drawn: what it is so far, its last values, and where numbers come from."""

    builder: Builder
    values: tuple[str, ...]
    draw: st.DrawFn

    @property
    def last(self) -> str:
        return self.values[-1]

    @property
    def shape(self) -> Shape:
        return self.builder.type(self.last).shape

    def drawn(self, *shape: int, scale: float = 0.5) -> FloatArray:
        """Whole multiples of a scale, up to two of them and none zero."""
        seed = self.draw(st.integers(0, 1 << 16))
        found = np.random.default_rng(seed).choice([-2.0, -1.0, 1.0, 2.0], size=shape) * scale
        return np.asarray(found, dtype=np.float64)

    def put(self, op: Op, *args: str) -> Sketch:
        """With one op more, by default on the last value."""
        name = self.builder.put(f"n{len(self.values)}", op, *(args or (self.last,)))
        return Sketch(self.builder, (*self.values, name), self.draw)

    def narrow(self) -> Sketch:
        """With the last value on a grid of three bits."""
        return self.put(grid(0.25, self.draw(st.integers(0, 7)), 0, 7))


def linear(sketch: Sketch) -> Sketch:
    return sketch.put(ops.Linear(sketch.drawn(4, sketch.shape[2]), sketch.drawn(4))).narrow()


def conv(sketch: Sketch) -> Sketch:
    weight = sketch.drawn(2, sketch.shape[0], 1, 2)
    op = ops.Conv(weight, sketch.drawn(2), (1, 1), ((0, 0), (1, 0)), (1, 1))
    return sketch.put(op).narrow()


def average(sketch: Sketch) -> Sketch:
    return sketch.put(pool(sketch, ops.PoolKind.AVERAGE))


def maximum(sketch: Sketch) -> Sketch:
    return sketch.put(pool(sketch, ops.PoolKind.MAXIMUM))


def pool(sketch: Sketch, kind: ops.PoolKind) -> ops.Pool:
    """Windows of four entries, the odd ones padded."""
    _, height, width = sketch.shape
    return ops.Pool(kind, (2, 2), (2, 2), ((0, height % 2), (0, width % 2)), (1, 1))


def adaptive(sketch: Sketch) -> Sketch:
    return sketch.put(ops.AdaptivePool(ops.PoolKind.MAXIMUM, (min(sketch.shape[1], 2), 2)))


def function(sketch: Sketch) -> Sketch:
    found = Function(sketch.draw(st.sampled_from(FUNCTIONS)))
    return sketch.put(ops.Map(found)).narrow()


def halved(sketch: Sketch) -> Sketch:
    return sketch.put(ops.Map(Function("leaky_relu", (0.5,)))).narrow()


def doubled(sketch: Sketch) -> Sketch:
    return sketch.put(ops.Add(), sketch.last, sketch.last).narrow()


def joined(sketch: Sketch) -> Sketch:
    other = sketch.put(ops.Map(Function("relu")))
    return other.put(ops.Concat(2), sketch.last, other.last)


def cut(sketch: Sketch) -> Sketch:
    return sketch.put(ops.Slice(2, 0, max(sketch.shape[2] - 1, 1)))


def turned(sketch: Sketch) -> Sketch:
    return sketch.put(ops.Permute((0, 2, 1)))


def squared(sketch: Sketch) -> Sketch:
    return sketch.put(ops.Mul(), sketch.last, sketch.last).narrow()


def matmul(sketch: Sketch) -> Sketch:
    other = turned(sketch)
    return other.put(ops.MatMul(), sketch.last, other.last).narrow()


def norm(sketch: Sketch) -> Sketch:
    channels = sketch.shape[0]
    return sketch.put(ops.Affine(sketch.drawn(channels), sketch.drawn(channels))).narrow()


def padded(sketch: Sketch) -> Sketch:
    return sketch.put(ops.Pad(((0, 0), (0, 1), (1, 0)), 0.5))


LAYERS: tuple[Callable[[Sketch], Sketch], ...] = (
    linear,
    conv,
    average,
    maximum,
    adaptive,
    function,
    halved,
    doubled,
    joined,
    cut,
    turned,
    squared,
    matmul,
    norm,
    padded,
)


@st.composite
def networks(draw: st.DrawFn) -> Graph:
    """A calibrated network of up to four layers, whose input is on a grid of three bits."""
    builder = Builder()
    sketch = Sketch(builder, (builder.input("x", (2, 2, 2)),), draw).narrow()
    for layer in draw(st.lists(st.sampled_from(LAYERS), min_size=1, max_size=4)):
        sketch = layer(sketch)
    graph = calibrated(builder, sketch.last)
    # What became constant on the way is refused.
    assume(np.any(np.ptp(graph(rows(graph)), axis=0)))
    return graph
