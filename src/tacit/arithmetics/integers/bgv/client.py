"""The client under BGV: it encodes and encrypts integers, and opens exact answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tacit.arithmetics.integers.bgv.packing import require_layout
from tacit.arithmetics.integers.bgv.plan import ROWS, Plan, plan_of
from tacit.arithmetics.integers.ops import Decode, Encode
from tacit.arithmetics.integers.rows import opened
from tacit.errors import ProtocolError, TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Node
from tacit.lattigo import EvaluationKeys, SecretKey
from tacit.lattigo.foreign import foreign
from tacit.lattigo.integers import Ciphertext, Context
from tacit.program import ClientEngine, Half, Progress, checked_rows
from tacit.slots.layout import Layout, interleaved, separated


class Client(ClientEngine):
    """The party that holds the secret key."""

    def __init__(self, graph: Graph, plan: Plan, context: Context, secret: SecretKey) -> None:
        self._graph = graph
        self._plan = plan
        self._context = context
        self._secret = secret

    @property
    def context(self) -> Context:
        """The scheme, which holds no key."""
        return self._context

    def secret(self) -> bytes:
        """The secret key, to be kept by the client alone."""
        return self._secret.to_bytes()

    def evaluation_keys(self, *, progress: Progress | None = None) -> EvaluationKeys:
        """The keys that the plan needs, each for the highest level at which it is used."""
        return self._context.evaluation_keys(
            self._secret,
            relinearisation_level=self._plan.relinearisation,
            rotations=self._plan.rotations,
            progress=progress,
        )

    def write_keys(self, path: Path, *, progress: Progress | None = None) -> None:
        """Write the keys that the server needs, and that hold no secret, to a file."""
        self.evaluation_keys(progress=progress).write(path)

    def seal(self, x: FloatArray, *, clip: bool = False) -> tuple[bytes, ...]:
        """A batch, encrypted: for every group of inputs and every vector its ciphertexts."""
        words = encodes(self._graph)
        first = words[0].op
        assert isinstance(first, Encode), "only Encode is encrypted"
        rows = first.check(checked_rows(x, first.of), clip=clip)
        size = self._plan.batch
        groups = [rows[start : start + size] for start in range(0, len(rows), size)]
        return tuple(
            self._encrypted(node.name, slots)
            for group in groups
            for node in words
            for slots in self._slots(node, group)
        )

    def open(
        self,
        answer: Sequence[bytes],
        rows: int,
        *,
        request: Sequence[bytes] | None = None,
        flood: float = 0.0,
    ) -> FloatArray:
        """The result of the first `rows` rows; exact, so there is nothing to flood."""
        if flood:
            raise TypeMismatch(
                "integers are opened exactly and carry no noise",
                hint="leave out the flood: what is opened tells nothing of the secret key",
            )
        words = decodes(self._graph)
        each = sum(_layout(node).ciphertexts for node in words)
        size = self._plan.batch
        groups = -(-rows // size)
        if len(answer) != groups * each:
            raise ProtocolError(
                f"the answer has {len(answer)} ciphertexts; {groups * each} belong to {rows} rows"
            )
        starts = range(0, len(answer), each)
        parts = [self._open(answer[start : start + each]) for start in starts]
        return np.concatenate(parts)[:rows]

    def _slots(self, node: Node, rows: FloatArray) -> FloatArray:
        """(ciphertexts, slots) of one group of inputs."""
        op = node.op
        assert isinstance(op, Encode), "only Encode is encrypted"
        packed = require_layout(op.layout).pack(op.run(rows))
        half = self._plan.turns
        filled = [interleaved(packed[:half], half), interleaved(packed[half:], half)]
        return np.concatenate(filled, axis=1)

    def _encrypted(self, name: str, slots: FloatArray) -> bytes:
        plain = self._context.encode(slots.astype(np.int64), level=self._plan.levels[name])
        return self._context.encrypt(plain, self._secret).to_bytes()

    def _open(self, answer: Sequence[bytes]) -> FloatArray:
        """The results of one group of inputs."""
        left = list(answer)
        values: dict[str, FloatArray] = {}
        for node in decodes(self._graph):
            op, name, layout = node.op, node.args[0], _layout(node)
            assert isinstance(op, Decode), "only Decode is opened"
            slots = np.stack([self._received(name, left.pop(0)) for _ in range(layout.ciphertexts)])
            halves = np.split(slots, ROWS, axis=1)
            inputs = [separated(half, self._plan.turns) for half in halves]
            # An input alone has the first row, and nothing is in the second.
            rows = np.concatenate(inputs)[: self._plan.batch]
            unpacked = layout.unpack(rows.astype(np.float64))
            # Residues stand for the integers from the least possible one on.
            values[name] = op.low + np.mod(unpacked - op.low, float(self._plan.modulus))
        return opened(self._graph, values)

    def _received(self, name: str, data: bytes) -> FloatArray:
        """The slots of a ciphertext that the server answered for a word."""
        with foreign("a ciphertext of the answer"):
            found = self._context.load_ciphertext(data)
        require(found, level=self._plan.levels[name])
        return self._context.decrypt(found, self._secret).astype(np.float64)


def _layout(node: Node) -> Layout:
    op = node.op
    assert isinstance(op, Decode), "only Decode is opened"
    return require_layout(op.layout)


def encodes(graph: Graph) -> tuple[Node, ...]:
    """The client's words that encrypt."""
    return tuple(node for node in graph if isinstance(node.op, Encode))


def decodes(graph: Graph) -> tuple[Node, ...]:
    """The client's words that open."""
    return tuple(node for node in graph if isinstance(node.op, Decode))


def require(found: Ciphertext, *, level: int) -> None:
    """Raises ProtocolError unless a ciphertext has the level that the plan expects."""
    if (found.level, found.degree) != (level, 1):
        raise ProtocolError(f"a ciphertext came at level {found.level}; {level} is expected")


def fresh_client(half: Half) -> Client:
    """The client with a secret of its own making."""
    known = plan_of(half)
    context = Context(known.parameters)
    return Client(half.graph, known, context, context.secret_key())


def kept_client(half: Half, secret: bytes) -> Client:
    """The client with a secret that it kept; raises ProtocolError where that is damaged."""
    known = plan_of(half)
    context = Context(known.parameters)
    with foreign("the secret key"):
        found = context.load_secret_key(secret)
    return Client(half.graph, known, context, found)
