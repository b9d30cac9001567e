"""Workers to be started by a test, and ended with it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tacit.serve.worker.certificates import certify

STABLE = Path(__file__).with_name("stable.py")


@dataclass(frozen=True)
class Worker:
    """A process and where it listens."""

    pid: int
    address: str

    def tell(self, number: signal.Signals) -> None:
        """Send a signal, if the process is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def is_gone(self, seconds: float = 5.0) -> bool:
        """Whether the process ends within some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.01)
        return False


@dataclass
class Stable:
    """Starts workers of any kind, in a folder of their own."""

    process: subprocess.Popen[str]
    folder: Path
    workers: list[Worker] = field(default_factory=list)

    def unix(self, kind: str, **more: str) -> Worker:
        """A worker on a socket in the file system."""
        return self.start(kind=kind, listen=f"unix:{self.path(kind)}", **more)

    def tcp(self, kind: str, certificates: Path) -> Worker:
        """A worker on a port of the loopback device."""
        return self.start(kind=kind, listen="tcp:0", certificates=str(certificates))

    def path(self, kind: str) -> Path:
        """A path that no worker has yet."""
        return self.folder / f"{len(self.workers)}-{kind}"

    def start(self, **wish: str) -> Worker:
        """Whatever is wished for."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        assert told["address"], "the worker did not start"
        self.workers.append(Worker(told["pid"], told["address"]))
        return self.workers[-1]


@pytest.fixture(scope="session")
def process() -> Iterator[subprocess.Popen[str]]:
    """The process that workers are forked from, with the library loaded once."""
    with subprocess.Popen(
        [sys.executable, str(STABLE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        yield started


@pytest.fixture
def stable(
    process: subprocess.Popen[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stable]:
    # A socket's path has at most 107 letters; a test's own folder may be longer.
    made = Stable(process, tmp_path_factory.mktemp("w"))
    yield made
    for worker in made.workers:
        worker.tell(signal.SIGKILL)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a verifier and of two workers."""
    folder = tmp_path_factory.mktemp("certificates") / "ours"
    certify(folder, workers=2)
    return folder
