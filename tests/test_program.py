from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import tacit
from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product, Unpack
from tacit.errors import LoweringError, NotCalibrated, TypeMismatch
from tacit.ir import ops
from tacit.ir.functions import Function
from tacit.ir.graph import Graph, Input, Place
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate
from tacit.program import lower
from tests.arithmetics.ckks import graphs
from tests.networks import networks, rows


@given(networks())
def test_lowering_what_needs_no_approximation_keeps_the_meaning(graph: Graph) -> None:
    x = rows(graph, 3)

    found, expected = lower(graph, CKKS())(x), graph(x)

    # Sums of a few hundred doubles in another order.
    assert np.allclose(found, expected, atol=1e-9 * max(1.0, np.abs(expected).max()))


@given(networks(), st.sampled_from([1, 16, 2048]))
def test_how_many_inputs_share_a_ciphertext_changes_no_result(graph: Graph, batch: int) -> None:
    x = rows(graph, 2)

    assert np.allclose(lower(graph, CKKS(batch=batch))(x), lower(graph, CKKS())(x))


def test_a_compiled_model_is_near_the_model_and_leaves_it_as_it_was() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x = np.random.default_rng(0).normal(size=(64, 6))

    program = tacit.compile(model, x, CKKS(error=2**-9))

    with torch.no_grad():
        exact = model(torch.tensor(x, dtype=torch.float32)).numpy()
    # One ReLU of inputs up to 5, wrong by up to 2^-9 of it, times weights of about 1/3.
    assert np.abs(program(x) - exact).max() < 0.02
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_noise_is_drawn_from_the_generator_that_is_given() -> None:
    program = lower(graphs.mlp(), CKKS())
    x = graphs.inputs(program.graph)

    first, again, other = (program(x, noise=np.random.default_rng(n)) for n in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, program(x))


def test_a_graph_of_two_inputs_is_refused() -> None:
    builder = Builder()
    x, y = builder.input("x", (2,)), builder.input("y", (2,))

    with pytest.raises(TypeMismatch, match="2 inputs and 1 results"):
        lower(builder.graph(builder.put("sum", ops.Add(), x, y)), CKKS())


def test_a_graph_of_two_results_is_refused() -> None:
    builder = Builder()
    x = builder.input("x", (2,))

    with pytest.raises(TypeMismatch, match="1 inputs and 2 results"):
        lower(builder.graph(x, builder.put("r", ops.Map(Function("relu")), x)), CKKS())


def test_the_first_node_without_a_range_is_named() -> None:
    builder = Builder()
    name = builder.input("first", (2,))

    with pytest.raises(NotCalibrated, match="first has no range"):
        lower(builder.graph(name), CKKS())


def test_a_result_that_does_not_depend_on_the_input_is_refused() -> None:
    builder = Builder()
    builder.input("x", (2,))
    constant = builder.put("fixed", ops.Constant(np.ones(3)))
    graph = graphs.calibrated(builder, builder.put("e", ops.Map(Function("relu")), constant))

    with pytest.raises(LoweringError, match="e does not depend on the input"):
        lower(graph, CKKS())


def test_an_input_that_is_the_result_comes_back() -> None:
    builder = Builder()
    graph = graphs.calibrated(builder, builder.input("x", (2, 2)))
    x = graphs.inputs(graph, rows=2)

    program = lower(graph, CKKS())

    assert np.allclose(program(x), x)
    assert np.abs(program.engine()(x) - x).max() < 1e-4


def test_data_that_never_vary_can_be_calibrated_on() -> None:
    builder = Builder()
    name = graphs.activated(builder, builder.input("x", (2,)), "gelu")
    x = np.full((4, 2), 3.0)
    graph = calibrate(builder.graph(name), x)

    program = lower(graph, CKKS())

    assert np.abs(program(x) - graph(x)).max() < 2**-7 * 3.0


def test_a_sigmoid_at_the_end_is_the_clients_even_behind_a_reshape() -> None:
    builder = Builder()
    name = graphs.activated(
        builder, graphs.dense(builder, builder.input("x", (4,)), 1, 1), "sigmoid"
    )
    graph = graphs.calibrated(builder, builder.put("flat", ops.Reshape(()), name))
    x = graphs.inputs(graph)

    program = lower(graph, CKKS())

    kinds = [type(node.op) for node in program.graph]
    assert kinds == [Input, Pack, LinearMap, Unpack, ops.Map, ops.Reshape]
    assert [node.place for node in program.graph].count(Place.SERVER) == 1
    assert np.allclose(program(x), graph(x))


def test_a_value_times_itself_is_one_square() -> None:
    builder = Builder()
    x = builder.input("x", (4,))
    graph = graphs.calibrated(builder, builder.put("twice", ops.Mul(), x, x))

    words = [type(node.op) for node in lower(graph, CKKS()).graph]

    assert words == [Input, Pack, LinearMap, Product, Unpack]
    assert Evaluate not in words
