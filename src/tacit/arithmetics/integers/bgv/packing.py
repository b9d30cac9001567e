"""Layouts for the vectors of a graph, and how many inputs share its ciphertexts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tacit.arithmetics.integers.ops import Decode, Encode, Lookup, Product, Sums
from tacit.ir.graph import Graph, Node
from tacit.slots.diagonals import Schedule, schedule
from tacit.slots.layout import Layout
from tacit.slots.search import Mapped, Packed, Same, Vector, find_layouts


def pack_slots(graph: Graph, slots: int, weights: Mapping[str, float]) -> Graph:
    """The graph with every vector laid out in ciphertexts of `slots` slots an input.

    `weights` says what a rotation costs at each linear map.
    """
    vectors = [each for node in graph for each in _vectors(graph, node, weights)]
    best = find_layouts(vectors, slots).layouts
    return Graph(tuple(_laid_out(node, best) for node in graph), graph.outputs)


def room(graph: Graph) -> int:
    """The slots that one input takes, at most."""
    layouts = [layout for node in graph if (layout := layout_of(node)) is not None]
    return max(min(each.period, each.slots) for each in layouts)


def layout_of(node: Node) -> Layout | None:
    """Where a word's vector lies."""
    match node.op:
        case Encode(layout=layout) | Sums(layout=layout) | Lookup(layout=layout):
            return layout
        case Product(layout=layout) | Decode(layout=layout):
            return layout
        case _:
            return None


def require_layout(layout: Layout | None) -> Layout:
    """The layout that every word of a packed graph has."""
    assert layout is not None, "the graph is not packed"
    return layout


def schedules(op: Sums) -> tuple[Schedule, ...]:
    """For every matrix of a packed word its diagonals, their split into rotations, the folds."""
    target = require_layout(op.layout)
    pairs = zip(op.matrices, op.sources, strict=True)
    return tuple(schedule(matrix, source, target) for matrix, source in pairs)


def terms_of(graph: Graph) -> dict[str, int]:
    """For every linear map the rotated inputs that one of its slots may add up."""
    return {node.name: _terms(node.op) for node in graph if isinstance(node.op, Sums)}


def _terms(op: Sums) -> int:
    if op.layout is None:
        # Before there are layouts: every column on a diagonal of its own.
        return sum(each.shape[1] for each in op.matrices)
    total = 0
    for each in schedules(op):
        widest = max((len(offsets) for offsets in each.offsets().values()), default=0)
        sources = len({source for _, source in each.offsets()})
        # At the roots of the ring's polynomial rotated copies add up like independent values. What
        # is decrypted counts by coefficients: adding up a group of rotations leaves few of them,
        # which add up straight.
        doublings = len(each.folds) * (2 if op.last else 1)
        total += (widest * sources) << doublings
    return max(total, 1)


def _vectors(graph: Graph, node: Node, weights: Mapping[str, float]) -> list[Vector]:
    match node.op:
        case Encode() as op:
            return [Packed(node.name, (op.size,) if op.steps else op.of)]
        case Sums() as op:
            partner = _partner(graph, node.name)
            weight = weights[node.name]
            mapped = Mapped(
                node.name, node.args, op.matrices, op.of, weight, partner, where=node.where
            )
            return [mapped]
        case Lookup() | Product():
            return [Same(node.name, node.args[0])]
        case _:
            return []


def _partner(graph: Graph, name: str) -> str | None:
    """The first factor of the product in which the vector is the second."""
    products = (node for node in graph if isinstance(node.op, Product))
    found = (node.args[0] for node in products if node.args[1] == name != node.args[0])
    return next(found, None)


def _laid_out(node: Node, layouts: Mapping[str, Layout]) -> Node:
    """The node with its layouts set."""
    match node.op:
        case Encode() | Lookup() | Product():
            return replace(node, op=replace(node.op, layout=layouts[node.name]))
        case Sums():
            sources = tuple(layouts[name] for name in node.args)
            op = replace(node.op, sources=sources, layout=layouts[node.name])
            return replace(node, op=op)
        case Decode():
            return replace(node, op=replace(node.op, layout=layouts[node.args[0]]))
        case _:
            return node
