"""Rewriting makes a new graph: a rule looks at one node, a pass at the whole graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tacit.ir.graph import Graph, Input, Node, Op, Type, retype

# Sees the nodes made so far and one node more; gives the nodes to stand in its place, the last of
# which keeps its name, or None to leave it alone.
Rule = Callable[[Mapping[str, Node], Node], Sequence[Node] | None]


class Builder:
    """Nodes added one after the other, each with its type worked out and a name of its own."""

    def __init__(self, nodes: Sequence[Node] = ()) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._types = {node.name: node.type for node in nodes}

    def fresh(self, name: str) -> str:
        """The name, or the name with a number where it is taken."""
        if name not in self._types:
            return name
        number = 1
        while f"{name}_{number}" in self._types:
            number += 1
        return f"{name}_{number}"

    def add(self, node: Node) -> str:
        """The name under which the node was added; raises TypeMismatch where it has no type."""
        typed = retype(replace(node, name=self.fresh(node.name)), self._types)
        self._nodes[typed.name] = typed
        self._types[typed.name] = typed.type
        return typed.name

    def put(self, name: str, op: Op, *args: str, origin: str = "") -> str:
        """The name under which the op on these arguments was added."""
        return self.add(Node(name, op, args, Type(()), origin))

    def input(self, name: str, shape: tuple[int, ...], *, secret: bool = True) -> str:
        """The name of a new input."""
        return self.add(Node(name, Input(shape), (), Type(shape, secret=secret)))

    def node(self, name: str) -> Node:
        """The node of that name."""
        return self._nodes[name]

    def op(self, name: str) -> Op:
        """The op of the node of that name."""
        return self._nodes[name].op

    def type(self, name: str) -> Type:
        """What is known of the value of that name."""
        return self._types[name]

    def graph(self, *outputs: str) -> Graph:
        """All that was added and is needed, as a graph with these results."""
        return prune(Graph(tuple(self._nodes.values()), outputs))


def rewrite(graph: Graph, rule: Rule) -> Graph:
    """The graph with every node that the rule knows replaced by what the rule gives."""
    made: dict[str, Node] = {}
    for node in graph:
        found = rule(made, node)
        made.update({each.name: each for each in ((node,) if found is None else found)})
    return prune(Graph(tuple(made.values()), graph.outputs))


def prune(graph: Graph) -> Graph:
    """The graph without the nodes that no result needs; inputs stay."""
    needed = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node.name in needed or isinstance(node.op, Input):
            kept.append(node)
            needed.update(node.args)
    return Graph(tuple(reversed(kept)), graph.outputs)
