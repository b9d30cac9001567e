"""What is done channel by channel with bytes, a vector of channels at a time.

These are functions for compiled code, as in `sums`.
"""

from __future__ import annotations

from typing import Any

from numba import types

from tacit.arithmetics.field.verify.lanes import (
    STEP,
)
from tacit.arithmetics.field.verify.vectors import (
    BYTE,
    HALVES,
    Builder,
    Value,
    address,
    eight,
    emitted,
    ir,
    load,
    load_number,
    number,
    repeat,
    splat,
    step,
    store,
    unpacked,
)


@emitted
def larger(_typing: Any, arrays: Any, spots: Any, sizes: Any) -> Any:
    """Write the larger one of two bytes, pixel by pixel.

    `arrays` and `spots` are of result, first and second; `sizes` are the bytes of a pixel, how many
    pixels, and how far apart they are in the result, the first and the second.
    """

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        values, begins, (count, pixels, *apart) = (unpacked(builder, each) for each in given)
        places = [
            address(context, builder, (kind, array), spot)
            for kind, array, spot in zip(signature.args[0], values, begins, strict=True)
        ]
        steps = builder.sdiv(count, number(STEP))
        done = builder.mul(steps, number(STEP))
        rest = builder.sub(count, done)

        def pixel(index: Value, _: list[Value]) -> list[Value]:
            here = [
                builder.add(place, builder.mul(index, each))
                for place, each in zip(places, apart, strict=True)
            ]
            for turns, width, begin in ((steps, STEP, number(0)), (rest, 1, done)):
                _larger(builder, here, turns, (width, begin))
            return []

        repeat(builder, pixels, [], pixel)
        return context.get_dummy_value()

    return types.void(arrays, spots, sizes), code


def _larger(builder: Builder, places: list[Value], turns: Value, part: tuple[int, Value]) -> None:
    """Write the larger ones of vectors of so many bytes, from a byte on."""
    width, begin = part
    kind = ir.VectorType(BYTE, width)

    def body(turn: Value, _: list[Value]) -> list[Value]:
        ahead = builder.add(begin, builder.mul(turn, number(width)))
        result, *operands = (builder.add(place, ahead) for place in places)
        first, second = (load(builder, kind, operand) for operand in operands)
        is_first = builder.icmp_unsigned(">", first, second)
        store(builder, builder.select(is_first, first, second), result)
        return []

    repeat(builder, turns, [], body)


@emitted
def by_channel(_typing: Any, arrays: Any, spots: Any) -> Any:
    """A pixel's sums over taps, channel by channel: bytes times weights below 2^15, as int32.

    `arrays` are bytes, weights, the taps (where their pixel begins, where their weights do) and
    the result; `spots` are the first tap and how many, the result's first entry and the steps of
    channels.
    """

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        arrays, spots = (unpacked(builder, each) for each in given)
        first, count, goal, steps = spots
        kinds = signature.args[0]
        values, weights, taps, result = (
            address(context, builder, (kind, array), spot)
            for kind, array, spot in zip(
                kinds,
                arrays,
                (number(0), number(0), builder.mul(first, number(2)), goal),
                strict=True,
            )
        )

        def channels(turn: Value, state: list[Value]) -> list[Value]:
            def tap(index: Value, sums: list[Value]) -> list[Value]:
                where = step(builder, taps, index, 16)
                pixel, row = (load_number(builder, where, offset) for offset in (0, 8))
                here = builder.add(values, builder.add(pixel, builder.mul(turn, number(STEP))))
                begin = builder.add(row, builder.mul(turn, number(STEP)))
                scales = step(builder, weights, begin, 4)
                return [
                    builder.add(
                        total,
                        builder.mul(
                            eight(builder, here, 1, 8 * part),
                            _short(builder, load(builder, HALVES, scales, 32 * part)),
                        ),
                    )
                    for part, total in enumerate(sums)
                ]

            found = repeat(builder, count, [splat(HALVES, 0)] * (STEP // 8), tap)
            target = step(builder, result, turn, 4 * STEP)
            for part, total in enumerate(found):
                store(builder, total, target, 32 * part)
            return state

        repeat(builder, steps, [], channels)
        return context.get_dummy_value()

    return types.void(arrays, spots), code


def _short(builder: Builder, value: Value) -> Value:
    """Integers of 16 bits, said to be so: machines multiply these faster."""
    unused = splat(HALVES, 16)
    return builder.ashr(builder.shl(value, unused), unused)
