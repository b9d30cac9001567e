from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.arithmetics.integers.lower import lower
from tacit.arithmetics.integers.ops import WORDS, Decode, Encode
from tacit.arithmetics.integers.settings import Kind
from tacit.errors import LoweringError, WidthExceeded
from tacit.ir import ops
from tacit.ir.graph import Graph, Place
from tacit.ir.rewrite import Builder
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.graphs import (
    FINE,
    bits,
    calibrated,
    decode,
    dense,
    lookups,
    mapped,
    never_left,
    off,
    products,
    rows,
    sums,
)
from tests.arithmetics.integers.sketches import networks

# Sums of a few dozen doubles.
ROUNDING = 1e-9
EIGHT = replace(FINE, bits=dict.fromkeys(Kind, 8))


@settings(max_examples=60)
@given(networks())
def test_a_network_on_grids_is_lowered_exactly(graph: Graph) -> None:
    x = rows(graph, count=16, seed=1)

    words = lower(graph, FINE)

    assert np.allclose(words(x), graph(x), rtol=0.0, atol=ROUNDING)


@settings(max_examples=40)
@given(
    networks(),
    st.sampled_from([{}, {"per_channel": True}, {"power_of_two": True}, {"rounding": 4}]),
    st.integers(2, 6),
)
def test_no_accumulator_leaves_its_bounds(graph: Graph, knobs: dict[str, Any], wide: int) -> None:
    coarse = replace(bits(wide, wide, wide), **knobs)

    assert never_left(lower(graph, coarse), rows(graph, count=64, seed=2))


def test_what_is_affine_between_look_ups_is_one_word() -> None:
    words = lower(graphs.residual(), bits(3, 3, 3))

    assert len(sums(words)) == 3
    assert len(lookups(words)) == 2


def test_products_of_two_secret_values_are_products() -> None:
    words = lower(graphs.scores(), bits(3, 3, 3))

    assert len(products(words)) == 1
    assert never_left(words, rows(graphs.scores()))


@pytest.mark.parametrize("called", ["dense1", "dense1.weights", "body.0", "body.0.weights"])
def test_bits_of_a_layer_go_by_its_name_and_by_its_path(called: str) -> None:
    builder = Builder()
    x = builder.input("x", (4,))
    weight = np.random.default_rng(0).normal(size=(3, 4))
    name = builder.put("dense1", ops.Linear(weight, np.zeros(3)), x, origin="body.0")
    graph = calibrated(builder, mapped(builder, name, "relu"))

    plain, own = (
        lower(graph, bits(4, 4, 4)),
        lower(graph, replace(bits(4, 4, 4), layers={called: 7})),
    )

    assert sums(own)[0].bits >= sums(plain)[0].bits + 2


def test_an_accumulator_that_is_too_wide_names_the_layer_its_bits_and_what_to_lower() -> None:
    with pytest.raises(WidthExceeded, match=r"dense1 needs accumulators of \d+ bits; 8 ") as found:
        lower(graphs.perceptron(), replace(bits(6, 6, 6), accumulator=8))

    assert "lower the bits of its weights (now 6)" in str(found.value)


def test_a_product_that_is_too_wide_to_be_opened_is_refused() -> None:
    with pytest.raises(WidthExceeded, match="allowed"):
        lower(graphs.gated(), replace(bits(8, 8, 8), result=10))


def test_a_softmax_in_the_middle_is_refused() -> None:
    builder = Builder()
    name = builder.put("soft", ops.Softmax(0), builder.input("x", (4,)))
    graph = calibrated(builder, dense(builder, name, 3, 1))

    with pytest.raises(LoweringError, match="dense1 comes after a softmax"):
        lower(graph, FINE)


def test_a_softmax_at_the_end_is_the_clients() -> None:
    builder = Builder()
    name = dense(builder, builder.input("x", (4,)), 3, 1)
    graph = calibrated(builder, builder.put("soft", ops.Softmax(0), name))

    words = lower(graph, bits(10, 10, 10))

    assert words["soft"].place is Place.CLIENT
    assert off(words, graph, rows(graph)) < 1e-2


def test_a_result_that_is_constant_is_refused() -> None:
    builder = Builder()
    fixed = ops.Linear(np.zeros((2, 4)), np.ones(2))
    graph = calibrated(builder, builder.put("fixed", fixed, builder.input("x", (4,))))

    with pytest.raises(LoweringError, match="fixed does not depend on the input"):
        lower(graph, FINE)


def test_dead_units_are_constants_and_not_computed() -> None:
    builder = Builder()
    x = builder.input("x", (4,))
    dead = builder.put("dead", ops.Linear(np.zeros((2, 4)), np.array([0.3, 0.7])), x)
    name = builder.put("all", ops.Concat(0), dense(builder, x, 2, 1), mapped(builder, dead, "gelu"))
    graph = calibrated(builder, name)

    words = lower(graph, bits(10, 10, 10))

    assert not lookups(words)
    assert off(words, graph, rows(graph)) < 1e-2


@pytest.mark.parametrize("moved", [False, True])
def test_a_graph_whose_result_is_its_input_is_encrypted_and_opened(*, moved: bool) -> None:
    builder = Builder()
    name = builder.input("x", (2, 3))
    turned = builder.put("turned", ops.Permute((1, 0)), name)
    graph = calibrated(builder, turned if moved else name)
    x = rows(graph)

    words = lower(graph, EIGHT)

    assert len(sums(words)) == 1
    assert np.abs(words(x) - graph(x)).max() <= 0.5 * 2 / 255 + ROUNDING


def test_moves_of_what_is_bent_are_no_words() -> None:
    builder = Builder()
    name = mapped(builder, graphs.conv(builder, builder.input("x", (1, 4, 4)), 2, 1), "relu")
    name = builder.put("turned", ops.Permute((1, 2, 0)), name)
    name = builder.put("cut", ops.Slice(0, 0, 4, 2), name)
    graph = calibrated(builder, mapped(builder, name, "sigmoid"))

    words = lower(graph, bits(7, 7, 10))

    assert len(lookups(words)) == 1
    assert lookups(words)[0].stands_for == "relu"
    assert off(words, graph, rows(graph)) < 0.05


def test_all_words_are_of_integers_and_the_ends_are_the_clients() -> None:
    words = lower(graphs.residual(), bits(3, 3, 3))

    assert all(isinstance(node.op, WORDS) for node in words if node.place is Place.SERVER)
    ends = [node.place for node in words if isinstance(node.op, Encode | Decode)]
    assert set(ends) == {Place.CLIENT}


def test_a_result_says_between_which_integers_it_is() -> None:
    words = lower(graphs.linear(), bits(3, 3, 3))
    found, (word,) = decode(words), sums(words)

    assert (found.low, found.high) == (word.low, word.high)


def test_the_users_graph_is_left_alone() -> None:
    graph = graphs.residual()
    before = [(node.name, node.op, node.type) for node in graph]

    lower(graph, bits(3, 3, 3))

    assert before == [(node.name, node.op, node.type) for node in graph]
