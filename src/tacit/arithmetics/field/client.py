"""The verifier as a client: it asks a worker for products and opens only what passed every check.

In integrity mode one message asks for all products of a batch, whose inputs the worker sees. In
private mode there is a message for every round of products, and each value goes out under a mask
of its own.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tacit.arithmetics.field.checker import Checker
from tacit.arithmetics.field.conversation import Conversation, Piece
from tacit.arithmetics.field.layouts import Array
from tacit.arithmetics.field.masks import Masks
from tacit.arithmetics.field.plan import Plan
from tacit.arithmetics.field.verifier import Challenges, Judged, questions
from tacit.errors import ProtocolError, TypeMismatch, VerificationFailed
from tacit.ir.functions import FloatArray
from tacit.program import ClientEngine, Interactive, Progress

SECRET_BYTES = 32
REJECTED = "the worker's answer is false: at least one product of it is not what was asked for"
HINT = "nothing of it is returned; ask another worker"


def fresh_secret() -> bytes:
    """A client's secret: of its requests' tags, its masks and its ledger."""
    return secrets.token_bytes(SECRET_BYTES)


def require_secret(secret: bytes) -> bytes:
    """The secret, if it has the length of one; raises ProtocolError."""
    if len(secret) != SECRET_BYTES:
        raise ProtocolError("the secret is damaged: it has not the length of one")
    return secret


class Client(ClientEngine):
    """A verifier whose worker may see the inputs."""

    def __init__(self, checker: Checker, secret: bytes) -> None:
        self._checker = checker
        self._secret = require_secret(secret)

    @property
    def rows(self) -> int:
        """How many inputs are asked for at once."""
        return self._checker.rows

    def secret(self) -> bytes:
        """The secret, to be kept by the client alone."""
        return self._secret

    def write_keys(self, path: Path, *, progress: Progress | None = None) -> None:
        """Write an empty file: a worker needs no key."""
        path.write_bytes(b"")

    def prepare(self) -> None:
        """Make one batch's challenges ahead of its answer."""
        self._checker.prepare()

    def seal(self, x: FloatArray, *, clip: bool = False) -> tuple[bytes, ...]:
        """The encoded batch in the clear, and a tag by which the client knows it again."""
        tensor = self._checker.encoded(x, clip=clip).tobytes()
        return tensor, self._tag(tensor)

    def open(
        self,
        answer: Sequence[bytes],
        rows: int,
        *,
        request: Sequence[bytes] | None = None,
        flood: float = 0.0,
    ) -> FloatArray:
        """The results, if every product is what it should be of what was sealed."""
        require_no_flood(flood)
        if request is None:
            raise ProtocolError(
                "an answer can be checked against what was asked alone",
                hint="give the sealed request with it (--request)",
            )
        if len(request) != 2 or not hmac.compare_digest(self._tag(request[0]), request[1]):
            raise ProtocolError("the request is none that this client sealed")
        found = self.judge(answer, rows, request)
        if found is None:
            raise VerificationFailed(REJECTED, hint=HINT)
        return found

    def answer_sizes(self, rows: int) -> tuple[int, ...]:
        """The bytes of every part of an answer to so many rows."""
        return self._checker.shapes.sizes(self._checker.plan.products, rows)

    def judge(
        self, answer: Sequence[Piece], rows: int, request: Sequence[bytes]
    ) -> FloatArray | None:
        """The results, or None where a product is false; the challenges are destroyed with it."""
        x = self._checker.shapes.asked(request[0])
        if len(x) != rows:
            raise ProtocolError(f"the request is for {len(x)} rows, not {rows}")
        products = self._checker.shapes.answered(answer, rows)
        challenges = self._checker.challenges()
        try:
            judged = _driven(self._checker.plan, challenges, x, products)
        finally:
            challenges.destroy()
        return judged.results if judged.passed.all() else None

    def _tag(self, tensor: bytes) -> bytes:
        return hmac.digest(self._secret, b"tacit field request" + tensor, "sha256")


class PrivateClient(Interactive):
    """A verifier whose worker may not see the inputs; it has one conversation at a time."""

    def __init__(self, checker: Checker, secret: bytes, masks: Masks) -> None:
        self._checker = checker
        self._secret = require_secret(secret)
        self._masks = masks
        self._current: Conversation | None = None

    @property
    def rows(self) -> int:
        """How many inputs are asked for at once."""
        return self._checker.rows

    def secret(self) -> bytes:
        """The secret, to be kept by the client alone."""
        return self._secret

    def write_keys(self, path: Path, *, progress: Progress | None = None) -> None:
        """Write an empty file: a worker needs no key."""
        path.write_bytes(b"")

    def prepare(self) -> None:
        """Make one batch's challenges ahead of its answer."""
        self._checker.prepare()

    @property
    def rounds(self) -> int:
        """How many questions there are."""
        return len(self._checker.plan.rounds)

    def seal(self, x: FloatArray, *, clip: bool = False) -> tuple[bytes, ...]:
        """The first question of a new conversation, which ends one that is open."""
        begun = self.conversation(x, clip=clip)
        if self._current is not None:
            self._current.close()
        self._current = begun
        return begun.first

    def conversation(self, x: FloatArray, *, clip: bool = False) -> Conversation:
        """A conversation about a batch, each row under masks that are used up by it.

        Raises TypeMismatch or OutOfRange as `seal` does, before any mask is taken.
        """
        encoded = self._checker.encoded(x, clip=clip)
        with ExitStack() as taken:
            queries = [taken.enter_context(self._masks.take()) for _ in encoded]
            begun = Conversation(self._checker, encoded, queries)
            # From here on it is the conversation that overwrites them.
            taken.pop_all()
        return begun

    def proceed(self, answer: Sequence[bytes]) -> tuple[bytes, ...]:
        """The next question."""
        found = self._talk.told(answer)
        if not isinstance(found, tuple):
            raise ProtocolError("there is no further question: the answer can be opened")
        return found

    def open(
        self,
        answer: Sequence[bytes],
        rows: int,
        *,
        request: Sequence[bytes] | None = None,
        flood: float = 0.0,
    ) -> FloatArray:
        """The results, if every product is what it should be; the conversation is over then."""
        require_no_flood(flood)
        talk, self._current = self._talk, None
        try:
            found = talk.told(answer)
        finally:
            talk.close()
        if not isinstance(found, Judged):
            raise ProtocolError("the answer is not the last one")
        if len(found.passed) != rows:
            raise ProtocolError(f"the conversation is about {len(found.passed)} rows, not {rows}")
        if not found.passed.all():
            raise VerificationFailed(REJECTED, hint=HINT)
        return found.results

    @property
    def _talk(self) -> Conversation:
        if self._current is None:
            raise ProtocolError(
                "no question of this client is open",
                hint="a private conversation goes on where it began: tacit ask",
            )
        return self._current


def require_no_flood(flood: float) -> None:
    """Raises TypeMismatch: integers carry no noise that would tell of a secret."""
    if flood:
        raise TypeMismatch(
            "what is checked is exact and carries no noise",
            hint="leave out the flood: results tell nothing of the secret",
        )


def _driven(plan: Plan, challenges: Challenges, x: Array, products: dict[str, Array]) -> Judged:
    """The end of a batch all of whose products have been answered."""
    course = questions(plan, challenges, x)
    asked, _ = next(course)
    while True:
        try:
            asked, _ = course.send([products[node.name] for node in asked.products])
        except StopIteration as end:
            judged: Judged = end.value
            return judged
