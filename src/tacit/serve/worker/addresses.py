"""Where a worker listens: `unix:/path` on one machine, `tcp:host:port` across machines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tacit.errors import TacitError

# Nobody else's machine is listened to unless the user names an address.
LOOPBACK = "127.0.0.1"
MOST_PORT = 2**16 - 1


@dataclass(frozen=True)
class UnixAddress:
    """A socket in the file system."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True)
class TcpAddress:
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp:{host}:{self.port}"


Address: TypeAlias = UnixAddress | TcpAddress


def parse(text: str) -> Address:
    """The address that a text means; a port alone is one of this machine's.

    >>> parse("tcp:7000"), parse("unix:/run/worker")
    (TcpAddress(host='127.0.0.1', port=7000), UnixAddress(path=PosixPath('/run/worker')))
    """
    kind, _, rest = text.partition(":")
    if kind == "unix" and rest:
        return UnixAddress(Path(rest))
    host, _, port = rest.rpartition(":")
    if kind != "tcp" or not port.isdecimal() or int(port) > MOST_PORT:
        raise TacitError(f"{text!r} is no address", hint="unix:/path or tcp:host:port")
    return TcpAddress(host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port))
