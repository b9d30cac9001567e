"""Halves, and the engines that they become, alone and through files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tacit.arithmetics.field import costs, parties
from tacit.arithmetics.field.client import Client as Checking
from tacit.arithmetics.field.client import PrivateClient, fresh_secret
from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.ops import PRODUCTS as WORDS
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.settings import Format
from tacit.arithmetics.field.verify.prime import Prime
from tacit.errors import ProtocolError, TacitError, TypeMismatch, VerificationFailed
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Input
from tacit.program import Program, Stock, lower
from tacit.serve import Client, Server, make_keys, make_masks, pack, wire
from tests.arithmetics.field import models
from tests.arithmetics.field.scene import PRODUCTS, batch, grouped, scene, secretly

BOTH = pytest.mark.parametrize("mode", Mode)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back ends are not looked for: NumPy's is always there."""
    monkeypatch.setattr(parties, "found", lambda: PRODUCTS)
    monkeypatch.setattr("tacit.arithmetics.field.worker.engine.found", lambda: PRODUCTS)
    monkeypatch.setattr(costs, "found", lambda: PRODUCTS)


def program(mode: Mode, graph: Graph | None = None) -> Program:
    return lower(grouped() if graph is None else graph, Field(mode=mode, batch=4))


@BOTH
def test_a_pair_answers_what_is_simulated(mode: Mode) -> None:
    lowered = program(mode)
    x = batch(lowered.graph, 3)

    engine = lowered.engine()

    assert np.array_equal(engine(x), lowered(x))
    assert np.array_equal(engine(x), lowered(x))


def test_facts_are_what_each_party_needs() -> None:
    field = Field(mode=Mode.PRIVATE, prime=Prime.P61, soundness=100, batch=7)
    asking, answering = field.cut(lower(grouped(), field))

    assert asking.facts == {"mode": "private", "rows": 7, "prime": "2^61-1", "repetitions": 2}
    assert answering.facts == {"mode": "private", "rows": 7}


def test_a_private_workers_half_holds_products_and_nothing_else() -> None:
    answering = secretly(models.residual()).answering

    assert all(isinstance(node.op, (*WORDS, Input)) for node in answering.graph)
    assert all(node.type.range is None for node in answering.graph if isinstance(node.op, Input))
    assert len(answering.graph.outputs) == 7


def test_the_verifiers_half_is_the_program() -> None:
    where = scene(grouped())

    assert where.asking.graph == where.program.graph


def test_an_audit_tells_how_sure_every_product_is() -> None:
    where = scene(grouped())

    found = parties.audit(where.asking)

    bits = found["soundness_bits_by_product"]
    assert isinstance(bits, dict)
    assert list(bits) == [node.name for node in where.plan.products]
    assert found["soundness_bits"] == pytest.approx(
        min(map(float, map(str, bits.values()))), abs=0.05
    )
    assert found["prime"] == "2^52-47"
    assert found["repetitions"] == 1
    assert found["worker_computes"] == [node.where for node in where.plan.products]
    assert parties.audit(where.answering) == {"mode": "integrity"}


def test_slaloms_prime_is_repeated() -> None:
    field = Field(format=Format.SLALOM, fraction=4, prime=Prime.SLALOM)

    found = parties.audit(scene(grouped(), field).asking)

    assert found["repetitions"] == 3


@pytest.mark.parametrize(
    ("fact", "value", "message"),
    [
        ("mode", "secret", "no mode"),
        ("prime", "7", "no prime"),
        ("prime", None, "no prime"),
        ("repetitions", 0, "no check at all"),
        ("repetitions", "1", "something else"),
        ("rows", True, "something else"),
    ],
)
def test_facts_that_mean_nothing_are_refused(
    fact: str, value: str | int | None, message: str
) -> None:
    half = scene(grouped()).asking
    wrong = replace(half, facts={**half.facts, fact: value})

    with pytest.raises(ProtocolError, match=message):
        parties.fresh_client(wrong)


def test_the_mode_makes_the_client() -> None:
    assert isinstance(parties.fresh_client(scene(grouped()).asking), Checking)
    assert isinstance(parties.fresh_client(secretly(grouped()).asking), PrivateClient)


def test_a_kept_secret_knows_its_requests_again() -> None:
    where = scene(grouped())
    secret = fresh_secret()
    request = parties.kept_client(where.asking, secret, None).seal(batch(grouped(), 1))
    answer = where.worker().answer(request)

    found = parties.kept_client(where.asking, secret, None).open(answer, 1, request=request)

    assert np.array_equal(found, where.program(batch(grouped(), 1)))


