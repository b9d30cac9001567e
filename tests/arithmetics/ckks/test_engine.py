from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tacit.approx import composite
from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.activations import Recipe, recipe_of
from tacit.arithmetics.ckks.engine import Client, fresh_client, server
from tacit.arithmetics.ckks.levels import choose
from tacit.arithmetics.ckks.lower import lower as in_words
from tacit.arithmetics.ckks.noise import noise
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Product, Unpack
from tacit.arithmetics.ckks.packing import pack_slots
from tacit.arithmetics.ckks.server import Server
from tacit.errors import OutOfRange, ProtocolError, TypeMismatch
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Input, Node, Range, evaluate
from tacit.ir.ops import Linear
from tacit.ir.rewrite import Builder
from tacit.lattigo import Context
from tacit.program import Half, Program, lower
from tacit.slots.layout import flat, interleaved, separated
from tests.arithmetics.ckks import graphs

GRAPHS: dict[str, Callable[[], Graph]] = {
    "mlp": graphs.mlp,
    "residual": graphs.residual,
    "gated": graphs.gated,
    "relu": lambda: graphs.mlp("relu"),
    "sigmoid": lambda: graphs.mlp("sigmoid"),
}

# Enough for a deviation that is right to a tenth.
DRAWS = 64
# Normal noise passes six deviations once in five hundred million entries, and the simulated
# deviation is right to a factor of three (test_noise).
DEVIATIONS = 18.0


def off(program: Program, x: FloatArray, answer: FloatArray) -> float:
    """The largest distance from the simulation, in deviations of that entry's own noise.

    Entries differ: the larger the values that go into a product, the larger its error.
    """
    generator = np.random.default_rng(1)
    expected = program(x)
    noisy = np.stack([program(x, noise=generator) - expected for _ in range(DRAWS)])
    return float((np.abs(answer - expected) / noisy.std(axis=0)).max())


@pytest.mark.parametrize("name", GRAPHS)
def test_the_encrypted_result_is_the_simulated_one(name: str) -> None:
    program = lower(GRAPHS[name](), CKKS(error=2**-5))
    x = graphs.inputs(program.graph, rows=2, seed=11)

    answer = program.engine()(x)

    assert off(program, x, answer) < DEVIATIONS


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("relu", 2**-12),
        ("sign", 2**-4),
        pytest.param("leaky_relu", 2**-11, marks=pytest.mark.slow),
        pytest.param("abs", 2**-11, marks=pytest.mark.slow),
    ],
)
def test_an_activation_by_a_composite_is_the_simulated_one(function: str, error: float) -> None:
    program = lower(graphs.perceptron(function), CKKS(error=error))
    (word,) = (node.op for node in program.graph if isinstance(node.op, Evaluate))
    x = graphs.inputs(program.graph, rows=2)

    answer = program.engine()(x)

    assert len(word.approximation.stages) > 1
    assert off(program, x, answer) < DEVIATIONS


def by_degrees(graph: Graph, degrees: tuple[int, ...]) -> Program:
    """The graph with composites of these degrees for its activations."""

    def approximate(function: Function, seen: Range) -> Recipe:
        return recipe_of(composite(function, degrees, (-seen.magnitude, seen.magnitude)), function)

    words = in_words(graph, approximate, margin=0.1)
    slots = 1 << choose(CKKS().demand(words)).log_n
    return Program(pack_slots(words, slots), CKKS())


@pytest.mark.parametrize(("degrees", "levels"), [((7, 5), 6), ((5, 13), 7), ((3, 7), 6)])
def test_the_product_with_the_input_runs_inside_the_last_stage(
    degrees: tuple[int, ...], levels: int
) -> None:
    # 3 + 3 and 3 + 4 levels of stages with the product inside; 2 + 3 and one for it.
    program = by_degrees(graphs.convolution("relu"), degrees)
    (word,) = (node.op for node in program.graph if isinstance(node.op, Evaluate))
    x = graphs.inputs(program.graph, rows=1)

    answer = program.engine()(x)

    assert word.plan.depth == levels
    assert off(program, x, answer) < DEVIATIONS


