"""Graphs as JSON and arrays: what is written is read, and nothing else is."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.approx import Form, composite
from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.approximation import Approximation
from tacit.arithmetics.ckks.ops import Evaluate
from tacit.errors import ProtocolError
from tacit.ir import ops
from tacit.ir.functions import FUNCTIONS, Function
from tacit.ir.graph import Graph
from tacit.ir.ops import SOURCE_OPS, PoolKind, ReduceKind
from tacit.ir.rewrite import Builder
from tacit.program import Json, lower
from tacit.serve.codec import Arrays, canonical, graph_codec, parse, record_codec
from tests.arithmetics.ckks import graphs
from tests.serve.programs import network

SOURCE = graph_codec(SOURCE_OPS)


def every_op() -> Graph:
    """A graph in which every source op occurs."""
    generator = np.random.default_rng(3)
    builder = Builder()

    def numbers(*shape: int) -> Any:
        return generator.normal(size=shape)

    x = builder.input("x", (2, 8, 8))
    conv = ops.Conv(numbers(4, 1, 3, 3), numbers(4), (1, 1), ((1, 1), (1, 1)), (1, 1), 2)
    y = builder.put("conv", conv, x, origin="body.0")
    y = builder.put("norm", ops.Affine(numbers(4), numbers(4)), y)
    y = builder.put("relu", ops.Map(Function("leaky_relu", (0.2,))), y)
    stages, intervals = ((0.0, 1.5, 0.0, -0.5), (0.0, 0.75)), ((-4.0, 4.0), (-2.0, 2.0))
    tuned = ops.Approximated(Function("relu"), stages, intervals, slope=0.5, bend=0.5)
    y = builder.put("tuned", tuned, y, origin="body.1")
    grid = ops.FakeQuantise(np.array([0.5, 0.25, 1.0, 2.0]), np.arange(4.0), -8, 7)
    y = builder.put("grid", grid, y)
    pads = ((0, 0), (1, 1), (1, 1))
    y = builder.put("pad", ops.Pad(pads, 0.5), y)
    pool = ops.Pool(PoolKind.MAXIMUM, (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))
    y = builder.put("pool", pool, y)
    y = builder.put("adaptive", ops.AdaptivePool(PoolKind.AVERAGE, (4, 4)), y)
    y = builder.put("slice", ops.Slice(0, 0, 4, 2), y)
    y = builder.put("permute", ops.Permute((1, 0, 2)), y)
    y = builder.put("joined", ops.Concat(0), y, y)
    y = builder.put("flat", ops.Reshape((8, 8)), y)
    c = builder.put("constant", ops.Constant(numbers(8, 8)))
    y = builder.put("product", ops.MatMul(), y, c)
    y = builder.put("sum", ops.Add(), y, c)
    y = builder.put("difference", ops.Sub(), y, c)
    y = builder.put("times", ops.Mul(), y, c)
    y = builder.put("mean", ops.Reduce(ReduceKind.MEAN, (0,)), y)
    y = builder.put("linear", ops.Linear(numbers(3, 8), numbers(3)), y)
    y = builder.put("softmax", ops.Softmax(0), y)
    return builder.graph(builder.put("class", ops.ArgMax(0), y))


def written(graph: Graph) -> tuple[Json, Arrays]:
    """A graph's tree and arrays."""
    arrays: Arrays = {}
    return SOURCE.write(graph, arrays), arrays


GRAPH = every_op()
TREE, ARRAYS = written(GRAPH)


def places(tree: Json) -> list[tuple[Any, Any]]:
    """Every container in a tree with every key or index in it."""
    match tree:
        case dict():
            inner: list[tuple[Any, Json]] = list(tree.items())
        case list():
            inner = list(enumerate(tree))
        case _:
            return []
    here: list[tuple[Any, Any]] = [(tree, key) for key, _ in inner]
    return here + [found for _, value in inner for found in places(value)]


def test_every_source_op_is_in_the_graph_of_these_tests() -> None:
    assert {type(node.op) for node in GRAPH} == set(SOURCE_OPS)


def test_a_graph_that_is_read_computes_the_same() -> None:
    x = np.random.default_rng(4).normal(size=(3, 2, 8, 8))

    read = SOURCE.read(TREE, ARRAYS)

    assert np.array_equal(read(x), GRAPH(x))


def test_a_graph_that_is_read_is_written_the_same() -> None:
    assert written(SOURCE.read(parse(canonical(TREE)), ARRAYS))[0] == TREE


def test_a_lowered_graph_computes_the_same() -> None:
    source, inputs = network(seed=1)
    program = lower(source, CKKS())
    codec = graph_codec((*CKKS.words, *SOURCE_OPS))
    arrays: Arrays = {}

    read = codec.read(parse(canonical(codec.write(program.graph, arrays))), arrays)

    assert np.array_equal(read(inputs), program.graph(inputs))


