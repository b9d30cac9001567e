"""A sparse matrix between two layouts as diagonals, rotations and folds.

With `x` periodic in T_in slots and the result in T_out, an entry (row slot s, column slot c) lies
on the diagonal of offset (c - s) mod T_in. Where T_out < T_in, only offsets below T_out are used:
slot s + k·T_out collects what is k·T_out further away, and log2(T_in / T_out) rotations and
additions (the fold) bring the parts together, which also leaves the result periodic in T_out.
Nothing but the result and zeros is left in the slots: no partial sum of the model can leave in
an answer, and no stray value can grow in a polynomial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tacit.ir.affine import IndexArray, Matrix
from tacit.ir.functions import FloatArray
from tacit.slots.layout import Layout

# What a giant step weighs against a baby step. Its time is some eight times a baby's, since it
# pays for a decomposition and a division by the special primes of its own; but each takes a key,
# and keys and rotated inputs fill the server's memory first. Predicted for LeNet with ReLU: 5.3 s
# and 6.4 GB at 2, 4.6 s and 7.1 GB at 3 or 4, 4.4 s and 8.0 GB at 8.
GIANT_COST = 2.0


@dataclass(frozen=True, eq=False)
class Placement:
    """Where each non-zero goes: from ciphertext `source` to `target`, on `offset`, at `slot`."""

    source: IndexArray
    target: IndexArray
    offset: IndexArray
    slot: IndexArray
    period: int
    folds: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Schedule:
    """How a matrix is computed: diagonals per pair of ciphertexts, their split, the folds.

    `split[offset]` is (giant, baby): the rotations that together reach the offset.
    """

    placement: Placement
    values: FloatArray
    slots: int
    split: Mapping[int, tuple[int, int]]

    @property
    def babies(self) -> tuple[int, ...]:
        """The distinct rotations of the input, zero left out."""
        return tuple(sorted({baby for _, baby in self.split.values()} - {0}))

    @property
    def giants(self) -> tuple[int, ...]:
        """The distinct rotations of partial sums, zero left out."""
        return tuple(sorted({giant for giant, _ in self.split.values()} - {0}))

    @property
    def folds(self) -> tuple[int, ...]:
        """The rotations by which the result is added to itself, in order."""
        return self.placement.folds

    @property
    def rotations(self) -> tuple[int, ...]:
        """Every rotation that needs a key."""
        return tuple(sorted({*self.babies, *self.giants, *self.folds}))

    def offsets(self) -> dict[tuple[int, int], tuple[int, ...]]:
        """For every (target, source) pair of ciphertexts the offsets of its diagonals."""
        place = self.placement
        keys = (place.target << 48) | (place.source << 32) | place.offset
        result: dict[tuple[int, int], tuple[int, ...]] = {}
        for key in np.unique(keys).tolist():
            pair = (key >> 48, (key >> 32) & 0xFFFF)
            result[pair] = (*result.get(pair, ()), key & 0xFFFFFFFF)
        return result

    def applications(self) -> Iterator[tuple[int, int, int]]:
        """For every pair of ciphertexts how many baby steps, giant steps and diagonals."""
        for offsets in self.offsets().values():
            split = [self.split[offset] for offset in offsets]
            babies, giants = ({pair[1] for pair in split}, {pair[0] for pair in split})
            yield len(babies - {0}), len(giants - {0}), len(split)

    def diagonals(self) -> Iterator[tuple[tuple[int, int], Diagonals]]:
        """For every (target, source) pair of ciphertexts its diagonals, by offset."""
        place = self.placement
        for (target, source), offsets in self.offsets().items():
            chosen = (place.target == target) & (place.source == source)
            table = np.zeros((len(offsets), place.period))
            row = np.searchsorted(np.asarray(offsets), place.offset[chosen])
            table[row, place.slot[chosen]] = self.values[chosen]
            yield (target, source), Diagonals(offsets, table, self.slots)


class Diagonals(Mapping[int, FloatArray]):
    """Diagonals by offset, kept as one period each and repeated only when asked for.

    With `batch`, every slot and offset is meant for that many inputs that take turns.
    """

    def __init__(
        self, offsets: Sequence[int], table: FloatArray, slots: int, batch: int = 1
    ) -> None:
        self._rows = {offset * batch: row for offset, row in zip(offsets, table, strict=True)}
        self._offsets = offsets
        self._table = table
        self._slots = slots
        self._batch = batch

    def __getitem__(self, offset: int) -> FloatArray:
        row = self._rows[offset]
        return np.repeat(np.tile(row, self._slots // row.size), self._batch)

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def batched(self, batch: int) -> Diagonals:
        """The same for inputs that take turns slot by slot."""
        return Diagonals(self._offsets, self._table, self._slots, batch)


def schedule(matrix: Matrix, source: Layout, target: Layout) -> Schedule:
    """How to compute the matrix from one layout into another."""
    entries = matrix.tocoo()
    rows, columns = entries.coords
    place = placement(rows.astype(np.int64), columns.astype(np.int64), source, target)
    offsets = distinct(place.offset)
    return Schedule(place, entries.data, source.slots, split(offsets, source.slots))


def placement(rows: IndexArray, columns: IndexArray, source: Layout, target: Layout) -> Placement:
    """Where the non-zeros at these rows and columns go."""
    slots = source.slots
    # Slots and periods are powers of two: a mask is a remainder, many times as fast.
    where, to = source.position[columns], target.position[rows]
    source_block, column = where // slots, where & (slots - 1)
    target_block, row = to // slots, to & (slots - 1)
    reach = min(source.period, slots)
    inner = min(target.period, slots)
    if source.skew:
        assert target.ciphertexts == 1, "a skewed vector is mapped into one ciphertext"
        return _skewed(row, column, source, inner)
    distance = (column - row) & (reach - 1)
    if inner >= reach:
        return Placement(source_block, target_block, distance, row, inner, ())
    offset = distance & (inner - 1)
    slot = (row + distance - offset) & (reach - 1)
    return Placement(source_block, target_block, offset, slot, reach, _folds(inner, reach))


def distinct(numbers: IndexArray) -> IndexArray:
    """The distinct numbers, none negative and none large, in order."""
    return np.flatnonzero(np.bincount(numbers))


def _skewed(row: IndexArray, column: IndexArray, source: Layout, inner: int) -> Placement:
    """Each non-zero uses the copy of the input that lies nearest."""
    slots, period, skew = source.slots, source.period, source.skew
    copies = np.arange(source.copies)
    places = copies[:, None] * period + (column[None, :] - copies[:, None] * skew) % period
    offsets = (places - row[None, :]) % inner
    best = np.argmin(offsets, axis=0)
    many = np.arange(row.size)
    offset = offsets[best, many]
    slot = (places[best, many] - offset) % slots
    zero = np.zeros_like(row)
    return Placement(zero, zero, offset, slot, slots, _folds(inner, slots))


def _folds(inner: int, outer: int) -> tuple[int, ...]:
    """The doublings from the inner period up to the outer one."""
    steps = []
    while inner < outer:
        steps.append(inner)
        inner *= 2
    return tuple(steps)


def split(offsets: IndexArray, slots: int) -> dict[int, tuple[int, int]]:
    """Every offset as a giant and a baby step, with the least work over all.

    Tried are all powers of two as the giants' unit, with babies from zero up or around zero.
    """
    best: tuple[float, dict[int, tuple[int, int]]] | None = None
    unit = 1
    while unit <= slots:
        for centre in {0, unit // 2}:
            babies = (offsets + centre) % unit - centre
            giants = (offsets - babies) % slots
            babies = babies % slots
            price = np.unique(babies).size + GIANT_COST * np.unique(giants).size
            if best is None or price < best[0]:
                pairs = zip(giants.tolist(), babies.tolist(), strict=True)
                best = (price, dict(zip(offsets.tolist(), pairs, strict=True)))
        unit *= 2
    return best[1] if best else {}
