"""Sums of products over a part of a row, a vector of entries at a time.

Each is a function for compiled code. What it takes comes in tuples: contiguous arrays of one axis,
and the entries where to begin. Parts are counted in steps.
"""

from __future__ import annotations

from typing import Any

from numba import types

from tacit.arithmetics.field.verify.lanes import (
    BLOCK,
    EIGHT,
    NARROW_LIMBS,
    STEP,
    WIDE_LIMBS,
)
from tacit.arithmetics.field.verify.vectors import (
    AHEAD,
    BYTE,
    HALF,
    HALVES,
    QUADS,
    WORD,
    Builder,
    Value,
    address,
    emitted,
    halves,
    ir,
    load,
    number,
    pairs,
    prefetch,
    repeat,
    splat,
    step,
    store,
    unpacked,
)


@emitted
def wide_products(_typing: Any, arrays: Any, spots: Any) -> Any:
    """Add int32 entries times both limbs of their weights to sums; at most WIDE_STEPS.

    `arrays` are entries, weights, sums; `spots` where to begin in entries and weights, how far the
    second limb lies behind the first, and how many steps.
    """

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        arrays, spots = (unpacked(builder, each) for each in given)
        entry, at, stride, steps = spots
        kinds = signature.args[0]
        values = address(context, builder, (kinds[0], arrays[0]), entry)
        limbs = [
            address(context, builder, (kinds[1], arrays[1]), each)
            for each in (at, builder.add(at, stride))
        ]
        sums = address(context, builder, (kinds[2], arrays[2]), number(0))

        def body(turn: Value, state: list[Value]) -> list[Value]:
            here = step(builder, values, turn, 4 * STEP)
            weights = [step(builder, limb, turn, 4 * STEP) for limb in limbs]
            ask(builder, here)
            for part in range(0, 4 * STEP, 32):
                value = halves(builder, load(builder, HALVES, here, part))
                state = added(builder, state, value, [(each, part) for each in weights])
            return state

        zeros = [splat(QUADS, 0)] * WIDE_LIMBS
        leave(builder, repeat(builder, steps, zeros, body), sums)
        return context.get_dummy_value()

    return types.void(arrays, spots), code


@emitted
def narrow_products(_typing: Any, arrays: Any, spots: Any) -> Any:
    """Add bytes times the four limbs of their weights to sums; at most NARROW_STEPS.

    `arrays` and `spots` are as in `wide_products`.
    """

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        arrays, spots = (unpacked(builder, each) for each in given)
        entry, at, stride, steps = spots
        kinds = signature.args[0]
        values = address(context, builder, (kinds[0], arrays[0]), entry)
        first = address(context, builder, (kinds[1], arrays[1]), at)
        limbs = [
            builder.add(first, builder.mul(stride, number(2 * limb)))
            for limb in range(NARROW_LIMBS)
        ]
        sums = address(context, builder, (kinds[2], arrays[2]), number(0))
        small, words, wide = (ir.VectorType(kind, 16) for kind in (BYTE, WORD, HALF))

        def body(turn: Value, state: list[Value]) -> list[Value]:
            here = step(builder, values, turn, STEP)
            for part in range(0, STEP, 16):
                value = builder.zext(load(builder, small, here, part), wide)
                for limb, base in enumerate(limbs):
                    weights = step(builder, base, turn, 2 * STEP)
                    weight = builder.sext(load(builder, words, weights, 2 * part), wide)
                    product = pairs(builder, builder.mul(value, weight))
                    state[limb] = builder.add(state[limb], product)
            return state

        found = repeat(builder, steps, [splat(HALVES, 0)] * NARROW_LIMBS, body)
        for limb, lanes in enumerate(found):
            both = builder.bitcast(lanes, QUADS)
            lower = builder.and_(both, splat(QUADS, 2**32 - 1))
            total = builder.add(lower, builder.lshr(both, splat(QUADS, 32)))
            _increase(builder, sums, 32 * limb, total)
        return context.get_dummy_value()

    return types.void(arrays, spots), code


@emitted
def weighted(_typing: Any, arrays: Any, spots: Any, steps: Any) -> Any:
    """Add four rows of weights, each times both limbs of a number, to sums; EIGHT a step.

    `arrays` are the weights, int16; the limbs, int32, each EIGHT times; and the sums, of which the
    second limbs' lie BLOCK behind and of eight the even come first. `spots` are the rows' entries
    and how much further on to ask for the next rows.
    """

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        arrays, spots = (unpacked(builder, each) for each in given[:2])
        *entries, ahead = spots
        kinds = signature.args[0]
        rows = [address(context, builder, (kinds[0], arrays[0]), each) for each in entries]
        later = [
            address(context, builder, (kinds[0], arrays[0]), builder.add(each, ahead))
            for each in entries
        ]
        limbs, sums = (address(context, builder, (kinds[k], arrays[k]), number(0)) for k in (1, 2))

        def body(turn: Value, state: list[Value]) -> list[Value]:
            for each in later:
                prefetch(builder, step(builder, each, turn, 2 * EIGHT), 0)
            values = []
            for row in rows:
                weights = load(
                    builder, ir.VectorType(WORD, EIGHT), step(builder, row, turn, 2 * EIGHT)
                )
                values.append(halves(builder, builder.sext(weights, HALVES)))
            for limb in range(WIDE_LIMBS):
                where = builder.add(step(builder, sums, turn, 8 * EIGHT), number(8 * BLOCK * limb))
                for part in range(2):
                    total = load(builder, QUADS, where, 32 * part)
                    for row, value in enumerate(values):
                        # Read here again and again: as a number of 32 bits it is multiplied fast.
                        scale = load(builder, HALVES, limbs, 32 * (WIDE_LIMBS * row + limb))
                        total = builder.add(
                            total, builder.mul(value[part], halves(builder, scale)[0])
                        )
                    store(builder, total, where, 32 * part)
            return state

        repeat(builder, given[2], [], body)
        return context.get_dummy_value()

    return types.void(arrays, spots, steps), code


def ask(builder: Builder, base: Value) -> None:
    """Ask for what the same step will read some turns later."""
    for line in range(0, 4 * STEP, 64):
        prefetch(builder, base, AHEAD + line)


def added(
    builder: Builder, state: list[Value], value: Any, limbs: list[tuple[Value, int]]
) -> list[Value]:
    """The sums with the products of eight entries and each limb."""
    result = []
    for total, (base, part) in zip(state, limbs, strict=True):
        weight = halves(builder, load(builder, HALVES, base, part))
        products = [builder.mul(x, y) for x, y in zip(value, weight, strict=True)]
        result.append(builder.add(total, builder.add(*products)))
    return result


def leave(builder: Builder, state: list[Value], sums: Value) -> None:
    """Add lanes to sums, lower and upper halves apart, so that rows of any length fit."""
    for limb, lanes in enumerate(state):
        lower = builder.and_(lanes, splat(QUADS, 2**32 - 1))
        upper_half = builder.ashr(lanes, splat(QUADS, 32))
        _increase(builder, sums, 64 * limb, lower)
        _increase(builder, sums, 64 * limb + 32, upper_half)


def _increase(builder: Builder, sums: Value, offset: int, value: Value) -> None:
    before = load(builder, QUADS, sums, offset)
    store(builder, builder.add(before, value), sums, offset)
