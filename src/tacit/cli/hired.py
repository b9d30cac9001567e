"""A worker that a command starts for itself, in a process of its own, and never leaves behind."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tacit.errors import EngineError

TACIT = ("-P", "-c", "from tacit.cli import main; main()")
# What a worker may take to leave by itself before it is killed.
LEAVING_SECONDS = 10.0


@dataclass(frozen=True)
class Hired:
    """A worker that is ready: where it listens, its process, and what it says of itself."""

    address: str
    process: int
    back_end: str
    sandbox: str


@contextlib.contextmanager
def hired(part: Path, socket: Path) -> Iterator[Hired]:
    """A worker for the server's part of a bundle, behind a UNIX socket, until the body ends.

    Its standard input is a pipe whose other end this process alone holds: however this process
    dies, that ends, and so does the worker. Raises EngineError where the worker does not start.
    """
    listen = ("--listen", f"unix:{socket}", "--stop-with-input", "--json")
    process = subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, *TACIT, "worker", str(part), *listen],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A group of its own: a terminal's interrupt reaches this process, which then ends that one.
        process_group=0,
    )
    try:
        yield _ready(process)
    finally:
        _end(process)


def _ready(process: subprocess.Popen[bytes]) -> Hired:
    assert process.stdout is not None, "it was asked for"
    line = process.stdout.readline()
    if not line:
        raise EngineError("the worker ended before it was ready", hint="its error stands above")
    told = json.loads(line)
    return Hired(told["ready"], process.pid, told["back_end"], told["sandbox"])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the worker to stop, and kill it if it does not."""
    with process:
        process.terminate()
        try:
            process.wait(LEAVING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
