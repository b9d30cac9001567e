"""Sums and products: with constants they are factors and shifts, of activations they are local."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tacit.arithmetics.field.lowering.known import Known
from tacit.arithmetics.field.lowering.values import Fixed, Sum, Value, Whole, axis_in, varying
from tacit.arithmetics.field.ops import Entrywise, Inner
from tacit.errors import LoweringError
from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Node, Shape

# More values at once are put on grids first; a residual network has two.
MOST_VALUES = 4


def computed(known: Known, node: Node, args: list[Node]) -> Value:
    """An arithmetic op of values at least one of which depends on the input."""
    match node.op:
        case ops.Affine(scale=scale, offset=offset):
            return known.on_axis(args[0], 0).times(scale, offset)
        case ops.Linear() | ops.Conv():
            return known.words.product(node, known.whole(args[0]))
        case ops.Add():
            return _added(known, node, args, 1.0)
        case ops.Sub():
            return _added(known, node, args, -1.0)
        case ops.Mul():
            return _multiplied(known, node, args)
        case _:
            return _matrix_product(known, node, args)


def _added(known: Known, node: Node, args: list[Node], sign: float) -> Sum:
    """a + sign · b."""
    first, second = (known[arg] for arg in args)
    if isinstance(second, Fixed):
        value, shift = _channelwise(known, node, args[0], second)
        return value.times(np.ones(1), sign * shift)
    if isinstance(first, Fixed):
        value, shift = _channelwise(known, node, args[1], first)
        return value.times(np.array([sign]), shift)
    if args[0].type.shape != args[1].type.shape:
        raise LoweringError(
            f"{node.where} adds values of shapes {args[0].type.shape} and {args[1].type.shape}",
            hint="only constants are broadcast in a sum",
        )
    left, right = _together(known, args)
    added = right.times(np.array([sign]), np.zeros(1))
    return replace(left, terms=left.terms + added.terms, shift=left.shift + added.shift)


def _together(known: Known, args: list[Node]) -> tuple[Sum, Sum]:
    """Two values as affine functions with channels on one axis, of few enough integers."""
    first, second = (known.affine(arg) for arg in args)
    if len(first.terms) + len(second.terms) > MOST_VALUES:
        first, second = (known.whole(arg).as_sum() for arg in args)
    if first.axis == second.axis:
        return first, second
    if first.is_uniform:
        return first.along(first.shape, second.axis), second
    return first, known.on_axis(args[1], first.axis)


def _multiplied(known: Known, node: Node, args: list[Node]) -> Sum:
    for arg, other in (args, args[::-1]):
        constant = known[other]
        if isinstance(constant, Fixed):
            value, factor = _channelwise(known, node, arg, constant)
            return value.times(factor, np.zeros(1))
    first, second = _of_one_rank(known, node, args)
    op = Entrywise((first.grid.zero_point, second.grid.zero_point))
    return known.words.local_product(node, op, (first, second), 1)


def _matrix_product(known: Known, node: Node, args: list[Node]) -> Sum:
    constant = known[args[1]]
    if isinstance(constant, Fixed) and constant.value.ndim == 2:
        layer = ops.Linear(constant.value.T, np.zeros(constant.value.shape[1]))
        return known.words.product(replace(node, op=layer), known.whole(args[0]))
    fixed = next((arg for arg in args if known.is_fixed(arg)), None)
    if fixed is not None:
        raise LoweringError(
            f"{node.where} multiplies by the matrices of {fixed.where}",
            hint="a constant matrix comes last, and there is one alone",
        )
    first, second = _of_one_rank(known, node, args)
    op = Inner((first.grid.zero_point, second.grid.zero_point))
    return known.words.local_product(node, op, (first, second), first.shape[-1])


def _of_one_rank(known: Known, node: Node, args: list[Node]) -> tuple[Whole, Whole]:
    """Two values on their grids with as many axes, so that their batches meet."""
    rank = max(len(arg.type.shape) for arg in args)
    first, second = (_widened(known, node, arg, rank) for arg in args)
    return first, second


def _widened(known: Known, node: Node, arg: Node, rank: int) -> Whole:
    x = known.whole(arg)
    missing = rank - len(x.shape)
    return known.words.moved(node, ops.Reshape((1,) * missing + x.shape), x) if missing else x


def _channelwise(known: Known, node: Node, arg: Node, constant: Fixed) -> tuple[Sum, FloatArray]:
    """A value and a constant as one number a channel; raises LoweringError for other constants."""
    value = known.affine(arg)
    full = _spread(constant.value, value.shape)
    if full is not None:
        for axis in (value.axis, axis_in(value.shape, -1 - value.axis)):
            found = varying(full, axis)
            if found is not None:
                return known.on_axis(arg, axis), found
    raise LoweringError(
        f"{node.where} has a constant of shape {constant.value.shape} that differs along more "
        f"than the channels of {value.shape}",
        hint="a constant may differ along the first or the last axis alone",
    )


def _spread(constant: FloatArray, shape: Shape) -> FloatArray | None:
    """The constant in a value's shape, where it does not make that larger."""
    if np.broadcast_shapes(constant.shape, shape) != shape:
        return None
    return np.broadcast_to(constant, shape)
