"""A calibrated graph becomes integer products for a worker and what a verifier does between them.

Every value is kept as real factors of integers, channel by channel, and its clamp, until integers
on a grid are needed: bias, zero points, batch norms, sums of branches, averages and requantisation
are one word then. Convolutions stay convolutions.
"""

from __future__ import annotations

from dataclasses import replace

from tacit.arithmetics.field.lowering.arithmetic import computed
from tacit.arithmetics.field.lowering.known import Known
from tacit.arithmetics.field.lowering.moves import moved
from tacit.arithmetics.field.lowering.scalars import grid_of_input, scalar
from tacit.arithmetics.field.lowering.values import Fixed, Value
from tacit.arithmetics.field.lowering.windows import pooled
from tacit.arithmetics.field.lowering.words import Words
from tacit.arithmetics.field.ops import Convolution, Dense
from tacit.arithmetics.field.settings import Depthwise, Settings
from tacit.errors import LoweringError
from tacit.ir import ops
from tacit.ir.graph import Graph, Input, Node, Place
from tacit.ir.rewrite import Builder
from tacit.passes.ends import at_end


def lower(graph: Graph, settings: Settings) -> Graph:
    """The graph in words of the field, each with who computes it.

    Raises LoweringError, or WidthExceeded naming a layer and channel whose sums are too wide.
    """
    builder = Builder()
    lowering = _Lowering(graph, Words(builder, settings))
    for node in graph:
        lowering.take(node)
    name = lowering.at_client(graph[graph.outputs[0]])
    return _placed(builder.graph(name), settings)


class _Lowering:
    """Node after node, what is known of each value."""

    def __init__(self, graph: Graph, words: Words) -> None:
        self._graph = graph
        self._nodes = graph.by_name
        self._words = words
        self._known = Known(words)
        self._ends = at_end(graph, "Field")
        self._opened: dict[str, str] = {}

    def take(self, node: Node) -> None:
        """Add what this node needs."""
        args = [self._nodes[name] for name in node.args]
        if node.name in self._ends:
            names = (self.at_client(arg) for arg in args)
            self._opened[node.name] = self._words.client(node, node.op, *names)
            return
        self._known.note(node, self._value(node, args))

    def at_client(self, node: Node) -> str:
        """The name of the node's value as reals, when all products have been checked."""
        if node.name not in self._opened:
            self._opened[node.name] = self._words.decoded(self._known.varying(node), node)
        return self._opened[node.name]

    def _value(self, node: Node, args: list[Node]) -> Value:
        known = [self._known[arg] for arg in args]
        fixed = [value.value[None] for value in known if isinstance(value, Fixed)]
        if args and len(fixed) == len(args):
            return Fixed(node.op.run(*fixed)[0])
        match node.op:
            case Input():
                grid = grid_of_input(self._graph, node, self._words.settings)
                return self._words.encoded(node, grid or self._words.grid_of(node))
            case ops.Constant(value=value):
                return Fixed(value)
            case ops.Map() | ops.Approximated() | ops.FakeQuantise():
                return scalar(self._known, node, args[0])
            case ops.Pool() | ops.AdaptivePool() | ops.Reduce():
                return pooled(self._known, node, args[0])
            case ops.Reshape() | ops.Permute() | ops.Slice() | ops.Pad() | ops.Concat():
                return moved(self._known, node, args)
            case _:
                return self._computed(node, args)

    def _computed(self, node: Node, args: list[Node]) -> Value:
        match node.op:
            case ops.Linear() | ops.Conv() | ops.Affine():
                return computed(self._known, node, args)
            case ops.Add() | ops.Sub() | ops.Mul() | ops.MatMul():
                return computed(self._known, node, args)
            case _:
                raise LoweringError(
                    f"{node.where}: Field has no {type(node.op).__name__}",
                    hint="see docs/supported-ops.md for what can be lowered",
                )


def _placed(graph: Graph, settings: Settings) -> Graph:
    """The graph with every node's place set: a worker's are the products, all else a verifier's."""
    nodes = (replace(node, place=_place(node, settings)) for node in graph)
    return Graph(tuple(nodes), graph.outputs)


def _place(node: Node, settings: Settings) -> Place:
    match node.op:
        case Convolution() as word if word.is_depthwise:
            local = settings.depthwise is Depthwise.LOCAL
            return Place.CLIENT if local else Place.SERVER
        case Convolution() | Dense():
            return Place.SERVER
        case _:
            return Place.CLIENT
