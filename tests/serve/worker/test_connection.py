"""A verifier and one worker: what is asked is answered, and nonsense ends the conversation."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tacit.errors import EngineError, ProtocolError, TacitError
from tacit.serve.worker import Connection, Health, Setting, connect
from tacit.serve.worker.certificates import certify
from tests.serve.worker.conftest import Stable
from tests.serve.worker.stable import PROGRAM

LARGE = 2**26
NONSENSE = {
    "truncates": "",
    "overstates": "announced",
    "floods": "are taken",
    "mistypes": "a frame ask came",
    "babbles": "does not speak",
    "overlong": "are allowed",
}


def over(way: str, stable: Stable, certificates: Path) -> Connection:
    """A connection to an honest worker, over one of three ways."""
    if way == "unix":
        return connect(stable.unix("honest").address, PROGRAM)
    worker = stable.tcp("honest", certificates / "worker-1")
    return connect(worker.address, PROGRAM, secured(certificates, encrypt=way == "encrypted"))


def secured(certificates: Path, *, encrypt: bool = False) -> Setting:
    """What a verifier with these certificates asks for."""
    return Setting(certificates=certificates / "verifier", encrypt=encrypt, connect_seconds=5.0)


@pytest.mark.parametrize("way", ["unix", "plain", "encrypted"])
def test_questions_are_answered(way: str, stable: Stable, certificates: Path) -> None:
    with over(way, stable, certificates) as worker:
        first = worker.answer([b"abc", b"", b"z"])
        second = worker.answer([bytes(range(200))], sizes=[200])

    assert [bytes(part) for part in first] == [b"bcd", b"", b"{"]
    assert bytes(second[0]) == bytes(range(1, 201))


@pytest.mark.parametrize(("way", "size"), [("unix", LARGE), ("plain", LARGE), ("encrypted", 2**23)])
def test_large_tensors_come_back_whole(
    way: str, size: int, stable: Stable, certificates: Path
) -> None:
    question = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)

    with over(way, stable, certificates) as worker:
        (answer,) = worker.answer([question.data], 30.0)

    assert np.array_equal(np.frombuffer(answer, np.uint8), question + np.uint8(1))


def test_a_worker_tells_its_health(stable: Stable) -> None:
    with connect(stable.unix("honest").address, PROGRAM) as worker:
        assert worker.health == Health("fake", exact=True, threads=1, rows=0)


def test_an_answer_that_is_kept_is_not_overwritten(stable: Stable) -> None:
    with connect(stable.unix("honest").address, PROGRAM) as worker:
        kept = [worker.answer([bytes([number]) * 100])[0] for number in range(10)]

    assert [bytes(each) for each in kept] == [bytes([n + 1]) * 100 for n in range(10)]


def test_memory_that_nobody_looks_at_is_used_again(stable: Stable) -> None:
    with connect(stable.unix("honest").address, PROGRAM) as worker:
        addresses = {
            np.frombuffer(worker.answer([bytes(4096)])[0], np.uint8).ctypes.data for _ in range(8)
        }

    assert len(addresses) == 1


def test_a_worker_that_changes_its_answer_afterwards_changes_nothing(stable: Stable) -> None:
    with connect(stable.unix("rewrites").address, PROGRAM) as worker:
        (answer,) = worker.answer([bytes(2**16)])
        before = bytes(answer)
        time.sleep(0.1)

        assert bytes(answer) == before


def test_a_worker_cannot_cut_the_memory_under_the_verifier(stable: Stable) -> None:
    with connect(stable.unix("truncates").address, PROGRAM) as worker:
        (answer,) = worker.answer([b"question"])

    assert bytes(answer) == bytes(2**20)


@pytest.mark.parametrize("kind", ["overstates", "floods", "mistypes", "babbles", "overlong"])
def test_nonsense_ends_the_conversation(kind: str, stable: Stable) -> None:
    worker = connect(stable.unix(kind).address, PROGRAM)

    with pytest.raises(ProtocolError, match=NONSENSE[kind]):
        worker.answer([b"question"])
    with pytest.raises(EngineError, match="is closed"):
        worker.answer([b"question"])


@pytest.mark.parametrize("kind", ["replays", "swaps"])
def test_an_answer_to_another_question_is_refused(kind: str, stable: Stable) -> None:
    worker = connect(stable.unix(kind).address, PROGRAM)
    worker.answer([b"question"])

    with pytest.raises(ProtocolError, match="another question"):
        worker.answer([b"question"])


def test_an_answer_of_another_size_is_refused_before_it_is_read(stable: Stable) -> None:
    worker = connect(stable.unix("honest").address, PROGRAM)

    with pytest.raises(ProtocolError, match="other sizes"):
        worker.answer([b"question"], sizes=[7])


def test_half_a_frame_is_no_answer(stable: Stable) -> None:
    worker = connect(stable.unix("stops_short").address, PROGRAM)

    with pytest.raises(EngineError, match="closed the connection"):
        worker.answer([b"question"])


@pytest.mark.parametrize("kind", ["hanging", "dribbles"])
def test_a_worker_that_is_silent_is_not_waited_for(kind: str, stable: Stable) -> None:
    worker = connect(stable.unix(kind).address, PROGRAM)

    with pytest.raises(EngineError, match="took too long"):
        worker.answer([b"question"], 0.2)


@pytest.mark.parametrize("kind", ["dying", "failing"])
def test_a_worker_that_cannot_answer_is_an_error(kind: str, stable: Stable) -> None:
    worker = connect(stable.unix(kind).address, PROGRAM)

    with pytest.raises(EngineError, match=r"closed the connection|it failed: out of order"):
        worker.answer([b"question"])


@pytest.mark.parametrize("way", ["unix", "plain"])
def test_a_worker_killed_in_the_middle_is_an_error(
    way: str, stable: Stable, certificates: Path
) -> None:
    started = (
        stable.unix("hanging")
        if way == "unix"
        else stable.tcp("hanging", certificates / "worker-1")
    )
    worker = connect(started.address, PROGRAM, secured(certificates))
    threading.Timer(0.2, started.tell, [signal.SIGKILL]).start()

    with pytest.raises(EngineError, match="connection"):
        worker.answer([bytes(2**20)], 5.0)


def test_a_question_that_is_too_large_is_refused(stable: Stable) -> None:
    worker = connect(stable.unix("narrow").address, PROGRAM)

    with pytest.raises(EngineError, match="1001 bytes are more than the 1000 that are taken"):
        worker.answer([bytes(1000), b"1"])


def test_another_program_is_refused_by_both_sides(stable: Stable) -> None:
    with pytest.raises(ProtocolError, match="the worker holds program"):
        connect(stable.unix("other").address, PROGRAM)


def test_a_worker_of_another_user_is_refused(stable: Stable) -> None:
    address = stable.unix("honest").address

    connect(address, PROGRAM, Setting(user=os.getuid())).close()
    with pytest.raises(ProtocolError, match="belongs to user"):
        connect(address, PROGRAM, Setting(user=os.getuid() + 1))


def test_a_rejected_worker_hears_one_word(stable: Stable, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    started = stable.unix("listens", notes=str(notes))
    worker = connect(started.address, PROGRAM)
    worker.answer([b"question"])

    worker.reject()

    assert started.is_gone()
    assert notes.read_text() == "True"


def test_nobody_listening_is_an_error(stable: Stable) -> None:
    with pytest.raises(EngineError, match="connection failed"):
        connect(f"unix:{stable.path('nobody')}", PROGRAM)


@pytest.mark.parametrize("address", ["", "worker", "udp:1", "unix:", "tcp:host", "tcp:h:99999"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(TacitError, match="is no address"):
        connect(address, PROGRAM)


def test_more_connections_than_allowed_are_turned_away(stable: Stable) -> None:
    address = stable.unix("honest").address

    with (
        connect(address, PROGRAM),
        connect(address, PROGRAM),
        connect(address, PROGRAM) as taken,
    ):
        with pytest.raises(EngineError):
            connect(address, PROGRAM)
        assert bytes(taken.answer([b"a"])[0]) == b"b"


def test_a_socket_is_for_its_owner_alone(stable: Stable) -> None:
    path = Path(stable.unix("honest").address.removeprefix("unix:"))

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_worker_leaves_no_socket(number: signal.Signals, stable: Stable) -> None:
    started = stable.unix("honest")
    worker = connect(started.address, PROGRAM)

    started.tell(number)

    assert started.is_gone()
    assert not Path(started.address.removeprefix("unix:")).exists()
    with pytest.raises(EngineError):
        worker.answer([b"question"])


def test_certificates_of_another_authority_are_refused(
    stable: Stable, certificates: Path, tmp_path: Path
) -> None:
    certify(tmp_path / "theirs")
    ours = stable.tcp("honest", certificates / "worker-1")
    theirs = stable.tcp("honest", tmp_path / "theirs" / "worker-1")

    with pytest.raises(TacitError):
        connect(ours.address, PROGRAM, secured(tmp_path / "theirs"))
    with pytest.raises(ProtocolError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(theirs.address, PROGRAM, secured(certificates))


def test_a_worker_is_no_verifier_and_a_verifier_no_worker(
    stable: Stable, certificates: Path
) -> None:
    worker = stable.tcp("honest", certificates / "worker-1")
    impostor = stable.tcp("honest", certificates / "verifier")

    with pytest.raises(TacitError):
        connect(worker.address, PROGRAM, Setting(certificates=certificates / "worker-2"))
    with pytest.raises(ProtocolError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(impostor.address, PROGRAM, secured(certificates))


def test_nobody_comes_in_without_a_certificate(stable: Stable, certificates: Path) -> None:
    worker = stable.tcp("honest", certificates / "worker-1")

    with pytest.raises(TacitError, match="needs certificates"):
        connect(worker.address, PROGRAM)


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"TFLOW\x01" + bytes(32)])
def test_a_stranger_is_turned_away(said: bytes, stable: Stable, certificates: Path) -> None:
    worker = stable.tcp("honest", certificates / "worker-1")
    port = int(worker.address.rpartition(":")[2])

    with socket.create_connection(("127.0.0.1", port), 5.0) as stranger:
        stranger.sendall(said.ljust(64))
        assert heard(stranger) == b""


def test_a_worker_that_demands_encryption_refuses_the_clear(
    stable: Stable, certificates: Path
) -> None:
    address = stable.tcp("encrypted", certificates / "worker-1").address

    with pytest.raises(TacitError):
        connect(address, PROGRAM, secured(certificates))
    with connect(address, PROGRAM, secured(certificates, encrypt=True)) as worker:
        assert bytes(worker.answer([b"a"])[0]) == b"b"


def test_certificates_can_be_read_by_their_owner_only(certificates: Path) -> None:
    modes = {path.stat().st_mode & 0o777 for path in certificates.rglob("*.pem")}

    assert modes == {0o600}
    assert certificates.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in certificates.iterdir()) == [
        "verifier",
        "worker-1",
        "worker-2",
    ]


def heard(sock: socket.socket) -> bytes:
    """What a socket says before it closes, which may be abrupt."""
    try:
        return sock.recv(64)
    except ConnectionResetError:
        return b""