@pytest.mark.slow
def test_composites_after_one_another_run_encrypted() -> None:
    program = by_degrees(graphs.mlp("relu"), (7, 13))
    x = graphs.inputs(program.graph, rows=2)

    assert off(program, x, program.engine()(x)) < DEVIATIONS


@pytest.mark.slow
def test_max_pooling_runs_encrypted() -> None:
    program = lower(graphs.maximum(), CKKS(error=2**-5))
    x = graphs.inputs(program.graph, rows=1)

    assert off(program, x, program.engine()(x)) < DEVIATIONS


def values_of(program: Program, x: FloatArray) -> dict[str, FloatArray]:
    """The simulated value of every word."""
    seen: dict[str, FloatArray] = {}

    def note(node: Node, value: FloatArray) -> None:
        seen[node.name] = value

    evaluate(program.graph, {program.graph.inputs[0].name: x}, watch=note)
    return seen


def slots_of(program: Program, x: FloatArray) -> dict[str, FloatArray]:
    """The decrypted slots of every word that a server computes."""
    client_half, server_half = program.arithmetic.cut(program)
    client = fresh_client(client_half)
    working = Server(
        server_half.graph, CKKS().plan(program), client.context, client.evaluation_keys()
    )
    secret = client.context.load_secret_key(client.secret())
    return {
        word: np.stack([client.context.decrypt(part, secret) for part in value])
        for word, value in working.words(client.seal(x))
        if not isinstance(server_half.graph[word].op, Input)
    }


@pytest.mark.parametrize("name", GRAPHS)
def test_every_word_equals_its_run_and_leaves_no_other_slot_of_a_map_filled(name: str) -> None:
    program = lower(GRAPHS[name](), CKKS(error=2**-5))
    x = graphs.inputs(program.graph, rows=1)
    expected = values_of(program, x)

    for word, slots in slots_of(program, x).items():
        op = program.graph[word].op
        assert isinstance(op, LinearMap | Product | Evaluate)
        layout = op.layout
        wanted = layout.pack(expected[word])[0]
        # A polynomial makes a constant of empty slots; only entries are compared there.
        used = layout.entry >= 0 if isinstance(op, Evaluate) else np.ones_like(wanted, dtype=bool)
        assert np.abs(slots - wanted)[used].max() < 1e-3


def test_inputs_that_share_a_ciphertext_do_not_mix() -> None:
    program = lower(graphs.mlp(), CKKS(batch=4))
    x = graphs.inputs(program.graph, rows=6)
    engine = program.engine()

    message = engine.client.seal(x)
    answer = engine.client.open(engine.server.answer(message), 6)

    assert len(message) == 2
    assert off(program, x, answer) < DEVIATIONS


def test_a_vector_may_span_several_ciphertexts() -> None:
    # 4 slots an input: every vector needs several ciphertexts.
    program = lower(graphs.mlp(), CKKS(batch=2048))
    x = graphs.inputs(program.graph, rows=3)

    answer = program.engine()(x)

    assert off(program, x, answer) < DEVIATIONS


def test_interleaving_and_separating_are_inverse() -> None:
    packed = np.random.default_rng(0).normal(size=(3, 2, 8))

    assert np.array_equal(separated(interleaved(packed, 4), 4)[:3], packed)


def test_an_input_outside_the_calibrated_range_is_refused_or_clipped() -> None:
    program = lower(graphs.mlp(), CKKS())
    client, _ = program.arithmetic.cut(program)
    asking = fresh_client(client)
    x = np.full((1, 12), 7.0)

    with pytest.raises(OutOfRange, match="calibrated"):
        asking.seal(x)
    assert asking.seal(x, clip=True)


@pytest.mark.parametrize("bad", [np.full((1, 12), np.nan), np.full((1, 12), np.inf)])
def test_numbers_that_are_none_are_refused(bad: FloatArray) -> None:
    program = lower(graphs.mlp(), CKKS())

    with pytest.raises(OutOfRange, match="NaN"):
        fresh_client(program.arithmetic.cut(program)[0]).seal(bad)


@pytest.mark.parametrize("shape", [(12,), (1, 11), (0, 12), (1, 12, 1), ()])
def test_an_input_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    program = lower(graphs.mlp(), CKKS())

    with pytest.raises(TypeMismatch, match="shape"):
        fresh_client(program.arithmetic.cut(program)[0]).seal(np.zeros(shape))


