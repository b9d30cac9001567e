from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tacit.arithmetics.integers.ops import Lookup
from tacit.ir import ops
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.program import lower
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.bgv.scene import Scene, scene_of
from tests.arithmetics.integers.graphs import (
    BGV,
    ENCRYPTED,
    calibrated,
    dense,
    lookups,
    mapped,
    rows,
    sums,
)

# What is decrypted wants one bit; what is multiplied is divided by primes that leave more.
LEAST_BUDGET = 1.0


def agrees(scene: Scene, count: int = 3) -> bool:
    """Whether the answer is what is simulated, and no word is short of room for its noise."""
    x = rows(scene.program.graph, count=count)
    least = min(each.budget for each in scene.words(x).values())
    return np.array_equal(scene.answer(x), scene.program(x)) and least > LEAST_BUDGET


def test_the_answer_is_the_simulated_one_to_the_last_bit(scene: Scene) -> None:
    assert agrees(scene)


def test_little_of_the_modulus_is_wasted(scene: Scene) -> None:
    answered = scene.program.graph.outputs
    opened = [scene.program.graph[name].args[0] for name in answered]

    found = scene.words(rows(scene.program.graph))

    # Bounds of noise are of the worst case; a table's value that is opened counts as a map's.
    assert all(found[name].budget < 25.0 for name in opened)


@pytest.mark.parametrize("batch", [1, 2, 8, None])
def test_any_number_of_inputs_share_a_ciphertext(batch: int | None) -> None:
    scene = scene_of(lower(graphs.linear(), replace(BGV, batch=batch)))

    # More rows than a batch, but where a batch is all that fit.
    assert agrees(scene, count=11)


def test_several_inputs_are_looked_up_alone(alone: Scene) -> None:
    assert agrees(alone, count=3)


@pytest.mark.parametrize("name", ["stumps", "gated", "scores"])
def test_a_vector_may_span_several_ciphertexts(name: str) -> None:
    # Four slots an input.
    scene = scene_of(lower(ENCRYPTED[name](), replace(BGV, batch=2048)))

    assert max(len(each.slots[0]) for each in scene.words(rows(scene.program.graph)).values()) > 1
    assert agrees(scene)


def test_vectors_of_several_depths_may_span_several_ciphertexts() -> None:
    scene = scene_of(lower(graphs.residual(), replace(BGV, batch=8192)))

    assert agrees(scene)


def test_units_that_take_nothing_give_their_bias() -> None:
    builder = Builder()
    weight = np.random.default_rng(0).normal(size=(8, 4)) * (np.arange(8) < 4)[:, None]
    layer = ops.Linear(weight, np.arange(8) / 8)
    graph = calibrated(builder, builder.put("layer", layer, builder.input("x", (4,))))

    # Four slots an input: the second ciphertext has nothing but biases.
    scene = scene_of(lower(graph, replace(BGV, batch=1024)))
    x = rows(graph, count=3)

    assert np.array_equal(scene.answer(x), scene.program(x))


def test_channels_look_up_tables_of_their_own() -> None:
    scene = scene_of(lower(graphs.perceptron(), replace(BGV, per_channel=True)))

    assert len(lookups(scene.program.graph)[0].tables) > 1
    assert agrees(scene)


def test_rounded_accumulators_are_looked_up() -> None:
    scene = scene_of(lower(graphs.perceptron(), replace(BGV, rounding=2)))

    assert lookups(scene.program.graph)[0].dropped > 0
    assert agrees(scene)


def shifted(offset: float, function: str) -> Graph:
    """A function of sums that all lie to one side of zero."""
    builder = Builder()
    weight = np.random.default_rng(0).normal(size=(3, 4))
    layer = ops.Linear(weight, np.full(3, offset))
    name = builder.put("dense1", layer, builder.input("x", (4,)))
    return calibrated(builder, mapped(builder, name, function))


@pytest.mark.parametrize("offset", [-6.0, 7.0])
def test_accumulators_need_not_lie_about_zero(offset: float) -> None:
    scene = scene_of(lower(shifted(offset, "square"), BGV))

    (word, *_) = sums(scene.program.graph)
    assert word.low > 0 or word.high < 0
    assert agrees(scene)


def test_sums_below_zero_are_opened() -> None:
    scene = scene_of(lower(shifted(-6.0, "leaky_relu"), BGV))
    x = rows(scene.program.graph, count=3)

    assert scene.program(x).max() < 0.0
    assert np.array_equal(scene.answer(x), scene.program(x))


def switched(builder: Builder) -> str:
    """Two units that are 0 or 1, each behind a factor of its own."""
    name = mapped(builder, dense(builder, builder.input("x", (3,)), 2, 1), "sign")
    gates = ops.Linear(np.eye(2), np.zeros(2))
    return builder.put("gates", gates, mapped(builder, name, "relu"))


def test_a_table_of_two_entries_is_opened() -> None:
    builder = Builder()
    scene = scene_of(lower(calibrated(builder, mapped(builder, switched(builder), "gelu")), BGV))

    assert lookups(scene.program.graph)[-1].entries == 2
    assert agrees(scene)


def test_a_table_of_two_entries_is_read_by_a_layer() -> None:
    builder = Builder()
    name = dense(builder, mapped(builder, switched(builder), "exp"), 2, 3)
    scene = scene_of(lower(calibrated(builder, name), BGV))

    assert lookups(scene.program.graph)[-1].entries == 2
    assert agrees(scene)


def test_a_table_of_two_entries_is_multiplied() -> None:
    builder = Builder()
    name = mapped(builder, switched(builder), "exp")
    scene = scene_of(lower(calibrated(builder, builder.put("squared", ops.Mul(), name, name)), BGV))

    assert agrees(scene)


def test_no_slot_tells_of_sums_of_weights(scene: Scene) -> None:
    x = rows(scene.program.graph)

    for name, seen in scene.computed(x).items():
        empty = seen.slots[:, scene.entries(name) < 0]
        values = np.unique(empty)
        # Zero behind a map; behind a table, what the table's polynomial makes of nothing.
        is_table = isinstance(scene.program.graph[name].op, Lookup)
        assert values.size <= 1 if is_table else not values.any()


def test_the_second_row_of_an_input_alone_tells_nothing(alone: Scene) -> None:
    x = rows(alone.program.graph)

    for name, seen in alone.computed(x).items():
        second = np.unique(seen.slots[1])
        is_table = isinstance(alone.program.graph[name].op, Lookup)
        assert second.size == 1 if is_table else not second.any()


def test_the_answer_to_an_input_alone_has_an_empty_second_row(alone: Scene) -> None:
    (name,) = (alone.program.graph[each].args[0] for each in alone.program.graph.outputs)

    assert not alone.words(rows(alone.program.graph))[name].slots[1].any()


def test_progress_is_told_of_every_word(alone: Scene) -> None:
    told: list[tuple[int, int]] = []
    x = rows(alone.program.graph, count=2)

    alone.server.answer(alone.client.seal(x), progress=lambda done, all_: told.append((done, all_)))

    assert told[-1][0] == told[-1][1] == len(told)
