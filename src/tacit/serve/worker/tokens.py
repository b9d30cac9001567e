"""How a connection for tensors finds the conversation over TLS that it belongs to."""

from __future__ import annotations

import hmac
import queue
import secrets
import threading
from dataclasses import dataclass, field

from tacit.errors import EngineError, ProtocolError
from tacit.serve.worker.frames import TOKEN_BYTES, VERSION
from tacit.serve.worker.streams import Deadline, Stream

# A TLS connection begins with 22, the number of a handshake (RFC 8446, section 5.1).
TLS_HANDSHAKE = 22
TENSORS = b"TFLOW" + bytes([VERSION])


def opening(token: bytes) -> bytes:
    """The first bytes of a connection for tensors."""
    return TENSORS + token


@dataclass(frozen=True, eq=False)
class Awaited:
    """A conversation that waits for its second connection; the token opens one, once."""

    token: bytes = field(default_factory=lambda: secrets.token_bytes(TOKEN_BYTES), repr=False)
    arrived: queue.SimpleQueue[Stream] = field(default_factory=queue.SimpleQueue)

    def stream(self, deadline: Deadline) -> Stream:
        """The connection, once it is there."""
        try:
            return self.arrived.get(timeout=deadline.left())
        except queue.Empty:
            raise EngineError("no connection for tensors came") from None


class Tokens:
    """The conversations of a worker that wait for a connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: tuple[Awaited, ...] = ()

    def new(self) -> Awaited:
        """One more conversation that waits."""
        awaited = Awaited()
        with self._lock:
            self._waiting = (*self._waiting, awaited)
        return awaited

    def forget(self, awaited: Awaited) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._waiting = tuple(each for each in self._waiting if each is not awaited)

    def deliver(self, stream: Stream, deadline: Deadline) -> None:
        """Give a connection to the conversation whose token it brings; raises ProtocolError."""
        brought = stream.receive(len(TENSORS) + TOKEN_BYTES, deadline)
        with self._lock:
            known = [
                each for each in self._waiting if hmac.compare_digest(opening(each.token), brought)
            ]
            self._waiting = tuple(each for each in self._waiting if each not in known)
        if not known:
            raise ProtocolError("nobody waits for this connection")
        known[0].arrived.put(stream)