def test_a_composite_is_computed_the_same_and_by_the_same_plan() -> None:
    program = lower(graphs.perceptron("relu"), CKKS(error=2**-12))
    x = graphs.inputs(program.graph)
    codec = graph_codec((*CKKS.words, *SOURCE_OPS))
    arrays: Arrays = {}

    read = codec.read(parse(canonical(codec.write(program.graph, arrays))), arrays)

    words = (node.op for node in (*program.graph, *read) if isinstance(node.op, Evaluate))
    first, second = (word.approximation for word in words)
    assert first == second
    assert len(first.stages) > 1
    assert first.plan == second.plan
    assert np.array_equal(read(x), program.graph(x))


@pytest.mark.parametrize(
    "changed",
    [
        {"stages": []},
        {"form": None},
        {"form": {"name": "relu", "constant": 0.0, "step": 0.0, "slope": 0.5, "bend": "inf"}},
        {"form": {"name": "relu", "constant": 0.0, "step": 0.0, "slope": 0.5}},
        {"surprise": 1},
    ],
)
def test_an_approximation_that_no_server_could_compute_is_refused(changed: dict[str, Json]) -> None:
    codec = record_codec(Approximation)
    stages = composite("relu", (3, 5), (-1, 1)).chained
    tree = codec.write(Approximation(stages, Form("relu", slope=0.5, bend=0.5)), {})
    assert isinstance(tree, dict)

    with pytest.raises(ProtocolError):
        codec.read({**tree, **changed}, {})


@given(
    st.sampled_from(sorted(FUNCTIONS)),
    st.lists(st.floats(allow_nan=False), max_size=2),
)
def test_functions_keep_their_parameters_to_the_last_bit(name: str, values: list[float]) -> None:
    count = len(FUNCTIONS[name].parameters)
    function = Function(name, tuple(values[:count]))
    codec = record_codec(Function)

    assert codec.read(parse(canonical(codec.write(function, {}))), {}) == function


@given(st.builds(CKKS, error=st.floats(1e-6, 0.5), degree=st.none() | st.integers(1, 99)))
def test_knobs_are_kept(arithmetic: CKKS) -> None:
    codec = record_codec(CKKS)

    assert codec.read(parse(canonical(codec.write(arithmetic, {}))), {}) == arithmetic


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "relu", "Conv", "inf", "nan", *ARRAYS]),
    st.lists(st.integers(-3, 3), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)


@given(st.data(), JUNK)
def test_a_damaged_tree_is_read_as_a_sound_graph_or_refused(
    data: st.DataObject, junk: Json
) -> None:
    tree = copy.deepcopy(TREE)
    container, key = data.draw(st.sampled_from(places(tree)))
    container[key] = junk

    # Some junk is as good as what it replaced, such as another stride; anything else is refused.
    assert _outcome(tree) in {Graph, ProtocolError}


@given(st.data())
def test_a_missing_part_is_refused(data: st.DataObject) -> None:
    tree = copy.deepcopy(TREE)
    records = [(each, key) for each, key in places(tree) if isinstance(each, dict)]
    container, key = data.draw(st.sampled_from(records))
    del container[key]

    assert _outcome(tree) is ProtocolError


@given(st.data())
def test_an_unknown_field_is_refused(data: st.DataObject) -> None:
    tree = copy.deepcopy(TREE)
    records = [each for each, _ in places(tree) if isinstance(each, dict)]
    data.draw(st.sampled_from(records))["surprise"] = 1

    assert _outcome(tree) is ProtocolError


def test_an_op_outside_the_words_is_refused() -> None:
    codec = graph_codec(tuple(word for word in SOURCE_OPS if word is not ops.Conv))

    with pytest.raises(ProtocolError, match="no op that is known"):
        codec.read(TREE, ARRAYS)


def test_an_array_of_another_type_is_refused() -> None:
    arrays = {name: array.astype(np.float32) for name, array in ARRAYS.items()}

    with pytest.raises(ProtocolError, match="float32; float64 is expected"):
        SOURCE.read(TREE, arrays)


def test_an_absent_array_is_refused() -> None:
    with pytest.raises(ProtocolError, match="no array of this bundle"):
        SOURCE.read(TREE, {})


def test_a_matrix_with_columns_outside_is_refused() -> None:
    source, _ = network(seed=1)
    codec = graph_codec((*CKKS.words, *SOURCE_OPS))
    arrays: Arrays = {}
    tree = codec.write(lower(source, CKKS()).graph, arrays)
    outside = {
        name: array + 1000 if array.dtype == np.int64 else array for name, array in arrays.items()
    }

    with pytest.raises(ProtocolError):
        codec.read(tree, outside)


@pytest.mark.parametrize("data", [b"", b"{", b"NaN", b'{"a":1,"a":1}', b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(data)


def test_infinite_parameters_are_kept() -> None:
    codec = record_codec(Function)
    function = Function("hardtanh", (0.0, math.inf))

    assert codec.read(parse(canonical(codec.write(function, {}))), {}) == function


def test_no_two_words_share_a_name() -> None:
    assert {each.__name__ for each in CKKS.words}.isdisjoint(each.__name__ for each in SOURCE_OPS)


def _outcome(tree: Json) -> type:
    try:
        return type(SOURCE.read(tree, ARRAYS))
    except ProtocolError as refused:
        return type(refused)
