"""Rescaling and checking a part of a row at once, a vector of entries at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numba import types

from tacit.arithmetics.field.verify.lanes import STEP, WIDE_LIMBS, WIDE_SUMS
from tacit.arithmetics.field.verify.sums import added, ask, leave
from tacit.arithmetics.field.verify.vectors import (
    HALVES,
    QUADS,
    Builder,
    Value,
    address,
    as_bytes,
    eight,
    emitted,
    halves,
    joined,
    load,
    lower,
    number,
    repeat,
    splat,
    spread,
    step,
    store,
    unpacked,
    upper,
)


@dataclass(frozen=True, eq=False)
class _Part:
    """Where a source's entries begin, of how many bytes they are, and its limbs' weights."""

    size: int
    entries: Value
    limbs: tuple[Value, ...]

    def after(self, builder: Builder, turn: Value) -> _Part:
        """The same so many steps further on."""
        return _Part(
            self.size,
            step(builder, self.entries, turn, self.size * STEP),
            tuple(step(builder, limb, turn, 4 * STEP) for limb in self.limbs),
        )


@emitted
def rescaled(_typing: Any, sources: Any, tables: Any, spots: Any, scaling: Any, target: Any) -> Any:
    """Rescale sources to bytes and, where a table is given, add their products to sums.

    `sources` are int32 or uint8, `tables` one array of weights or None for each. `spots` are the
    first entries of sources, of the target and in the tables, how far the second limb lies behind
    the first, the position among the channels and the number of steps, at most WIDE_STEPS.
    `scaling` are multipliers (a row of `period` for each source) and offsets (of eight of both,
    the even come first), shift beyond 32, bits by which bytes are raised, low, high and period.
    `target` are bytes and sums. An entry is read once, so that what is checked is what is used.
    Gives the position after it.
    """

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        values, weights, where, factors, goals = (unpacked(builder, each) for each in given)
        entry, goal, at, stride, position, steps = where
        kinds = signature.args
        parts = [
            _Part(
                kind.dtype.bitwidth // 8,
                address(context, builder, (kind, value), entry),
                _limbs(context, builder, (table, weight), (at, stride)),
            )
            for kind, value, table, weight in zip(kinds[0], values, kinds[1], weights, strict=True)
        ]
        scales, addends, (result, sums) = (
            address(context, builder, (kinds[3][0], factors[0]), number(0)),
            address(context, builder, (kinds[3][1], factors[1]), number(0)),
            (
                address(context, builder, (kinds[4][k], goals[k]), begin)
                for k, begin in enumerate((goal, number(0)))
            ),
        )
        shift, more, low, high, period = factors[2:]
        shifts, raised = spread(builder, HALVES, shift), spread(builder, HALVES, more)

        def body(turn: Value, carried: list[Value]) -> list[Value]:
            place, *state = carried
            here = [part.after(builder, turn) for part in parts]
            for part in here:
                if part.size == 4:
                    ask(builder, part.entries)
            rows = (
                step(builder, scales, place, 8),
                step(builder, addends, place, 8),
                period,
                raised,
            )
            found = []
            for first in range(0, STEP, 8):
                even, odd, state = _eight_of(builder, here, rows, first, state)
                found.append(builder.ashr(upper(builder, even, odd), shifts))
            packed = as_bytes(builder, joined(builder, found), low, high)
            store(builder, packed, step(builder, result, turn, STEP))
            after = builder.add(place, number(STEP))
            around = builder.icmp_signed("==", after, period)
            return [builder.select(around, number(0), after), *state]

        zeros = [splat(QUADS, 0) for part in parts for _ in part.limbs]
        place, *state = repeat(builder, steps, [position, *zeros], body)
        for index, part in enumerate(parts):
            mine, state = state[: len(part.limbs)], state[len(part.limbs) :]
            leave(builder, mine, builder.add(sums, number(8 * WIDE_SUMS * index)))
        return place

    return types.int64(sources, tables, spots, scaling, target), code


def _eight_of(
    builder: Builder, parts: list[_Part], rows: Any, first: int, state: list[Value]
) -> tuple[Value, Value, list[Value]]:
    """Eight entries, multiplied and added up: the even, the odd, and the check's sums.

    `rows` are where the multipliers and offsets are, how far a source's lie behind another's, and
    by how many bits bytes are raised.
    """
    scales, addends, period, raised = rows
    even = load(builder, QUADS, addends, 8 * first)
    odd = load(builder, QUADS, addends, 8 * first + 32)
    sums: list[Value] = []
    for part in parts:
        entries = eight(builder, part.entries, part.size, first)
        value = halves(builder, builder.shl(entries, raised) if part.size == 1 else entries)
        if part.limbs:
            mine, state = state[:WIDE_LIMBS], state[WIDE_LIMBS:]
            sums += added(builder, mine, value, [(limb, 4 * first) for limb in part.limbs])
        factors = [load(builder, QUADS, scales, 8 * first + offset) for offset in (0, 32)]
        even = builder.add(even, builder.mul(value[0], lower(builder, factors[0])))
        odd = builder.add(odd, builder.mul(value[1], lower(builder, factors[1])))
        scales = step(builder, scales, period, 8)
    return even, odd, sums


def _limbs(
    context: Any, builder: Builder, table: tuple[Any, Value], spots: tuple[Value, Value]
) -> tuple[Value, ...]:
    """Where the limbs of a table begin; none where there is no table."""
    if isinstance(table[0], types.NoneType):
        return ()
    at, stride = spots
    return tuple(address(context, builder, table, each) for each in (at, builder.add(at, stride)))
