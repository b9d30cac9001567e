from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tacit.approx.plans import Step
from tacit.arithmetics.integers.bgv.costs import each_products
from tacit.lattigo.integers import Evaluator, each_steps
from tacit.lattigo.parameters import FRAME_BYTES
from tacit.program import Program, lower
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.bgv.scene import Scene, scene_of
from tests.arithmetics.integers.graphs import BGV, rows

# What a set of keys has in front of them: its kind, its counts, and each rotation's step and level.
MOST_HEAD_BYTES = 64


def counted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the server multiplies ciphertexts, rotates and uses a diagonal, for one batch."""
    counts: Counter[str] = Counter()
    message = scene.client.seal(rows(scene.program.graph, count=1))
    multiply, step = Evaluator.multiply, Evaluator.step
    layer, fold = Evaluator.linear_layer, Evaluator.rotate_sum

    def multiplied(*args: object, **knobs: object) -> object:
        counts["ciphertext_products"] += 1
        return called(multiply, *args, **knobs)

    def stepped(self: Evaluator, one: Step, *args: object, **knobs: object) -> object:
        counts["ciphertext_products"] += len(one.products)
        return called(step, self, one, *args, **knobs)

    def mapped(self: Evaluator, inputs: object, rows: list[list[object]]) -> object:
        maps = [each for row in rows for each in row if each is not None]
        counts["rotations"] += sum(len(getattr(each, "rotations", ())) for each in maps)
        return called(layer, self, inputs, rows)

    def folded(self: Evaluator, ciphertext: object, steps: tuple[int, ...]) -> object:
        counts["rotations"] += len(steps)
        return called(fold, self, ciphertext, steps)

    monkeypatch.setattr(Evaluator, "multiply", multiplied)
    monkeypatch.setattr(Evaluator, "step", stepped)
    monkeypatch.setattr(Evaluator, "linear_layer", mapped)
    monkeypatch.setattr(Evaluator, "rotate_sum", folded)
    scene.server.answer(message)
    return counts


def called(function: Callable[..., object], *args: object, **knobs: object) -> object:
    """What a function gives."""
    return function(*args, **knobs)


def fact(program: Program, name: str) -> int:
    """A whole number of a program's cost."""
    return int(str(program.cost.facts[name]))


def test_products_are_as_many_as_are_carried_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fact(scene.program, "ciphertext_products")

    assert counted(scene, monkeypatch)["ciphertext_products"] == expected


@pytest.mark.parametrize("knobs", [{"batch": 2}, {"per_channel": True}, {"rounding": 2}])
@pytest.mark.parametrize("make", [graphs.linear, graphs.perceptron, graphs.gated])
def test_rotations_and_products_are_as_many_as_are_carried_out(
    make: graphs.Make, knobs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = lower(make(), replace(BGV, **knobs))
    expected = {name: fact(program, name) for name in ("ciphertext_products", "rotations")}

    found = counted(scene_of(program), monkeypatch)

    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("terms", range(1, 70))
def test_products_of_tables_of_their_own_are_no_fewer_than_their_depth(terms: int) -> None:
    assert each_products(terms) >= len(each_steps(terms)) - 1


def test_a_look_up_is_counted_for_every_entry() -> None:
    assert fact(lower(graphs.perceptron(), BGV), "lookups") == 4


def test_diagonals_are_those_of_the_matrix() -> None:
    # Six columns in a period of eight, four rows in one of four: four diagonals and a fold.
    facts = lower(graphs.linear(), BGV).cost.facts

    assert facts["plaintext_products"] in {4, 8}
    assert facts["ciphertext_products"] == facts["lookups"] == 0


def test_messages_are_as_long_as_predicted(scene: Scene) -> None:
    message = scene.client.seal(rows(scene.program.graph, count=1))
    answer = scene.server.answer(message)

    assert sum(map(len, message)) == scene.program.cost.request_bytes
    assert sum(map(len, answer)) == scene.program.cost.answer_bytes
    assert scene.program.cost.inputs_at_once == scene.plan.batch


def test_keys_are_as_large_as_predicted(scene: Scene) -> None:
    head = len(scene.keys.to_bytes()) - scene.program.cost.key_bytes

    assert 0 <= head - FRAME_BYTES <= MOST_HEAD_BYTES + 16 * len(scene.plan.rotations)


def test_seconds_are_those_of_the_words(alone: Scene) -> None:
    found = alone.program.cost
    by_word = found.facts["seconds_by_word"]

    assert isinstance(by_word, dict)
    assert sum(float(str(each)) for each in by_word.values()) == pytest.approx(
        found.seconds, abs=1e-4
    )
    assert found.setup_seconds > 0.0
    assert {"dense1_sums", "dense1_relu_lookup", "dense2_sums"} == set(by_word)


def test_memory_holds_at_least_the_keys(alone: Scene) -> None:
    assert alone.program.cost.memory_bytes > alone.keys.memory


@pytest.mark.slow
def test_wider_tables_cost_more() -> None:
    cheap, dear = (lower(graphs.perceptron(), replace(BGV, bits=bits)) for bits in (2, 3))

    assert fact(dear, "ciphertext_products") > fact(cheap, "ciphertext_products")
    assert dear.cost.key_bytes > cheap.cost.key_bytes
    assert np.isfinite(dear.cost.seconds)
