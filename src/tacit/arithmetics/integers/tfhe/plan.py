"""A program's plan under TFHE: what the encrypted inputs may be, and each party's facts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tacit.arithmetics.integers.ops import Encode, Lookup, Sums
from tacit.errors import InsecureParameters, LoweringError, ProtocolError
from tacit.ir.affine import IndexArray
from tacit.ir.graph import Graph, Node, Place
from tacit.passes.cut import side
from tacit.program import Half, Json

# The curves that concrete's optimiser has, by its enum of security levels.
SECURITY = (128, 132)


@dataclass(frozen=True, eq=False)
class Box:
    """What the entries of an encrypted vector may be, each by itself."""

    low: IndexArray
    high: IndexArray


@dataclass(frozen=True)
class Knobs:
    """What a circuit is compiled for.

    `error` is the chance that a look-up is wrong, `approximate` whether rounding may be.
    """

    error: float
    approximate: bool
    security: int


@dataclass(frozen=True, eq=False)
class Plan:
    """All that determines a circuit: the server's words, the inputs' bounds and the knobs."""

    graph: Graph
    inputs: Mapping[str, Box]
    knobs: Knobs

    @cached_property
    def digest(self) -> bytes:
        """A hash of everything in it."""
        total = hashlib.sha256(repr(self.knobs).encode())
        for node in self.graph:
            total.update(repr((node.name, node.args, node.type.shape)).encode())
            for part in _parts(node):
                total.update(repr(part.shape).encode() + np.ascontiguousarray(part).tobytes())
        for name, box in self.inputs.items():
            total.update(name.encode() + box.low.tobytes() + box.high.tobytes())
        return total.digest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.digest == other.digest


def _parts(node: Node) -> list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    """The arrays of a word that a circuit depends on."""
    match node.op:
        case Sums() as op:
            each = [part for m in op.matrices for part in (m.data, m.indices, m.indptr)]
            return [op.bias, np.array([op.low, op.high]), *each]
        case Lookup() as op:
            return [op.tables, op.group, np.array([op.low, op.dropped])]
        case _:
            return []


@dataclass(frozen=True)
class Opening:
    """What a client knows of its circuit: concrete's specification and the ends' order.

    `outputs` says for every result what has to be added to what is decrypted.
    """

    specification: str
    inputs: tuple[str, ...]
    outputs: Mapping[str, int]
    knobs: Knobs

    @property
    def digest(self) -> bytes:
        """The circuit's digest, which keys and values carry."""
        return circuit_digest(self.specification)


def circuit_digest(specification: str) -> bytes:
    """The digest of what concrete says of a circuit's parameters and values."""
    return hashlib.sha256(specification.encode()).digest()


def plan(graph: Graph, knobs: Knobs) -> Plan:
    """The plan of a graph in words; raises InsecureParameters for security that none gives."""
    _require_security(knobs.security)
    inputs = {
        node.name: encoded_box(node.op)
        for node in graph
        if isinstance(node.op, Encode) and any(_needs(user, node) for user in graph)
    }
    if not inputs:
        raise LoweringError("nothing of the graph is computed under encryption")
    return Plan(side(graph, Place.SERVER), inputs, knobs)


def _needs(user: Node, node: Node) -> bool:
    """Whether the server computes something of a node."""
    return user.place is Place.SERVER and node.name in user.args


def encoded_box(op: Encode) -> Box:
    """What the integers of an input may be."""
    if op.steps:
        return Box(np.zeros(op.size, dtype=np.int64), np.ones(op.size, dtype=np.int64))
    return Box(op.low, op.high)


def _require_security(bits: int) -> None:
    if bits not in SECURITY:
        raise InsecureParameters(
            f"concrete-python has no parameters for {bits} bits of security",
            hint=f"ask for one of {', '.join(map(str, SECURITY))}",
        )


