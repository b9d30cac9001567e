"""Back from bits to source operations, which other arithmetics know how to lower.

Every layer whose integers become bits is a layer of weights -1 and +1 with biases on halves, and a
sign or step of what it gives: batch norms, scales and clamps are gone. That is what encrypted
integers want: sums that no rounding touches, and one small table for all neurons.
"""

from __future__ import annotations

import numpy as np

from tacit.arithmetics.binary.ops import (
    Alphabet,
    BinaryProduct,
    BitPool,
    Bits,
    Clamps,
    Digit,
    Reals,
    Thresholds,
    Totals,
    TruthArray,
)
from tacit.errors import LoweringError
from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Input, Node, Op, Place, Shape, Type
from tacit.ir.rewrite import Builder

_FUNCTIONS = {Alphabet.BIPOLAR: Function("bipolar"), Alphabet.UNIPOLAR: Function("heaviside")}
# Thresholds that no double passes are moved to where none that is calibrated passes them either.
_FAR = 1e300


def in_the_clear(graph: Graph) -> Graph:
    """A graph in words of bits as source operations, equal in every result, without ranges.

    Raises LoweringError for planes of several bits, which no source operation gives back: lower
    the graph that was read, whose grids encrypted integers know themselves.
    """
    builder = Builder()
    names: dict[str, str] = {}
    for node in graph:
        if isinstance(node.op, Input):
            names[node.name] = builder.add(node)
            continue
        steps = _Steps(builder, node)
        names[node.name] = _added(steps, node, tuple(names[each] for each in node.args))
    return builder.graph(*(names[name] for name in graph.outputs))


class _Steps:
    """The operations of one node, each after the other."""

    def __init__(self, builder: Builder, node: Node) -> None:
        self._builder = builder
        self._node = node

    def put(self, op: Op, *args: str, last: bool = False) -> str:
        """The name of an operation; only the last one has the node's own."""
        name = self._node.name if last else f"{self._node.name}_step"
        added = Node(name, op, args, Type(()), self._node.origin, Place.SERVER)
        return self._builder.add(added)

    def shape(self, name: str) -> Shape:
        """The shape of a value."""
        return self._builder.type(name).shape


def _added(steps: _Steps, node: Node, args: tuple[str, ...]) -> str:
    match node.op:
        case BinaryProduct() as op:
            return _product(steps, op, args[0])
        case Bits() as op:
            return _bits(steps, op, args[0])
        case BitPool() as op:
            return _pool(steps, op, args[0])
        case Digit() | Totals():
            raise LoweringError(
                f"{node.where} is one of several planes of bits",
                hint="lower the graph that was read: Integers knows grids of few bits itself",
            )
        case _:
            return steps.put(node.op, *args, last=True)


def _product(steps: _Steps, op: BinaryProduct, x: str) -> str:
    weight, bias = op.weight.astype(np.float64), np.zeros(op.outputs)
    match op.transform:
        case Thresholds(alphabet=alphabet, threshold=threshold, flip=flip):
            reach = float(op.fan_in * max(abs(op.border), 1))
            # Thresholds that all sums pass, or none, as close to them as that stays so.
            near = np.clip(threshold.astype(np.float64), -reach, reach + 1.0)
            weight = np.where(flip.reshape(-1, *(1,) * (weight.ndim - 1)), -weight, weight)
            sums = _layer(steps, op, (weight, _bias(near, flip)), x)
            return steps.put(ops.Map(_FUNCTIONS[alphabet]), sums, last=True)
        case Reals(multiplier=multiplier, bias=shift) as reals:
            sums = _clamped(steps, op, reals, _layer(steps, op, (weight, bias), x))
            factors = multiplier.astype(np.float64), shift.astype(np.float64)
            return _scaled(steps, factors, sums, op.axis)
        case Clamps() as clamps:
            return _clamped(steps, op, clamps, _layer(steps, op, (weight, bias), x))


def _bias(threshold: FloatArray, flip: TruthArray) -> FloatArray:
    """What makes a sign, or a step, of sums that are compared with thresholds: never zero."""
    return np.where(flip, threshold - 0.5, 0.5 - threshold)


def _layer(steps: _Steps, op: BinaryProduct, of: tuple[FloatArray, FloatArray], x: str) -> str:
    weight, bias = of
    window = op.window
    if window is None:
        return steps.put(ops.Linear(weight, bias), x)
    padding = window.padding
    if window.border:
        x = steps.put(ops.Pad(((0, 0), *padding), float(window.border)), x)
        padding = tuple((0, 0) for _ in padding)
    layer = ops.Conv(weight, bias, window.stride, padding, window.dilation, window.groups)
    return steps.put(layer, x)


def _clamped(steps: _Steps, op: BinaryProduct, ends: Clamps | Reals, x: str) -> str:
    """Sums between their ends, where there are sums beyond."""
    reach = op.fan_in * max(abs(op.border), 1)
    ones = np.ones(op.outputs)
    for end, sign, is_active in (
        (ends.low, 1.0, bool(np.any(ends.low > -reach))),
        (ends.high, -1.0, bool(np.any(ends.high < reach))),
    ):
        if is_active:
            shift = end.astype(np.float64)
            above = _scaled(steps, (sign * ones, -sign * shift), x, op.axis)
            over = steps.put(ops.Map(Function("relu")), above)
            x = _scaled(steps, (sign * ones, shift), over, op.axis)
    return x


def _scaled(steps: _Steps, by: tuple[FloatArray, FloatArray], x: str, axis: int) -> str:
    """factor · x + offset, by channel or the same for all."""
    factor, offset = by
    shape = steps.shape(x)
    if factor.size == shape[0] and (axis == 0 or len(shape) == 1):
        return steps.put(ops.Affine(factor, offset), x)
    scaled = steps.put(ops.Mul(), x, steps.put(ops.Constant(factor)))
    return steps.put(ops.Add(), scaled, steps.put(ops.Constant(offset)))


def _bits(steps: _Steps, op: Bits, x: str) -> str:
    threshold = np.clip(op.threshold, -_FAR, _FAR)
    if np.any(threshold) or np.any(op.flip):
        by = np.where(op.flip, -1.0, 1.0), np.where(op.flip, threshold, -threshold)
        x = _scaled(steps, by, x, op.axis)
    return steps.put(ops.Map(_FUNCTIONS[op.alphabet]), x, last=True)


def _pool(steps: _Steps, op: BitPool, x: str) -> str:
    if not np.any(op.least):
        return steps.put(op.pool, x, last=True)
    by = np.where(op.least, -1.0, 1.0), np.zeros(op.least.size)
    return _scaled(steps, by, steps.put(op.pool, _scaled(steps, by, x, 0)), 0)
