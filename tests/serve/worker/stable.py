"""Workers for tests, honest and otherwise, as real processes.

Run as a script, it loads the library once and then forks a worker for every line that it is given.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from tacit.errors import EngineError
from tacit.program import Progress, ServerEngine
from tacit.serve.worker.addresses import Address, parse
from tacit.serve.worker.connection import Health
from tacit.serve.worker.frames import (
    TOKEN_BYTES,
    Answered,
    Ask,
    Hello,
    Rejected,
    Welcome,
    encode,
    expect,
)
from tacit.serve.worker.memory import SharedMemory
from tacit.serve.worker.process import Place, become, run
from tacit.serve.worker.sandbox import Walls, supervise
from tacit.serve.worker.service import Limits, Service
from tacit.serve.worker.streams import Deadline, Stream

PROGRAM = bytes(range(32))
LONG = 60.0
# Notes that it runs, and then that its input ended.
WAITS = """
import os, pathlib, sys
notes = pathlib.Path(os.environ["NOTES"])
notes.write_text("running")
sys.stdin.read()
notes.write_text("stopped")
"""


@dataclass(frozen=True)
class Adds(ServerEngine):
    """Adds a number to every byte, after some seconds."""

    number: int = 1
    seconds: float = 0.0

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        time.sleep(self.seconds)
        added = (np.frombuffer(part, np.uint8) + np.uint8(self.number) for part in message)
        return tuple(each.tobytes() for each in added)


@dataclass(frozen=True)
class Dies(ServerEngine):
    """Takes its whole process with it."""

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        os._exit(1)


@dataclass(frozen=True)
class Fails(ServerEngine):
    """Cannot."""

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        raise EngineError("out of order")


ENGINES: Mapping[str, ServerEngine] = {
    "honest": Adds(),
    "other": Adds(),
    "encrypted": Adds(),
    "narrow": Adds(),
    "cheating": Adds(2),
    "sluggish": Adds(seconds=0.02),
    "hanging": Adds(seconds=LONG),
    "dying": Dies(),
    "failing": Fails(),
}


@dataclass(frozen=True, eq=False)
class Talk:
    """A conversation in which the worker says what it likes."""

    control: Stream
    questions: SharedMemory
    answers: SharedMemory

    def asked(self) -> Ask:
        return expect(Ask, self.control.hear(Deadline.after(LONG)))

    def answer(self, asked: Ask, data: bytes) -> None:
        self.answers.write([data])
        self.say(encode(Answered(asked.request, (len(data),))))

    def say(self, data: bytes) -> None:
        self.control.send(data, Deadline.after(LONG))


def truncates(talk: Talk) -> None:
    """Tries to cut the memory under the verifier, and announces what it held before."""
    asked = talk.asked()
    talk.answers.write([bytes(2**20)])
    with contextlib.suppress(PermissionError):
        os.ftruncate(talk.answers.descriptor, 0)
    talk.say(encode(Answered(asked.request, (2**20,))))


def rewrites(talk: Talk) -> None:
    """Changes its answer from the moment on that it has said it is there."""
    asked = talk.asked()
    size = sum(asked.sizes)
    talk.answer(asked, bytes(size))
    for value in range(1, 256):
        talk.answers.write([bytes([value]) * size])
    talk.asked()


def replays(talk: Talk) -> None:
    """Says one answer twice."""
    asked = talk.asked()
    talk.answer(asked, b"first")
    talk.answer(asked, b"first")
    talk.asked()


def swaps(talk: Talk) -> None:
    """Answers the second question under the first one's name."""
    first = talk.asked()
    talk.answer(first, b"first")
    talk.asked()
    talk.answer(first, b"second")


def overstates(talk: Talk) -> None:
    """Announces more than it wrote."""
    talk.say(encode(Answered(talk.asked().request, (2**24,))))


def floods(talk: Talk) -> None:
    """Announces more than anybody takes."""
    talk.say(encode(Answered(talk.asked().request, (2**39,))))


def stops_short(talk: Talk) -> None:
    """Says half a frame, and leaves."""
    talk.say(encode(Answered(talk.asked().request, (1,)))[:-4])


