"""Small graphs for the tests of integers, and what is looked at in their programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tacit.arithmetics.integers import EngineKind, Grouping, Integers, Search
from tacit.arithmetics.integers.ops import Decode, Encode, Lookup, Product, Sums
from tacit.arithmetics.integers.settings import Kind, Settings
from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Node, evaluate
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate

# The fewest bits at which there is something to be seen.
BGV = Integers(bits=2, engine=EngineKind.BGV)
# Sums that need no engine may be as wide as a double holds whole numbers.
FINE = Settings(
    bits=dict.fromkeys(Kind, 16),
    layers={},
    accumulator=24,
    result=52,
    rounding=None,
    search=Search.MINMAX,
    grouping=Grouping.FEATURE,
    per_channel=False,
    power_of_two=False,
)


def rows(graph: Graph, count: int = 64, seed: int = 5) -> FloatArray:
    """Rows for a graph, uniform in [-1, 1], the ends among them."""
    shape = graph.inputs[0].type.shape
    drawn = np.random.default_rng(seed).uniform(-1.0, 1.0, size=(count, *shape))
    ends = np.stack([np.full(shape, -1.0), np.full(shape, 1.0)])
    return np.concatenate([ends, drawn])[:count]


def calibrated(builder: Builder, result: str) -> Graph:
    """The graph with ranges seen on `rows`."""
    graph = builder.graph(result)
    return calibrate(graph, rows(graph))


def dense(builder: Builder, name: str, outputs: int, seed: int) -> str:
    """A linear layer behind the named node."""
    random = np.random.default_rng(seed)
    inputs = builder.type(name).shape[-1]
    weight = random.normal(size=(outputs, inputs)) / np.sqrt(inputs)
    return builder.put(f"dense{seed}", ops.Linear(weight, random.normal(size=outputs) / 4), name)


def conv(builder: Builder, name: str, outputs: int, seed: int) -> str:
    """A 3 × 3 convolution with padding 1 behind the named node."""
    random = np.random.default_rng(seed)
    channels = builder.type(name).shape[0]
    weight = random.normal(size=(outputs, channels, 3, 3)) / np.sqrt(9 * channels)
    op = ops.Conv(weight, random.normal(size=outputs) / 4, (1, 1), ((1, 1), (1, 1)), (1, 1))
    return builder.put(f"conv{seed}", op, name)


def mapped(builder: Builder, name: str, function: str) -> str:
    """A scalar function of every entry of the named node."""
    return builder.put(f"{name}_{function}", ops.Map(Function(function)), name)


def pooled(builder: Builder, name: str, kind: ops.PoolKind) -> str:
    """2 × 2 windows of the named node."""
    op = ops.Pool(kind, (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))
    return builder.put(f"{name}_pool", op, name)


def grid(scale: float, zero_point: int, low: int, high: int) -> ops.FakeQuantise:
    """A grid for all entries."""
    return ops.FakeQuantise(np.array([scale]), np.array([float(zero_point)]), low, high)


def linear() -> Graph:
    """A linear layer and nothing else."""
    builder = Builder()
    return calibrated(builder, dense(builder, builder.input("x", (6,)), 4, 1))


def perceptron(function: str = "relu", hidden: int = 4) -> Graph:
    """4-4-3 with one function between."""
    builder = Builder()
    name = mapped(builder, dense(builder, builder.input("x", (4,)), hidden, 1), function)
    return calibrated(builder, dense(builder, name, 3, 2))


def two_layers() -> Graph:
    """4-3-3 with a ReLU behind each layer, the last of them the result."""
    builder = Builder()
    name = mapped(builder, dense(builder, builder.input("x", (4,)), 3, 1), "relu")
    return calibrated(builder, mapped(builder, dense(builder, name, 3, 2), "relu"))


def residual() -> Graph:
    """Vectors of three depths, added up and side by side, behind one another."""
    builder = Builder()
    x = builder.input("x", (4,))
    first = mapped(builder, dense(builder, x, 4, 1), "relu")
    second = mapped(builder, dense(builder, first, 4, 2), "relu")
    name = builder.put("sum", ops.Add(), x, first)
    name = builder.put("joined", ops.Concat(0), name, second)
    return calibrated(builder, dense(builder, name, 3, 3))


def maximum() -> Graph:
    """Max-pooling of an image's own entries."""
    builder = Builder()
    return calibrated(builder, pooled(builder, builder.input("x", (1, 2, 4)), ops.PoolKind.MAXIMUM))


def gated() -> Graph:
    """The product of two branches."""
    builder = Builder()
    x = builder.input("x", (2, 3))
    left, right = dense(builder, x, 2, 1), dense(builder, x, 2, 2)
    return calibrated(builder, builder.put("gate", ops.Mul(), left, right))


def scores() -> Graph:
    """The matrix product of two secret values."""
    builder = Builder()
    x = builder.input("x", (2, 3))
    turned = builder.put("turned", ops.Permute((1, 0)), dense(builder, x, 3, 1))
    return calibrated(builder, builder.put("scores", ops.MatMul(), x, turned))


def stumps() -> Graph:
    """Comparisons of the input's entries, as in a forest, and a linear layer."""
    builder = Builder()
    shift = builder.put("thresholds", ops.Constant(np.array([0.1, -0.3, 0.5, 0.0])))
    name = builder.put("apart", ops.Sub(), builder.input("x", (4,)), shift)
    return calibrated(builder, dense(builder, mapped(builder, name, "sign"), 3, 1))


def never_left(graph: Graph, x: FloatArray) -> bool:
    """Whether no accumulator and no result leaves its bounds on these rows."""
    outside: list[str] = []

    def note(node: Node, value: FloatArray) -> None:
        if isinstance(node.op, Sums):
            inside = value.min() >= node.op.low and value.max() <= node.op.high
            outside.extend([] if inside else [node.name])

    values = evaluate(graph, {graph.inputs[0].name: x}, watch=note)
    return not outside and all(np.all(np.isfinite(each)) for each in values.values())


def sums(graph: Graph) -> list[Sums]:
    """All words that sum."""
    return [node.op for node in graph if isinstance(node.op, Sums)]


def lookups(graph: Graph) -> list[Lookup]:
    """All look-ups."""
    return [node.op for node in graph if isinstance(node.op, Lookup)]


def products(graph: Graph) -> list[Product]:
    """All products of two vectors."""
    return [node.op for node in graph if isinstance(node.op, Product)]


def encodes(graph: Graph) -> list[Encode]:
    """All words that encrypt."""
    return [node.op for node in graph if isinstance(node.op, Encode)]


def decode(graph: Graph) -> Decode:
    """The one word that opens."""
    (found,) = (node.op for node in graph if isinstance(node.op, Decode))
    return found


Make = Callable[[], Graph]
# What an engine has to compute to the last bit.
ENCRYPTED: dict[str, Make] = {
    "linear": linear,
    "look-up": perceptron,
    "two look-ups": two_layers,
    "residual": residual,
    "maximum": maximum,
    "gated": gated,
    "scores": scores,
    "stumps": stumps,
}


def bits(inputs: int, weights: int, activations: int) -> Settings:
    """Settings of these widths."""
    numbers = {Kind.INPUTS: inputs, Kind.WEIGHTS: weights, Kind.ACTIVATIONS: activations}
    return replace(FINE, bits=numbers)


def off(words: Graph, graph: Graph, x: FloatArray) -> float:
    """The largest error, relative to the largest result."""
    expected = graph(x)
    return float(np.abs(words(x) - expected).max() / np.abs(expected).max())
