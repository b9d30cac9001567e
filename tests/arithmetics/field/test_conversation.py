"""Clients in private mode: masks, the order of questions, and what is told at the end alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tacit.arithmetics.field.client import REJECTED, PrivateClient
from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.masks import NoMasks
from tacit.arithmetics.field.verifier import Challenges, Judged
from tacit.errors import (
    ProtocolError,
    TacitError,
    VerificationFailed,
)
from tacit.program import exchange
from tests.arithmetics.field import models
from tests.arithmetics.field.scene import (
    KNOBS,
    NETWORKS,
    Scene,
    batch,
    flipped,
    is_usable,
    secretly,
)

every = pytest.mark.parametrize("name", NETWORKS)
knobs = pytest.mark.parametrize("field", KNOBS.values(), ids=KNOBS)
SECRET = bytes(range(1, 33))


@every
@knobs
def test_a_private_answer_is_what_the_program_simulates(name: str, field: Field) -> None:
    where = secretly(NETWORKS[name](), field)
    x = batch(where.program.graph, 2)

    found = exchange(where.private_client(), where.worker().answer, x)

    assert np.array_equal(found, where.program(x))


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

    with pytest.raises(TacitError, match="reuse of a mask"):
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
