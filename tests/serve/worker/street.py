"""Workers that listen in the tests' own process: true ones, and others."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tacit.errors import EngineError
from tacit.program import Progress, ServerEngine
from tacit.serve import make_masks
from tacit.serve.worker import Health, Patience, Pool
from tacit.serve.worker.addresses import UnixAddress
from tacit.serve.worker.frames import TOKEN_BYTES, Answered, Ask, Hello, Welcome, expect
from tacit.serve.worker.listening import Listening
from tacit.serve.worker.memory import SharedMemory
from tacit.serve.worker.service import Service
from tacit.serve.worker.streams import Deadline, Stream
from tests.arithmetics.field.scene import Scene

PROGRAM = bytes(range(32))
LONG = 30.0
GONE = "the other side closed the connection"
Kind = Callable[[ServerEngine], ServerEngine]


@dataclass
class Answers(ServerEngine):
    """Answers truly, and counts."""

    engine: ServerEngine
    messages: list[Sequence[bytes]] = field(default_factory=list)

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        self.messages.append([bytes(part) for part in message])
        return self.engine.answer(message)


@dataclass
class Cheats(ServerEngine):
    """Changes one bit of its second answer, and of all that follow."""

    engine: ServerEngine
    asked: int = 0

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        self.asked += 1
        first, *others = self.engine.answer(message)
        wrong = bytearray(first)
        wrong[len(wrong) // 3] ^= self.asked > 1
        return bytes(wrong), *others


@dataclass
class Leaves(ServerEngine):
    """Answers once, and hangs up."""

    engine: ServerEngine
    asked: int = 0

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        self.asked += 1
        return self.engine.answer(message) if self.asked == 1 else leave()


def leave() -> NoReturn:
    # The end of its thread, and of the connection.
    raise SystemExit


@dataclass
class Shortens(ServerEngine):
    """Leaves out the last number."""

    engine: ServerEngine

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        first, *others = self.engine.answer(message)
        return first[:-4], *others


@dataclass
class Street:
    """Workers that listen in this process, each at an address named for what it does."""

    folder: Path
    stack: contextlib.ExitStack

    def open(self, engine: ServerEngine, *, rows: int = 0) -> str:
        path = self.folder / f"{type(engine).__name__}-{len(list(self.folder.iterdir()))}"
        service = Service(engine, PROGRAM, Health("numpy", exact=True, threads=1, rows=rows))
        listening = Listening(service, UnixAddress(path))
        thread = threading.Thread(target=listening.serve)
        thread.start()
        self.stack.callback(thread.join)
        self.stack.callback(listening.stop)
        return f"unix:{path}"

    def pool(self, where: Scene, *kinds: Kind) -> Pool:
        addresses = [self.open(kind(where.worker())) for kind in kinds]
        opened = Pool.open(addresses, PROGRAM, patience=Patience(most_seconds=LONG))
        self.stack.callback(opened.close)
        return opened


def rewriting(where: Scene, door: socket.socket, stop: threading.Event) -> None:
    """Be a worker that answers truly, and goes on to change what it has answered."""
    sock, _ = door.accept()
    with sock:
        control = Stream(sock)
        _, files = control.hear_with(Hello, Deadline.after(LONG))
        questions, answers = (SharedMemory.adopt(each, is_writable=True) for each in files)
        health = Welcome(PROGRAM, bytes(TOKEN_BYTES), "script", exact=True, threads=1, rows=0)
        control.tell(health, Deadline.after(LONG))
        worker = where.worker()
        with contextlib.suppress(EngineError):
            while True:
                asked = expect(Ask, control.hear(Deadline.after(LONG)))
                answer = worker.answer([bytes(questions.view(sum(asked.sizes)))])
                answers.write(answer)
                control.tell(Answered(asked.request, tuple(map(len, answer))), Deadline.after(LONG))
                for value in range(200):
                    answers.write([bytes([value]) * len(part) for part in answer])
        stop.wait(LONG)


def masks_of(folder: Path, count: int) -> Path:
    made = folder / "masks"
    make_masks(folder / "bundle", secret=folder / "secret", masks=made, count=count)
    return made


@contextlib.contextmanager
def started(folder: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    """`tacit worker`, once it is ready."""
    words = ("worker", str(folder / "bundle"), "--listen", f"unix:{folder / name}")
    command = [sys.executable, "-c", "from tacit.cli import main; main()", *words]
    with subprocess.Popen(
        [*command, "--no-sandbox", "--json"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ready"] == f"unix:{folder / name}"
        yield process
