"""Layers, networks and what they mean in Python's own integers, for the worker's tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import (
    Convolution,
    Dense,
    Encode,
    Entrywise,
    Inner,
    Product,
    Rescale,
    Table,
    Totals,
)
from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Node, Place, Shape, evaluate
from tacit.ir.ops import windows
from tacit.ir.rewrite import Builder

Integers = NDArray[np.integer]

ONE, TWO = (1, 1), (2, 2)
BARE = ((0, 0), (0, 0))
AROUND = ((1, 1), (1, 1))


@dataclass(frozen=True)
class Case:
    """A product, the shape in the graph of what it is given, and a seed for that."""

    product: Product
    shape: Shape
    seed: int

    def values(self, low: int, high: int) -> Integers:
        """A batch of two between the borders, in the graph's layout, with both of them in it."""
        x = numbers(self.seed, (2, *self.shape), low, high)
        x.flat[0], x.flat[-1] = low, high
        return x


def numbers(seed: int, shape: Shape, low: int, high: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(low, high, shape, np.int64, endpoint=True)


def weights(seed: int, *shape: int, most: int = 127) -> NDArray[np.int16]:
    return numbers(seed, shape, -most, most).astype(np.int16)


@st.composite
def cases(draw: st.DrawFn, most: int = 127) -> Case:
    """Convolutions of every kind, and dense layers."""
    seed = draw(st.integers(0, 2**32))
    if draw(st.booleans()):
        inputs, outputs = draw(st.integers(1, 300)), draw(st.integers(1, 20))
        before = draw(st.sampled_from([(), (3,)]))
        return Case(Dense(weights(seed, outputs, inputs, most=most)), (*before, inputs), seed)
    groups = draw(st.integers(1, 3))
    inner, outer = draw(st.sampled_from([(1, 1), (1, 2), (3, 4), (8, 8), (16, 5)]))
    kernel = draw(st.tuples(*[st.integers(1, 3)] * 2))
    sides = draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2))
    weight = weights(seed, outer * groups, inner, *kernel, most=most)
    stride = draw(st.tuples(*[st.integers(1, 2)] * 2))
    dilation = draw(st.tuples(*[st.integers(1, 2)] * 2))
    size = draw(st.tuples(*[st.integers(5, 8)] * 2))
    op = Convolution(weight, stride, sides, dilation, groups)
    return Case(op, (inner * groups, *size), seed)


def truth(product: Product, x: Integers) -> NDArray[np.object_]:
    """W x in Python's own integers, in the graph's layout."""
    exact = x.astype(object)
    weight = product.weight.astype(object)
    if isinstance(product, Dense):
        found: NDArray[np.object_] = exact @ weight.T
        return found
    rank = weight.ndim - 2
    kernel, none = weight.shape[2:], 0.0
    seen = windows(exact, kernel, product.stride, product.padding, product.dilation, none)
    axes = (tuple(range(2 + rank, 2 + 2 * rank)), tuple(range(2, 2 + rank)))
    inner, outer = weight.shape[1], len(weight) // product.groups
    parts = [
        np.tensordot(
            seen[:, g * inner : (g + 1) * inner],
            weight[g * outer : (g + 1) * outer],
            ((1, *axes[0]), (1, *axes[1])),
        )
        for g in range(product.groups)
    ]
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)


def last(product: Product, value: NDArray[Any]) -> NDArray[Any]:
    """A value in the graph's layout as products take and give it."""
    moved = np.moveaxis(value, 1, -1) if isinstance(product, Convolution) else value
    return np.ascontiguousarray(moved)


def rescale(seed: int, channels: int, count: int = 1, *, axis: int = 0, high: int = 255) -> Rescale:
    return Rescale(
        numbers(seed, (count, channels), 1, 2**14),
        numbers(seed + 1, (channels,), -(2**20), 2**26),
        18,
        0,
        high,
        axis,
    )


def placed(graph: Graph) -> Graph:
    """The products with the worker, all else with the verifier."""
    nodes = (
        replace(n, place=Place.SERVER if isinstance(n.op, Dense | Convolution) else Place.CLIENT)
        for n in graph
    )
    return Graph(tuple(nodes), graph.outputs)


def encode(shape: Shape, high: int = 255) -> Encode:
    return Encode(shape, 1.0, 0, 0, high, 0.0, float(high))