def test_nothing_is_masked_in_integrity_mode(tmp_path: Path) -> None:
    stock = Stock(bytes(32), tmp_path / "masks", tmp_path / "ledger")

    with pytest.raises(TypeMismatch, match="not masked in integrity mode"):
        parties.fill(scene(grouped()).asking, fresh_secret(), stock, 1)
    with pytest.raises(TypeMismatch, match="not masked in integrity mode"):
        parties.kept_client(scene(grouped()).asking, fresh_secret(), stock)


def test_a_cost_is_priced_for_the_batch() -> None:
    found = program(Mode.PRIVATE).cost

    assert found.inputs_at_once == 4
    assert found.seconds > 0
    assert found.facts["rounds"] == 4


def packed(folder: Path, mode: Mode) -> tuple[Program, FloatArray]:
    """A program with its files: a bundle, a secret and keys."""
    lowered = program(mode)
    pack(lowered, folder / "bundle", source=grouped())
    make_keys(folder / "bundle", secret=folder / "secret", keys=folder / "keys")
    return lowered, batch(lowered.graph, 2)


def test_a_bundle_answers_what_is_simulated(tmp_path: Path) -> None:
    lowered, x = packed(tmp_path, Mode.INTEGRITY)
    client = Client(tmp_path / "bundle", secret=tmp_path / "secret")
    server = Server(tmp_path / "bundle" / "server", keys=tmp_path / "keys")

    request = client.seal(x)
    found = client.open(server.answer(request), request=request)

    assert np.array_equal(found, lowered(x))


def test_a_false_answer_to_a_bundle_is_withheld(tmp_path: Path) -> None:
    _, x = packed(tmp_path, Mode.INTEGRITY)
    client = Client(tmp_path / "bundle", secret=tmp_path / "secret")
    server = Server(tmp_path / "bundle", keys=tmp_path / "keys")
    request, older = client.seal(x), client.seal(x[::-1].copy())
    answer = wire.decode(wire.Answer, server.answer(request))
    parts = (bytes(len(answer.parts[0])), *answer.parts[1:])

    with pytest.raises(VerificationFailed):
        client.open(wire.encode(replace(answer, parts=parts)), request=request)
    with pytest.raises(ProtocolError, match="another request"):
        client.open(server.answer(older), request=request)
    with pytest.raises(ProtocolError, match="against what was asked"):
        client.open(server.answer(request))


def test_masks_are_made_ahead_and_used_once(tmp_path: Path) -> None:
    lowered, x = packed(tmp_path, Mode.PRIVATE)
    secret, masks = tmp_path / "secret", tmp_path / "masks"
    make_masks(tmp_path / "bundle", secret=secret, masks=masks, count=3)
    server = Server(tmp_path / "bundle", keys=tmp_path / "keys")._engine
    client = Client(tmp_path / "bundle", secret=secret, masks=masks).engine
    assert isinstance(client, PrivateClient)

    answer = server.answer(client.seal(x))
    for _ in range(client.rounds - 1):
        answer = server.answer(client.proceed(answer))

    assert np.array_equal(client.open(answer, 2), lowered(x))
    # One is left of three: a batch of two takes it, and finds no other.
    with pytest.raises(TacitError, match="no mask is left"):
        client.seal(x)


def test_a_client_without_masks_says_where_they_come_from(tmp_path: Path) -> None:
    _, x = packed(tmp_path, Mode.PRIVATE)

    with pytest.raises(ProtocolError, match="needs masks"):
        Client(tmp_path / "bundle", secret=tmp_path / "secret").seal(x)


def test_a_ledger_is_of_one_secret(tmp_path: Path) -> None:
    _, x = packed(tmp_path, Mode.PRIVATE)
    masks = tmp_path / "masks"
    make_masks(tmp_path / "bundle", secret=tmp_path / "secret", masks=masks, count=1)
    make_keys(tmp_path / "bundle", secret=tmp_path / "other", keys=tmp_path / "more")
    (tmp_path / "secret.ledger").rename(tmp_path / "other.ledger")

    client = Client(tmp_path / "bundle", secret=tmp_path / "other", masks=masks)

    with pytest.raises(ProtocolError, match="another secret's"):
        client.seal(x[:1])
