"""The client under TFHE: it encrypts integers one input at a time, and opens answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tacit.arithmetics.integers.ops import Encode
from tacit.arithmetics.integers.rows import opened
from tacit.arithmetics.integers.tfhe import door
from tacit.arithmetics.integers.tfhe.frames import Content, foreign, framed, unframed
from tacit.arithmetics.integers.tfhe.plan import Opening, encoded_box, opening_of
from tacit.errors import ProtocolError, TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.program import ClientEngine, Half, Progress, checked_rows


class Client(ClientEngine):
    """The party that holds the secret keys; those for the server are made when they are written.

    `keyset` is concrete's, and holds the secret keys alone.
    """

    def __init__(self, graph: Graph, opening: Opening, keyset: Any) -> None:
        self._graph = graph
        self._opening = opening
        self._keyset = keyset
        program = door.compiler().ClientProgram.create_encrypted(_alone(opening), keyset)
        self._circuit = program.get_client_circuit(_circuit_name(opening))

    def secret(self) -> bytes:
        """The secret keys, to be kept by the client alone."""
        return framed(Content.SECRET, self._opening.digest, self._keyset.serialize())

    def evaluation_keys(self) -> bytes:
        """The keys that the server needs, compressed and framed."""
        concrete = door.compiler()
        info = _whole(self._opening)
        held = self._keyset.get_client_keys().get_secret_keys()
        numbered = dict(enumerate(held))
        made = concrete.Keyset(info, None, 0, 0, 0, 0, numbered)
        return framed(Content.KEYS, self._opening.digest, made.get_server_keys().serialize())

    def write_keys(self, path: Path, *, progress: Progress | None = None) -> None:
        """Write the keys that the server needs, and that hold no secret, to a file."""
        path.write_bytes(self.evaluation_keys())
        if progress:
            progress(1, 1)

    def seal(self, x: FloatArray, *, clip: bool = False) -> tuple[bytes, ...]:
        """A batch, encrypted: for every row and every vector a message."""
        words = [self._encode(name) for name in self._opening.inputs]
        rows = words[0].check(checked_rows(x, words[0].of), clip=clip)
        columns = [(word.run(rows) - encoded_box(word).low).astype(np.int64) for word in words]
        return tuple(
            self._encrypted(column[row], place)
            for row in range(len(rows))
            for place, column in enumerate(columns)
        )

    def open(
        self,
        answer: Sequence[bytes],
        rows: int,
        *,
        request: Sequence[bytes] | None = None,
        flood: float = 0.0,
    ) -> FloatArray:
        """The result of the first `rows` rows; integers are rounded, so nothing is flooded."""
        if flood:
            raise TypeMismatch(
                "integers are opened exactly and carry no noise",
                hint="leave out the flood: noise is rounded away before anything is opened",
            )
        each = len(self._opening.outputs)
        if len(answer) != rows * each:
            raise ProtocolError(
                f"the answer has {len(answer)} vectors; {rows * each} belong to {rows} rows"
            )
        values = {
            name: np.stack([self._decrypted(data, place) for data in answer[place::each]]) + shift
            for place, (name, shift) in enumerate(self._opening.outputs.items())
        }
        return opened(self._graph, values)

    def _encode(self, name: str) -> Encode:
        op = self._graph[name].op
        assert isinstance(op, Encode), "opening_of has checked the names"
        return op

    def _encrypted(self, vector: Any, place: int) -> bytes:
        # Concrete reads an array's memory from its first number on, whatever the strides are.
        value = door.compiler().Value(np.ascontiguousarray(vector))
        sealed = self._circuit.prepare_input(value, place)
        return framed(Content.VALUE, self._opening.digest, sealed.serialize())

    def _decrypted(self, data: bytes, place: int) -> FloatArray:
        inner = unframed(Content.VALUE, self._opening.digest, data)
        with foreign("a vector of the answer"):
            value = door.compiler().TransportValue.deserialize(inner)
            found = self._circuit.process_output(value, place).to_py_val()
        result: FloatArray = np.asarray(found).reshape(-1).astype(np.int64).astype(np.float64)
        return result


def _tree(opening: Opening) -> dict[str, Any]:
    try:
        tree = json.loads(opening.specification)
    except ValueError as wrong:
        raise ProtocolError(f"the circuit's specification is no JSON: {wrong}") from wrong
    match tree:
        case {"keyset": {"lweSecretKeys": list()}, "circuits": [{"name": str()}]}:
            return dict(tree)
        case _:
            raise ProtocolError("the circuit's specification is not one of concrete-python 2")


def _circuit_name(opening: Opening) -> str:
    return str(_tree(opening)["circuits"][0]["name"])


def _whole(opening: Opening) -> Any:
    """Concrete's description of the circuit."""
    return _described(_tree(opening))


def _alone(opening: Opening) -> Any:
    """The same without the server's keys, which take seconds to make and much room."""
    tree = _tree(opening)
    servers = ("lweBootstrapKeys", "lweKeyswitchKeys", "packingKeyswitchKeys")
    return _described({**tree, "keyset": {**tree["keyset"], **{name: [] for name in servers}}})


def _described(tree: dict[str, Any]) -> Any:
    with foreign("the circuit's specification"):
        return door.compiler().ProgramInfo.deserialize(json.dumps(tree).encode())


def fresh_client(half: Half) -> Client:
    """The client with secret keys of its own making, from concrete's generator of randomness."""
    opening = opening_of(half)
    # Without seeds concrete draws its own: keys differ from one to the next, and between processes.
    return Client(half.graph, opening, door.compiler().Keyset(_alone(opening), None))


def kept_client(half: Half, secret: bytes) -> Client:
    """The client with the keys that it kept; raises ProtocolError where they are damaged."""
    opening = opening_of(half)
    inner = unframed(Content.SECRET, opening.digest, secret)
    with foreign("the secret key"):
        keyset = door.compiler().Keyset.deserialize(inner)
    return Client(half.graph, opening, keyset)
