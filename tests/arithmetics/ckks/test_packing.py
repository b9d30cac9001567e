from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.activations import Recipe, recipe
from tacit.arithmetics.ckks.lower import lower as words_of
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product, Unpack
from tacit.arithmetics.ckks.packing import pack_slots
from tacit.ir import ops
from tacit.ir.functions import Function
from tacit.ir.graph import Graph, Node, Range
from tacit.ir.rewrite import Builder
from tacit.program import lower
from tacit.slots.layout import Layout
from tests.arithmetics.ckks import graphs
from tests.networks import networks, rows

SLOTS = st.sampled_from([2, 8, 64, 1024])


def words(graph: Graph) -> Graph:
    """The graph in words, with every vector laid out flat."""

    def approximate(function: Function, seen: Range) -> Recipe:
        return recipe(function, seen, error=2**-5)

    return words_of(graph, approximate, margin=0.1)


def layout_of(node: Node) -> Layout | None:
    match node.op:
        case Pack() | LinearMap() | Evaluate() | Product() | Unpack():
            return node.op.layout
        case _:
            return None


@given(networks(), SLOTS)
def test_laying_out_changes_no_meaning(graph: Graph, slots: int) -> None:
    before = words(graph)

    after = pack_slots(before, slots)

    x = rows(graph, 2)
    assert np.array_equal(after(x), before(x))
    assert [node.name for node in after] == [node.name for node in before]


@given(networks(), SLOTS)
def test_every_word_finds_its_arguments_where_they_were_put(graph: Graph, slots: int) -> None:
    packed = pack_slots(words(graph), slots)
    put = {node.name: layout_of(node) for node in packed}

    maps = [node for node in packed if isinstance(node.op, LinearMap)]
    others = [node for node in packed if isinstance(node.op, Evaluate | Product | Unpack)]

    assert all(
        source is put[name]
        for node in maps
        if isinstance(node.op, LinearMap)
        for name, source in zip(node.args, node.op.sources, strict=True)
    )
    assert all(alike(put[node.name], put[name]) for node in others for name in node.args)


def alike(first: Layout | None, second: Layout | None) -> bool:
    """Whether both are there and put entries into the same slots."""
    return first is not None and second is not None and first.same_as(second)


@given(networks(), SLOTS)
def test_every_vector_fills_slots_of_the_size_that_was_given(graph: Graph, slots: int) -> None:
    packed = pack_slots(words(graph), slots)

    found = [layout for node in packed if (layout := layout_of(node)) is not None]

    assert {layout.slots for layout in found} == {slots}
    assert all(layout.ciphertexts * slots >= layout.size for layout in found)


def strided() -> Graph:
    """Two strided convolutions on an image."""
    builder = Builder()
    name = builder.input("x", (1, 16, 16))
    name = graphs.activated(builder, graphs.conv(builder, name, 4, 1, stride=2), "square")
    return graphs.calibrated(builder, graphs.conv(builder, name, 4, 2, stride=2))


def diagonals(graph: Graph) -> int:
    return sum(
        len(offsets)
        for node in graph
        if isinstance(node.op, LinearMap)
        for schedule in node.op.schedules
        for offsets in schedule.offsets().values()
    )


@pytest.mark.parametrize("make", [strided, graphs.residual])
def test_chosen_layouts_take_fewer_diagonals_than_flat_ones(make: Callable[[], Graph]) -> None:
    packed = lower(make(), CKKS()).graph
    bare = words(make())
    flattened = Graph(tuple(flat_in(node, 8192) for node in bare), bare.outputs)

    assert diagonals(packed) < diagonals(flattened)


def flat_in(node: Node, slots: int) -> Node:
    """A map with its vectors flat in ciphertexts of these slots."""
    match node.op:
        case LinearMap(sources=sources, layout=layout) as op:
            wide = tuple(replace(each, slots=slots) for each in sources)
            return replace(node, op=replace(op, sources=wide, layout=replace(layout, slots=slots)))
        case _:
            return node


def test_an_image_of_one_pixel_is_packed() -> None:
    builder = Builder()
    op = ops.Conv(np.ones((3, 2, 1, 1)), np.zeros(3), (1, 1), ((0, 0), (0, 0)), (1, 1))
    graph = graphs.calibrated(builder, builder.put("conv", op, builder.input("x", (2, 1, 1))))
    x = graphs.inputs(graph, rows=2)

    assert np.allclose(lower(graph, CKKS())(x), graph(x))
