"""The server under TFHE: it compiles the circuit from its words, and runs it on ciphertexts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tacit.arithmetics.integers.tfhe import door
from tacit.arithmetics.integers.tfhe.circuit import Circuit, compiled
from tacit.arithmetics.integers.tfhe.client import fresh_client
from tacit.arithmetics.integers.tfhe.frames import Content, foreign, framed, unframed
from tacit.arithmetics.integers.tfhe.plan import plan_of
from tacit.errors import EngineError, ProtocolError
from tacit.program import Engine, Half, Progress, ServerEngine


class Server(ServerEngine):
    """The party that computes: it holds the weights and the client's public keys."""

    def __init__(self, circuit: Circuit, inputs: int, keys: Any) -> None:
        self._circuit = circuit
        self._inputs = inputs
        self._keys = keys

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        """The encrypted results, row after row."""
        each = self._inputs
        if not message or len(message) % each:
            raise ProtocolError(f"{len(message)} vectors are no multiple of {each}")
        result: list[bytes] = []
        for start in range(0, len(message), each):
            result.extend(self._row(message[start : start + each]))
            if progress:
                progress(start + each, len(message))
        return tuple(result)

    def _row(self, message: Sequence[bytes]) -> list[bytes]:
        fhe, digest = door.library(), self._circuit.digest
        inner = [unframed(Content.VALUE, digest, data) for data in message]
        with foreign("a vector of the sealed input"):
            values = [fhe.Value.deserialize(data) for data in inner]
            found = self._circuit.compiled.server.run(*values, evaluation_keys=self._keys)
        results = found if isinstance(found, tuple) else (found,)
        return [framed(Content.VALUE, digest, each.serialize()) for each in results]


def server(half: Half, keys: memoryview, *, progress: Progress | None = None) -> Server:
    """The server with the keys that a client wrote; raises ProtocolError where they are damaged."""
    known, expected = plan_of(half)
    circuit = compiled(known)
    if circuit.digest != expected:
        raise EngineError(
            "the circuit compiles to other parameters here than where it was cut",
            hint="use one version of concrete-python, and of tacit, everywhere",
        )
    inner = unframed(Content.KEYS, circuit.digest, keys)
    with foreign("the set of keys"):
        found = door.library().EvaluationKeys.deserialize(inner)
    if progress:
        progress(1, 1)
    return Server(circuit, len(known.inputs), found)


def pair(client_half: Half, server_half: Half, *, progress: Progress | None = None) -> Engine:
    """Both parties in this process; keys and ciphertexts still travel as bytes between them."""
    asking = fresh_client(client_half)
    keys = memoryview(asking.evaluation_keys())
    return Engine(asking, server(server_half, keys, progress=progress))
