"""What a worker does with each verifier that comes: greet it, and answer until it leaves."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from tacit.errors import ProtocolError, TacitError
from tacit.program import ServerEngine
from tacit.serve.worker.channels import Channel
from tacit.serve.worker.connection import Health
from tacit.serve.worker.frames import (
    Answered,
    Ask,
    Failed,
    Hello,
    Rejected,
    Way,
    Welcome,
    expect,
    printable,
)
from tacit.serve.worker.memory import octets
from tacit.serve.worker.streams import Deadline


@dataclass(frozen=True)
class Limits:
    """What a worker takes at most.

    `question_bytes` is for one question; `connections` counts all that are open, whoever has them.
    Seconds are for a greeting, for moving the tensors of one question or answer, and for silence
    between two questions.
    """

    question_bytes: int = 2**30
    connections: int = 16
    greeting_seconds: float = 10.0
    moving_seconds: float = 60.0
    silent_seconds: float = 3600.0


@dataclass(frozen=True, eq=False)
class Service:
    """An engine, and what is told of it; `program` is the hash of the program that it belongs to.

    Whoever comes is answered in turn: an engine uses all threads that it may for one question. So
    nobody waits behind more questions than there are connections.
    """

    engine: ServerEngine
    program: bytes
    health: Health
    limits: Limits = Limits()
    must_encrypt: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)

    def welcome(self, token: bytes) -> Welcome:
        """The answer to a greeting."""
        told = self.health
        return Welcome(self.program, token, told.backend, told.exact, told.threads, told.rows)

    def require(self, hello: Hello) -> None:
        """Refuse a verifier that has another program, or would send in the clear what must not."""
        if hello.program != self.program:
            raise ProtocolError("the verifier has another program")
        if self.must_encrypt and hello.way == Way.PLAIN.value:
            raise ProtocolError("the verifier would send tensors in the clear")

    def converse(self, channel: Channel) -> None:
        """Answer one question after the other, until the verifier leaves or says nonsense."""
        while True:
            frame = channel.hear(Deadline.after(self.limits.silent_seconds))
            if isinstance(frame, Rejected):
                return
            self._answer(expect(Ask, frame), channel)

    def _answer(self, asked: Ask, channel: Channel) -> None:
        size = sum(asked.sizes)
        if size > self.limits.question_bytes:
            most = self.limits.question_bytes
            channel.tell(
                Failed(asked.request, f"{size} bytes are more than the {most} that are taken"),
                self._moving(),
            )
            raise ProtocolError("the question was too large")
        parts = channel.take(asked.sizes, self._moving())
        try:
            with self.turn:
                answers = self._answers(parts)
        except TacitError as wrong:
            channel.tell(Failed(asked.request, printable(wrong.message)), self._moving())
            raise
        sizes = tuple(len(octets(each)) for each in answers)
        channel.send(Answered(asked.request, sizes), answers, self._moving())

    def _answers(self, parts: Sequence[memoryview]) -> tuple[bytes, ...]:
        # Engines read their parts as memory, and a view of some is that as well as bytes are.
        return self.engine.answer(cast("Sequence[bytes]", parts))

    def _moving(self) -> Deadline:
        return Deadline.after(self.limits.moving_seconds)
