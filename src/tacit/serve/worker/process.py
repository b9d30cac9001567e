"""A worker as a process: it loads the server's part of a bundle and listens until it is stopped."""

from __future__ import annotations

import math
import os
import pwd
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from tacit.errors import EngineError, TacitError
from tacit.ir.graph import Graph
from tacit.program import Json, ServerEngine
from tacit.serve.bundle import Party, load_part
from tacit.serve.worker.addresses import Address, TcpAddress
from tacit.serve.worker.connection import Health
from tacit.serve.worker.frames import printable
from tacit.serve.worker.listening import OWNER_ONLY, Listening
from tacit.serve.worker.service import Limits, Service
from tacit.serve.worker.tls import worker_context

# No entry of a value takes more bytes than a masked one.
ENTRY_BYTES = 4
# Beside the values there are numbers that say which products are asked for.
SPARE_BYTES = 2**16


@runtime_checkable
class SelfTested(Protocol):
    """An engine that tells its `back_end` by name, and whether it passed its test as `exact`."""

    @property
    def facts(self) -> Mapping[str, Json]:
        """What the engine says of itself."""


@dataclass(frozen=True)
class Place:
    """Where a worker listens: with certificates over TCP, or a UNIX socket of these permissions."""

    address: Address
    certificates: Path | None = None
    mode: int = OWNER_ONLY


def load(
    folder: str | Path, *, rows: int | None, threads: int | None, must_encrypt: bool = False
) -> Service:
    """The service of a bundle's server part; no question of more than `rows` inputs is taken.

    Raises EngineError where the back end does not pass its own test of exactness.
    """
    part = load_part(folder, Party.SERVER)
    engine = part.arithmetic.load_server(part.half, memoryview(b""))
    used = threads or os.cpu_count() or 1
    health = health_of(engine, part.arithmetic.name, threads=used, rows=rows or 0)
    limits = Limits()
    if rows is not None:
        limits = replace(limits, question_bytes=most_bytes(part.half.graph, rows))
    return Service(engine, part.program, health, limits, must_encrypt)


def health_of(engine: ServerEngine, name: str, *, threads: int, rows: int) -> Health:
    """What an engine tells of itself; one that tells nothing passed no test."""
    match engine:
        case SelfTested():
            facts = engine.facts
            if facts.get("exact") is False:
                raise EngineError("the back end failed its test of exactness")
            backend = printable(str(facts.get("back_end", name)))
            return Health(backend, facts.get("exact") is True, threads, rows)
        case _:
            return Health(name, exact=False, threads=threads, rows=rows)


def most_bytes(graph: Graph, rows: int) -> int:
    """What a question about so many rows may measure: any value of the graph, and a little more."""
    widest = max(math.prod(node.type.shape) for node in graph)
    return rows * widest * ENTRY_BYTES + SPARE_BYTES


def run(
    service: Service,
    place: Place,
    announce: Callable[[Address], None],
    *,
    stops_with_input: bool = False,
) -> None:
    """Listen until SIGTERM or SIGINT comes, or the standard input ends if that is to stop it.

    `announce` is called once verifiers may come, with the address that they find.
    """
    context = None
    if isinstance(place.address, TcpAddress):
        if place.certificates is None:
            raise TacitError(
                "a worker over TCP needs certificates",
                hint="tacit certify makes them; --certificates names the folder",
            )
        context = worker_context(place.certificates)
    listening = Listening(service, place.address, context=context, mode=place.mode)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: listening.stop())
    if stops_with_input:
        threading.Thread(target=_stop_at_end, args=(listening,), daemon=True).start()
    announce(listening.address)
    listening.serve()


def become(name: str) -> None:
    """Be another user from here on, and make sure that there is no way back."""
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise TacitError(f"there is no user {name!r}") from None
    if user.pw_uid == 0:
        raise TacitError("a worker is not trusted and is not to be root", hint="name another user")
    if (os.getuid(), os.geteuid()) == (user.pw_uid, user.pw_uid):
        return
    try:
        os.setgroups([user.pw_gid])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    except PermissionError as wrong:
        raise TacitError(
            f"only root can become {name}", hint="start it as that user, or leave out --user"
        ) from wrong
    ids = (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), *os.getgroups())
    if set(ids[:2]) != {user.pw_uid} or set(ids[2:]) != {user.pw_gid} or _is_root_again():
        raise EngineError(f"the process did not become {name}")


def _is_root_again() -> bool:
    try:
        os.setuid(0)
    except PermissionError:
        return False
    return True


def _stop_at_end(listening: Listening) -> None:
    # Not through Python's buffer, whose lock the end of this process would wait for.
    while os.read(sys.stdin.fileno(), 1):
        pass
    listening.stop()
