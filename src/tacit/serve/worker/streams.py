"""Bytes over a socket, never waited for longer than was agreed."""

from __future__ import annotations

import os
import socket
import ssl
import time
from dataclasses import dataclass

from tacit.errors import EngineError, ProtocolError
from tacit.serve.worker.frames import HEAD, AnyFrame, Frame, announced, decode, encode, expect


@dataclass(frozen=True)
class Deadline:
    """A moment of the monotonic clock, after which nobody waits any more."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The moment that is so far away."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """The seconds until then; raises EngineError where there are none."""
        seconds = self.at - time.monotonic()
        if seconds <= 0:
            raise EngineError("the other side took too long")
        return seconds


class Mended:
    """What a socket raises, as an error of ours."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, _: object
    ) -> None:
        match wrong:
            case TimeoutError():
                raise EngineError("the other side took too long") from wrong
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
                raise EngineError("the other side closed the connection") from wrong
            case ssl.SSLError():
                raise ProtocolError(f"TLS failed: {wrong.reason or wrong}") from wrong
            case OSError():
                raise EngineError(f"the connection failed: {wrong.strerror}") from wrong


class Stream:
    """One socket, with a deadline for all that is read from it and written to it."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def send(self, data: bytes | memoryview, deadline: Deadline) -> None:
        """Write all of the bytes."""
        left = memoryview(data)
        while left:
            left = left[self._sent(left, deadline) :]

    def receive_into(self, target: memoryview, deadline: Deadline) -> None:
        """Fill all of the target."""
        left = target
        while left:
            left = left[self._received(left, deadline) :]

    def receive(self, count: int, deadline: Deadline) -> bytes:
        """So many bytes."""
        data = bytearray(count)
        self.receive_into(memoryview(data), deadline)
        return bytes(data)

    def tell(self, frame: Frame, deadline: Deadline) -> None:
        """Say a frame."""
        self.send(encode(frame), deadline)

    def tell_with(self, frame: Frame, descriptors: tuple[int, ...], deadline: Deadline) -> None:
        """Say a frame, and hand over open files with its first byte."""
        data = encode(frame)
        with Mended():
            self._socket.settimeout(deadline.left())
            sent = socket.send_fds(self._socket, [data], list(descriptors))
        self.send(data[sent:], deadline)

    def hear(self, deadline: Deadline) -> Frame:
        """The next frame, of whatever kind."""
        return self._rest(self.receive(HEAD.size, deadline), deadline)

    def hear_with(self, kind: type[AnyFrame], deadline: Deadline) -> tuple[AnyFrame, list[int]]:
        """The next frame, of this kind, and the open files that came with it: one or two."""
        with Mended():
            self._socket.settimeout(deadline.left())
            head, descriptors, flags, _ = socket.recv_fds(
                self._socket, HEAD.size, 2, socket.MSG_CMSG_CLOEXEC
            )
        try:
            if not head or flags & socket.MSG_CTRUNC:
                raise ProtocolError("the other side left, or handed over more than was asked for")
            head += self.receive(HEAD.size - len(head), deadline)
            return expect(kind, self._rest(head, deadline)), descriptors
        except BaseException:
            for each in descriptors:
                os.close(each)
            raise

    def abort(self) -> None:
        """Wake up whoever waits for this socket, from any thread: nothing comes any more."""
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _rest(self, head: bytes, deadline: Deadline) -> Frame:
        kind, length = announced(head)
        return decode(kind, self.receive(length, deadline))

    def _sent(self, data: memoryview, deadline: Deadline) -> int:
        with Mended():
            self._socket.settimeout(deadline.left())
            return self._socket.send(data)

    def _received(self, target: memoryview, deadline: Deadline) -> int:
        with Mended():
            self._socket.settimeout(deadline.left())
            count = self._socket.recv_into(target)
            if not count:
                raise EngineError("the other side closed the connection")
            return count
