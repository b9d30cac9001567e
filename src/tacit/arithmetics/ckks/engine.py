"""The two parties at work: a client that holds the secret and a server that never does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tacit.arithmetics.ckks.ops import Pack, Unpack
from tacit.arithmetics.ckks.plan import Plan, packs, plan_of, unpacks
from tacit.arithmetics.ckks.server import Server, require
from tacit.errors import ProtocolError, TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Op, evaluate
from tacit.lattigo import Context, EvaluationKeys, SecretKey
from tacit.lattigo.foreign import foreign, require_keys
from tacit.program import ClientEngine, Engine, Half, Progress, checked_rows
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
        (source,) = (node for node in self._graph.inputs if not self._is_sealed(node.name))
        rows = checked_rows(x, source.type.shape)
        size = self._plan.batch
        groups = [rows[start : start + size] for start in range(0, len(rows), size)]
        return tuple(sealed for group in groups for sealed in self._seal(group, clip=clip))

    def open(
        self,
        answer: Sequence[bytes],
        rows: int,
        *,
        request: Sequence[bytes] | None = None,
        flood: float = 0.0,
    ) -> FloatArray:
        """The result of the first `rows` rows, with noise of deviation `flood` in its units."""
        if not 0.0 <= flood < math.inf:
            raise TypeMismatch(
                f"the flood is {flood}; a standard deviation from 0 upwards is expected",
                hint="give it in the units of the network's outputs",
            )
        words = unpacks(self._graph)
        each = sum(self._layout_of(node.op).ciphertexts for node in words)
        size = self._plan.batch
        groups = -(-rows // size)
        if len(answer) != groups * each:
            raise ProtocolError(
                f"the answer has {len(answer)} ciphertexts; {groups * each} belong to {rows} rows"
            )
        parts = [
            self._open(answer[number * each : (number + 1) * each], flood)
            for number in range(groups)
        ]
        return np.concatenate(parts)[:rows]

    def _is_sealed(self, name: str) -> bool:
        """Whether an input of the client's graph is what the server answered."""
        return any(name in node.args for node in unpacks(self._graph))

    def _seal(self, rows: FloatArray, *, clip: bool) -> list[bytes]:
        sealed = []
        for node in packs(self._graph):
            op = node.op
            assert isinstance(op, Pack), "packs gives only Pack"
            vector = op.run(op.check(rows, clip=clip))
            for slots in interleaved(op.layout.pack(vector), self._plan.batch):
                plain = self._context.encode(
                    slots, level=self._plan.levels[node.name], scale=self._plan.scales[node.name]
                )
                sealed.append(self._context.encrypt(plain, self._secret).to_bytes())
        return sealed

    def _open(self, answer: Sequence[bytes], flood: float) -> FloatArray:
        """The results of one group of inputs."""
        left = list(answer)
        values: dict[str, FloatArray] = {}
        for node in unpacks(self._graph):
            op, name = node.op, node.args[0]
            assert isinstance(op, Unpack), "unpacks gives only Unpack"
            # A vector's entries are the result's divided by its radius.
            noise = flood / op.radius
            parts = [self._received(name, left.pop(0), noise) for _ in range(op.layout.ciphertexts)]
            values[name] = op.layout.unpack(separated(np.stack(parts), self._plan.batch))
        (source,) = (node for node in self._graph.inputs if node.name not in values)
        values[source.name] = np.zeros((1, *source.type.shape))
        return evaluate(self._graph, values)[self._graph.outputs[0]]

    def _received(self, name: str, data: bytes, flood: float) -> FloatArray:
        """The slots of a ciphertext that the server answered for a word, flooded."""
        with foreign("a ciphertext of the answer"):
            found = self._context.load_ciphertext(data)
        require(found, level=self._plan.levels[name], scale=self._plan.scales[name])
        return self._context.decrypt(found, self._secret, flood=flood)

    @staticmethod
    def _layout_of(op: Op) -> Layout:
        assert isinstance(op, Unpack), "unpacks gives only Unpack"
        return op.layout


def fresh_client(half: Half) -> Client:
    """The client with a secret of its own making."""
    known = plan_of(half)
    context = Context(known.parameters)
    return Client(half.graph, known, context, context.secret_key())


def client(half: Half, secret: bytes) -> Client:
    """The client with a secret that it kept; raises ProtocolError where that is damaged."""
    known = plan_of(half)
    context = Context(known.parameters)
    with foreign("the secret key"):
        found = context.load_secret_key(secret)
    return Client(half.graph, known, context, found)


def server(half: Half, keys: memoryview, *, progress: Progress | None = None) -> Server:
    """The server with the keys that a client wrote; raises ProtocolError where they are damaged."""
    known = plan_of(half)
    context = Context(known.parameters)
    with foreign("the set of keys"):
        found = context.load_evaluation_keys(keys)
    require_keys(found, known.rotations, known.relinearisation)
    return Server(half.graph, known, context, found, progress=progress)


def pair(client_half: Half, server_half: Half, *, progress: Progress | None = None) -> Engine:
    """Both parties in this process; ciphertexts still travel as bytes between them."""
    asking = fresh_client(client_half)
    keys = asking.evaluation_keys(progress=progress)
    answering = Server(
        server_half.graph, plan_of(server_half), asking.context, keys, progress=progress
    )
    return Engine(asking, answering)
