"""Clients of both modes, with workers that are true, false, out of order, or nobody's."""

from __future__ import annotations

import gc
import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tacit.arithmetics.field import checker as making
from tacit.arithmetics.field.client import REJECTED, Client, PrivateClient
from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.masks import NoMasks, OnDemand
from tacit.arithmetics.field.plan import Plan, Strength
from tacit.arithmetics.field.settings import Depthwise, Format
from tacit.arithmetics.field.verifier import Challenges, Judged
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.arithmetics.field.verify.prime import Prime
from tacit.errors import OutOfRange, ProtocolError, TypeMismatch, VerificationFailed
from tacit.program import exchange
from tests.arithmetics.field import models
from tests.arithmetics.field.models import MODELS
from tests.arithmetics.field.scene import (
    PRODUCTS,
    Scene,
    averaged,
    batch,
    crossed,
    grouped,
    line,
    scene,
    secretly,
    single,
    tokens,
)

MORE = (averaged, crossed, grouped, line, single, tokens)
NETWORKS = {**MODELS, **{each.__name__: each for each in MORE}}
KNOBS = {
    "int8": Field(),
    "slalom": Field(format=Format.SLALOM, fraction=4, prime=Prime.SLALOM),
    "depthwise": Field(depthwise=Depthwise.WORKER),
}
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


@every
@knobs
def test_a_private_answer_is_what_the_program_simulates(name: str, field: Field) -> None:
    where = secretly(NETWORKS[name](), field)
    x = batch(where.program.graph, 2)

    found = exchange(where.private_client(), where.worker().answer, x)

    assert np.array_equal(found, where.program(x))


@pytest.fixture(scope="module")
def plain() -> Scene:
    return scene(grouped())


@pytest.fixture(scope="module")
def hidden() -> Scene:
    return secretly(grouped())


@pytest.fixture
def destroyed(monkeypatch: pytest.MonkeyPatch) -> list[Challenges]:
    """All challenges that were destroyed."""
    found: list[Challenges] = []
    destroy = Challenges.destroy

    def note(challenges: Challenges) -> None:
        found.append(challenges)
        destroy(challenges)

    monkeypatch.setattr(Challenges, "destroy", note)
    return found


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Challenges]:
    """All challenges that clients made."""
    found: list[Challenges] = []

    def noted(plan: Plan, strength: Strength) -> Challenges:
        found.append(Challenges(plan, strength))
        return found[-1]

    monkeypatch.setattr(making, "Challenges", noted)
    return found


