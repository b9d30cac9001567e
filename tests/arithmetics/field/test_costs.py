from __future__ import annotations

from math import prod

import numpy as np
import pytest

from tacit.arithmetics.field import costs
from tacit.arithmetics.field.costs import Speeds, cost
from tacit.arithmetics.field.plan import product_of
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.verify.prime import Prime
from tacit.program import Cost
from tests.arithmetics.field import models
from tests.arithmetics.field.scene import PRODUCTS, Scene, grouped, scene, secretly

ROWS = 3
MACHINE = Speeds(multiplication=2.0, checked=3.0, weight=5.0, local=7.0, turn=11.0, loaded=13.0)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose speeds are known."""
    monkeypatch.setattr(costs, "speeds", lambda _: MACHINE)


def cost_of(where: Scene, mode: Mode) -> Cost:
    return cost(where.program.graph, mode, where.strength, ROWS, 44.4)


def multiplications(where: Scene) -> int:
    return sum(
        node.type.size * prod(product_of(node).weight.shape[1:]) for node in where.plan.products
    )


def test_messages_are_as_long_as_they_are_said_to_be() -> None:
    where = scene(grouped())
    x = np.zeros((ROWS, 3, 8, 8))
    request = where.client().seal(x, clip=True)

    found = cost_of(where, Mode.INTEGRITY)

    assert found.request_bytes == len(request[0])
    assert found.answer_bytes == sum(map(len, where.worker().answer(request)))


def test_private_messages_are_as_long_as_they_are_said_to_be() -> None:
    where = secretly(grouped())
    client, worker = where.private_client(), where.worker()
    message = client.seal(np.zeros((ROWS, 3, 8, 8)), clip=True)
    asked, answered = len(message[1]), 0
    for _ in range(client.rounds - 1):
        answer = worker.answer(message)
        answered += sum(map(len, answer))
        message = client.proceed(answer)
        asked += len(message[1])
    answered += sum(map(len, worker.answer(message)))

    found = cost_of(where, Mode.PRIVATE)

    assert (found.request_bytes, found.answer_bytes) == (asked, answered)
    assert found.facts["unblinding_bytes"] == answered
    assert found.facts["rounds"] == client.rounds


def test_work_is_counted_and_timed() -> None:
    where = scene(grouped())
    products = multiplications(where)
    values = sum(node.type.size for node in where.plan.products)
    weights = sum(product_of(node).weight.size for node in where.plan.products)

    found = cost_of(where, Mode.INTEGRITY)

    assert found.facts == {
        "mode": "integrity",
        "prime": Prime.P52.value,
        "repetitions": 1,
        "soundness_bits": 44.4,
        "rounds": 1,
        "products": 4,
        "worker_multiplications": ROWS * products,
        "verifier_multiplications": 0,
        "checked_values": ROWS * values,
        "verifier_seconds": ROWS * values * MACHINE.checked + 4 * MACHINE.turn,
        "challenge_seconds": weights * MACHINE.weight,
        "unblinding_bytes": 0,
        "masking_seconds": 0.0,
    }
    assert found.seconds == ROWS * products * MACHINE.multiplication + 4 * MACHINE.turn
    assert found.setup_seconds == weights * MACHINE.loaded
    assert (found.key_bytes, found.inputs_at_once) == (0, ROWS)


def test_masked_products_cost_a_worker_four_times_as_much() -> None:
    where = scene(grouped())

    plain, masked = cost_of(where, Mode.INTEGRITY), cost_of(where, Mode.PRIVATE)

    turns = 4 * MACHINE.turn
    assert masked.seconds - turns == 4 * (plain.seconds - turns)
    assert masked.facts["masking_seconds"] == masked.seconds - turns


def test_what_the_verifier_multiplies_is_its_own_cost() -> None:
    where = scene(models.separable())

    found = cost_of(where, Mode.INTEGRITY)

    # Nine taps for each entry of four channels of 4 × 4.
    assert found.facts["verifier_multiplications"] == ROWS * 4 * 4 * 4 * 9


def test_speeds_are_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(costs, "found", lambda: PRODUCTS)
    monkeypatch.setattr(costs, "SIZE", 14)

    found = costs.speeds(scene(grouped()).strength)

    assert 0 < found.multiplication < found.checked < 1e-6
    assert 0 < found.weight < 1e-5
    assert 0 < found.local < 1e-6
    assert 0 < found.turn < 1e-2
