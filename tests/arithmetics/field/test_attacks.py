"""What a worker can try, and that none of it is believed; bench/field_attacks.py tries it longer.

Here every product meets each attack 200 times at least (tamperings with one entry 500 times each),
under 100 challenges.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from tacit.arithmetics.field.client import Client
from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.ops import Rescale
from tacit.arithmetics.field.settings import Format
from tacit.arithmetics.field.verify import modular
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.arithmetics.field.verify.prime import Prime
from tacit.arithmetics.field.worker import Worker
from tacit.errors import VerificationFailed
from tacit.ir.graph import Graph, Node
from tacit.program import exchange
from tests.arithmetics.field import models
from tests.arithmetics.field.campaign import Campaign, Plot, everything
from tests.arithmetics.field.scene import PRODUCTS, Scene, batch, grouped, scene, secretly, single

DRAWS = 100
TINY = 257
SLALOM = Field(format=Format.SLALOM, fraction=4, prime=Prime.SLALOM)
SCENES = {
    "grouped": (grouped, Field()),
    "slalom": (grouped, SLALOM),
    "residual": (models.residual, Field()),
    "2^61-1": (grouped, Field(prime=Prime.P61)),
}
LONG = ("residual", "2^61-1")
ROUNDS = 4
scenes = pytest.mark.parametrize(
    "name", ["grouped", "slalom", *(pytest.param(each, marks=pytest.mark.slow) for each in LONG)]
)


Tampering = Callable[[NDArray[np.uint32]], NDArray[np.uint32]]


@dataclass
class TampersOnce:
    """A worker in private mode whose answer to one question is tampered with."""

    worker: Worker
    number: int
    tampered: Tampering
    asked: int = 0

    def __call__(self, message: Sequence[bytes]) -> tuple[bytes, ...]:
        answer = self.worker.answer(message)
        self.asked += 1
        if self.asked != self.number + 1:
            return answer
        return tuple(self.tampered(np.frombuffer(part, np.uint32)).tobytes() for part in answer)


def flipped_somewhere(part: NDArray[np.uint32]) -> NDArray[np.uint32]:
    wrong = part.copy()
    wrong[len(part) // 2] ^= 1
    return wrong


def cleared(part: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return np.zeros_like(part)


def negated(part: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return np.negative(part)


def rows_swapped(part: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return np.roll(part, len(part) // 2)


def scene_of(name: str) -> Scene:
    made, field = SCENES[name]
    return scene(made(), field)


@scenes
def test_no_attack_on_any_product_is_accepted(name: str) -> None:
    where = scene_of(name)
    plots = everything(where, single=5, structured=2)

    tally = Campaign(where, plots, np.random.default_rng(1)).run(DRAWS)

    assert not +tally.accepted
    # Where an attack happens to change nothing, it is no attack.
    assert tally.fewest > 1.5 * DRAWS
    assert set(tally.tried) == {(plot.product, plot.attack) for plot in plots}


@scenes
def test_what_is_true_is_accepted_beside_what_is_false(name: str) -> None:
    where = scene_of(name)
    plots = everything(where, single=1, structured=1)

    tally = Campaign(where, plots, np.random.default_rng(2)).run(20)

    assert tally.honest[False] == 0
    assert tally.honest[True] >= 20


@pytest.mark.parametrize("product", [node.name for node in scene_of("slalom").plan.products])
def test_a_number_equal_modulo_a_small_prime_is_out_of_range(product: str) -> None:
    plots = [Plot(product, "prime_more", 1)]

    tally = Campaign(scene_of("slalom"), plots, np.random.default_rng(3)).run(DRAWS)

    assert tally.tried[product, "prime_more"] == DRAWS
    assert not +tally.accepted


@pytest.mark.slow
def test_an_oracle_of_verdicts_helps_nobody() -> None:
    where = scene(single())
    x = batch(where.program.graph, 1)
    client, worker = where.client(), where.worker()
    request = client.seal(x)
    (true,) = worker.answer(request)

    verdicts = Counter(verdict(client, flipped(true, bit), request) for bit in range(10_000))

    assert verdicts == {"rejected": 10_000}


def test_a_forgery_is_accepted_by_chance_and_again_by_chance_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    field, queries = Field(soundness=1), 5000
    # A prime so small that forgeries are accepted at times; all else is as it always is.
    monkeypatch.setattr(Prime, "modulus", property(lambda _: TINY))
    monkeypatch.setattr(Challenge, "is_canonical", lambda *_: True)
    source = SimpleNamespace(token_bytes=np.random.default_rng(1).bytes)
    monkeypatch.setattr(modular, "secrets", source)
    where = scene(single(), field)
    x = batch(where.program.graph, 1)
    client, worker = where.client(), where.worker()
    request = client.seal(x)
    (true,) = worker.answer(request)

    verdicts = Counter(verdict(client, flipped(true, 0), request) for _ in range(queries))

    # The weight of the first entry is s alone: it is 0 once in p times. With one challenge for
    # all, or with challenges that can be foreseen, it would be always or never.
    expected = queries / TINY
    assert abs(verdicts["accepted"] - expected) < 4 * math.sqrt(expected)


def test_an_answer_to_another_batch_is_false() -> None:
    where = scene(grouped())
    client, worker = where.client(), where.worker()
    first, second = (client.seal(batch(where.program.graph, 3, seed)) for seed in (1, 2))

    assert verdict(client, worker.answer(first), second) == "rejected"
    assert verdict(client, worker.answer(second), second) == "accepted"


def test_images_swapped_within_a_batch_are_false() -> None:
    where = scene(grouped())
    client, worker = where.client(), where.worker()
    x = batch(where.program.graph, 3)
    request, other = client.seal(x), client.seal(x[[1, 0, 2]])

    assert verdict(client, worker.answer(other), request) == "rejected"


def test_a_worker_that_rounds_halves_down_is_false() -> None:
    where = scene(grouped())
    client = where.client()
    request = client.seal(batch(where.program.graph, 8))
    graph = Graph(tuple(map(rounded_down, where.answering.graph)), where.answering.graph.outputs)
    other = Worker(graph, Field().mode, rows=8, products=PRODUCTS)

    assert verdict(client, other.answer(request), request) == "rejected"
    assert verdict(client, where.worker().answer(request), request) == "accepted"


def test_a_worker_with_another_models_weights_is_false() -> None:
    where, others = scene(models.convolution()), scene(other_convolution())
    client = where.client()
    request = client.seal(batch(where.program.graph, 2))

    assert verdict(client, others.worker().answer(request), request) == "rejected"


@pytest.mark.parametrize("tampered", [flipped_somewhere, cleared, negated, rows_swapped])
@pytest.mark.parametrize("number", range(ROUNDS))
def test_what_is_false_under_a_mask_is_false_without(number: int, tampered: Tampering) -> None:
    where = secretly(grouped())
    client = where.private_client()
    worker = TampersOnce(where.worker(), number, tampered)

    with pytest.raises(VerificationFailed):
        exchange(client, worker, batch(where.program.graph, 2))
    assert worker.asked == client.rounds


def test_a_private_answer_is_worth_nothing_in_another_conversation() -> None:
    where = secretly(single())
    client, worker, x = where.private_client(), where.worker(), batch(single(), 1)
    stale = worker.answer(client.seal(x))
    client.seal(x)

    with pytest.raises(VerificationFailed):
        client.open(stale, 1)


def other_convolution() -> Graph:
    """The same layers with other weights."""
    sketch = models.Sketch(models.IMAGE, seed=9)
    sketch.conv(6, stride=2)
    sketch.norm()
    sketch.function("relu")
    sketch.pool(models.MAXIMUM)
    sketch.flat()
    sketch.dense(4)
    return sketch.graph()


def rounded_down(node: Node) -> Node:
    """A rescaling with one less before its shift; any other node as it is."""
    match node.op:
        case Rescale() as op:
            off = op.offset - (1 << op.shift) // 2
            return replace(node, op=replace(op, offset=off))
        case _:
            return node


def flipped(part: bytes, bit: int) -> tuple[bytes]:
    """A part of an answer with one bit changed."""
    wrong = bytearray(part)
    wrong[bit // 8 % len(part)] ^= 1 << bit % 8
    return (bytes(wrong),)


def verdict(client: Client, answer: Sequence[bytes], request: Sequence[bytes]) -> str:
    """All that anybody learns of an answer."""
    rows = len(client._checker.shapes.asked(request[0]))
    try:
        client.open(answer, rows, request=request)
    except VerificationFailed:
        return "rejected"
    return "accepted"
