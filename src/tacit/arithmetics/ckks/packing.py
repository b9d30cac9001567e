"""Layouts for every vector of a graph, so that few rotations, keys and diagonals result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tacit.arithmetics.ckks.levels import levels
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product, Unpack
from tacit.ir.graph import Graph, Node
from tacit.slots.layout import Layout
from tacit.slots.search import Mapped, Packed, Same, Vector, find_layouts


def pack_slots(graph: Graph, slots: int) -> Graph:
    """The graph with every vector laid out in ciphertexts of `slots` slots an input."""
    found = find_layouts(tuple(_vectors(graph)), slots)
    return Graph(tuple(_laid_out(node, found.layouts) for node in graph), graph.outputs)


def _vectors(graph: Graph) -> Iterator[Vector]:
    """What a search for layouts has to know of every word that makes a vector."""
    found, partners = levels(graph), _partners(graph)
    for node in graph:
        match node.op:
            case Pack() as op:
                yield Packed(node.name, op.of)
            case LinearMap() as op:
                # A key switch at level l costs about (l + 1) (l + 2) transforms.
                level = found[node.name] + 1
                weight = (level + 1) * (level + 2)
                partner = partners.get(node.name)
                yield Mapped(node.name, node.args, op.matrices, op.of, weight, partner, node.where)
            case Evaluate() | Product():
                yield Same(node.name, node.args[0])
            case _:
                pass


def _partners(graph: Graph) -> dict[str, str]:
    """For the second factor of every product the first, if both are linear maps of their own."""
    result = {}
    for node in graph:
        if isinstance(node.op, Product) and node.args[0] != node.args[1]:
            second = graph[node.args[1]]
            if isinstance(second.op, LinearMap):
                result[second.name] = node.args[0]
    return result


def _laid_out(node: Node, layouts: Mapping[str, Layout]) -> Node:
    """The node with its layouts set."""
    match node.op:
        case Pack() | Evaluate() | Product():
            return replace(node, op=replace(node.op, layout=layouts[node.name]))
        case LinearMap():
            sources = tuple(layouts[name] for name in node.args)
            op = replace(node.op, sources=sources, layout=layouts[node.name])
            return replace(node, op=op)
        case Unpack():
            return replace(node, op=replace(node.op, layout=layouts[node.args[0]]))
        case _:
            return node
