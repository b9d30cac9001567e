from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.integers import EngineKind, Grouping, Integers, Search
from tacit.arithmetics.integers.settings import Kind
from tacit.errors import DepthExceeded, InsecureParameters, LoweringError, TypeMismatch
from tacit.grids import MOST_BITS
from tacit.ir.graph import Graph
from tacit.ir.ops import SOURCE_OPS
from tacit.ir.rewrite import Builder
from tacit.program import lower
from tacit.serve import Client, Server, load_program, make_keys, pack
from tacit.serve.codec import Arrays, canonical, graph_codec, parse, record_codec
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.graphs import BGV, ENCRYPTED, rows

knobs = st.builds(
    Integers,
    bits=st.integers(1, 16),
    inputs=st.none() | st.integers(1, 16),
    layers=st.lists(st.tuples(st.text(max_size=5), st.integers(1, 16)), max_size=2).map(tuple),
    rounding=st.none() | st.integers(1, 16),
    scales=st.sampled_from(Search),
    grouping=st.sampled_from(Grouping),
    per_channel=st.booleans(),
    engine=st.sampled_from(EngineKind),
    error=st.floats(1e-12, 0.5),
    batch=st.none() | st.sampled_from([1, 2, 64]),
)


@given(knobs)
def test_knobs_survive_a_bundle(arithmetic: Integers) -> None:
    codec = record_codec(Integers)

    assert codec.read(parse(canonical(codec.write(arithmetic, {}))), {}) == arithmetic


@pytest.mark.parametrize("name", ENCRYPTED)
def test_a_lowered_graph_survives_a_bundle(name: str) -> None:
    program = lower(ENCRYPTED[name](), BGV)
    codec = graph_codec((*Integers.words, *SOURCE_OPS))
    arrays: Arrays = {}
    x = rows(program.graph)

    read = codec.read(parse(canonical(codec.write(program.graph, arrays))), arrays)

    assert np.array_equal(read(x), program.graph(x))


@pytest.mark.parametrize("bits", [0, MOST_BITS + 1])
@pytest.mark.parametrize(
    "name", ["bits", "inputs", "weights", "activations", "accumulator", "rounding"]
)
def test_widths_that_no_engine_has_are_refused(name: str, bits: int) -> None:
    wrong: dict[str, Any] = {name: bits}

    with pytest.raises(TypeMismatch, match=f"{name} {bits} is not between 1 and 16"):
        Integers(**wrong)


def test_a_layer_with_too_many_bits_is_named() -> None:
    with pytest.raises(TypeMismatch, match="layers: head 17"):
        Integers(layers=(("head", 17),))


@pytest.mark.parametrize("batch", [0, 3, -2])
def test_batches_that_are_no_power_of_two_are_refused(batch: int) -> None:
    with pytest.raises(TypeMismatch, match="power of two"):
        Integers(batch=batch)


@pytest.mark.parametrize("error", [0.0, 1.0, -1.0])
def test_an_error_that_is_no_chance_is_refused(error: float) -> None:
    with pytest.raises(TypeMismatch, match="between 0 and 1"):
        Integers(error=error)


def test_bits_are_given_for_each_kind() -> None:
    found = Integers(bits=5, weights=3).settings

    assert found.bits == {Kind.INPUTS: 5, Kind.WEIGHTS: 3, Kind.ACTIVATIONS: 5}


def test_security_that_no_table_knows_is_refused() -> None:
    with pytest.raises(InsecureParameters, match="no table gives 100 bits"):
        lower(graphs.linear(), replace(BGV, security=100))


def test_more_inputs_than_slots_are_refused() -> None:
    with pytest.raises(LoweringError, match=r"16384 inputs do not fit into \d+ slots"):
        lower(graphs.linear(), replace(BGV, batch=16384))


def test_too_deep_a_program_names_the_look_up_that_is_deepest() -> None:
    with pytest.raises(DepthExceeded, match=r"no ring has \d+ products in a row") as found:
        lower(deep(), replace(BGV, bits=3))

    assert "of them for a table of" in str(found.value)
    assert "tacit.tune.quantise" in str(found.value)


def deep() -> Graph:
    """Seven layers with a function behind each."""
    builder = Builder()
    name = builder.input("x", (3,))
    for seed in range(1, 8):
        name = graphs.mapped(builder, graphs.dense(builder, name, 3, seed), "gelu")
    return graphs.calibrated(builder, name)


def test_integers_have_no_noise() -> None:
    program = lower(graphs.perceptron(), BGV)
    x = rows(program.graph)

    assert np.array_equal(program(x, noise=np.random.default_rng(0)), program(x))


def test_a_bundle_is_packed_loaded_and_answers_as_simulated(tmp_path: Path) -> None:
    program = lower(graphs.perceptron(hidden=2), replace(BGV, batch=2))
    bundle, secret, keys = (tmp_path / name for name in ("bundle", "my.secret", "my.keys"))
    x = rows(program.graph, count=3)

    pack(program, bundle, source=graphs.perceptron(hidden=2))
    make_keys(bundle, secret=secret, keys=keys)
    asking, answering = Client(bundle, secret=secret), Server(bundle, keys=keys)
    sealed = asking.seal(x)

    assert np.array_equal(asking.open(answering.answer(sealed)), program(x))
    assert np.array_equal(load_program(bundle)(x), program(x))
    assert load_program(bundle).arithmetic == program.arithmetic
