"""What a worker's process is: a bundle's part loaded, a user, and walls around it."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tacit.errors import EngineError, ProtocolError, TacitError
from tacit.program import Json, Progress, ServerEngine
from tacit.serve.worker import Health, connect
from tacit.serve.worker.addresses import TcpAddress, UnixAddress, parse
from tacit.serve.worker.listening import Listening
from tacit.serve.worker.memory import Copies, SharedMemory
from tacit.serve.worker.process import become, health_of, most_bytes
from tacit.serve.worker.sandbox import Walls, command, obstacle
from tacit.serve.worker.service import Service
from tests.serve.programs import network
from tests.serve.worker.conftest import Stable
from tests.serve.worker.stable import PROGRAM, Adds

HAS_WALLS = obstacle(Walls()) is None
NOBODY = "nobody"
# Runs what comes behind the two dashes, and has no walls at all.
FAKE = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n'


class Proven(ServerEngine):
    """An engine that tells of its self-test."""

    def __init__(self, *, exact: bool) -> None:
        self._exact = exact

    @property
    def facts(self) -> Mapping[str, Json]:
        return {"back_end": "tested", "exact": self._exact}

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        return tuple(message)


def test_an_engine_tells_its_health() -> None:
    assert health_of(Proven(exact=True), "any", threads=2, rows=3) == Health(
        "tested", exact=True, threads=2, rows=3
    )
    assert health_of(Adds(), "any", threads=1, rows=0) == Health(
        "any", exact=False, threads=1, rows=0
    )


def test_an_engine_that_is_not_exact_serves_nobody() -> None:
    with pytest.raises(EngineError, match="test of exactness"):
        health_of(Proven(exact=False), "any", threads=1, rows=0)


def test_rows_limit_the_bytes_of_a_question() -> None:
    graph, _ = network(seed=1)

    # The widest value is the input, of 8 entries; an entry takes 4 bytes at most.
    assert most_bytes(graph, 10) == 10 * 8 * 4 + 2**16


def test_addresses_are_read_as_they_are_written() -> None:
    assert str(parse("tcp:[::1]:70")) == "tcp:[::1]:70"
    assert parse("tcp:[::1]:70") == TcpAddress("::1", 70)
    assert parse("tcp:70") == TcpAddress("127.0.0.1", 70)
    assert parse("unix:a:b") == UnixAddress(Path("a:b"))


def test_memory_that_may_be_cut_is_refused() -> None:
    descriptor = os.memfd_create("plain", os.MFD_ALLOW_SEALING)

    with pytest.raises(ProtocolError, match="may be cut"):
        SharedMemory.adopt(descriptor, is_writable=False)
    os.close(descriptor)


def test_what_is_no_memory_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "pipe").open("wb") as file, pytest.raises(ProtocolError):
        SharedMemory.adopt(file.fileno(), is_writable=False)


@pytest.fixture
def service() -> Service:
    return Service(Adds(), bytes(32), Health("fake", exact=True, threads=1, rows=0))


def test_a_path_that_is_taken_is_left_alone(stable: Stable, service: Service) -> None:
    path = stable.path("file")
    path.touch()

    with pytest.raises(TacitError, match="no socket"):
        Listening(service, UnixAddress(path))
    assert path.exists()


def test_a_worker_does_not_push_another_one_out(stable: Stable, service: Service) -> None:
    with pytest.raises(TacitError, match="another worker listens"):
        Listening(service, parse(stable.unix("honest").address))


def test_a_socket_that_a_killed_worker_left_is_used_again(stable: Stable) -> None:
    killed = stable.unix("honest")
    killed.tell(signal.SIGKILL)
    assert killed.is_gone()

    with connect(stable.start(kind="honest", listen=killed.address).address, PROGRAM) as worker:
        assert bytes(worker.answer([b"a"])[0]) == b"b"


def test_private_memory_is_used_again_only_when_nobody_looks() -> None:
    copies = Copies()
    first = copies.take(100)
    first[:] = b"a" * 100

    second = copies.take(50)
    second[:] = b"b" * 50
    seen = bytes(first)
    del first
    third = copies.take(80)

    assert seen == b"a" * 100
    assert bytes(second) == b"b" * 50
    assert bytes(third) == b"a" * 80


def test_nobody_becomes_an_unknown_user_or_root() -> None:
    with pytest.raises(TacitError, match="no user 'no such user'"):
        become("no such user")
    with pytest.raises(TacitError, match="not to be root"):
        become("root")


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_root_becomes_another_user_for_good(stable: Stable) -> None:
    user = pwd.getpwnam(NOBODY)

    told = stable.start(kind="becoming", user=NOBODY).address

    assert told == f"{(user.pw_uid,) * 3} {(user.pw_gid,) * 3} {[user.pw_gid]}"


def test_a_machine_without_bubblewrap_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert obstacle(Walls()) == "bubblewrap is not installed"


def test_a_machine_that_forbids_bubblewrap_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "#!/bin/sh\necho no namespaces >&2; exit 1\n", monkeypatch)

    assert obstacle(Walls()) == "bubblewrap is not permitted here: no namespaces"


def test_a_stopped_supervisor_ends_the_input_of_its_command(
    stable: Stable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, FAKE, monkeypatch)
    notes = tmp_path / "notes"
    started = stable.start(kind="supervising", path=os.environ["PATH"], notes=str(notes))
    assert holds(notes, "running")

    started.tell(signal.SIGTERM)

    assert started.is_gone()
    assert holds(notes, "stopped")


def test_a_local_worker_gets_no_network_and_writes_to_one_folder() -> None:
    local = command("bwrap", Walls((Path("/b"),), (Path("/b/s"),)), ["true"])
    remote = command("bwrap", Walls(has_network=True, may_become=True), ["true"])

    assert {"--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent"} <= set(local)
    assert "CAP_SETUID" not in local
    assert "--unshare-net" not in remote
    assert "CAP_SETUID" in remote
    assert [local[n + 1] for n, word in enumerate(local) if word == "--bind"] == ["/b/s"]
    assert local.index("/b") < local.index("/b/s")
    assert local[-2:] == ["--", "true"]


@pytest.mark.skipif(not HAS_WALLS, reason="bubblewrap is not installed or not permitted")
def test_walls_keep_a_worker_from_writing_and_from_speaking(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    script = (
        "import os, pathlib, socket, sys\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "(folder / 'open' / 'mine').touch()\n"
        "assert len(os.listdir('/sys/class/net')) >= 0\n"
        "try: socket.create_connection(('192.0.2.1', 9), 1.0)\n"
        "except OSError as wrong: assert wrong.errno == 101\n"
        "assert sorted(int(p) for p in os.listdir('/proc') if p.isdigit()) == [1, 2]\n"
        "try: (folder / 'closed').touch()\n"
        "except OSError: sys.exit(5)\n"
    )
    walls = Walls((tmp_path,), (tmp_path / "open",))

    assert status_of(walls, [sys.executable, "-I", "-c", script]) == 5
    assert (tmp_path / "open" / "mine").exists()


def status_of(walls: Walls, inner: Sequence[str]) -> int:
    """The status of a command between walls; the tests keep their own signals."""
    program = command("bwrap", walls, inner)
    return subprocess.run(program, check=False, timeout=30).returncode


def holds(path: Path, text: str, seconds: float = 5.0) -> bool:
    """Whether a file comes to hold a text within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and path.read_text() == text:
            return True
        time.sleep(0.01)
    return False


def installed(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have another program under bubblewrap's name."""
    path = folder / "bwrap"
    path.write_text(script)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
