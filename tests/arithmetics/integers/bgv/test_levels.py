from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tacit.arithmetics.integers.bgv.levels import demands, steps_of, takes, width
from tacit.arithmetics.integers.bgv.packing import terms_of
from tacit.arithmetics.integers.ops import Decode, Lookup, Product, Sums
from tacit.ir.graph import Graph, Node
from tacit.lattigo.integers import MapSlots, Multiply, each_steps
from tacit.program import lower
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.graphs import BGV, ENCRYPTED, lookups, products, sums

MODULUS = 65537


def packed(name: str) -> Graph:
    """A program's graph."""
    return lower(ENCRYPTED[name](), BGV).graph


def named(graph: Graph, kind: type) -> list[Node]:
    """The nodes of one kind of word."""
    return [node for node in graph if isinstance(node.op, kind)]


def test_the_last_sums_are_opened_without_a_division() -> None:
    graph = packed("look-up")
    first, last = named(graph, Sums)

    assert takes(first, MODULUS) == 1
    assert takes(last, MODULUS) == 0


def test_a_product_takes_a_level() -> None:
    (word,) = named(packed("gated"), Product)

    assert steps_of(word, MODULUS) == ((Multiply(),), 0)


def test_a_look_up_takes_the_levels_of_its_polynomial() -> None:
    (word,) = named(packed("look-up"), Lookup)
    assert isinstance(word.op, Lookup)

    assert takes(word, MODULUS) == (word.op.entries - 1).bit_length()


def test_tables_of_their_own_take_the_levels_of_plaintext_factors() -> None:
    graph = lower(graphs.perceptron(), replace(BGV, per_channel=True)).graph
    (word,) = named(graph, Lookup)
    assert isinstance(word.op, Lookup)

    assert steps_of(word, MODULUS) == (each_steps(word.op.entries), 0)


@pytest.mark.parametrize("name", ENCRYPTED)
def test_every_word_is_made_at_the_lowest_level_that_serves(name: str) -> None:
    graph = packed(name)
    found = demands(graph, terms_of(graph), 14, MODULUS)
    by_name = graph.by_name

    wanted = {
        node.name: [found.levels[user] + takes(by_name[user], MODULUS) for user in users]
        for node in graph
        if (users := graph.users[node.name])
    }
    assert all(found.levels[name] == max(each) for name, each in wanted.items())
    assert found.levels[graph.outputs[0]] == 0
    assert len(found.divisions) == max(found.levels.values())


@pytest.mark.parametrize("name", ["linear", "stumps"])
def test_what_no_product_needs_has_no_division(name: str) -> None:
    graph = packed(name)

    found = demands(graph, terms_of(graph), 12, 40961)

    assert found.divisions == ()
    assert found.last == MapSlots(terms_of(graph)[named(graph, Sums)[0].name])


def test_vectors_of_other_factors_count_as_more_terms() -> None:
    graph = packed("residual")
    found = demands(graph, terms_of(graph), 14, MODULUS)
    (last,) = (node for node in named(graph, Sums) if getattr(node.op, "last", False))

    # Three vectors, each times an integer of up to half of t.
    assert len(last.args) == 3
    assert found.last is not None
    assert found.last.terms == terms_of(graph)[last.name] * (MODULUS // 2) ** 2


def test_two_vectors_count_as_the_root_of_that() -> None:
    graph = packed("residual")
    nodes = tuple(pair(node) for node in graph)
    found = demands(Graph(nodes, graph.outputs), terms_of(graph), 14, MODULUS)
    (last,) = (node for node in nodes if getattr(node.op, "last", False))

    assert found.last is not None
    assert found.last.terms == terms_of(graph)[last.name] * MODULUS


def pair(node: Node) -> Node:
    """The node with two arguments where it has three."""
    return replace(node, args=node.args[:2])


def test_multiples_that_are_opened_have_room() -> None:
    graph = packed("two look-ups")
    (last,) = (graph[node.args[0]] for node in named(graph, Decode))
    left = steps_of(last, MODULUS)[1]

    found = demands(graph, terms_of(graph), 14, MODULUS)

    assert found.last == (MapSlots(1, left) if left else None)


@pytest.mark.parametrize("name", ENCRYPTED)
def test_all_that_is_told_apart_is_counted(name: str) -> None:
    graph = packed(name)

    found = width(graph)

    assert all(found > word.high - word.low for word in sums(graph))
    assert all(found > word.entries << word.dropped for word in lookups(graph))
    assert all(found > np.ptp(word.tables) for word in lookups(graph))


def test_a_product_that_is_opened_is_counted() -> None:
    graph = lower(graphs.gated(), replace(BGV, bits=3)).graph
    (opened,) = (node.op for node in named(graph, Decode))

    assert isinstance(opened, Decode)
    assert len(products(graph)) == 1
    assert max(word.high - word.low for word in sums(graph)) < opened.high - opened.low
    assert width(graph) == opened.high - opened.low + 1
