"""Layouts for every vector of a graph, so that few rotations, keys and diagonals result.

A beam search over the linear maps in their order: each is tried with the layouts worth trying,
given where its arguments lie; what is evaluated entry by entry keeps its argument's layout. The
client packs its input in any way for free, so its layouts are tried first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tacit.arithmetics.ckks.diagonals import (
    GIANT_COST,
    Placement,
    distinct,
    placement,
    split,
)
from tacit.arithmetics.ckks.layout import Layout, candidates, flat, phases
from tacit.arithmetics.ckks.levels import levels
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product, Unpack
from tacit.errors import LoweringError
from tacit.ir.affine import IndexArray
from tacit.ir.graph import Graph, Node

# How many partial choices of layouts are kept: enough for a costly layer to repay a cheap one.
BEAM = 4
# What a diagonal's product weighs: a product takes a twentieth of a giant step's time, and a
# diagonal, unlike a rotation, needs no key.
DIAGONAL_COST = 0.04


@dataclass(frozen=True, eq=False)
class _Choice:
    """Layouts chosen so far, by word, and what they cost."""

    layouts: Mapping[str, Layout]
    price: float

    def with_(self, name: str, layout: Layout, price: float) -> _Choice:
        return _Choice({**self.layouts, name: layout}, self.price + price)


def pack_slots(graph: Graph, slots: int) -> Graph:
    """The graph with every vector laid out in ciphertexts of `slots` slots an input."""
    found = levels(graph)
    beam = [_Choice({}, 0.0)]
    search = _Search(graph, slots, found)
    for node in graph:
        grown = [longer for choice in beam for longer in search.grow(choice, node)]
        beam = sorted(grown, key=lambda choice: choice.price)[:BEAM]
        if not beam:
            raise LoweringError(f"{node.where} finds no layout in {slots} slots")
    best = beam[0].layouts
    return Graph(tuple(_laid_out(node, best) for node in graph), graph.outputs)


class _Search:
    """The ways to go on from a choice; counts of rotations are worked out once."""

    def __init__(self, graph: Graph, slots: int, found: Mapping[str, int]) -> None:
        self._graph = graph
        self._slots = slots
        self._levels = found
        self._partner = _partners(graph)
        self._prices: dict[tuple[str, int, int, int], float] = {}
        self._entries: dict[tuple[str, int], tuple[IndexArray, IndexArray]] = {}
        # Holds every layout that a price was worked out for: an id stays that layout's own.
        self._kept: list[Layout] = []

    def grow(self, choice: _Choice, node: Node) -> Iterator[_Choice]:
        """The choice, longer by this node."""
        match node.op:
            case Pack():
                for layout in self._inputs(node):
                    yield choice.with_(node.name, layout, 0.0)
            case LinearMap() as op:
                yield from self._maps(choice, node, op)
            case Evaluate() | Product():
                yield choice.with_(node.name, choice.layouts[node.args[0]], 0.0)
            case _:
                yield choice

    def _inputs(self, node: Node) -> Iterator[Layout]:
        op = node.op
        assert isinstance(op, Pack), "only inputs are packed"
        yield from candidates(op.of, self._slots, ())
        line = flat(node.type.size, self._slots)
        for copies in (2, 4, 8, 16, 32, 64):
            # Repetition r is rotated by r / copies of the period, and so saves diagonals.
            if line.period * copies == self._slots and line.period > copies:
                for width in (line.period, line.period // 2, line.period // 4, line.period // 8):
                    if width > copies:
                        yield replace(line, skew=width // copies)
        if len(op.of) > 1:
            for step in (2, 4):
                layout = phases(op.of, self._slots, step)
                if layout is not None:
                    yield layout

    def _maps(self, choice: _Choice, node: Node, op: LinearMap) -> Iterator[_Choice]:
        sources = tuple(choice.layouts[name] for name in node.args)
        partner = self._partner.get(node.name)
        if partner is not None and partner in choice.layouts:
            # Both factors of a product lie alike.
            fixed = choice.layouts[partner]
            yield choice.with_(node.name, fixed, self._price(node, op, sources, fixed))
            return
        for layout in candidates(op.of, self._slots, sources):
            if any(source.skew and layout.period > source.period for source in sources):
                continue
            yield choice.with_(node.name, layout, self._price(node, op, sources, layout))

    def _price(
        self, node: Node, op: LinearMap, sources: tuple[Layout, ...], target: Layout
    ) -> float:
        total = 0.0
        # A key switch at level l costs about (l + 1) (l + 2) transforms.
        level = self._levels[node.name] + 1
        weight = (level + 1) * (level + 2)
        for number, source in enumerate(sources):
            key = (node.name, number, *self._number(source), *self._number(target))
            if key not in self._prices:
                place = placement(*self._non_zeros(node, number), source, target)
                self._prices[key] = _work(place, self._slots)
            total += self._prices[key]
        return weight * total

    def _non_zeros(self, node: Node, number: int) -> tuple[IndexArray, IndexArray]:
        """The rows and columns of a matrix' entries."""
        key = (node.name, number)
        if key not in self._entries:
            assert isinstance(node.op, LinearMap), "only linear maps have matrices"
            rows, columns = node.op.matrices[number].tocoo().coords
            self._entries[key] = (rows.astype(np.int64), columns.astype(np.int64))
        return self._entries[key]

    def _number(self, layout: Layout) -> tuple[int]:
        for number, kept in enumerate(self._kept):
            if kept is layout or kept.same_as(layout):
                return (number,)
        self._kept.append(layout)
        return (len(self._kept) - 1,)


def _partners(graph: Graph) -> dict[str, str]:
    """For the second factor of every product the first, if both are linear maps of their own."""
    result = {}
    for node in graph:
        if isinstance(node.op, Product) and node.args[0] != node.args[1]:
            second = graph[node.args[1]]
            if isinstance(second.op, LinearMap):
                result[second.name] = node.args[0]
    return result


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


def _laid_out(node: Node, layouts: Mapping[str, Layout]) -> Node:
    """The node with its layouts set."""
    match node.op:
        case Pack() | Evaluate() | Product():
            return replace(node, op=replace(node.op, layout=layouts[node.name]))
        case LinearMap():
            sources = tuple(layouts[name] for name in node.args)
            op = replace(node.op, sources=sources, layout=layouts[node.name])
            return replace(node, op=op)
        case Unpack():
            return replace(node, op=replace(node.op, layout=layouts[node.args[0]]))
        case _:
            return node
