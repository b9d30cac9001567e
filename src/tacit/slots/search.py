"""Layouts for vectors made one from another, so that few rotations, keys and diagonals result.

A beam search over the maps in their order: each is tried with the layouts worth trying, given
where its arguments lie. A client packs its input in any way for free, so its layouts are tried
first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from tacit.errors import LoweringError
from tacit.ir.affine import IndexArray, Matrix
from tacit.ir.graph import Shape
from tacit.slots.diagonals import GIANT_COST, Placement, distinct, placement, split
from tacit.slots.layout import Layout, candidates, flat, phases

# How many partial choices of layouts are kept: enough for a costly layer to repay a cheap one.
BEAM = 4
# What a diagonal's product weighs: a product takes a twentieth of a giant step's time, and a
# diagonal, unlike a rotation, needs no key.
DIAGONAL_COST = 0.04


@dataclass(frozen=True)
class Packed:
    """A vector that a client packs: the entries of a tensor of this shape."""

    name: str
    shape: Shape


@dataclass(frozen=True, eq=False)
class Mapped:
    """A vector that is a sum of matrices times `args`: the entries of a tensor of the shape `of`.

    `weight` is what a rotation costs here, relative to one in other maps. `partner` is a vector
    before it that it has to lie like. `where` stands in messages in place of the name.
    """

    name: str
    args: tuple[str, ...]
    matrices: tuple[Matrix, ...]
    of: Shape
    weight: float = 1.0
    partner: str | None = None
    where: str = ""


@dataclass(frozen=True)
class Same:
    """A vector that lies like the vector that it is made from, entry by entry."""

    name: str
    like: str


Vector: TypeAlias = Packed | Mapped | Same


@dataclass(frozen=True, eq=False)
class Found:
    """A layout for every vector, by name, and their price: weighted baby steps.

    Prices of the same vectors in different numbers of slots may be compared.
    """

    layouts: dict[str, Layout]
    price: float


def find_layouts(vectors: Sequence[Vector], slots: int) -> Found:
    """The cheapest layouts that were found, in ciphertexts of `slots` slots an input.

    Every vector comes after those that it is made from. Raises LoweringError where one finds none.
    """
    search = _Search(slots)
    beam = [Found({}, 0.0)]
    for vector in vectors:
        grown = [longer for choice in beam for longer in search.grow(choice, vector)]
        beam = sorted(grown, key=lambda choice: choice.price)[:BEAM]
        if not beam:
            raise LoweringError(f"{_where(vector)} finds no layout in {slots} slots")
    return beam[0]


class _Search:
    """The ways to go on from a choice; counts of rotations are worked out once."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._prices: dict[tuple[str, int, int, int], float] = {}
        self._entries: dict[tuple[str, int], tuple[IndexArray, IndexArray]] = {}
        # Holds every layout that a price was worked out for: an id stays that layout's own.
        self._kept: list[Layout] = []

    def grow(self, choice: Found, vector: Vector) -> Iterator[Found]:
        """The choice, longer by this vector."""
        match vector:
            case Packed():
                for layout in _packings(vector.shape, self._slots):
                    yield _longer(choice, vector.name, layout)
            case Mapped():
                sources = tuple(choice.layouts[name] for name in vector.args)
                for layout in self._targets(choice, vector, sources):
                    price = self._price(vector, sources, layout)
                    yield _longer(choice, vector.name, layout, price)
            case Same():
                yield _longer(choice, vector.name, choice.layouts[vector.like])

    def _targets(
        self, choice: Found, vector: Mapped, sources: tuple[Layout, ...]
    ) -> Iterator[Layout]:
        """The layouts that a map's result may have."""
        if vector.partner is not None:
            layout = choice.layouts[vector.partner]
            # The copies of a skewed vector meet in one ciphertext, and in no second.
            if layout.ciphertexts == 1 or not any(source.skew for source in sources):
                yield layout
            return
        for layout in candidates(vector.of, self._slots, sources):
            if not any(source.skew and layout.period > source.period for source in sources):
                yield layout

    def _price(self, vector: Mapped, sources: tuple[Layout, ...], target: Layout) -> float:
        total = 0.0
        for number, source in enumerate(sources):
            key = (vector.name, number, self._number(source), self._number(target))
            if key not in self._prices:
                place = placement(*self._non_zeros(vector, number), source, target)
                self._prices[key] = _work(place, self._slots)
            total += self._prices[key]
        return vector.weight * total

    def _non_zeros(self, vector: Mapped, number: int) -> tuple[IndexArray, IndexArray]:
        """The rows and columns of a matrix' entries."""
        key = (vector.name, number)
        if key not in self._entries:
            rows, columns = vector.matrices[number].tocoo().coords
            self._entries[key] = (rows.astype(np.int64), columns.astype(np.int64))
        return self._entries[key]

    def _number(self, layout: Layout) -> int:
        for number, kept in enumerate(self._kept):
            if kept is layout or kept.same_as(layout):
                return number
        self._kept.append(layout)
        return len(self._kept) - 1


def _longer(choice: Found, name: str, layout: Layout, price: float = 0.0) -> Found:
    return Found({**choice.layouts, name: layout}, choice.price + price)


def _where(vector: Vector) -> str:
    where = vector.where if isinstance(vector, Mapped) else ""
    return where or vector.name


def _packings(shape: Shape, slots: int) -> Iterator[Layout]:
    """The layouts in which a client may pack a tensor."""
    yield from candidates(shape, slots, ())
    line = flat(math.prod(shape), slots)
    for copies in (2, 4, 8, 16, 32, 64):
        # Repetition r is rotated by r / copies of the period, and so saves diagonals.
        if line.period * copies == slots and line.period > copies:
            for width in (line.period, line.period // 2, line.period // 4, line.period // 8):
                if width > copies:
                    yield replace(line, skew=width // copies)
    if len(shape) > 1:
        for step in (2, 4):
            layout = phases(shape, slots, step)
            if layout is not None:
                yield layout


def _work(place: Placement, slots: int) -> float:
    """Rotations and diagonal products, in baby steps."""
    if not place.offset.size:
        return 0.0
    total = GIANT_COST * len(place.folds)
    width = int(place.source.max()) + 1
    pairs = place.target * width + place.source
    found = distinct(pairs)
    for pair in found:
        offsets = distinct(place.offset if found.size == 1 else place.offset[pairs == pair])
        parts = split(offsets, slots)
        babies = len({baby for _, baby in parts.values()} - {0})
        giants = len({giant for giant, _ in parts.values()} - {0})
        total += babies + GIANT_COST * (giants + 1) + DIAGONAL_COST * len(offsets)
    return total
