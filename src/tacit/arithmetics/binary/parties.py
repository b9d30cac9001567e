"""Both parties: a client that only sends and receives numbers, and a server that computes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import final

import numpy as np

from tacit.arithmetics.binary.engine import Network
from tacit.arithmetics.binary.kernels import found
from tacit.arithmetics.binary.ops import BinaryProduct
from tacit.arithmetics.binary.prepare import weight_words
from tacit.errors import ProtocolError, TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Place, Shape
from tacit.passes.cut import side
from tacit.program import (
    ClientEngine,
    Engine,
    Half,
    Json,
    Progress,
    ServerEngine,
    checked_rows,
    whole_number,
)

# Inputs and results travel as doubles, which is what a program that is simulated takes and gives.
NUMBERS = np.dtype("<f8")
# Rows computed at once: they bound the memory of a server.
ROWS = 64


def cut(graph: Graph) -> tuple[Half, Half]:
    """The client's half, which is the input alone, and the server's."""
    (name,) = graph.outputs
    facts: dict[str, Json] = {"answer": [*graph[name].type.shape]}
    return Half(side(graph, Place.CLIENT), facts), Half(side(graph, Place.SERVER), {})


@final
class Client(ClientEngine):
    """The party that asks: it has no secret, encrypts nothing and checks nothing."""

    def __init__(self, half: Half) -> None:
        (source,) = half.graph.inputs
        self._shape = source.type.shape
        self._answer = _shape_in(half)

    def secret(self) -> bytes:
        """Nothing: there is no secret."""
        return b""

    def write_keys(self, path: Path, *, progress: Progress | None = None) -> None:
        """Write an empty file: a server needs no key."""
        path.write_bytes(b"")

    def seal(self, x: FloatArray, *, clip: bool = False) -> tuple[bytes, ...]:
        """A batch in the clear; no entry is out of range, as long as it is finite."""
        return (np.ascontiguousarray(checked_rows(x, self._shape), NUMBERS).tobytes(),)

    def open(
        self,
        answer: Sequence[bytes],
        rows: int,
        *,
        request: Sequence[bytes] | None = None,
        flood: float = 0.0,
    ) -> FloatArray:
        """The results, as the server gave them."""
        if flood:
            raise TypeMismatch(
                "what is answered in the clear carries no noise", hint="leave out the flood"
            )
        results = _rows_in(answer, self._answer)
        if len(results) != rows:
            raise ProtocolError(f"the answer is for {len(results)} rows, not {rows}")
        return results


@final
class Server(ServerEngine):
    """The party that computes, in the clear."""

    def __init__(self, half: Half) -> None:
        (source,) = half.graph.inputs
        self._shape = source.type.shape
        self._network = Network(half.graph, found())

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        """The results of a batch."""
        x = _rows_in(message, self._shape)
        parts = []
        for start in range(0, len(x), ROWS):
            parts.append(self._network(x[start : start + ROWS]))
            if progress:
                progress(min(start + ROWS, len(x)), len(x))
        return (np.ascontiguousarray(np.concatenate(parts), NUMBERS).tobytes(),)


def kept_client(half: Half, secret: bytes) -> Client:
    """The client; raises ProtocolError where it is given a secret, which it cannot have."""
    if secret:
        raise ProtocolError("bits have no secret", hint="use the secret of this bundle's client")
    return Client(half)


def pair(asking: Half, answering: Half) -> Engine:
    """Both parties in this process."""
    return Engine(Client(asking), Server(answering))


def audit(half: Half) -> dict[str, Json]:
    """That nobody is protected, and which layers are of bits, where the half holds them."""
    nobody: dict[str, Json] = {
        "protects": "nobody: inputs, weights and answers are in the clear, and nothing is checked",
        "security_bits": 0,
    }
    products = [(node, node.op) for node in half.graph if isinstance(node.op, BinaryProduct)]
    if not products:
        return nobody
    return nobody | {
        "products": [node.where for node, _ in products],
        "weight_bytes": sum(weight_words(op).nbytes for _, op in products),
    }


def _shape_in(half: Half) -> Shape:
    given = half.facts.get("answer")
    if not isinstance(given, list):
        raise ProtocolError("the bundle's set-up does not say what an answer is")
    return tuple(whole_number(each) for each in given)


def _rows_in(parts: Sequence[bytes], shape: Shape) -> FloatArray:
    """The rows of a message of one part; raises ProtocolError for anything else."""
    row = prod(shape) * NUMBERS.itemsize
    if len(parts) != 1 or not parts[0] or len(parts[0]) % row:
        sizes = ", ".join(str(len(each)) for each in parts)
        raise ProtocolError(f"parts of {sizes} bytes were sent; one of rows of {row} is expected")
    x = np.frombuffer(parts[0], NUMBERS).reshape(-1, *shape)
    if not np.all(np.isfinite(x)):
        raise ProtocolError("a message holds NaN or infinity")
    return x.astype(np.float64, copy=False)
