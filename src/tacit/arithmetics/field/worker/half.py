"""What the worker is given of a program, and how large its numbers can become."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tacit.arithmetics.field.ops import (
    PRODUCTS,
    Convolution,
    Dense,
    Encode,
    Entrywise,
    Inner,
    Rescale,
    Table,
    Totals,
)
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.worker.layers import BYTE, WORD
from tacit.ir import ops
from tacit.ir.graph import Graph, Input, Node, Place, Type


def worker_graph(graph: Graph, mode: Mode) -> Graph:
    """The worker's part of a lowered graph; its results are the products placed SERVER, in order.

    For integrity it is all that they are computed from, with the encoding, which says what its
    integers are; in private the products alone, each of an input that is called as its argument.
    """
    asked, by_name = served(graph), graph.by_name
    needed = set(asked)
    if mode is Mode.INTEGRITY:
        for node in reversed(graph.nodes):
            if node.name in needed:
                needed.update(node.args)
        return Graph(tuple(node for node in graph if node.name in needed), asked)
    nodes: dict[str, Node] = {}
    for name in asked:
        (given,) = by_name[name].args
        nodes.setdefault(given, border(by_name[given]))
        nodes[name] = by_name[name]
    return Graph(tuple(nodes.values()), asked)


def served(graph: Graph) -> tuple[str, ...]:
    """The names of the products that the worker answers, in the graph's order."""
    return tuple(
        node.name for node in graph if isinstance(node.op, PRODUCTS) and node.place is Place.SERVER
    )


def border(node: Node) -> Node:
    """A node as an input: nothing of how it is computed."""
    shape = node.type.shape
    return Node(node.name, Input(shape), (), Type(shape, secret=True), place=node.place)


def source(graph: Graph) -> Node:
    """The node whose integers a message holds: the encoding, or an input of bytes without one."""
    encodings = [node for node in graph if isinstance(node.op, Encode)]
    (found,) = encodings or graph.inputs
    return found


def limits(node: Node) -> tuple[int, int]:
    """Between what a source's integers lie."""
    return (node.op.low, node.op.high) if isinstance(node.op, Encode) else (0, BYTE)


def magnitudes(graph: Graph) -> dict[str, int]:
    """The largest absolute value that every node's integers can have, by its op alone."""
    known: dict[str, int] = {}
    for node in graph:
        known[node.name] = _magnitude(node, [known[name] for name in node.args], graph)
    return known


def _magnitude(node: Node, args: Sequence[int], graph: Graph) -> int:
    match node.op:
        case Input() | Encode():
            low, high = limits(node)
            return max(abs(low), abs(high))
        case Dense() | Convolution():
            return WORD
        case Rescale(low=low, high=high):
            return max(abs(low), abs(high))
        case Table(table):
            return int(np.abs(table.astype(np.int64)).max())
        case Totals(kernel):
            return math.prod(kernel) * args[0]
        case Inner(zero_points) | Entrywise(zero_points):
            first, second = (a + abs(z) for a, z in zip(args, zero_points, strict=True))
            shape = graph[node.args[0]].type.shape
            return first * second * (shape[-1] if isinstance(node.op, Inner) else 1)
        case ops.Reduce():
            shape = graph[node.args[0]].type.shape
            return args[0] * math.prod(shape[axis] for axis in node.op.axes)
        case ops.Pad(value=value):
            return max(args[0], math.ceil(abs(value)))
        case _:
            return max(args)
