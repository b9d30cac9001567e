"""Small graphs for the tests of CKKS, with random weights."""

from __future__ import annotations

import numpy as np

from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate


def dense(builder: Builder, name: str, outputs: int, seed: int) -> str:
    """A linear layer behind the named node."""
    random = np.random.default_rng(seed)
    inputs = builder.type(name).shape[-1]
    weight = random.normal(size=(outputs, inputs)) / np.sqrt(inputs)
    return builder.put(f"dense{seed}", ops.Linear(weight, random.normal(size=outputs) / 4), name)


def conv(builder: Builder, name: str, outputs: int, seed: int, *, stride: int = 1) -> str:
    """A 3 × 3 convolution with padding 1 behind the named node."""
    random = np.random.default_rng(seed)
    channels = builder.type(name).shape[0]
    weight = random.normal(size=(outputs, channels, 3, 3)) / np.sqrt(9 * channels)
    bias = random.normal(size=outputs) / 4
    pads = ((1, 1), (1, 1))
    op = ops.Conv(weight, bias, (stride, stride), pads, (1, 1))
    return builder.put(f"conv{seed}", op, name)


def activated(builder: Builder, name: str, function: str) -> str:
    """A scalar function of every entry of the named node."""
    return builder.put(f"{name}_{function}", ops.Map(Function(function)), name)


def flattened(builder: Builder, name: str) -> str:
    """The named node as a vector."""
    return builder.put(f"{name}_flat", ops.Reshape((builder.type(name).size,)), name)


def pooled(builder: Builder, name: str, kind: ops.PoolKind) -> str:
    """2 × 2 windows of the named node."""
    op = ops.Pool(kind, (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))
    return builder.put(f"{name}_pool", op, name)


def inputs(graph: Graph, rows: int = 32, seed: int = 5) -> FloatArray:
    """Rows for a graph, uniform in [-1, 1]."""
    random = np.random.default_rng(seed)
    return random.uniform(-1.0, 1.0, size=(rows, *graph.inputs[0].type.shape))


def calibrated(builder: Builder, result: str) -> Graph:
    """The graph with ranges seen on `inputs`."""
    graph = builder.graph(result)
    return calibrate(graph, inputs(graph))


def mlp(function: str = "square") -> Graph:
    """12-16-8-3 with one function between."""
    builder = Builder()
    name = builder.input("x", (12,))
    name = activated(builder, dense(builder, name, 16, 1), function)
    name = activated(builder, dense(builder, name, 8, 2), function)
    return calibrated(builder, dense(builder, name, 3, 3))


def seen(builder: Builder, result: str) -> Graph:
    """The graph with ranges seen on many inputs: a composite explodes soon outside of them."""
    graph = builder.graph(result)
    return calibrate(graph, inputs(graph, rows=512))


def perceptron(function: str) -> Graph:
    """8-16-4 with one function between."""
    builder = Builder()
    name = activated(builder, dense(builder, builder.input("x", (8,)), 16, 1), function)
    return seen(builder, dense(builder, name, 4, 2))


def convolution(function: str) -> Graph:
    """A strided convolution, a function, average pooling and a linear layer."""
    builder = Builder()
    name = conv(builder, builder.input("x", (2, 8, 8)), 4, 1, stride=2)
    name = pooled(builder, activated(builder, name, function), ops.PoolKind.AVERAGE)
    return seen(builder, dense(builder, flattened(builder, name), 5, 4))


def residual() -> Graph:
    """A strided convolution, a residual block, average pooling and a linear layer."""
    builder = Builder()
    name = builder.input("x", (2, 8, 8))
    stem = activated(builder, conv(builder, name, 4, 1, stride=2), "square")
    inner = conv(builder, stem, 4, 2)
    name = builder.put("sum", ops.Add(), stem, inner)
    name = activated(builder, name, "square")
    name = pooled(builder, name, ops.PoolKind.AVERAGE)
    return calibrated(builder, dense(builder, flattened(builder, name), 5, 4))


def gated() -> Graph:
    """The product of two branches, and a matrix product of two encrypted values."""
    builder = Builder()
    name = builder.input("x", (3, 4))
    left, right = dense(builder, name, 4, 1), dense(builder, name, 4, 2)
    gate = builder.put("gate", ops.Mul(), left, right)
    turned = builder.put("turned", ops.Permute((1, 0)), gate)
    return calibrated(builder, builder.put("scores", ops.MatMul(), gate, turned))


def maximum() -> Graph:
    """Max-pooling between a convolution and a linear layer."""
    builder = Builder()
    name = conv(builder, builder.input("x", (1, 4, 4)), 2, 1)
    name = pooled(builder, name, ops.PoolKind.MAXIMUM)
    return calibrated(builder, dense(builder, flattened(builder, name), 3, 2))
