"""What becomes of totals, and how numbers become bits: LANES channels of a pixel at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types

from tacit.arithmetics.binary.kernels.forms import LANES
from tacit.arithmetics.binary.kernels.vectors import (
    BYTE,
    WORD,
    Builder,
    Value,
    address,
    called,
    emitted,
    ir,
    load,
    number,
    spread,
    store,
    unpacked,
    vector,
)

# Integers and reals that are finished at once: more would not stay in registers.
EIGHT = 8
WORD_BYTES = 4
INTEGERS, REALS = vector(WORD, EIGHT), vector(ir.FloatType(), EIGHT)


@emitted
def finished(_typing: Any, arrays: Any, tables: Any, spots: Any, vectors: Any) -> Any:
    """What becomes of a pixel's totals, LANES for each entry of the tuple `vectors`.

    `arrays` are totals and results, `tables` for bits limits and flips, else offset, low and high,
    and for reals multiplier and bias. `spots` are the first total, the first channel among all
    results, in the first table, and in the other ones; and the slope.
    """

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        (totals, results), rows = (unpacked(builder, each) for each in given[:2])
        total, result, case, lane, slope = unpacked(builder, given[2])
        kinds, first = signature.args[0], signature.args[1]
        start = address(context, builder, (kinds[0], totals), total)
        entry = ir.IntType(kinds[0].dtype.bitwidth)

        def at(index: int, spot: Value) -> Value:
            return address(context, builder, (first[index], rows[index]), spot)

        if kinds[1].dtype == types.uint32:
            word, flip = (builder.sdiv(each, number(LANES)) for each in (result, lane))
            goal = address(context, builder, (kinds[1], results), word)
            _compare(builder, entry, (start, goal, at(0, case), at(1, flip)), len(vectors))
        else:
            goal = address(context, builder, (kinds[1], results), result)
            known = [at(k, lane if k else case) for k in range(len(rows))]
            factor = spread(builder, INTEGERS, builder.trunc(slope, WORD))
            _scale(builder, (entry, factor), (start, goal, *known), len(vectors))
        return context.get_dummy_value()

    return types.void(arrays, tables, spots, vectors), code


@emitted
def copied(_typing: Any, arrays: Any, spots: Any, count: Any) -> Any:
    """Copy so many entries of an array into another one; `spots` are where to begin in both."""

    def code(context: Any, builder: Builder, _signature: Any, given: Any) -> Value:
        values, begins = (unpacked(builder, each) for each in given[:2])
        source, target = (
            builder.inttoptr(address(context, builder, each, begin), ir.PointerType())
            for each, begin in zip(zip(arrays, values, strict=True), begins, strict=True)
        )
        size = builder.mul(given[2], number(arrays[0].dtype.bitwidth // 8))
        plain = ir.Constant(ir.IntType(1), 0)
        called(builder, "llvm.memcpy.p0.p0.i64", ir.VoidType(), [target, source, size, plain])
        return context.get_dummy_value()

    return types.void(arrays, spots, count), code


@emitted
def below(_typing: Any, arrays: Any, spots: Any) -> Any:
    """A word of bits of LANES numbers: whether they, times their sign, are below their threshold.

    `arrays` are numbers, thresholds and signs (1.0 or -1.0), the latter of the same precision,
    which is double for integers; `spots` where to begin in each.
    """

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        values, begins = (unpacked(builder, each) for each in given)
        kinds = signature.args[0]
        numbers, thresholds, signs = (
            address(context, builder, each, begin)
            for each, begin in zip(zip(kinds, values, strict=True), begins, strict=True)
        )
        real = ir.FloatType() if kinds[1].dtype.bitwidth == 32 else ir.DoubleType()
        size = kinds[1].dtype.bitwidth // 8
        entry = kinds[0].dtype.bitwidth // 8
        kind, word = vector(real, EIGHT), ir.Constant(WORD, 0)
        for k in range(0, LANES, EIGHT):
            if isinstance(kinds[0].dtype, types.Integer):
                x = builder.sitofp(load(builder, INTEGERS, numbers, k * entry), kind)
            else:
                x = load(builder, kind, numbers, k * entry)
            threshold, sign = (load(builder, kind, each, k * size) for each in (thresholds, signs))
            is_below = builder.fcmp_ordered("<", builder.fmul(x, sign), threshold)
            bits = builder.zext(builder.bitcast(is_below, BYTE), WORD)
            word = builder.or_(word, builder.shl(bits, ir.Constant(WORD, k)))
        return word

    return types.uint32(arrays, spots), code


def _compare(builder: Builder, entry: Value, places: Sequence[Value], vectors: int) -> None:
    """Bits of totals: whether they are above their limit, or where flipped, not so."""
    totals, results, limits, flips = places
    kind, size = vector(entry, LANES), LANES * entry.width // 8
    for k in range(vectors):
        total, limit = (load(builder, kind, each, k * size) for each in (totals, limits))
        larger = builder.bitcast(builder.icmp_signed(">", total, limit), WORD)
        flip = load(builder, WORD, flips, k * WORD_BYTES)
        store(builder, builder.xor(larger, flip), results, k * WORD_BYTES)


def _scale(
    builder: Builder, line: tuple[Value, Value], places: Sequence[Value], vectors: int
) -> None:
    """Totals times the slope, with their offset, clipped, and as reals where these are asked."""
    entry, factor = line
    totals, results, *tables = places
    for part in range(0, vectors * LANES, EIGHT):
        value = load(builder, vector(entry, EIGHT), totals, part * entry.width // 8)
        wide = value if entry == WORD else builder.zext(value, INTEGERS)
        rows = [load(builder, INTEGERS, base, part * WORD_BYTES) for base in tables[:3]]
        whole = builder.add(builder.mul(wide, factor), rows[0])
        raised = builder.select(builder.icmp_signed(">", whole, rows[1]), whole, rows[1])
        found = builder.select(builder.icmp_signed("<", raised, rows[2]), raised, rows[2])
        if len(tables) > 3:
            multiplier, bias = (
                load(builder, REALS, base, part * WORD_BYTES) for base in tables[3:]
            )
            found = builder.fadd(builder.fmul(builder.sitofp(found, REALS), multiplier), bias)
        store(builder, found, results, part * WORD_BYTES)