def halves(tmp_path: Path) -> tuple[Client, Server]:
    """A client and a server that know each other by a file of keys only."""
    program = lower(graphs.mlp(), CKKS())
    client_half, server_half = program.arithmetic.cut(program)
    asking = fresh_client(client_half)
    asking.write_keys(tmp_path / "keys")
    return asking, server(server_half, memoryview((tmp_path / "keys").read_bytes()))


def test_a_server_refuses_a_message_of_the_wrong_length(tmp_path: Path) -> None:
    asking, answering = halves(tmp_path)

    with pytest.raises(ProtocolError, match="no multiple"):
        answering.answer(())
    with pytest.raises(ProtocolError, match="belong to 3 rows"):
        asking.open(answering.answer(asking.seal(np.zeros((1, 12)))), 3)


def test_a_server_refuses_its_own_answer_as_a_question(tmp_path: Path) -> None:
    asking, answering = halves(tmp_path)
    answer = answering.answer(asking.seal(np.zeros((1, 12))))

    with pytest.raises(ProtocolError, match="level 1"):
        answering.answer(answer)


def test_keys_of_another_program_are_refused(tmp_path: Path) -> None:
    other = lower(graphs.mlp("relu"), CKKS())
    fresh_client(other.arithmetic.cut(other)[0]).write_keys(tmp_path / "other")
    program = lower(graphs.mlp(), CKKS())

    with pytest.raises(ProtocolError):
        server(program.arithmetic.cut(program)[1], memoryview((tmp_path / "other").read_bytes()))


def test_the_clients_half_holds_no_weights_and_the_servers_no_input_type() -> None:
    program = lower(graphs.mlp(), CKKS())
    client, answering = program.arithmetic.cut(program)

    assert not any(isinstance(node.op, LinearMap) for node in client.graph)
    assert not any(isinstance(node.op, Unpack) for node in answering.graph)
    assert {node.name for node in answering.graph if isinstance(node.op, Input)} == {"x_packed"}


def test_noise_is_added_to_every_word() -> None:
    program = lower(graphs.mlp(), CKKS())
    watch = noise(program.graph, CKKS().plan(program), np.random.default_rng(0))
    words = [node for node in program.graph if isinstance(node.op, LinearMap | Product)]

    changed = [watch(node, np.zeros((1, node.type.size))) for node in words]

    assert all(each is not None and np.any(each) for each in changed)


def test_keys_that_lack_one_are_refused_before_any_work() -> None:
    program = lower(graphs.mlp(), CKKS())
    _, server_half = program.arithmetic.cut(program)
    context = Context(CKKS().plan(program).parameters)
    keys = context.evaluation_keys(context.secret_key(), relinearisation_level=1, rotations={1: 1})

    with pytest.raises(ProtocolError, match="rotation keys are missing or too low"):
        server(server_half, memoryview(keys.to_bytes()))


def test_a_plan_with_an_unknown_fact_is_refused() -> None:
    program = lower(graphs.mlp(), CKKS())
    client, _ = program.arithmetic.cut(program)

    with pytest.raises(ProtocolError, match="unknown ones"):
        fresh_client(Half(client.graph, {**client.facts, "colour": "red"}))


def test_a_damaged_plan_is_refused() -> None:
    program = lower(graphs.mlp(), CKKS())
    client, _ = program.arithmetic.cut(program)
    facts = {name: value for name, value in client.facts.items() if name != "q"}

    with pytest.raises(ProtocolError, match="lacks facts"):
        fresh_client(Half(client.graph, facts))


def test_a_flat_layout_repeats_to_fill_the_slots() -> None:
    assert flat(3, 16).copies == 4


def test_a_layer_of_zeros_answers_with_its_bias() -> None:
    builder = Builder()
    bias = np.array([0.25, -0.5])
    name = builder.put("zero", Linear(np.zeros((2, 4)), bias), builder.input("x", (4,)))
    program = lower(graphs.calibrated(builder, name), CKKS())

    answer = program.engine()(graphs.inputs(program.graph, rows=1))

    assert np.abs(answer - bias).max() < 1e-3
