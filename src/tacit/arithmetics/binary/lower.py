"""A calibrated graph becomes sums of products of bits, thresholds, and what stays real between.

What is done to the sums of a layer (scale, bias, batch norm, clamps, the largest of windows) is
kept as a chain until it is known what becomes of it: bits by integer thresholds, or reals.
"""

from __future__ import annotations

from dataclasses import replace

from tacit.arithmetics.binary.lowering.arithmetic import computed, scalar
from tacit.arithmetics.binary.lowering.known import Known
from tacit.arithmetics.binary.lowering.layers import layer
from tacit.arithmetics.binary.lowering.moves import moved, pooled
from tacit.arithmetics.binary.lowering.values import Fixed, Value
from tacit.arithmetics.binary.ops import BinaryProduct
from tacit.errors import LoweringError
from tacit.ir import ops
from tacit.ir.graph import Graph, Input, Node, Place
from tacit.ir.rewrite import Builder

HINT = (
    "quantise a layer's inputs and its weights (tacit.tune.binarise): signs, steps, or grids of "
    "few bits"
)


def lower(graph: Graph, most: int) -> Graph:
    """The graph in words of bits, where no layer becomes more than `most` products of bits.

    Raises LoweringError where nothing is left to be computed on bits.
    """
    builder = Builder()
    lowering = _Lowering(graph, builder, most)
    for node in graph:
        lowering.take(node)
    found = _placed(builder.graph(lowering.result(graph[graph.outputs[0]])))
    if not any(isinstance(node.op, BinaryProduct) for node in found):
        reasons = "; ".join(lowering.reasons) or "it has no linear layer and no convolution"
        raise LoweringError(f"no layer is one of bits: {reasons}", hint=HINT)
    return found


class _Lowering:
    """Node after node, what is known of each value, and why layers stay real."""

    def __init__(self, graph: Graph, builder: Builder, most: int) -> None:
        self._nodes = graph.by_name
        self._known = Known(graph, builder)
        self._most = most
        self.reasons: list[str] = []

    def take(self, node: Node) -> None:
        """Add what this node needs."""
        if isinstance(node.op, Input):
            self._known.input(node)
            return
        args = [self._nodes[name] for name in node.args]
        self._known.note(node, self._value(node, args))

    def result(self, node: Node) -> str:
        """The name of the result."""
        if isinstance(self._known[node], Fixed):
            raise LoweringError(
                f"{node.where} does not depend on the input",
                hint="a constant needs no arithmetic; take it out of the model",
            )
        return self._known.real(node)

    def _value(self, node: Node, args: list[Node]) -> Value:
        known = [self._known[arg] for arg in args]
        fixed = [each.value[None] for each in known if isinstance(each, Fixed)]
        if args and len(fixed) == len(args):
            return Fixed(node.op.run(*fixed)[0])
        match node.op:
            case ops.Constant(value=value):
                return Fixed(value)
            case ops.Linear() | ops.Conv():
                found, why = layer(self._known, node, args[0], self._most)
                self.reasons.extend([f"{node.where}: {why}"] if why else [])
                return found
            case ops.Map() | ops.Approximated() | ops.FakeQuantise():
                return scalar(self._known, node, args[0])
            case ops.Pool(kind=ops.PoolKind.MAXIMUM) as pool:
                return pooled(self._known, node, args[0], pool)
            case ops.Reshape() | ops.Permute() | ops.Slice() | ops.Pad() | ops.Concat():
                return moved(self._known, node, args)
            case _:
                return computed(self._known, node, args)


def _placed(graph: Graph) -> Graph:
    """The graph with every node's place set: a client brings the input, and computes nothing."""
    nodes = (
        replace(node, place=Place.CLIENT if isinstance(node.op, Input) else Place.SERVER)
        for node in graph
    )
    return Graph(tuple(nodes), graph.outputs)
