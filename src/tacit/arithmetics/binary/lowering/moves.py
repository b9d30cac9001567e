"""Moves and poolings: of bits they are moves of bits, and of all else of reals."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from tacit.arithmetics.binary.lowering.chains import Chain
from tacit.arithmetics.binary.lowering.known import Known, spread
from tacit.arithmetics.binary.lowering.quantise import quantised
from tacit.arithmetics.binary.lowering.values import (
    Border,
    Coded,
    Digits,
    Numbers,
    Sums,
    Value,
    axis_in,
)
from tacit.arithmetics.binary.ops import pooled as pooled_bits
from tacit.ir import ops
from tacit.ir.graph import Node, Op, Shape


def moved(known: Known, node: Node, args: list[Node]) -> Value:
    """What only moves entries, or leaves some out."""
    match node.op:
        case ops.Pad() as pad:
            return _bordered(known, node, args[0], pad)
        case ops.Concat() as join:
            return _joined(known, node, args, join)
        case ops.Reshape(to=to) if not isinstance(known[args[0]], Coded):
            return _reshaped(known, node, args[0], to)
        case _:
            return _each_plane(known, node, args[0])


def pooled(known: Known, node: Node, arg: Node, pool: ops.Pool) -> Value:
    """The largest of every window."""
    value = known[arg]
    match value:
        case Sums(pool=None, axis=0):
            return replace(value, pool=pool, after=Chain(value.before.channels))
        case Coded(planes=(plane,), border=None, scale=scale) if scale > 0.0:
            name = known.put(node, pooled_bits(pool, np.zeros(1, dtype=np.bool_)), plane.name)
            planes = (Digits(name, 1),)
            return replace(value, planes=planes, shape=node.type.shape)
        case Coded(quantiser=quantiser, border=None) if quantiser is not None:
            return _again(known, node, pool, quantiser)
        case _:
            return known.computed(node, pool)


def _again(known: Known, node: Node, op: Op, quantiser: Op) -> Value:
    """What an op that chooses among reals of few levels makes, on these levels again."""
    found = known.computed(node, op)
    known.note(node, found)
    again = quantised(known, replace(node, op=quantiser, name=f"{node.name}_bits"), node)
    return found if again is None else again


def _each_plane(known: Known, node: Node, arg: Node) -> Value:
    value = known[arg]
    if not isinstance(value, Coded) or value.border is not None:
        return known.computed(node, node.op)
    planes = tuple(
        replace(each, name=known.put(node, node.op, each.name, suffix="_moved"))
        for each in value.planes
    )
    return replace(value, planes=planes, shape=node.type.shape)


def _bordered(known: Known, node: Node, arg: Node, pad: ops.Pad) -> Value:
    value = known[arg]
    if not isinstance(value, Coded) or value.border is not None:
        return known.computed(node, pad)
    return replace(value, border=Border(pad.widths, pad.value))


def _joined(known: Known, node: Node, args: list[Node], join: ops.Concat) -> Value:
    """Bits that mean the same, one behind the other."""
    values = [known[arg] for arg in args]
    coded = [each for each in values if isinstance(each, Coded) and each.border is None]
    if len(coded) < len(values) or any(_meaning(each) != _meaning(coded[0]) for each in coded):
        return known.computed(node, join)
    planes = tuple(
        replace(row[0], name=known.put(node, join, *(each.name for each in row), suffix="_joined"))
        for row in zip(*(each.planes for each in coded), strict=True)
    )
    return replace(coded[0], planes=planes, shape=node.type.shape)


def _meaning(value: Coded) -> tuple[object, ...]:
    return len(value.planes), value.alphabet, value.offset, value.scale


def _reshaped(known: Known, node: Node, arg: Node, to: Shape) -> Value:
    """Numbers in another shape, whose channels stay what they are or become one for each pixel."""
    shape = arg.type.shape
    if len(to) > 1 and to[0] != shape[0]:
        return known.computed(node, node.op)
    known.settle(arg)
    value = known[arg]
    is_first = isinstance(value, Numbers) and value.axis == axis_in(shape, 0)
    if not isinstance(value, Numbers) or not is_first or not value.chain.steps:
        return known.computed(node, node.op)
    name = known.put(node, node.op, value.name, suffix="_moved")
    if len(to) > 1:
        return replace(value, name=name, axis=0)
    return spread(value, name, prod(shape[1:]))
