"""The ends: which nodes a client computes itself, before it encrypts and on what it has opened."""

from __future__ import annotations

from dataclasses import replace

from tacit.errors import LoweringError
from tacit.ir import ops
from tacit.ir.graph import Graph, Input, Op, Place

# Functions that a client may undo anyway, so that leaving them to it tells it nothing new.
INVERTIBLE = frozenset({"sigmoid", "tanh", "exp", "softplus"})
# What a client may compute behind the server's part: nothing that holds a weight of the model.
WEIGHTLESS: tuple[type[Op], ...] = (
    ops.Softmax,
    ops.ArgMax,
    ops.Map,
    ops.Reshape,
    ops.Permute,
    ops.Slice,
)


def at_end(graph: Graph, arithmetic: str) -> frozenset[str]:
    """The names of the nodes at the end that the client computes on what it has opened.

    Raises LoweringError, which speaks of `arithmetic`, where one of them would need the server.
    """
    chosen: set[str] = set()
    for node in graph:
        after = any(name in chosen for name in node.args)
        if after and not isinstance(node.op, WEIGHTLESS):
            raise LoweringError(
                f"{node.where} comes after a softmax or argmax, which the client "
                "computes, and holds weights or several values",
                hint=f"{arithmetic} has softmax and argmax only at the end of a network",
            )
        if after or isinstance(node.op, ops.Softmax | ops.ArgMax):
            chosen.add(node.name)
    return frozenset(chosen | _undone(graph, chosen))


def _undone(graph: Graph, chosen: set[str]) -> set[str]:
    """The invertible functions before the chosen nodes or the result, and moves behind them."""
    users = graph.users
    found: set[str] = set()
    for node in reversed(graph.nodes):
        invertible = isinstance(node.op, ops.Map) and node.op.function.name in INVERTIBLE
        last = all(user in chosen | found for user in users[node.name])
        if last and (invertible or isinstance(node.op, ops.Reshape | ops.Permute)):
            found.add(node.name)
    for node in graph:
        # A move that no such function comes before can as well be the server's.
        if node.name in found and not isinstance(node.op, ops.Map) and node.args[0] not in found:
            found.remove(node.name)
    return found


def placed(graph: Graph, *, ends: tuple[type[Op], ...]) -> Graph:
    """A graph in words with every node's place set.

    The client's are the inputs, the words `ends` that encrypt and open, and what is weightless.
    """
    client: tuple[type[Op], ...] = (Input, *ends, *WEIGHTLESS)
    nodes = (
        replace(node, place=Place.CLIENT if isinstance(node.op, client) else Place.SERVER)
        for node in graph
    )
    return Graph(tuple(nodes), graph.outputs)