def server_facts(known: Plan, circuit: bytes) -> dict[str, Json]:
    """What the server needs besides its words; `circuit` is the digest of what they compile to."""
    return {
        "engine": "tfhe",
        "circuit": circuit.hex(),
        "inputs": {
            name: {"low": box.low.tolist(), "high": box.high.tolist()}
            for name, box in known.inputs.items()
        },
        **_knob_facts(known.knobs),
    }


def client_facts(opening: Opening) -> dict[str, Json]:
    """What the client needs besides its words; nothing of the model but parameters and shapes."""
    return {
        "engine": "tfhe",
        "specification": opening.specification,
        "inputs": list(opening.inputs),
        "outputs": [[name, shift] for name, shift in opening.outputs.items()],
        **_knob_facts(opening.knobs),
    }


def _knob_facts(knobs: Knobs) -> dict[str, Json]:
    return {
        "error": knobs.error,
        "approximate": knobs.approximate,
        "security": knobs.security,
    }


def plan_of(half: Half) -> tuple[Plan, bytes]:
    """The plan that a server's half was cut by, and its circuit's digest."""
    match half.facts:
        case {
            "engine": "tfhe",
            "circuit": str(circuit),
            "inputs": dict(inputs),
            "error": float(error),
            "approximate": bool(approximate),
            "security": int(security),
            **unknown,
        } if not unknown and 0.0 < error < 1.0:
            boxes = {name: _box(each) for name, each in inputs.items()}
        case _:
            raise _damaged()
    sizes = {node.name: node.type.size for node in half.graph.inputs}
    if {name: box.low.size for name, box in boxes.items()} != sizes:
        raise ProtocolError("the bundle's set-up speaks of other inputs than its graph")
    _require_security(security)
    # The order of arguments is the graph's; that of a stored mapping is the alphabet's.
    ordered = {name: boxes[name] for name in sizes}
    return Plan(half.graph, ordered, Knobs(error, approximate, security)), _hash(circuit)


def opening_of(half: Half) -> Opening:
    """What a client's half says of its circuit."""
    match half.facts:
        case {
            "engine": "tfhe",
            "specification": str(specification),
            "inputs": list(inputs),
            "outputs": list(outputs),
            "error": float(error),
            "approximate": bool(approximate),
            "security": int(security),
            **unknown,
        } if not unknown and 0.0 < error < 1.0:
            names = tuple(str(name) for name in inputs)
            shifts = dict(_shift(each) for each in outputs)
        case _:
            raise _damaged()
    given = {node.name for node in half.graph if isinstance(node.op, Encode)}
    opened = {node.name for node in half.graph.inputs if node.name in shifts}
    if not names or not given.issuperset(names) or opened != {*shifts}:
        raise ProtocolError("the bundle's set-up speaks of other words than its graph")
    _require_security(security)
    return Opening(specification, names, shifts, Knobs(error, approximate, security))


def _damaged() -> ProtocolError:
    return ProtocolError("the bundle's set-up lacks facts or holds unknown ones")


def _number(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProtocolError("the bundle's set-up has something else where a number belongs")
    return value


def _shift(value: Json) -> tuple[str, int]:
    match value:
        case [str(name), int(shift)]:
            return name, shift
        case _:
            raise _damaged()


def _box(value: Json) -> Box:
    match value:
        case {"low": list(low), "high": list(high), **unknown} if not unknown:
            ends = _numbers(low), _numbers(high)
        case _:
            raise _damaged()
    if ends[0].size != ends[1].size or np.any(ends[0] > ends[1]):
        raise ProtocolError("the bundle's set-up has an input without bounds")
    return Box(*ends)


def _numbers(values: Sequence[Json]) -> IndexArray:
    try:
        return np.array([_number(value) for value in values], dtype=np.int64)
    except OverflowError as wrong:
        raise ProtocolError("the bundle's set-up has a number that is too large") from wrong


def _hash(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as wrong:
        raise ProtocolError("the bundle's set-up has no circuit's digest") from wrong
