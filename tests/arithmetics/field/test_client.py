"""Clients in integrity mode, with workers that are true and false, and requests of others."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from tacit.arithmetics.field import checker as making
from tacit.arithmetics.field.client import REJECTED, Client, PrivateClient
from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.masks import NoMasks, OnDemand
from tacit.arithmetics.field.plan import Plan, Strength
from tacit.arithmetics.field.verifier import Challenges
from tacit.errors import (
    OutOfRange,
    ProtocolError,
    TypeMismatch,
    VerificationFailed,
)
from tacit.program import exchange
from tests.arithmetics.field.scene import (
    KNOBS,
    NETWORKS,
    PRODUCTS,
    Scene,
    batch,
    flipped,
    grouped,
    is_usable,
    scene,
    secretly,
)

every = pytest.mark.parametrize("name", NETWORKS)
knobs = pytest.mark.parametrize("field", KNOBS.values(), ids=KNOBS)
SECRET = bytes(range(1, 33))


@every
@knobs
def test_an_answer_is_what_the_program_simulates(name: str, field: Field) -> None:
    where = scene(NETWORKS[name](), field)
    x = batch(where.program.graph, 5)

    found = exchange(where.client(), where.worker().answer, x)

    assert np.array_equal(found, where.program(x))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Challenges]:
    """All challenges that clients made."""
    found: list[Challenges] = []

    def noted(plan: Plan, strength: Strength) -> Challenges:
        found.append(Challenges(plan, strength))
        return found[-1]

    monkeypatch.setattr(making, "Challenges", noted)
    return found


@pytest.mark.parametrize("part", range(4))
def test_of_a_false_answer_nothing_is_returned(plain: Scene, part: int) -> None:
    client = plain.client()
    request = client.seal(batch(plain.program.graph, 3))
    answer = plain.worker().answer(request)

    with pytest.raises(VerificationFailed) as raised:
        client.open(flipped(answer, part), 3, request=request)

    # The same words whichever product it was.
    assert raised.value.message == REJECTED
    assert client.judge(flipped(answer, part), 3, request) is None


def test_the_challenges_of_an_answer_are_destroyed_whatever_it_is(
    plain: Scene, destroyed: list[Challenges]
) -> None:
    client = plain.client()
    request = client.seal(batch(plain.program.graph, 1))
    answer = plain.worker().answer(request)

    client.open(answer, 1, request=request)
    assert client.judge(flipped(answer), 1, request) is None

    assert len(set(map(id, destroyed))) == 2
    assert not any(is_usable(each, plain) for each in destroyed)


def test_challenges_that_were_made_ahead_are_used_once(
    plain: Scene, made: list[Challenges], destroyed: list[Challenges]
) -> None:
    client = plain.client()
    request = client.seal(batch(plain.program.graph, 1))
    answer = plain.worker().answer(request)
    client.prepare()
    client.prepare()

    opened = [client.open(answer, 1, request=request) for _ in range(3)]

    assert np.array_equal(opened[0], opened[2])
    assert len(made) == 3
    assert {id(each) for each in made} == {id(each) for each in destroyed}


def test_an_answer_is_opened_with_what_was_asked_alone(plain: Scene) -> None:
    client = plain.client()
    request = client.seal(batch(plain.program.graph, 1))
    answer = plain.worker().answer(request)

    with pytest.raises(ProtocolError, match="against what was asked"):
        client.open(answer, 1)
    with pytest.raises(ProtocolError, match="none that this client sealed"):
        client.open(answer, 1, request=plain.client().seal(batch(plain.program.graph, 1)))
    with pytest.raises(ProtocolError, match="none that this client sealed"):
        client.open(answer, 1, request=request[:1])
    with pytest.raises(ProtocolError, match="none that this client sealed"):
        client.open(answer, 1, request=[bytes(len(request[0])), request[1]])


def test_another_number_of_rows_is_refused(plain: Scene) -> None:
    client = plain.client()
    request = client.seal(batch(plain.program.graph, 2))
    answer = plain.worker().answer(request)

    with pytest.raises(ProtocolError, match="for 2 rows, not 1"):
        client.open(answer, 1, request=request)


@pytest.mark.parametrize("make", [scene, secretly])
def test_what_is_sealed_is_as_the_network_was_calibrated(make: object) -> None:
    assert callable(make)
    where: Scene = make(grouped())
    client = where.client() if make is scene else where.private_client()
    x = batch(where.program.graph, 1)

    with pytest.raises(OutOfRange):
        client.seal(x + 100.0)
    with pytest.raises(OutOfRange, match="NaN"):
        client.seal(np.full_like(x, np.nan))
    with pytest.raises(TypeMismatch):
        client.seal(x[:, :2])
    assert client.seal(x + 100.0, clip=True)


def test_no_noise_is_added_to_what_is_exact(plain: Scene, hidden: Scene) -> None:
    with pytest.raises(TypeMismatch, match="no noise"):
        plain.client().open([], 1, flood=1.0)
    with pytest.raises(TypeMismatch, match="no noise"):
        hidden.private_client().open([], 1, flood=1.0)


def test_a_worker_needs_no_key(plain: Scene, hidden: Scene, tmp_path: Path) -> None:
    plain.client().write_keys(tmp_path / "plain")
    hidden.private_client().write_keys(tmp_path / "hidden")

    assert (tmp_path / "plain").read_bytes() == (tmp_path / "hidden").read_bytes() == b""


def test_a_secret_has_the_length_of_one(plain: Scene) -> None:
    with pytest.raises(ProtocolError, match="damaged"):
        Client(plain.checker(), b"short")
    with pytest.raises(ProtocolError, match="damaged"):
        PrivateClient(plain.checker(), b"short", NoMasks())


def test_the_secret_is_told_to_nobody(
    plain: Scene, hidden: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = Client(plain.checker(), SECRET)
    private = PrivateClient(hidden.checker(), SECRET, OnDemand(hidden.plan, PRODUCTS))
    x = batch(plain.program.graph, 1)

    messages = b"".join([*client.seal(x), *private.seal(x)])
    said = repr(client) + repr(private) + repr(private.conversation(x)) + caplog.text
    with pytest.raises(ProtocolError) as raised:
        client.open([], 1, request=[b"", b""])

    assert client.secret() == private.secret() == SECRET
    assert SECRET not in messages
    assert SECRET.hex() not in said + str(raised.value)
    assert repr(SECRET) not in said + str(raised.value)