def dribbles(talk: Talk) -> None:
    """Says half a frame, and falls silent."""
    talk.say(encode(Answered(talk.asked().request, (1,)))[:-4])
    time.sleep(LONG)


def mistypes(talk: Talk) -> None:
    """Answers with a question."""
    talk.say(encode(talk.asked()))


def babbles(talk: Talk) -> None:
    """Says what is no frame at all."""
    talk.asked()
    talk.say(bytes(range(64)))


def overlong(talk: Talk) -> None:
    """Announces a frame of four gigabytes."""
    head = bytearray(encode(Answered(talk.asked().request, (1,))))
    head[7:11] = b"\xff" * 4
    talk.say(bytes(head))


def listens(talk: Talk) -> None:
    """Answers falsely, and notes the verdict that it hears in the reply to the next verifier."""
    asked = talk.asked()
    talk.answer(asked, bytes(sum(asked.sizes)))
    heard = talk.control.hear(Deadline.after(LONG))
    Path(os.environ["NOTES"]).write_text(repr(heard == Rejected()))


SCRIPTS: Mapping[str, Callable[[Talk], None]] = {
    each.__name__: each
    for each in (
        truncates,
        rewrites,
        replays,
        swaps,
        overstates,
        floods,
        stops_short,
        dribbles,
        mistypes,
        babbles,
        overlong,
        listens,
    )
}


def served(wish: Mapping[str, str], ready: int) -> None:
    """Be the worker that is wished for."""
    kind = wish["kind"]
    if kind == "becoming":
        become(wish["user"])
        os.write(ready, f"{os.getresuid()} {os.getresgid()} {os.getgroups()}".encode())
        return
    os.environ["NOTES"] = wish.get("notes", "")
    if kind == "supervising":
        os.environ["PATH"] = wish["path"]
        os.write(ready, b"soon")
        os.close(ready)
        supervise(Walls(), [sys.executable, "-I", "-c", WAITS])
        return
    address = parse(wish["listen"])

    def announce(found: Address) -> None:
        os.write(ready, str(found).encode())
        os.close(ready)

    if kind in SCRIPTS:
        scripted(SCRIPTS[kind], wish["listen"].removeprefix("unix:"), lambda: announce(address))
        return
    program = PROGRAM[::-1] if kind == "other" else PROGRAM
    service = Service(
        ENGINES[kind],
        program,
        Health("fake", exact=True, threads=1, rows=0),
        Limits(1000 if kind == "narrow" else 2**27, connections=3, greeting_seconds=2.0),
        must_encrypt=kind == "encrypted",
    )
    folder = wish.get("certificates")
    run(service, Place(address, None if folder is None else Path(folder)), announce)


def scripted(script: Callable[[Talk], None], path: str, announce: Callable[[], None]) -> None:
    """Welcome one verifier, and follow the script."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        announce()
        sock, _ = door.accept()
        with sock:
            control = Stream(sock)
            _, files = control.hear_with(Hello, Deadline.after(LONG))
            questions = SharedMemory.adopt(files[0], is_writable=True)
            answers = SharedMemory.adopt(files[1], is_writable=True)
            welcome = Welcome(PROGRAM, bytes(TOKEN_BYTES), "script", exact=True, threads=1, rows=0)
            control.tell(welcome, Deadline.after(LONG))
            with contextlib.suppress(EngineError):
                script(Talk(control, questions, answers))


def forked(wish: Mapping[str, str]) -> dict[str, str | int]:
    """A process for a wish, and what the test has to know of it."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        become_worker(wish, write)
    os.close(write)
    with os.fdopen(read) as pipe:
        return {"pid": child, "address": pipe.read()}


def become_worker(wish: Mapping[str, str], ready: int) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Whoever started this process closes its input when the tests are over.
    threading.Thread(target=leave_at_end, daemon=True).start()
    status = 1
    try:
        served(wish, ready)
        status = 0
    finally:
        os._exit(status)


def leave_at_end() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def main() -> None:
    # Children are nobody's to wait for: a test sees that they are gone.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(forked(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