def flipped(answer: Sequence[bytes], part: int = 0) -> list[bytes]:
    """An answer with one bit of one part changed."""
    wrong = [bytearray(each) for each in answer]
    wrong[part][len(wrong[part]) // 2] ^= 16
    return [bytes(each) for each in wrong]


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


def first_question(client: PrivateClient, x: NDArray[np.float64]) -> NDArray[np.uint32]:
    _, masked = client.seal(x)
    return np.frombuffer(masked, "<u4")


def test_no_question_is_masked_as_another_is(hidden: Scene) -> None:
    client, worker = hidden.private_client(), hidden.worker()
    x = np.repeat(batch(hidden.program.graph, 1), 2, axis=0)

    first = first_question(client, x).reshape(2, -1)
    again = first_question(client, x).reshape(2, -1)
    _, deeper = client.proceed(worker.answer(client.seal(x)))

    # The same row under one mask would be the same bytes; two masked numbers meet by chance alone.
    assert (first[0] == first[1]).mean() < 0.01
    assert (first == again).mean() < 0.01
    own = np.frombuffer(deeper, "<u4").reshape(2, -1)
    assert (own[0] == own[1]).mean() < 0.01


def test_every_round_has_masks_of_its_own() -> None:
    # Both layers take as many numbers, all of them small, so that one mask for both would show.
    sketch = models.Sketch((64,))
    sketch.dense(64)
    sketch.function("relu")
    sketch.dense(3)
    where = secretly(sketch.graph())
    client, worker = where.private_client(), where.worker()
    _, first = client.seal(batch(where.program.graph, 1))
    _, second = client.proceed(worker.answer([np.array([0], "<u2").tobytes(), first]))

    apart = np.frombuffer(first, "<u4") - np.frombuffer(second, "<u4")

    assert (np.abs(apart.view(np.int32).astype(np.int64)) > 255).mean() > 0.9


def test_what_is_masked_covers_all_of_32_bits(hidden: Scene) -> None:
    masked = first_question(hidden.private_client(), batch(hidden.program.graph, 16))

    # So far is hardly any of 16 counts off where all numbers are as likely.
    counts, usual = np.bincount(masked >> 28, minlength=16), len(masked) / 16
    assert np.abs(counts - usual).max() < 7 * math.sqrt(usual)


def test_a_private_conversation_goes_on_in_its_order(hidden: Scene) -> None:
    client, worker = hidden.private_client(), hidden.worker()
    x = batch(hidden.program.graph, 1)

    with pytest.raises(ProtocolError, match="no question of this client is open"):
        client.proceed([])
    with pytest.raises(ProtocolError, match="no question of this client is open"):
        client.open([], 1)

    answer = worker.answer(client.seal(x))
    with pytest.raises(ProtocolError, match="not the last one"):
        client.open(answer, 1)
    with pytest.raises(ProtocolError, match="no question of this client is open"):
        client.proceed(answer)


def talked(client: PrivateClient, hidden: Scene, rows: int) -> tuple[bytes, ...]:
    """The last answer of a conversation."""
    worker = hidden.worker()
    answer = worker.answer(client.seal(batch(hidden.program.graph, rows)))
    for _ in range(client.rounds - 1):
        answer = worker.answer(client.proceed(answer))
    return answer


def test_there_is_no_question_behind_the_last(hidden: Scene) -> None:
    client = hidden.private_client()
    answer = talked(client, hidden, rows=1)

    with pytest.raises(ProtocolError, match="no further question"):
        client.proceed(answer)


def test_a_private_answer_is_opened_once(hidden: Scene) -> None:
    client = hidden.private_client()
    answer = talked(client, hidden, rows=1)

    client.open(answer, 1)

    with pytest.raises(ProtocolError, match="no question of this client is open"):
        client.open(answer, 1)


def test_a_private_answer_for_other_rows_is_refused(hidden: Scene) -> None:
    client = hidden.private_client()
    answer = talked(client, hidden, rows=2)

    with pytest.raises(ProtocolError, match="about 2 rows, not 1"):
        client.open(answer, 1)


def test_a_private_answer_of_other_sizes_is_refused_and_may_be_sent_again(hidden: Scene) -> None:
    client, worker = hidden.private_client(), hidden.worker()
    answer = worker.answer(client.seal(batch(hidden.program.graph, 1)))

    with pytest.raises(ProtocolError, match="bytes where"):
        client.proceed([answer[0][:-4]])
    with pytest.raises(ProtocolError, match="2 products; 1 were asked for"):
        client.proceed([*answer, *answer])

    assert client.proceed(answer)


@pytest.mark.parametrize("false", range(4))
def test_a_false_private_answer_is_known_at_the_end_alone(hidden: Scene, false: int) -> None:
    client, worker = hidden.private_client(), hidden.worker()
    asked = 0

    def answering(message: Sequence[bytes]) -> Sequence[bytes]:
        nonlocal asked
        asked += 1
        answer = worker.answer(message)
        return flipped(answer) if asked == false + 1 else answer

    with pytest.raises(VerificationFailed) as raised:
        exchange(client, answering, batch(hidden.program.graph, 2))

    # A worker that counts questions learns nothing of where it was caught.
    assert asked == client.rounds
    assert raised.value.message == REJECTED


def test_the_end_of_a_conversation_destroys_what_it_hid_with(
    hidden: Scene, destroyed: list[Challenges]
) -> None:
    client = hidden.private_client()

    client.open(talked(client, hidden, rows=1), 1)
    client.seal(batch(hidden.program.graph, 1))
    client.seal(batch(hidden.program.graph, 1))

    # The one that was opened, and the one that another took the place of.
    assert len({id(each) for each in destroyed}) == 2
    assert not any(is_usable(each, hidden) for each in destroyed)


def test_a_closed_conversation_answers_nothing(hidden: Scene) -> None:
    client, worker = hidden.private_client(), hidden.worker()
    talk = client.conversation(batch(hidden.program.graph, 1))
    answer = worker.answer(talk.first)

    talk.close()

    with pytest.raises(ProtocolError, match="reuse of a mask"):
        talk.told(answer)


def test_conversations_do_not_disturb_each_other(hidden: Scene) -> None:
    client, worker = hidden.private_client(), hidden.worker()
    x = batch(hidden.program.graph, 4)
    talks = [client.conversation(x[:1]), client.conversation(x[1:])]
    found: list[tuple[bytes, ...] | Judged] = [talk.first for talk in talks]

    for _ in range(client.rounds):
        found = [
            talk.told(worker.answer(each if isinstance(each, tuple) else ()))
            for talk, each in zip(talks, found, strict=True)
        ]

    results = [each.results for each in found if isinstance(each, Judged)]
    assert np.array_equal(np.concatenate(results), hidden.program(x))


def test_without_masks_nothing_private_is_asked(hidden: Scene) -> None:
    client = PrivateClient(hidden.checker(), SECRET, NoMasks())

    with pytest.raises(ProtocolError) as raised:
        client.seal(batch(hidden.program.graph, 1))

    assert raised.value.hint is not None
    assert "tacit mask" in raised.value.hint


def is_usable(challenges: Challenges, where: Scene) -> bool:
    """Whether any challenge is still there."""
    gc.collect()
    found: list[Challenge] = [challenges[node.name] for node in where.plan.products]
    return any(each._alive or each._tables.result.any() for each in found)
