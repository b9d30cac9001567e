"""The worker's commands, as a user calls them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tacit.serve.worker import connect
from tests.command import tacit
from tests.serve.programs import Packed, packed_in

ROOT = Path(__file__).parents[2]
# The command itself, with an engine that is there without any bundle.
SCRIPT = """
from tacit.cli import main, worker
from tests.serve.worker.stable import PROGRAM, Adds
from tacit.serve.worker.connection import Health
from tacit.serve.worker.service import Service

def load(folder, *, rows, threads, must_encrypt):
    return Service(Adds(), PROGRAM, Health("fake", exact=True, threads=1, rows=rows or 0))

worker.load = load
main()
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packed_in(tmp_path_factory.mktemp("worker"), seed=3)


def test_a_worker_says_when_it_is_ready_and_leaves_nothing_behind(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("w") / "socket"
    words = ("worker", "my.bundle", "--listen", f"unix:{path}", "--no-sandbox", "--json")

    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *words, "--rows", "5"], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        with connect(ready["ready"], bytes(range(32))) as worker:
            answer = bytes(worker.answer([b"abc"])[0])
        process.send_signal(signal.SIGTERM)

    assert answer == b"bcd"
    assert process.returncode == 0
    assert not path.exists()
    assert (ready["back_end"], ready["exact"], ready["rows"]) == ("fake", True, 5)
    assert ready["sandbox"] == "none: --no-sandbox was asked for"


def test_a_worker_goes_with_whoever_started_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("w") / "socket"
    words = ("worker", "my.bundle", "--listen", f"unix:{path}", "--no-sandbox", "--json")

    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *words, "--stop-with-input"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        process.stdin.close()
        process.wait(30.0)

    assert ready["ready"] == f"unix:{path}"
    assert process.returncode == 0
    assert not path.exists()


def test_certificates_are_made_for_every_worker(tmp_path: Path) -> None:
    said = tacit("certify", tmp_path / "made", "--workers", 2, "--json")

    assert said.record["workers"] == [str(tmp_path / "made" / f"worker-{n}") for n in (1, 2)]
    assert (tmp_path / "made" / "verifier" / "key.pem").stat().st_mode & 0o777 == 0o600
    assert "is there already" in tacit("certify", tmp_path / "made").err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--listen", "nowhere"), "is no address"),
        (("--listen", "unix:/a", "--mode", "rw"), "are no permissions"),
        (("--listen", "unix:/a", "--user", "no such user"), "there is no user"),
        (("--listen", "tcp:0"), "there is no server's part"),
    ],
)
def test_what_cannot_be_is_one_line(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    said = tacit("worker", tmp_path / "nothing", "--no-sandbox", *words)

    assert said.status == 1
    assert told in said.err


def test_a_program_that_needs_a_clients_keys_has_no_worker(packed: Packed) -> None:
    said = tacit("worker", packed.bundle, "--listen", "unix:/a", "--no-sandbox")

    assert said.status == 1
    assert said.err.count("error:") == 1
