"""Both parties of small networks, whose worker computes with NumPy and tests nothing at start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tacit.arithmetics.field.checker import Checker
from tacit.arithmetics.field.client import Client, PrivateClient, fresh_secret
from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.masks import OnDemand
from tacit.arithmetics.field.ops import Convolution, Dense
from tacit.arithmetics.field.parties import mode_of, strength_of
from tacit.arithmetics.field.plan import Plan, Strength, plan
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.settings import Depthwise, Format
from tacit.arithmetics.field.verifier import Challenges
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.arithmetics.field.verify.prime import Prime
from tacit.arithmetics.field.worker import Worker
from tacit.arithmetics.field.worker.host_products import HostProducts
from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.program import Half, Program, lower
from tests.arithmetics.field.models import AVERAGE, IMAGE, MAXIMUM, MODELS, Sketch, rows
from tests.arithmetics.field.worker.scene import encode, placed, rescale, weights

PRODUCTS = HostProducts()


@dataclass(frozen=True, eq=False)
class Scene:
    """A program, and what both of its halves know."""

    program: Program
    asking: Half
    answering: Half

    @property
    def plan(self) -> Plan:
        return plan(self.asking.graph)

    @property
    def strength(self) -> Strength:
        return strength_of(self.asking)

    @property
    def batch(self) -> int:
        found = self.asking.facts["rows"]
        assert isinstance(found, int)
        return found

    def checker(self) -> Checker:
        return Checker(self.plan, self.strength, self.batch)

    def client(self) -> Client:
        return Client(self.checker(), fresh_secret())

    def private_client(self) -> PrivateClient:
        return PrivateClient(self.checker(), fresh_secret(), OnDemand(self.plan, PRODUCTS))

    def worker(self) -> Worker:
        mode = mode_of(self.answering)
        return Worker(self.answering.graph, mode, rows=self.batch, products=PRODUCTS)


def scene(graph: Graph, field: Field | None = None) -> Scene:
    """A network under these knobs."""
    program = lower(graph, Field() if field is None else field)
    return Scene(program, *program.arithmetic.cut(program))


def secretly(graph: Graph, field: Field | None = None) -> Scene:
    """The same, its inputs hidden."""
    knobs = {} if field is None else {name: getattr(field, name) for name in field.__match_args__}
    return scene(graph, Field(**{**knobs, "mode": Mode.PRIVATE}))


def batch(graph: Graph, count: int, seed: int = 5) -> FloatArray:
    """Rows within the range that was calibrated on."""
    return np.resize(rows(graph, seed=seed), (count, *graph.inputs[0].type.shape))


def single() -> Graph:
    """One product alone."""
    sketch = Sketch((12,))
    sketch.dense(3)
    return sketch.graph()


def grouped() -> Graph:
    """Convolutions, one of them in groups, a maximum, and two dense layers."""
    sketch = Sketch(IMAGE)
    sketch.conv(4)
    sketch.function("relu")
    sketch.conv(8, groups=2, stride=2)
    sketch.function("relu")
    sketch.pool(MAXIMUM)
    sketch.flat()
    sketch.dense(6)
    sketch.function("relu")
    sketch.dense(4)
    return sketch.graph()


def averaged() -> Graph:
    """An average over overlapping windows between two convolutions."""
    sketch = Sketch(IMAGE)
    sketch.conv(4)
    sketch.function("relu")
    sketch.pool(AVERAGE, padding=1, kernel=3)
    sketch.conv(4, kernel=1)
    sketch.put("mean", ops.Reduce(ops.ReduceKind.MEAN, (1, 2)))
    sketch.dense(3)
    return sketch.graph()


def line() -> Graph:
    """Convolutions along one axis, and a maximum along it."""
    sketch = Sketch((3, 24))
    bias = np.zeros(4)
    first = ops.Conv(sketch.weights(4, 3, 5), bias, (1,), ((2, 2),), (1,), 1)
    second = ops.Conv(sketch.weights(4, 2, 3), bias, (2,), ((1, 0),), (2,), 2)
    sketch.put("first", first)
    sketch.function("relu")
    sketch.put("second", second)
    sketch.function("relu")
    sketch.put("most", ops.Pool(MAXIMUM, (2,), (2,), ((0, 0),), (1,)))
    sketch.flat()
    sketch.dense(3)
    return sketch.graph()


def tokens() -> Graph:
    """Dense layers over the last axis of a sequence, and of a stack of sequences."""
    sketch = Sketch((2, 5, 6))
    sketch.dense(4)
    sketch.function("relu")
    sketch.dense(7)
    sketch.function("relu")
    sketch.put("rows", ops.Reshape((10, 7)))
    sketch.dense(3)
    return sketch.graph()


def crossed() -> Graph:
    """A dense layer over an image's last axis beside a convolution, and their sum."""
    sketch = Sketch(IMAGE)
    entry = sketch.function("relu")
    left = sketch.dense(8)
    sketch.last = entry
    right = sketch.conv(3)
    sketch.put("add", ops.Add(), left, right)
    sketch.function("relu")
    sketch.flat()
    sketch.dense(3)
    return sketch.graph()


def flipped(answer: Sequence[bytes], part: int = 0) -> list[bytes]:
    """An answer with one bit of one part changed."""
    wrong = [bytearray(each) for each in answer]
    wrong[part][len(wrong[part]) // 2] ^= 16
    return [bytes(each) for each in wrong]


def is_usable(challenges: Challenges, where: Scene) -> bool:
    """Whether any challenge is still there."""
    found: list[Challenge] = [challenges[node.name] for node in where.plan.products]
    return any(each._alive or each._tables.result.any() for each in found)


def turned() -> Graph:
    """A dense layer over an image's rows, whose result is rescaled by the image's channels."""
    builder = Builder()
    x = builder.put("code", encode((2, 3, 4)), builder.input("x", (2, 3, 4)))
    rows_of = builder.put("rows", Dense(weights(1, 4, 4)), x)
    scaled = builder.put("scaled", rescale(2, 2), rows_of)
    point = Convolution(weights(3, 2, 2, 1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1))
    mixed = builder.put("mixed", point, scaled)
    return placed(builder.graph(builder.put("last", rescale(4, 2), mixed)))


MORE = (averaged, crossed, grouped, line, single, tokens)
NETWORKS = {**MODELS, **{each.__name__: each for each in MORE}}
KNOBS = {
    "int8": Field(),
    "slalom": Field(format=Format.SLALOM, fraction=4, prime=Prime.SLALOM),
    "depthwise": Field(depthwise=Depthwise.WORKER),
}
