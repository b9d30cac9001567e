"""A tile: the bits in which some pixels and some channels differ, counted in registers.

Emitted from addresses alone, so that code for other machines than this one can be looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from numba import types

from tacit.arithmetics.binary.kernels.forms import LANES, THREE, UNROLLED, Form
from tacit.arithmetics.binary.kernels.vectors import (
    BYTE,
    FULL,
    SHORT,
    WORD,
    Builder,
    Value,
    address,
    called,
    emitted,
    load,
    number,
    popcount,
    repeat,
    shuffled,
    splat,
    spread,
    step,
    store,
    unpacked,
    vector,
)

BYTES, SHORTS = vector(BYTE, LANES), vector(SHORT, LANES // 2)
# A piece of a window: where it begins, in bytes, and its steps: as many threes as are unrolled,
# again and again, then threes, then the rest.
PIECE = 4
# The bits of a table's entry that count for one pixel, and the bytes of a table.
FIELD, TABLE = 4, 16


@dataclass(frozen=True, eq=False)
class Places:
    """Where a tile finds what it counts: addresses, and how many pieces a window is of."""

    entries: Sequence[Value]
    weights: Value
    pieces: Value
    count: Value
    # One for each entry; the totals of another pixel lie `apart` bytes behind.
    totals: Sequence[Value]
    apart: Value
    table: Value


def emit(builder: Builder, form: Form, vectors: int, places: Places) -> None:
    """Add to totals in how many bits the entries differ from `vectors` · LANES channels."""
    match form:
        case Form.LOOK_UP:
            _Lookups(builder, vectors, places).emit()
        case Form.BYTES:
            _Popcounts(builder, places, vector(BYTE, 16), LANES // 16).emit()
        case Form.WIDE_WORDS | Form.WORDS:
            _Popcounts(builder, places, vector(WORD, 16), LANES // 16).emit()


@dataclass(frozen=True, eq=False)
class _Popcounts:
    """Counts by popcount: one entry of the image, on all lanes, against weights side by side."""

    builder: Builder
    places: Places
    kind: Value
    vectors: int

    def emit(self) -> None:
        """Count all pieces, and leave the counts."""
        zeros = [splat(self.kind, 0)] * (len(self.places.entries) * self.vectors)
        _, *counts = repeat(
            self.builder, self.places.count, [self.places.weights, *zeros], self._piece
        )
        for index, count in enumerate(counts):
            which, part = divmod(index, self.vectors)
            self._leave(self.places.totals[which], part * self.kind.count, count)

    def _piece(self, turn: Value, state: list[Value]) -> list[Value]:
        builder = self.builder
        offset, _, _, steps = _piece(builder, self.places, turn)
        entries = [builder.add(each, offset) for each in self.places.entries]
        width = self.kind.element.width // 8

        def body(turn: Value, state: list[Value]) -> list[Value]:
            weights, *counts = state
            size = width * self.kind.count
            lanes = [load(builder, self.kind, weights, size * k) for k in range(self.vectors)]
            found = []
            for index, count in enumerate(counts):
                which, part = divmod(index, self.vectors)
                one = load(builder, self.kind.element, step(builder, entries[which], turn, width))
                differ = builder.xor(spread(builder, self.kind, one), lanes[part])
                found.append(builder.add(count, popcount(builder, differ)))
            return [builder.add(weights, number(size * self.vectors)), *found]

        return repeat(builder, steps, state, body)

    def _leave(self, totals: Value, lane: int, count: Value) -> None:
        if self.kind.element == BYTE:
            count = self.builder.zext(count, vector(SHORT, self.kind.count))
        _increase(self.builder, totals, lane, count)


@dataclass(frozen=True, eq=False)
class _Lookups:
    """Counts by tables: four bits of a weight look up the counts of two pixels, a byte of both.

    A table's entry is l + 16h, where l and h are how many of four bits differ. Three of them, x,
    stay in a byte. Sums of x and of x >> 4, the latter on lanes of 16 bits and nothing masked, are
    two equations modulo 256 for each of four counts, and these are solved when they are left.
    """

    builder: Builder
    vectors: int
    places: Places

    def emit(self) -> None:
        """Count all pieces, and leave the counts."""
        zeros = [splat(BYTES, 0)] * (2 * self.vectors * len(self.places.entries))
        _, *sums = repeat(
            self.builder, self.places.count, [self.places.weights, *zeros], self._piece
        )
        for index in range(len(sums) // 2):
            which, part = divmod(index, self.vectors)
            self._leave(self.places.totals[which], part * LANES, sums[2 * index : 2 * index + 2])

    def _piece(self, turn: Value, state: list[Value]) -> list[Value]:
        builder = self.builder
        offset, *turns = _piece(builder, self.places, turn)
        entries = [builder.add(each, offset) for each in self.places.entries]
        for count, threes, steps in zip(turns, (UNROLLED, 1, 1), (THREE, THREE, 1), strict=True):
            turn_of = partial(self._turn, entries, threes, steps)
            state = repeat(builder, count, state, turn_of)
            entries = [step(builder, each, count, threes * steps) for each in entries]
        return state

    def _turn(
        self, entries: list[Value], many: int, steps: int, turn: Value, state: list[Value]
    ) -> list[Value]:
        """The sums after so many times some steps."""
        first = [step(self.builder, each, turn, many * steps) for each in entries]
        for k in range(many):
            here = [self.builder.add(each, number(k * steps)) for each in first]
            state = self._steps(here, steps, state)
        return state

    def _steps(self, entries: list[Value], steps: int, state: list[Value]) -> list[Value]:
        """The sums after some steps, which are three at most."""
        builder = self.builder
        weights, *sums = state
        looked = [self._looked(entry, weights, steps) for entry in entries]
        found = []
        for index, x in enumerate(each for row in looked for each in row):
            whole, upper = sums[2 * index : 2 * index + 2]
            shifted = builder.lshr(builder.bitcast(x, SHORTS), splat(SHORTS, FIELD))
            found.append(builder.add(whole, x))
            found.append(builder.add(upper, builder.bitcast(shifted, BYTES)))
        size = LANES * self.vectors * steps
        return [builder.add(weights, number(size)), *found]

    def _looked(self, entry: Value, weights: Value, steps: int) -> list[Value]:
        """What an entry's tables hold for the weights of every channel."""
        builder, found = self.builder, [splat(BYTES, 0)] * self.vectors
        for k in range(steps):
            index = builder.zext(load(builder, BYTE, entry, k), FULL)
            half = load(
                builder, vector(BYTE, TABLE), step(builder, self.places.table, index, TABLE)
            )
            table = shuffled(builder, half, [*range(TABLE), *range(TABLE)])
            for part in range(self.vectors):
                lanes = load(builder, BYTES, weights, LANES * (self.vectors * k + part))
                counts = called(builder, "llvm.x86.avx2.pshuf.b", BYTES, [table, lanes])
                found[part] = builder.add(found[part], counts)
        return found

    def _leave(self, totals: Value, lane: int, sums: list[Value]) -> None:
        """Solve for the counts: even and odd bytes are the first and the second half of channels.

        With the counts l and h of even bytes, L and H of odd ones, modulo 256: of the bytes of
        `whole`, l + 16h and L + 16H, and of those of `upper`, h + 16L and H.
        """
        builder = self.builder
        whole, upper = (builder.bitcast(each, SHORTS) for each in sums)
        low, eight = splat(SHORTS, 255), splat(SHORTS, 8)

        def scaled(value: Value, bits: int) -> Value:
            return builder.shl(value, splat(SHORTS, bits))

        even_first = builder.and_(builder.sub(whole, scaled(upper, FIELD)), low)
        odd_second = builder.lshr(upper, eight)
        odd_first = builder.lshr(builder.sub(whole, scaled(odd_second, 8 + FIELD)), eight)
        even_second = builder.and_(builder.sub(upper, scaled(odd_first, FIELD)), low)
        second = builder.add(totals, self.places.apart)
        for base, even, odd in ((totals, even_first, odd_first), (second, even_second, odd_second)):
            _increase(builder, base, lane, even)
            _increase(builder, base, lane + LANES // 2, odd)


def _piece(builder: Builder, places: Places, turn: Value) -> list[Value]:
    base = step(builder, places.pieces, turn, 8 * PIECE)
    return [load(builder, FULL, base, 8 * k) for k in range(PIECE)]


def _increase(builder: Builder, base: Value, lane: int, value: Value) -> None:
    offset = lane * value.type.element.width // 8
    before = load(builder, value.type, base, offset)
    store(builder, builder.add(before, value), base, offset)


@emitted
def tile(_typing: Any, arrays: Any, spots: Any, shape: Any) -> Any:
    """Count the bits of some entries that differ from some channels' weights, and add to totals.

    `arrays` are image, weights, pieces, totals and entries' places in the image, all of one axis,
    and the tables, or None. `spots` are the first entry; where its totals begin and how far apart
    two pixels' are; the first weight; the first piece and their number. `shape` are two tuples, as
    long as there are vectors and entries.
    """
    vectors, entries = (len(each) for each in shape)
    form = _form(arrays, entries)

    def code(context: Any, builder: Builder, signature: Any, given: Any) -> Value:
        values, where = (unpacked(builder, each) for each in given[:2])
        first, total, apart, weight, piece, count = where
        kinds = signature.args[0]

        def at(index: int, entry: Value) -> Value:
            return address(context, builder, (kinds[index], values[index]), entry)

        places, image = at(4, first), at(0, number(0))
        width = kinds[3].dtype.bitwidth // 8
        step_of_totals = builder.mul(apart, number(form.value.pixels * width))
        emit(
            builder,
            form,
            vectors,
            Places(
                [builder.add(image, load(builder, FULL, places, 8 * k)) for k in range(entries)],
                at(1, weight),
                step(builder, at(2, number(0)), piece, 8 * PIECE),
                count,
                [step_by(builder, at(3, total), step_of_totals, k) for k in range(entries)],
                builder.mul(apart, number(width)),
                image if form is not Form.LOOK_UP else at(5, number(0)),
            ),
        )
        return context.get_dummy_value()

    return types.void(arrays, spots, shape), code


def step_by(builder: Builder, base: Value, size: Value, count: int) -> Value:
    """The address `count` times `size` bytes further on."""
    return builder.add(base, builder.mul(size, number(count)))


def _form(arrays: Any, entries: int) -> Form:
    """The form that arrays of these types are of."""
    if not isinstance(arrays[5], types.NoneType):
        return Form.LOOK_UP
    if arrays[1].dtype.bitwidth == BYTE.width:
        return Form.BYTES
    return Form.WIDE_WORDS if entries > 2 else Form.WORDS
