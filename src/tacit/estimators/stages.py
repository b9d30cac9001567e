"""A program in three: reals to integers, integers to integers, integers to the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tacit.arithmetics.integers.ops import Decode, Encode
from tacit.estimators.features import Grids
from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Input, Node, Shape, Type, evaluate
from tacit.ir.ops import Linear
from tacit.program import Program, Progress

Run = Callable[[IndexArray], IndexArray]
# Rows computed at once: bounds the memory of a simulation, not its result.
ROWS = 256


@dataclass(frozen=True, eq=False)
class Stages:
    """The client's two ends, in the clear, and between them a program on integers alone.

    `core` is in the same words, so an engine computes it; its input and its result are integers.
    """

    encode: Encode
    core: Program
    tail: Graph

    def quantise(self, x: FloatArray) -> IndexArray:
        """(rows, features) as integers; what lies outside of the grids goes to the border."""
        return self.encode.run(x).astype(np.int64)

    def run(self, q: IndexArray) -> IndexArray:
        """The integers that come out, computed in the clear."""
        x = q.astype(np.float64)
        pieces = [self.core(x[start : start + ROWS]) for start in range(0, len(x), ROWS)]
        return whole_numbers(np.concatenate(pieces))

    def dequantise(self, q: IndexArray) -> FloatArray:
        """(rows, outputs): what the integers that came out stand for."""
        source = self.tail.inputs[0]
        values = {source.name: q.astype(np.float64)}
        return evaluate(self.tail, values)[self.tail.outputs[0]]

    def keyed(self, *, progress: Progress | None = None) -> Run:
        """What computes the integers on ciphertexts, with fresh keys."""
        engine = self.core.engine(progress=progress)
        return lambda q: whole_numbers(engine(q.astype(np.float64)))


@dataclass(frozen=True, eq=False)
class Fixed:
    """The stages of a model that answers alike whatever it is given: there is nothing to compute.

    `answer` has an entry for every output.
    """

    grids: Grids
    answer: FloatArray

    def quantise(self, x: FloatArray) -> IndexArray:
        """(rows, features) as integers."""
        return whole_numbers(self.grids.integers(x))

    def run(self, q: IndexArray) -> IndexArray:
        """Nothing, for every row."""
        return np.zeros((len(q), self.answer.size), dtype=np.int64)

    def dequantise(self, q: IndexArray) -> FloatArray:
        """(rows, outputs): the same answer for every row."""
        return np.broadcast_to(self.answer, (len(q), self.answer.size)).copy()

    def keyed(self, *, progress: Progress | None = None) -> Run:
        """What computes the integers: nobody needs to."""
        return self.run


def whole_numbers(values: FloatArray) -> IndexArray:
    """Integers that were computed as doubles."""
    return np.rint(values).astype(np.int64)


def is_fixed(graph: Graph) -> bool:
    """Whether the result is the same for all inputs, as layers without a weight make it."""
    known: set[str] = set()
    for node in graph:
        weightless = isinstance(node.op, Linear) and not node.op.weight.any()
        if weightless or (node.args and known.issuperset(node.args)):
            known.add(node.name)
    return known.issuperset(graph.outputs)


def stages(program: Program) -> Stages:
    """A program of `Integers`, taken apart at its client's words."""
    graph = program.graph
    encode = next(node.op for node in graph if isinstance(node.op, Encode))
    opened = next(node for node in graph if isinstance(node.op, Decode))
    place = graph.nodes.index(opened)
    given = graph[opened.args[0]].type
    inner = tuple(_bare(node, given.shape) for node in graph.nodes[: place + 1])
    core = Program(Graph(inner, (opened.name,)), program.arithmetic)
    start = Node(opened.args[0], Input(given.shape), (), Type(given.shape))
    tail = Graph((start, *graph.nodes[place:]), graph.outputs)
    return Stages(replace(encode, steps=False), core, tail)


def _bare(node: Node, result: Shape) -> Node:
    """The node with integers where the client's words have reals."""
    match node.op:
        case Encode() as op:
            ones, zeros = np.ones_like(op.slope), np.zeros_like(op.offset)
            least, most = op.low.astype(np.float64), op.high.astype(np.float64)
            return replace(node, op=replace(op, slope=ones, offset=zeros, least=least, most=most))
        case Decode() as op:
            whole = replace(op, to=result, scale=1.0, offset=0.0)
            return replace(node, op=whole, type=Type(result))
        case _:
            return node
