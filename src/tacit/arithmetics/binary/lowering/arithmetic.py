"""Scales, shifts and functions: steps of a channel's chain, as long as they are that."""

from __future__ import annotations

import numpy as np

from tacit.arithmetics.binary.lowering.chains import Scale, Shift, Step, bend_of
from tacit.arithmetics.binary.lowering.known import Known
from tacit.arithmetics.binary.lowering.quantise import quantised
from tacit.arithmetics.binary.lowering.values import (
    Coded,
    Fixed,
    Numbers,
    Sums,
    Value,
    axis_in,
    by_channel,
)
from tacit.ir import ops
from tacit.ir.graph import Node, Op


def scalar(known: Known, node: Node, arg: Node) -> Value:
    """A function of every entry: a quantiser, a step of a chain, or an op on reals."""
    found = quantised(known, node, arg)
    if found is not None:
        return found
    match node.op:
        case ops.Map(function=function):
            bend = bend_of(function)
            return _longer(known, node, arg, () if bend is None else (bend,))
        case _:
            return known.computed(node, node.op)


def computed(known: Known, node: Node, args: list[Node]) -> Value:
    """A sum or product of two values, or a batch norm at rest."""
    match node.op:
        case ops.Affine(scale=scale, offset=offset):
            on_axis = _axis(known, args[0]) == axis_in(args[0].type.shape, 0)
            return _longer(known, node, args[0], (Scale(scale), Shift(offset)) if on_axis else ())
        case ops.Add() | ops.Sub() | ops.Mul():
            return _with_constant(known, node, args)
        case _:
            return known.computed(node, node.op)


def _with_constant(known: Known, node: Node, args: list[Node]) -> Value:
    first, second = (known[arg] for arg in args)
    if isinstance(second, Fixed) and not isinstance(first, Fixed):
        return _step(known, node, args[0], (second, False))
    if isinstance(first, Fixed) and not isinstance(second, Fixed):
        return _step(known, node, args[1], (first, True))
    return known.computed(node, node.op)


def _step(known: Known, node: Node, arg: Node, of: tuple[Fixed, bool]) -> Value:
    """What a constant, in the first place or not, does to a value."""
    constant, is_first = of
    value = known[arg]
    if isinstance(value, Coded):
        return _scaled(known, node, value, (constant, is_first))
    number = by_channel(constant.value, arg.type.shape, _axis(known, arg))
    if number is None:
        return known.computed(node, node.op)
    match node.op:
        case ops.Mul():
            steps: tuple[Step, ...] = (Scale(number),)
        case ops.Add():
            steps = (Shift(number),)
        case _ if is_first:
            # In doubles b - x and (-x) + b are the same.
            steps = (Scale(np.full(number.shape, -1.0)), Shift(number))
        case _:
            steps = (Shift(-number),)
    return _longer(known, node, arg, steps)


def _scaled(known: Known, node: Node, value: Coded, of: tuple[Fixed, bool]) -> Value:
    """Bits that stand for others, scaled by one number or shifted by whole steps."""
    constant, is_first = of
    numbers = np.unique(constant.value)
    same = node.type.shape == value.shape and value.border is None
    if numbers.size == 1 and same:
        meaning = _meaning(value, node.op, (float(numbers[0]), is_first))
        if meaning is not None:
            scale, offset = meaning
            return Coded(value.planes, value.alphabet, offset, scale, value.shape, None)
    return known.computed(node, node.op)


def _meaning(value: Coded, op: Op, of: tuple[float, bool]) -> tuple[float, int] | None:
    """The scale and offset of bits of which a number was made something else, if they have such."""
    number, is_first = of
    scale, shift = value.scale, number
    match op:
        case ops.Mul() if number != 0.0:
            return scale * number, value.offset
        case ops.Mul():
            return None
        case ops.Sub() if is_first:
            scale = -scale
        case ops.Sub():
            shift = -number
        case _:
            pass
    steps = shift / scale
    return (scale, value.offset + round(steps)) if round(steps) == steps else None


def _axis(known: Known, node: Node) -> int:
    """The axis along which a value's numbers have their steps."""
    value = known[node]
    return value.axis if isinstance(value, Numbers | Sums) else axis_in(node.type.shape, 0)


def _longer(known: Known, node: Node, arg: Node, steps: tuple[Step, ...]) -> Value:
    """A value with more steps, or the op on reals where there are none, or others see the value."""
    value = known[arg]
    match value:
        case Sums() if steps:
            return value.then(value.last.then(*steps))
        case Numbers(name=name, chain=chain, axis=axis, reach=reach) if steps and arg.type.shape:
            return Numbers(name, chain.then(*steps), axis, reach)
        case _:
            return known.computed(node, node.op)
