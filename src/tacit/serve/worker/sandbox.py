"""A worker inside of bubblewrap: nothing to write to, nobody to speak to, nobody else to see.

What it may still read is what its user may read: a user of its own (`become`) is what keeps a
client's secrets from it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import tacit

PROGRAM = "bwrap"
# Where a worker may keep what a library compiles; it is gone with the worker.
SCRATCH = Path("/tmp")  # noqa: S108 (a file system of the sandbox's own)
GPUS = ("nvidia*", "dri", "kfd")
TRIAL_SECONDS = 10.0


@dataclass(frozen=True)
class Walls:
    """What a sandbox leaves: folders to read and to write, a network, and becoming another user."""

    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    has_network: bool = False
    may_become: bool = False


def command(program: str, walls: Walls, inner: Sequence[str]) -> list[str]:
    """The command that runs another one between walls."""
    return [program, *_options(walls), "--", *inner]


def obstacle(walls: Walls) -> str | None:
    """Why there is no sandbox on this machine, if there is none."""
    program = shutil.which(PROGRAM)
    if program is None:
        return "bubblewrap is not installed"
    trial = command(program, walls, [sys.executable, "-I", "-c", ""])
    try:
        ended = subprocess.run(  # noqa: S603 (our own command)
            trial, capture_output=True, check=False, timeout=TRIAL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as wrong:
        return f"bubblewrap does not run: {wrong}"
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip() or f"status {ended.returncode}"
        return f"bubblewrap is not permitted here: {said}"
    return None


def supervise(walls: Walls, inner: Sequence[str], *, stops_with_input: bool = False) -> int:
    """Run a command between walls until it ends, and give its status.

    The first SIGTERM or SIGINT ends the command's standard input, which asks it to stop: signals do
    not pass the walls. The second one kills it. With `stops_with_input` the end of this process's
    own standard input is such a word too.
    """
    program = shutil.which(PROGRAM)
    assert program is not None, "an obstacle was looked for before"
    # A group of its own, so that a terminal's interrupt reaches this process alone.
    process = subprocess.Popen(  # noqa: S603 (our own command)
        command(program, walls, inner), stdin=subprocess.PIPE, process_group=0
    )
    assert process.stdin is not None, "it was asked for"

    def stop(*_: object) -> None:
        if process.stdin is None or process.stdin.closed:
            process.kill()
        else:
            process.stdin.close()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if stops_with_input:
        threading.Thread(target=_at_end, args=(stop,), daemon=True).start()
    with process:
        return process.wait()


def _at_end(stop: Callable[[], None]) -> None:
    # Not through Python's buffer, whose lock the end of this process would wait for.
    while os.read(sys.stdin.fileno(), 1):
        pass
    stop()


def _options(walls: Walls) -> Iterator[str]:
    yield from ("--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc")
    yield from ("--unshare-uts", "--unshare-cgroup-try", "--cap-drop", "ALL")
    if not walls.has_network:
        yield "--unshare-net"
    if walls.may_become:
        yield from ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
    yield from ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
    # Sockets of other services are found in these folders, and opened in spite of all the above.
    yield from ("--tmpfs", str(SCRATCH), "--tmpfs", "/run")
    for pattern in GPUS:
        for device in sorted(Path("/dev").glob(pattern)):
            yield from ("--dev-bind", str(device), str(device))
    package = Path(tacit.__file__).parent
    for folder in (Path(sys.prefix), Path(sys.base_prefix), package):
        yield from ("--ro-bind", str(folder), str(folder))
    mounts = [("--ro-bind", each.absolute()) for each in walls.reads]
    mounts += [("--bind", each.absolute()) for each in walls.writes]
    # What lies deeper goes on top; in one place, what may be written does.
    for how, folder in sorted(mounts, key=lambda mount: len(mount[1].parts)):
        yield from (how, str(folder), str(folder))
    yield from ("--setenv", "NUMBA_CACHE_DIR", str(SCRATCH / "numba"))
    yield from ("--setenv", "HOME", str(SCRATCH), "--chdir", "/")
