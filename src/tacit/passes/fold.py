"""Folding: a batch norm at rest disappears into the layer before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tacit.ir.graph import Graph, Node
from tacit.ir.ops import Affine, Conv, Linear
from tacit.ir.rewrite import rewrite


def fold(graph: Graph) -> Graph:
    """The graph with every batch norm folded into a convolution or linear layer before it.

    One whose input is something else, or a layer that is used elsewhere too, stays as it is.
    """
    users = graph.users

    def rule(made: Mapping[str, Node], node: Node) -> tuple[Node, ...] | None:
        if not isinstance(node.op, Affine):
            return None
        layer = made[node.args[0]]
        shared = len(users[layer.name]) > 1 or layer.name in graph.outputs
        joined = None if shared else _joined(layer, node.op)
        return None if joined is None else (replace(node, op=joined, args=layer.args),)

    return rewrite(graph, rule)


def _joined(layer: Node, norm: Affine) -> Conv | Linear | None:
    """The layer that does both, if there is one."""
    match layer.op:
        case Conv() as conv:
            broad = (-1,) + (1,) * (conv.weight.ndim - 1)
            weight = conv.weight * norm.scale.reshape(broad)
            return replace(conv, weight=weight, bias=conv.bias * norm.scale + norm.offset)
        case Linear() as linear if len(layer.type.shape) == 1:
            weight = linear.weight * norm.scale[:, None]
            return replace(linear, weight=weight, bias=linear.bias * norm.scale + norm.offset)
        case _:
            return None
