from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tacit.arithmetics.integers.bgv.packing import (
    layout_of,
    pack_slots,
    require_layout,
    room,
    schedules,
    terms_of,
)
from tacit.arithmetics.integers.lower import lower as in_words
from tacit.arithmetics.integers.ops import Decode, Encode, Lookup, Product, Sums
from tacit.arithmetics.integers.settings import Kind
from tacit.ir import ops
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.graphs import ENCRYPTED, FINE, sums

THREE = replace(FINE, bits=dict.fromkeys(Kind, 3))


def packed(graph: Graph, slots: int = 64) -> Graph:
    """The graph's words laid out."""
    words = in_words(graph, THREE)
    return pack_slots(words, slots, dict.fromkeys((node.name for node in words), 1.0))


@pytest.mark.parametrize("slots", [4, 64])
@pytest.mark.parametrize("name", ENCRYPTED)
def test_every_word_lies_where_what_it_is_made_of_lies(name: str, slots: int) -> None:
    graph = packed(ENCRYPTED[name](), slots)
    laid = {node.name: require_layout(layout_of(node)) for node in graph if node.args}

    like = (Lookup, Product, Decode)
    follows = [node for node in graph if isinstance(node.op, like)]
    assert all(laid[node.name].same_as(laid[arg]) for node in follows for arg in node.args)
    maps = [(node, node.op) for node in graph if isinstance(node.op, Sums)]
    assert all(
        source.same_as(laid[arg])
        for node, op in maps
        for source, arg in zip(op.sources, node.args, strict=True)
    )
    assert all(laid[node.name].size == op.bias.size for node, op in maps)


def test_layouts_change_no_meaning() -> None:
    graph = graphs.residual()
    x = graphs.rows(graph)

    assert np.array_equal(packed(graph)(x), in_words(graph, THREE)(x))


def test_room_is_the_longest_period() -> None:
    graph = packed(graphs.perceptron())

    laid = [found for node in graph if (found := layout_of(node)) is not None]
    assert room(graph) == max(min(each.period, 64) for each in laid)


def test_steps_are_packed_as_one_axis() -> None:
    graph = packed(graphs.stumps())
    (word,) = (node.op for node in graph if isinstance(node.op, Encode))

    assert word.steps
    assert require_layout(word.layout).size == word.size


def test_sums_behind_a_pooling_have_the_pooled_shape() -> None:
    builder = Builder()
    name = graphs.conv(builder, builder.input("x", (1, 4, 4)), 2, 1)
    name = graphs.pooled(builder, name, ops.PoolKind.AVERAGE)
    graph = graphs.calibrated(builder, graphs.mapped(builder, name, "relu"))

    words = packed(graph)

    assert [word.of for word in sums(words)] == [(2, 2, 2)]


def test_terms_are_at_most_those_of_all_columns() -> None:
    words = in_words(graphs.residual(), THREE)
    before, after = terms_of(words), terms_of(packed(graphs.residual()))

    assert before.keys() == after.keys()
    assert all(after[name] <= before[name] * 64 for name in before)
    assert all(terms >= 1 for terms in after.values())


def test_every_matrix_has_a_schedule() -> None:
    found = [schedules(word) for word in sums(packed(graphs.residual()))]

    assert [len(each) for each in found] == [1, 1, 3]
