"""What is known of the nodes that were lowered, in the form in which the next one needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tacit.arithmetics.binary.lowering.chains import Chain, Scale, Shift, reals_of
from tacit.arithmetics.binary.lowering.values import (
    Coded,
    Fixed,
    Numbers,
    Reach,
    Sums,
    Value,
    axis_in,
    reals,
)
from tacit.arithmetics.binary.ops import Clamps, Totals, Transform, transformed
from tacit.errors import WidthExceeded
from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Node, Op, Type
from tacit.ir.rewrite import Builder

INT32 = np.iinfo(np.int32)


class Known:
    """The value of every node so far, and the words that were added for them."""

    def __init__(self, graph: Graph, builder: Builder) -> None:
        self._graph = graph
        self._nodes: Mapping[str, Node] = graph.by_name
        self._users = graph.users
        self._builder = builder
        self._values: dict[str, Value] = {}
        self._reals: dict[str, str] = {}

    def __getitem__(self, node: Node) -> Value:
        return self._values[node.name]

    def note(self, node: Node, value: Value) -> None:
        """Keep a node's value; sums that several read are made once, as integers."""
        if isinstance(value, Sums) and self.is_shared(node):
            value = self.settled(value, node)
        self._values[node.name] = value

    def is_shared(self, node: Node) -> bool:
        """Whether more than one node, or the caller, takes a node's value."""
        return len(self._users[node.name]) + (node.name in self._graph.outputs) > 1

    def put(self, node: Node, op: Op, *args: str, suffix: str = "") -> str:
        """The name of a word for a node."""
        return self._builder.add(Node(node.name + suffix, op, args, Type(()), node.origin))

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a word's value."""
        return self._builder.type(name).shape

    def input(self, node: Node) -> None:
        """Add an input as it is."""
        self._builder.add(node)
        self._reals[node.name] = node.name
        self.note(node, reals(node.name, node.type.shape))

    def real(self, node: Node) -> str:
        """The name of a node's value as reals."""
        if node.name not in self._reals:
            self._reals[node.name] = self._real(node)
        return self._reals[node.name]

    def computed(self, node: Node, op: Op) -> Numbers:
        """A node's value by a source op on the reals of its arguments."""
        args = (self.real(self._nodes[name]) for name in node.args)
        self._reals[node.name] = self.put(node, op, *args)
        return reals(self._reals[node.name], node.type.shape)

    def _real(self, node: Node) -> str:
        found = self._known_real(self[node], node)
        if found is not None:
            return found
        return self.put(node, node.op, *(self.real(self._nodes[name]) for name in node.args))

    def _known_real(self, value: Value, node: Node) -> str | None:
        """The name of a value as reals, if that is quicker than the node's own op."""
        match value:
            case Fixed():
                return self.put(node, ops.Constant(value.value))
            case Numbers(chain=Chain(steps=())):
                return value.name
            case Numbers():
                return self._scaled(value, node)
            case Sums():
                return self._transformed(value, node)
            case Coded(planes=(plane,), offset=0, scale=1.0, border=None):
                return plane.name
            case Coded():
                return None

    def _scaled(self, value: Numbers, node: Node) -> str | None:
        """Integers that are scaled and shifted only, in one op."""
        if value.reach is None:
            return None
        factor, offset = np.ones(value.chain.channels), np.zeros(value.chain.channels)
        for step in value.chain.steps:
            match step:
                case Scale(factor=more):
                    factor, offset = factor * more, offset * more
                case Shift(offset=more):
                    offset = offset + more
                case _:
                    return None
        if value.axis == axis_in(node.type.shape, 0):
            return self.put(node, ops.Affine(factor, offset), value.name)
        constants = [
            self.put(node, ops.Constant(each), suffix=f"_{label}")
            for each, label in ((factor, "factor"), (offset, "offset"))
        ]
        product = self.put(node, ops.Mul(), value.name, constants[0], suffix="_scaled")
        return self.put(node, ops.Add(), product, constants[1])

    def _transformed(self, value: Sums, node: Node) -> str | None:
        """Sums as reals by a transform of their own, if it has the steps."""
        if value.pool is not None:
            return None
        transform = reals_of(value.chain, value.reach.low, value.reach.high)
        return None if transform is None else self.made(value, transform, node)

    def made(self, value: Sums, transform: Transform, node: Node, suffix: str = "") -> str:
        """The name of a transform of sums."""
        largest = max(int(np.abs(each).max()) for each in (value.reach.low, value.reach.high))
        if largest >= INT32.max:
            raise WidthExceeded(
                f"{node.where} has sums of {largest}, which 32 bits do not hold",
                hint="give the layer fewer inputs, or fewer bits",
            )
        (first, *others) = value.terms
        if not others and first.coefficient == 1 and not value.constant.any():
            op = transformed(first.product, transform)
            return self.put(_named(node, first.layer), op, first.name, suffix=suffix)
        parts = [
            self.put(_named(node, term.layer), term.product, term.name, suffix="_plane")
            for term in value.terms
        ]
        coefficients = tuple(term.coefficient for term in value.terms)
        constant = value.constant.astype(np.int32)
        word = Totals(coefficients, constant, transform, value.axis)
        return self.put(_named(node, first.layer), word, *parts, suffix=suffix)

    def added(self, node: Node, value: Sums, rest: FloatArray) -> Numbers:
        """Sums that are only scaled and shifted, and one real number more at every position."""
        transform = reals_of(value.chain, value.reach.low, value.reach.high)
        assert transform is not None, "what is scaled and shifted has a transform"
        name = self.made(value, transform, node, "_inside")
        constant = self.put(node, ops.Constant(rest), suffix="_border")
        self._reals[node.name] = self.put(node, ops.Add(), name, constant)
        return reals(self._reals[node.name], node.type.shape)

    def settle(self, node: Node) -> None:
        """Make a node's sums, as integers, where that can be done."""
        value = self[node]
        if isinstance(value, Sums):
            self._values[node.name] = self.settled(value, node)

    def settled(self, value: Sums, node: Node) -> Numbers | Sums:
        """Sums as integers of a name; those whose window falls before its largest is taken stay."""
        if value.pool is not None and np.any(value.before.directions < 0.0):
            return value
        transform = Clamps(*(each.astype(np.int32) for each in (value.reach.low, value.reach.high)))
        name = self.made(value, transform, node, "_sums")
        if value.pool is not None:
            name = self.put(node, value.pool, name, suffix="_largest")
        return Numbers(name, value.chain, value.axis, value.reach)


def _named(node: Node, layer: Node) -> Node:
    """The node whose word is made, as part of the layer whose sums it takes."""
    return replace(node, origin=layer.origin)


def spread(value: Numbers, name: str, count: int) -> Numbers:
    """A value each of whose channels became so many, one behind the other."""
    channels = value.chain.channels * count
    chain = value.chain.moved(lambda each: np.repeat(each, count), channels)
    reach = value.reach
    if reach is not None:
        reach = Reach(np.repeat(reach.low, count), np.repeat(reach.high, count))
    return replace(value, name=name, chain=chain, axis=-1, reach=reach)
