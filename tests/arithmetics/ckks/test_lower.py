from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.levels import depth, levels
from tacit.arithmetics.ckks.ops import WORDS, Evaluate, LinearMap, Unpack
from tacit.errors import DepthExceeded, LoweringError, NotCalibrated
from tacit.ir import ops
from tacit.ir.graph import Graph, Input, Place
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate
from tacit.program import lower
from tests.arithmetics.ckks import graphs

EXACT = {
    "mlp": graphs.mlp(),
    "residual": graphs.residual(),
    "gated": graphs.gated(),
}


@pytest.mark.parametrize("name", EXACT)
def test_lowering_without_approximation_keeps_the_meaning(name: str) -> None:
    graph = EXACT[name]
    x = graphs.inputs(graph, seed=9)

    program = lower(graph, CKKS())

    assert np.allclose(program(x), graph(x), atol=1e-9)


@pytest.mark.parametrize("function", ["relu", "sigmoid", "gelu", "abs", "exp"])
def test_an_approximated_network_is_near_the_real_one(function: str) -> None:
    graph = graphs.mlp(function)
    x = graphs.inputs(graph)

    program = lower(graph, CKKS(error=2**-9))
    largest = max(abs(graph(x)).max(), 1.0)

    # Two layers each add at most 2^-9 of their input's range, magnified by weights near one.
    assert np.abs(program(x) - graph(x)).max() < 0.1 * largest


def test_a_finer_error_gives_a_nearer_network() -> None:
    graph = graphs.mlp("relu")
    x = graphs.inputs(graph)

    distances = [
        np.abs(lower(graph, CKKS(error=error))(x) - graph(x)).max() for error in (2**-4, 2**-8)
    ]

    assert distances[1] < distances[0]


def test_a_function_that_is_a_line_on_its_range_takes_no_level() -> None:
    builder = Builder()
    name = graphs.activated(builder, builder.input("x", (6,)), "abs")
    positive = builder.graph(graphs.dense(builder, graphs.activated(builder, name, "relu"), 2, 1))
    x = graphs.inputs(positive)
    graph = calibrate(positive, x)

    program = lower(graph, CKKS(error=2**-4, margin=0.0))

    stands_for = [n.op.stands_for for n in program.graph if isinstance(n.op, Evaluate)]
    assert stands_for == ["abs"]


def test_max_pooling_becomes_a_tournament() -> None:
    graph = graphs.maximum()
    x = graphs.inputs(graph)

    program = lower(graph, CKKS(error=2**-8))

    assert np.abs(program(x) - graph(x)).max() < 0.1


def test_all_words_are_of_ckks_or_at_the_client() -> None:
    program = lower(graphs.residual(), CKKS())

    at_server = [node.op for node in program.graph if node.place is Place.SERVER]
    assert all(isinstance(op, WORDS) and not isinstance(op, Unpack) for op in at_server)


def test_what_is_affine_between_activations_is_one_map() -> None:
    program = lower(graphs.residual(), CKKS())

    kinds = Counter(type(node.op).__name__ for node in program.graph)
    # The stem; the block with its shortcut; pooling, flattening and the linear layer.
    assert kinds["LinearMap"] == 3
    assert depth(program.graph) == 5


def test_a_final_softmax_is_left_to_the_client() -> None:
    builder = Builder()
    name = graphs.dense(builder, builder.input("x", (6,)), 4, 1)
    graph = graphs.calibrated(builder, builder.put("soft", ops.Softmax(0), name))
    x = graphs.inputs(graph)

    program = lower(graph, CKKS())

    assert program.graph["soft"].place is Place.CLIENT
    assert np.allclose(program(x), graph(x))
    assert depth(program.graph) == 1


def test_weights_behind_a_softmax_are_refused() -> None:
    builder = Builder()
    name = builder.put("soft", ops.Softmax(0), builder.input("x", (6,)))
    graph = graphs.calibrated(builder, graphs.dense(builder, name, 4, 1))

    with pytest.raises(LoweringError, match="dense1"):
        lower(graph, CKKS())


def test_a_graph_without_ranges_is_refused() -> None:
    builder = Builder()
    name = graphs.dense(builder, builder.input("x", (6,)), 4, 1)

    with pytest.raises(NotCalibrated, match="calibrate"):
        lower(builder.graph(name), CKKS())


def test_too_deep_a_network_names_the_levels_it_needs() -> None:
    builder = Builder()
    name = builder.input("x", (4,))
    for seed in range(1, 13):
        name = graphs.activated(builder, graphs.dense(builder, name, 4, seed), "abs")
    graph = graphs.calibrated(builder, name)

    with pytest.raises(DepthExceeded, match=r"needs \d+ levels; the largest ring \(2\^16\) has"):
        lower(graph, CKKS(error=2**-7))


def test_the_function_that_a_polynomial_stands_for_is_kept() -> None:
    program = lower(graphs.mlp("relu"), CKKS(error=2**-7))

    found = [node.op for node in program.graph if isinstance(node.op, Evaluate)]
    assert [each.stands_for for each in found] == ["relu", "relu"]
    assert all(each.error <= 2**-7 * max(abs(each.low), each.high) for each in found)


def test_an_approximation_has_the_degree_asked_for() -> None:
    program = lower(graphs.mlp("sigmoid"), CKKS(degree=7))

    words = [node.op for node in program.graph if isinstance(node.op, Evaluate)]
    assert [each.approximation.degrees for each in words] == [(7,), (7,)]


@pytest.mark.parametrize("make", [graphs.perceptron, graphs.convolution])
def test_a_composite_is_one_word_between_two_maps(make: Callable[[str], Graph]) -> None:
    graph = make("relu")
    x = graphs.inputs(graph, rows=64)

    program = lower(graph, CKKS(error=2**-12))

    kinds = [type(node.op) for node in program.graph if node.place is Place.SERVER]
    (word,) = (node.op for node in program.graph if isinstance(node.op, Evaluate))
    assert kinds == [LinearMap, Evaluate, LinearMap]
    assert len(word.approximation.stages) > 1
    # The last map is not rescaled, but its level is one above the lowest.
    assert depth(program.graph) == word.approximation.plan.depth + 2
    # The error is relative to the largest input of the activation; weights are near one.
    assert np.abs(program(x) - graph(x)).max() < 2**-9


def test_every_value_is_made_at_the_lowest_level_that_serves() -> None:
    program = lower(graphs.mlp(), CKKS())
    found = levels(program.graph)

    assert found[program.graph.outputs[0]] == 0
    assert found["x_packed"] == 5


def test_both_factors_of_a_product_lie_alike() -> None:
    program = lower(graphs.gated(), CKKS())
    maps = [node.op for node in program.graph if isinstance(node.op, LinearMap)]

    assert maps[0].layout.same_as(maps[1].layout)


def test_the_users_graph_is_left_alone() -> None:
    graph = graphs.mlp("relu")
    before = [(node.name, node.op, node.type) for node in graph]

    lower(graph, CKKS())

    assert before == [(node.name, node.op, node.type) for node in graph]
    assert isinstance(graph, Graph)
    assert isinstance(graph.nodes[0].op, Input)
