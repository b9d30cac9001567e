"""Cutting: each party's part of a graph, by who computes a node."""

from __future__ import annotations

from tacit.ir.graph import Graph, Input, Node, Place, Type


def side(graph: Graph, place: Place) -> Graph:
    """The nodes of one place; what they take from the other place is an input."""
    by_name = graph.by_name
    nodes: dict[str, Node] = {}
    for node in graph:
        if node.place is not place:
            continue
        for name in node.args:
            if name not in nodes:
                nodes[name] = _border(by_name[name])
        nodes[node.name] = node
    users = graph.users
    given = [
        name
        for name in nodes
        if by_name[name].place is place
        and any(by_name[user].place is not place for user in users[name])
    ]
    own = [name for name in graph.outputs if by_name[name].place is place]
    return Graph(tuple(nodes.values()), tuple(dict.fromkeys([*own, *given])))


def _border(node: Node) -> Node:
    """The node as an input: nothing of how the other party computes it."""
    shape = node.type.shape
    return Node(node.name, Input(shape), (), Type(shape, secret=True), place=node.place)
