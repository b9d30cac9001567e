"""Both ways between a verifier and a worker: frames over a socket, and tensors beside them.

Over TCP, frames go through TLS 1.3, and tensors over a second connection in the clear. That these
arrive as they were sent is not TLS's to promise but the check's, which every product must pass;
that nobody reads them is the blinding's, where there is one. **Without blinding, inputs and answers
travel in the clear there**, unless tensors are sent through TLS as well (`Way.ENCRYPTED`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tacit.serve.worker.frames import Answered, Ask, Frame
from tacit.serve.worker.memory import Copies, Piece, SharedMemory, copy, octets, split
from tacit.serve.worker.streams import Deadline, Stream


class Channel(ABC):
    """What one side says to the other and hears from it."""

    def __init__(self, control: Stream) -> None:
        self._control = control

    def tell(self, frame: Frame, deadline: Deadline) -> None:
        """Say a frame."""
        self._control.tell(frame, deadline)

    def hear(self, deadline: Deadline) -> Frame:
        """The next frame."""
        return self._control.hear(deadline)

    @abstractmethod
    def send(self, frame: Ask | Answered, parts: Sequence[Piece], deadline: Deadline) -> None:
        """Say a frame with the tensors that it announces."""

    @abstractmethod
    def take(self, sizes: Sequence[int], deadline: Deadline) -> tuple[memoryview, ...]:
        """The tensors that were announced; whoever calls has found their sizes bearable."""

    @abstractmethod
    def abort(self) -> None:
        """End all waiting, from any thread."""

    @abstractmethod
    def close(self) -> None:
        """Close all that was opened."""


class SharedChannel(Channel):
    """A UNIX socket, and shared memory for tensors.

    With `copies`, what comes is copied into private memory and never read again from where it was;
    without, it is read in place: the worker may trust the verifier with that.
    """

    def __init__(
        self,
        control: Stream,
        *,
        outgoing: SharedMemory,
        incoming: SharedMemory,
        copies: Copies | None,
    ) -> None:
        super().__init__(control)
        self._outgoing = outgoing
        self._incoming = incoming
        self._copies = copies

    def send(self, frame: Ask | Answered, parts: Sequence[Piece], deadline: Deadline) -> None:
        """Write the tensors first, then say that they are there."""
        self._outgoing.write(parts)
        self.tell(frame, deadline)

    def take(self, sizes: Sequence[int], deadline: Deadline) -> tuple[memoryview, ...]:
        """The tensors, copied or in place."""
        shared = self._incoming.view(sum(sizes))
        if self._copies is None:
            return split(shared, sizes)
        private = self._copies.take(len(shared))
        copy(shared, private)
        return split(private.toreadonly(), sizes)

    def abort(self) -> None:
        """End all waiting, from any thread."""
        self._control.abort()

    def close(self) -> None:
        """Close the socket and both files."""
        self._control.close()
        self._outgoing.close()
        self._incoming.close()


class StreamChannel(Channel):
    """A TLS connection for frames, and the same or another connection for tensors."""

    def __init__(self, control: Stream, tensors: Stream) -> None:
        super().__init__(control)
        self._tensors = tensors
        self._copies = Copies()

    def send(self, frame: Ask | Answered, parts: Sequence[Piece], deadline: Deadline) -> None:
        """Say what comes, then send it."""
        self.tell(frame, deadline)
        for part in parts:
            self._tensors.send(octets(part), deadline)

    def take(self, sizes: Sequence[int], deadline: Deadline) -> tuple[memoryview, ...]:
        """The tensors, received straight into private memory."""
        private = self._copies.take(sum(sizes))
        self._tensors.receive_into(private, deadline)
        return split(private.toreadonly(), sizes)

    def abort(self) -> None:
        """End all waiting, from any thread."""
        self._tensors.abort()
        self._control.abort()

    def close(self) -> None:
        """Close both connections."""
        self._tensors.close()
        self._control.close()
