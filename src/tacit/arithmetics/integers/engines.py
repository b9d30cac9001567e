"""The engines of small integers: who computes, chosen when a graph is lowered, known ever after."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tacit.arithmetics.integers import bgv, tfhe
from tacit.arithmetics.integers.ops import Encode
from tacit.errors import DepthExceeded, ProtocolError
from tacit.ir.graph import Graph
from tacit.program import ClientEngine, Cost, Engine, Half, Json, Progress, ServerEngine


class EngineKind(enum.Enum):
    """Who computes on ciphertexts; `AUTO` is the one that is predicted to be cheaper."""

    AUTO = "auto"
    BGV = "bgv"
    TFHE = "tfhe"


@dataclass(frozen=True)
class Demand:
    """What an engine is asked for: the knobs of `Integers` that are not about numbers."""

    security: int
    batch: int | None
    error: float
    approximate: bool

    @property
    def knobs(self) -> tfhe.Knobs:
        """Those that a circuit of TFHE is compiled for."""
        return tfhe.Knobs(self.error, self.approximate, self.security)


@dataclass(frozen=True)
class Room:
    """What every engine can do."""

    cost: Callable[[Graph, Demand], Cost]
    cut: Callable[[Graph, Demand], tuple[Half, Half]]
    fresh_client: Callable[[Half], ClientEngine]
    kept_client: Callable[[Half, bytes], ClientEngine]
    server: Callable[[Half, memoryview, Progress | None], ServerEngine]
    pair: Callable[[Half, Half, Progress | None], Engine]
    audit: Callable[[Half], dict[str, Json]]


def _bgv_plan(graph: Graph, demand: Demand) -> bgv.Plan:
    return bgv.plan(graph, demand.security, demand.batch)


# By the name that the facts of a half give.
ENGINES: Mapping[str, Room] = {
    "bgv": Room(
        cost=lambda graph, demand: bgv.cost(graph, _bgv_plan(graph, demand)),
        cut=lambda graph, demand: bgv.cut(graph, _bgv_plan(graph, demand)),
        fresh_client=bgv.fresh_client,
        kept_client=bgv.kept_client,
        server=lambda half, keys, progress: bgv.server(half, keys, progress=progress),
        pair=lambda asking, answering, progress: bgv.pair(asking, answering, progress=progress),
        audit=bgv.audit,
    ),
    "tfhe": Room(
        cost=lambda graph, demand: tfhe.cost(tfhe.plan(graph, demand.knobs), graph),
        cut=lambda graph, demand: tfhe.cut(graph, tfhe.plan(graph, demand.knobs)),
        fresh_client=tfhe.fresh_client,
        kept_client=tfhe.kept_client,
        server=lambda half, keys, progress: tfhe.server(half, keys, progress=progress),
        pair=lambda asking, answering, progress: tfhe.pair(asking, answering, progress=progress),
        audit=tfhe.audit,
    ),
}


def engine_of(graph: Graph) -> Room:
    """The engine that a graph was lowered for: only BGV lays vectors out."""
    packed = any(isinstance(node.op, Encode) and node.op.layout is not None for node in graph)
    return ENGINES["bgv" if packed else "tfhe"]


def engine_of_half(half: Half) -> Room:
    """The engine that a half was cut for; raises ProtocolError where none is known."""
    name = half.facts.get("engine")
    if not isinstance(name, str) or name not in ENGINES:
        raise ProtocolError(
            "the bundle's set-up names no engine that is known here",
            hint=f"known are {', '.join(ENGINES)}",
        )
    return ENGINES[name]


def prepared(words: Graph, kind: EngineKind, demand: Demand) -> Graph:
    """The words for the engine that is to compute: laid out for BGV, as they are for TFHE.

    Raises DepthExceeded where they are too deep for BGV and there is no other engine.
    """
    match kind:
        case EngineKind.BGV:
            return bgv.pack(words, demand.security, demand.batch)
        case EngineKind.TFHE:
            tfhe.plan(words, demand.knobs)
            return words
        case EngineKind.AUTO:
            return _cheaper(words, demand)


def _cheaper(words: Graph, demand: Demand) -> Graph:
    """The words for the engine that takes less time for an input, of those that are there."""
    other = tfhe.installed() and demand.security in tfhe.SECURITY
    try:
        packed = bgv.pack(words, demand.security, demand.batch)
    except DepthExceeded as deep:
        if other:
            return words
        raise DepthExceeded(
            deep.message,
            hint="lower bits, train with narrow accumulators (tacit.tune.quantise), or take the "
            f"engine tfhe, which has any depth: {tfhe.HINT}",
        ) from deep
    if not other:
        return packed
    slots = ENGINES["bgv"].cost(packed, demand)
    known = tfhe.plan(words, demand.knobs)
    return words if tfhe.predicted_seconds(known) < slots.seconds / slots.inputs_at_once else packed
