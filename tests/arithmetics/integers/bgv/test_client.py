from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tacit.arithmetics.integers import bgv
from tacit.errors import EngineError, OutOfRange, ProtocolError, TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.program import Half, lower
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.bgv.scene import Scene
from tests.arithmetics.integers.graphs import BGV, rows


def halves(alone: Scene) -> tuple[Half, Half]:
    """What each party gets."""
    return bgv.cut(alone.program.graph, alone.plan)


def test_keys_travel_as_a_file_and_the_secret_stays(alone: Scene, tmp_path: Path) -> None:
    asking, answering = halves(alone)
    first = bgv.fresh_client(asking)
    first.write_keys(tmp_path / "keys")
    x = rows(alone.program.graph, count=2)

    server = bgv.server(answering, memoryview((tmp_path / "keys").read_bytes()))
    kept = bgv.kept_client(asking, first.secret())

    assert np.array_equal(kept.open(server.answer(first.seal(x)), 2), alone.program(x))


def test_both_parties_in_one_process_answer_as_simulated(alone: Scene) -> None:
    x = rows(alone.program.graph, count=2)

    assert np.array_equal(bgv.pair(*halves(alone))(x), alone.program(x))


@pytest.mark.parametrize("shape", [(4,), (1, 3), (0, 4), (1, 4, 1), ()])
def test_an_input_of_another_shape_is_refused(alone: Scene, shape: tuple[int, ...]) -> None:
    with pytest.raises(TypeMismatch, match="shape"):
        alone.client.seal(np.zeros(shape))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused_even_where_it_clips(alone: Scene, bad: float) -> None:
    with pytest.raises(OutOfRange, match="NaN or infinity"):
        alone.client.seal(np.full((1, 4), bad), clip=True)


def test_an_input_outside_is_refused_or_clipped(alone: Scene) -> None:
    wild = np.array([[7.0, 0.0, -9.0, 0.5]])

    with pytest.raises(OutOfRange, match="entry 0 of row 0 is 7"):
        alone.client.seal(wild)
    answer = alone.server.answer(alone.client.seal(wild, clip=True))
    assert np.array_equal(alone.client.open(answer, 1), alone.program(wild))


def test_a_flood_is_refused(alone: Scene) -> None:
    answer = alone.server.answer(alone.client.seal(rows(alone.program.graph, count=1)))

    with pytest.raises(TypeMismatch, match="opened exactly"):
        alone.client.open(answer, 1, flood=0.5)


def test_messages_of_the_wrong_length_are_refused(alone: Scene) -> None:
    message = alone.client.seal(rows(alone.program.graph, count=1))

    with pytest.raises(ProtocolError, match="no multiple"):
        alone.server.answer(())
    with pytest.raises(ProtocolError, match="belong to 3 rows"):
        alone.client.open(alone.server.answer(message), 3)


@pytest.mark.parametrize("kept", [0, 10, -1])
def test_ciphertexts_that_were_cut_off_are_refused(alone: Scene, kept: int) -> None:
    message = alone.client.seal(rows(alone.program.graph, count=1))
    answer = alone.server.answer(message)

    with pytest.raises(ProtocolError, match="sealed input"):
        alone.server.answer([message[0][:kept]])
    with pytest.raises(ProtocolError, match="answer"):
        alone.client.open([answer[0][:kept]], 1)


def test_an_answer_is_no_question(alone: Scene) -> None:
    message = alone.client.seal(rows(alone.program.graph, count=1))

    with pytest.raises(ProtocolError, match=r"came at level \d+; \d+ is expected"):
        alone.server.answer(alone.server.answer(message))
    with pytest.raises(ProtocolError, match=r"came at level \d+; \d+ is expected"):
        alone.client.open(message, 1)


def test_keys_of_another_program_are_refused(alone: Scene) -> None:
    other = lower(graphs.linear(), BGV)
    keys = bgv.fresh_client(other.arithmetic.cut(other)[0]).evaluation_keys()

    with pytest.raises(ProtocolError):
        bgv.server(halves(alone)[1], memoryview(keys.to_bytes()))


def test_too_few_keys_are_refused(alone: Scene) -> None:
    context = alone.client.context
    few = dict(list(alone.plan.rotations.items())[1:])
    keys = context.evaluation_keys(
        alone.secret, relinearisation_level=alone.plan.relinearisation, rotations=few
    )

    with pytest.raises(ProtocolError, match="1 of"):
        bgv.server(halves(alone)[1], memoryview(keys.to_bytes()))


def test_keys_that_reach_too_low_are_refused(alone: Scene) -> None:
    keys = alone.client.context.evaluation_keys(
        alone.secret, relinearisation_level=0, rotations=alone.plan.rotations
    )

    with pytest.raises(ProtocolError, match="relinearisation key reaches level 0"):
        bgv.server(halves(alone)[1], memoryview(keys.to_bytes()))


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_damaged_keys_and_secrets_are_refused(alone: Scene, kept: int) -> None:
    asking, answering = halves(alone)

    with pytest.raises(ProtocolError, match="keys"):
        bgv.server(answering, memoryview(alone.keys.to_bytes()[:kept]))
    with pytest.raises(ProtocolError, match="secret key"):
        bgv.kept_client(asking, alone.client.secret()[:kept])


def test_another_clients_secret_opens_nothing(alone: Scene) -> None:
    answer = alone.server.answer(alone.client.seal(rows(alone.program.graph, count=1)))
    stranger = bgv.fresh_client(halves(alone)[0])

    with pytest.raises(EngineError, match="noise"):
        stranger.open(answer, 1)


def slots_of(x: FloatArray, alone: Scene) -> FloatArray:
    """The slots of a client's input, decrypted."""
    return alone.words(x)["x_encoded"].slots.astype(np.float64)


def test_an_input_alone_leaves_the_second_row_empty(alone: Scene) -> None:
    assert not slots_of(rows(alone.program.graph), alone)[1].any()