def residual() -> Graph:
    """Every word: a residual image network with a depthwise layer, pools, a table and joints."""
    b = Builder()
    x = b.put("code", encode((3, 12, 12)), b.input("x", (3, 12, 12)))
    first = b.put("first", Convolution(weights(1, 8, 3, 3, 3), ONE, AROUND, ONE), x)
    h = b.put("h", rescale(2, 8), first)
    maximum = ops.Pool(ops.PoolKind.MAXIMUM, (3, 3), TWO, AROUND, ONE, ceil=True)
    h = b.put("pool", maximum, h)
    deep = b.put("deep", Convolution(weights(3, 8, 1, 3, 3), ONE, AROUND, ONE, 8), h)
    h1 = b.put("h1", rescale(4, 8), deep)
    wide = b.put("wide", Convolution(weights(5, 8, 8, 3, 3), ONE, AROUND, ONE), h1)
    short = b.put("short", Convolution(weights(6, 8, 8, 1, 1), ONE, BARE, ONE), h)
    h = b.put("sum", rescale(7, 8, 2), wide, short)
    h = b.put("table", Table(np.arange(255, -1, -1).astype(np.int16), 0), h)
    left = b.put("left", ops.Slice(0, 0, 8, 2), h)
    right = b.put("right", ops.Slice(0, 1, 8, 2), h)
    gate = b.put("gate", rescale(8, 4), b.put("product", Entrywise((3, 5)), left, right))
    h = b.put("joined", ops.Concat(0), gate, left, right)
    h = b.put("border", ops.Pad(((0, 0), (1, 0), (0, 1)), 7.0), h)
    total = b.put("total", Totals(TWO, TWO, BARE), h)
    h = b.put("mean", rescale(9, 12, high=127), total)
    mixed = b.put("mixed", Convolution(weights(10, 6, 4, 1, 1), ONE, BARE, ONE, 3), h)
    h = b.put("h2", rescale(11, 6), mixed)
    flat = b.put("flat", ops.Reshape((6 * 16,)), h)
    wide = b.put("dense", Dense(weights(12, 10, 6 * 16)), flat)
    sums = b.put("sums", ops.Reduce(ops.ReduceKind.SUM, (1, 2)), h)
    short = b.put("head", Dense(weights(13, 10, 6)), b.put("h3", rescale(14, 6, high=99), sums))
    return placed(b.graph(b.put("out", rescale(15, 10, 2), wide, short)))


def attention() -> Graph:
    """Tokens: dense layers over the last axis, a permutation, and a product of activations."""
    b = Builder()
    x = b.put("code", encode((5, 8)), b.input("x", (5, 8)))
    query = b.put("q", rescale(2, 8, axis=-1), b.put("query", Dense(weights(1, 8, 8)), x))
    key = b.put("k", rescale(4, 8, axis=-1), b.put("key", Dense(weights(3, 8, 8)), x))
    turned = b.put("turned", ops.Permute((1, 0)), key)
    scores = b.put("scores", rescale(5, 5, axis=-1), b.put("inner", Inner((7, 9)), query, turned))
    mixed = b.put("mixed", rescale(6, 8, axis=-1), b.put("mix", Inner((0, 9)), scores, query))
    return placed(b.graph(b.put("last", Dense(weights(7, 4, 8)), mixed)))


def line() -> Graph:
    """A network over lines, whose convolutions have one axis."""
    b = Builder()
    x = b.put("code", encode((2, 20)), b.input("x", (2, 20)))
    h = b.put("first", Convolution(weights(1, 4, 2, 5), (2,), ((2, 2),), (1,)), x)
    h = b.put("h", rescale(2, 4), h)
    most = ops.Pool(ops.PoolKind.MAXIMUM, (2,), (2,), ((0, 0),), (1,))
    h = b.put("pool", most, h)
    h = b.put("second", Convolution(weights(3, 6, 4, 3), (1,), ((1, 1),), (1,)), h)
    h = b.put("flat", ops.Reshape((30,)), b.put("h2", rescale(4, 6), h))
    return placed(b.graph(b.put("last", Dense(weights(5, 3, 30)), h)))


def slalom() -> Graph:
    """Numbers wider than a byte, signed, under weights wider than a byte."""
    b = Builder()
    code = Encode((3, 6, 6), 1.0, 0, -(2**15), 2**15, -(2.0**15), 2.0**15)
    x = b.put("code", code, b.input("x", (3, 6, 6)))
    first = b.put("first", Convolution(weights(1, 4, 3, 3, 3, most=500), ONE, AROUND, ONE), x)
    wide = replace(rescale(2, 4), shift=14, high=2**19, low=-(2**19))
    h = b.put("flat", ops.Reshape((144,)), b.put("h", wide, first))
    return placed(b.graph(b.put("last", Dense(weights(3, 5, 144, most=20)), h)))


def encoded(graph: Graph, seed: int, rows: int = 3) -> FloatArray:
    """A batch of integers for the graph's encoding, which leaves them as they are."""
    (op,) = [node.op for node in graph if isinstance(node.op, Encode)]
    return numbers(seed, (rows, *op.of), op.low, op.high).astype(np.float64)


def expected(graph: Graph, x: FloatArray) -> list[Integers]:
    """All products placed with the worker, as an answer has them."""
    names = tuple(n.name for n in graph if n.place is Place.SERVER)
    found = evaluate(Graph(graph.nodes, names), {"x": x})
    return [last(product_at(graph, name), found[name].astype(np.int64)) for name in names]


def product_at(graph: Graph, name: str) -> Product:
    node: Node = graph[name]
    assert isinstance(node.op, Dense | Convolution)
    return node.op
