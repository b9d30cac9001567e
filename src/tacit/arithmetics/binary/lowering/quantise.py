"""Quantisers: reals, integers and sums become bits, by thresholds that are found exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tacit.arithmetics.binary.lowering.chains import Chain
from tacit.arithmetics.binary.lowering.known import Known
from tacit.arithmetics.binary.lowering.values import (
    Coded,
    Digits,
    Numbers,
    Reach,
    Sums,
    reals,
)
from tacit.arithmetics.binary.ops import (
    ALWAYS,
    NEVER,
    Alphabet,
    Bits,
    Digit,
    IntegerArray,
    Thresholds,
    TruthArray,
    pooled,
)
from tacit.arithmetics.binary.thresholds import IsMet, of_doubles, of_integers
from tacit.ir import ops
from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Node, Op

# More levels than these are no few bits.
MOST_LEVELS = 255


def levels_of(op: Op) -> tuple[float, int, int] | None:
    """The scale, the least and the largest integer of what an op makes, if it is a quantiser."""
    match op:
        case ops.Map(function=Function(name="bipolar")):
            return 1.0, -1, 1
        case ops.Map(function=Function(name="heaviside")):
            return 1.0, 0, 1
        case ops.Map(function=Function(name="sign" | "ternary")):
            return 1.0, -1, 1
        case ops.FakeQuantise(scale=scale, zero_point=zero, low=low, high=high) if scale.size == 1:
            shift = int(zero.flat[0])
            return float(scale.flat[0]), low - shift, high - shift
        case _:
            return None


def quantised(known: Known, node: Node, arg: Node) -> Coded | None:
    """What a quantiser makes of a value, as bits; None where the op is none, or has many levels."""
    levels = levels_of(node.op)
    if levels is None or levels[2] - levels[1] > MOST_LEVELS or not arg.type.shape:
        return None
    scale, least, most = levels
    if _is_bipolar(node.op):
        return _coded(known, node, arg, (Alphabet.BIPOLAR, 0, 1.0))
    if most - least == 1:
        return _coded(known, node, arg, (Alphabet.UNIPOLAR, least, scale))
    if isinstance(known[arg], Sums):
        known.settle(arg)
    _, value = _chain(known, arg)
    if isinstance(value, Sums):
        value = reals(known.real(arg), arg.type.shape)
    return _digits(known, node, value, levels)


def _is_bipolar(op: Op) -> bool:
    return isinstance(op, ops.Map) and op.function.name == "bipolar"


def _coded(known: Known, node: Node, arg: Node, of: tuple[Alphabet, int, float]) -> Coded:
    """A value as one bit, which stands for scale · (bit + offset)."""
    alphabet, offset, scale = of
    middle = scale * (sum(alphabet.values) / 2.0 + offset)
    chain, value = _chain(known, arg)

    def is_larger(x: FloatArray) -> TruthArray:
        return np.asarray(node.op.run(chain(x)[None])[0] > middle)

    match value:
        case Sums():
            name = _thresholds(known, node, value, (alphabet, is_larger))
        case _:
            name = _bits(known, node, value, (alphabet, is_larger))
    return Coded((Digits(name, 1),), alphabet, offset, scale, node.type.shape, node.op)


def _chain(known: Known, arg: Node) -> tuple[Chain, Numbers | Sums]:
    """A value that is to be compared, and what is to be done to its numbers before."""
    value = known[arg]
    if not isinstance(value, Numbers | Sums):
        value = reals(known.real(arg), arg.type.shape)
    if isinstance(value, Numbers) and not value.chain.steps:
        # Channels without steps of their own share their thresholds.
        value = replace(value, chain=Chain(1))
    return value.chain, value


def _bits(known: Known, node: Node, value: Numbers, of: tuple[Alphabet, IsMet]) -> str:
    """Numbers as bits by thresholds."""
    alphabet, is_larger = of
    if value.reach is None:
        before, behind, flip = of_doubles(value.chain.channels, is_larger)
    else:
        first, flip = of_integers(*_ends(value.reach, value.chain), is_larger)
        behind = _endless(first)
        before = behind - 1.0
    # A comparison that a number itself passes is met, or is no more, from that number on.
    is_first = flip == (alphabet is Alphabet.UNIPOLAR)
    threshold = np.where(is_first, behind, before)
    return known.put(node, Bits(alphabet, threshold, flip, value.axis), value.name)


def _ends(reach: Reach, chain: Chain) -> tuple[IndexArray, IndexArray]:
    """The least and the largest integer of each of a chain's channels."""
    if chain.channels == reach.low.size:
        return reach.low, reach.high
    return reach.low.min(keepdims=True), reach.high.max(keepdims=True)


def _endless(first: IntegerArray) -> FloatArray:
    """Thresholds of integers as doubles, those that hold for all or for none infinite."""
    return np.where(first == ALWAYS, -np.inf, np.where(first == NEVER, np.inf, first))


def _thresholds(known: Known, node: Node, value: Sums, of: tuple[Alphabet, IsMet]) -> str:
    """Sums as bits by integer thresholds; the largest of a window is taken of the bits."""
    alphabet, is_larger = of
    threshold, flip = of_integers(value.reach.low, value.reach.high, is_larger)
    transform = Thresholds(alphabet, threshold, flip)
    if value.pool is None:
        return known.made(value, transform, node)
    name = known.made(value, transform, node, "_all")
    # A falling bit of the largest number of a window is the least bit of it.
    after = value.after
    falls = after.directions < 0.0 if after is not None else np.zeros(flip.shape, dtype=np.bool_)
    return known.put(node, pooled(value.pool, falls), name)


def _digits(known: Known, node: Node, value: Numbers, levels: tuple[float, int, int]) -> Coded:
    """Numbers as binary digits, by the thresholds of every level."""
    scale, least, most = levels
    op, chain = node.op, value.chain

    def crossed(level: int) -> tuple[FloatArray, TruthArray]:
        middle = (least + level - 0.5) * scale

        def is_met(x: FloatArray) -> TruthArray:
            return np.asarray(op.run(chain(x)[None])[0] > middle)

        if value.reach is None:
            return of_doubles(chain.channels, is_met)[1:]
        first, flip = of_integers(*_ends(value.reach, chain), is_met)
        return _endless(first), flip

    falls = chain.directions < 0.0
    found = (crossed(level) for level in range(1, most - least + 1))
    thresholds = np.stack([_turned(first, flip, falls) for first, flip in found])
    places = range((most - least).bit_length())
    names = [
        known.put(node, Digit(thresholds, falls, place, value.axis), value.name, suffix=f"_{place}")
        for place in places
    ]
    planes = tuple(Digits(name, 1 << place) for place, name in zip(places, names, strict=True))
    return Coded(planes, Alphabet.UNIPOLAR, least, scale, node.type.shape, node.op)


def _turned(first: FloatArray, flip: TruthArray, falls: TruthArray) -> FloatArray:
    """The thresholds of one level, where those of falling channels are always or never passed."""
    return np.where(falls & ~flip, -first, first)
