"""Layers: of bits, sums of products of bits where their weights are signs; of all else, reals."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from tacit.arithmetics.binary.lowering.chains import Chain, Scale, Shift
from tacit.arithmetics.binary.lowering.known import Known
from tacit.arithmetics.binary.lowering.values import (
    Border,
    Coded,
    Reach,
    Sums,
    Term,
    Value,
)
from tacit.arithmetics.binary.lowering.weights import Signs, signs_of
from tacit.arithmetics.binary.ops import (
    MOST_SUM,
    Alphabet,
    BinaryProduct,
    Clamps,
    SignArray,
    Window,
)
from tacit.ir import ops
from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Node
from tacit.ir.ops import Pads


def layer(known: Known, node: Node, arg: Node, most: int) -> tuple[Value, str]:
    """A linear layer or convolution, and why it stays real, or nothing where it does not."""
    value, op = known[arg], node.op
    assert isinstance(op, ops.Linear | ops.Conv), "only these have weights of their own"
    if not isinstance(value, Coded):
        return known.computed(node, op), "its inputs are not quantised"
    padding = _padding(op, value)
    if padding is None:
        return known.computed(node, op), "its border is part of something else"
    signs = signs_of(op.weight)
    if signs is None:
        return known.computed(node, op), "its weights are on no small grid"
    count = len(signs.planes) * len(value.planes)
    if count > most:
        return known.computed(node, op), f"it would be {count} products of bits; {most} are allowed"
    if prod(op.weight.shape[1:]) << len(value.planes) >= MOST_SUM:
        return known.computed(node, op), "its sums are no numbers of single precision"
    return _summed(known, node, value, (signs, *padding)), ""


def _padding(op: ops.Linear | ops.Conv, value: Coded) -> tuple[Pads, float] | None:
    """A layer's padding and what is in it, with a border that was put on before."""
    if isinstance(op, ops.Linear):
        return None if value.border is not None else ((), 0.0)
    border = value.border or Border(((0, 0), *op.padding), 0.0)
    if value.border is None:
        return op.padding, 0.0
    has_own = any(sum(each) for each in op.padding)
    if sum(border.widths[0]) or (has_own and border.value != 0.0):
        return None
    pairs = zip(border.widths[1:], op.padding, strict=True)
    return tuple((a + c, b + d) for (a, b), (c, d) in pairs), border.value


def _summed(known: Known, node: Node, value: Coded, of: tuple[Signs, Pads, float]) -> Value:
    """The layer's sums, with its scales and bias still to come."""
    signs, padding, border = of
    op = node.op
    assert isinstance(op, ops.Linear | ops.Conv), "only these have weights of their own"
    outside, rest = _borders(value, border, prod(op.weight.shape[1:]))
    terms = []
    constant = value.offset * signs.totals
    low, high = constant.copy(), constant.copy()
    for plane in signs.planes:
        for digits, each in zip(value.planes, outside, strict=True):
            window = _window(op, padding, each)
            product = BinaryProduct(plane.sign, value.alphabet, window, _bare(plane.sign))
            coefficient = plane.coefficient * digits.coefficient
            terms.append(Term(product, digits.name, coefficient, node))
            least, most = _reach(plane.sign, value.alphabet, each)
            low += coefficient * least
            high += coefficient * most
    axis = -1 if isinstance(op, ops.Linear) else 0
    chain = Chain(len(signs.scale), _steps(signs.scale * value.scale, op.bias))
    sums = _plain(Sums(tuple(terms), constant, Reach(low, high), chain, axis))
    if not rest or not any(map(sum, padding)):
        return sums
    return known.added(node, sums, rest * _outside(op, value, padding))


def _plain(sums: Sums) -> Sums:
    """Sums of one product by themselves, a constant being one more step."""
    (first, *others) = sums.terms
    if others or first.coefficient != 1 or not sums.constant.any():
        return sums
    constant = sums.constant
    reach = Reach(sums.reach.low - constant, sums.reach.high - constant)
    steps = (Shift(constant.astype(np.float64)), *sums.before.steps)
    return replace(
        sums, constant=0 * constant, reach=reach, before=replace(sums.before, steps=steps)
    )


def _steps(scale: FloatArray, bias: FloatArray) -> tuple[Scale | Shift, ...]:
    """Only what changes anything, so that more transforms are recognised."""
    found: list[Scale | Shift] = []
    if np.any(scale != 1.0):
        found.append(Scale(scale))
    if np.any(bias != 0.0):
        found.append(Shift(bias))
    return tuple(found)


def _bare(sign: SignArray) -> Clamps:
    """Clamps that clamp nothing, until it is known what becomes of the sums."""
    most = np.full(len(sign), np.iinfo(np.int32).max, dtype=np.int32)
    return Clamps(-most, most)


def _window(op: ops.Linear | ops.Conv, padding: Pads, border: int) -> Window | None:
    if isinstance(op, ops.Linear):
        return None
    return Window(op.stride, padding, op.dilation, op.groups, border)


def _borders(value: Coded, border: float, fan_in: int) -> tuple[tuple[int, ...], float]:
    """What each plane has outside of the image, and what is then still missing of the border."""
    steps = border / value.scale - value.offset
    whole = round(steps)
    is_exact = whole == steps and (abs(whole) + 1) * fan_in < MOST_SUM
    return _digits(whole if is_exact else -value.offset, value), 0.0 if is_exact else border


def _digits(whole: int, value: Coded) -> tuple[int, ...]:
    """An integer by planes: in bits that they have themselves, or all of it in the first one."""
    count = len(value.planes)
    if count > 1 and 0 <= whole < 1 << count:
        return tuple(whole >> place & 1 for place in range(count))
    return whole, *(0,) * (count - 1)


def _reach(sign: SignArray, alphabet: Alphabet, border: int) -> tuple[IndexArray, IndexArray]:
    """The least and the largest sum of every output."""
    less, more = alphabet.values
    less, more = min(less, border), max(more, border)
    axes = tuple(range(1, sign.ndim))
    positive = (sign > 0).sum(axis=axes, dtype=np.int64)
    negative = (sign < 0).sum(axis=axes, dtype=np.int64)
    return less * positive - more * negative, more * positive - less * negative


def _outside(op: ops.Linear | ops.Conv, value: Coded, padding: Pads) -> FloatArray:
    """What a border of 1.0 adds at every position: (outputs, *positions)."""
    assert isinstance(op, ops.Conv), "only convolutions have a border"
    empty: FloatArray = np.zeros((1, *value.shape))
    widths = ((0, 0), (0, 0), *padding)
    bare = tuple((0, 0) for _ in padding)
    layer = replace(op, padding=bare, bias=np.zeros(len(op.bias)))
    found: FloatArray = layer.run(np.pad(empty, widths, constant_values=1.0))[0]
    return found
