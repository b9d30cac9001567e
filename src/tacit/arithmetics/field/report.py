"""The products of a program: who computes each, its proven width, how surely it is checked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod

from tacit.arithmetics.field.config import Field
from tacit.arithmetics.field.ops import Convolution, Dense, Entrywise, Inner
from tacit.arithmetics.field.parties import soundness
from tacit.arithmetics.field.plan import is_outsourced, plan
from tacit.ir.graph import Graph, Node
from tacit.program import Json

WORKER, VERIFIER = "worker", "verifier"


@dataclass(frozen=True)
class Work:
    """One product: its place in the user's model, its name, and who computes it.

    `multiplications` are for one input, and `bits` tell every integer that its sums can be, sign
    included. `soundness_bits` are -log2 of the chance that a false product passes its check; None
    stands for what the verifier computes itself.
    """

    at: str
    name: str
    computed_by: str
    multiplications: int
    bits: int | None
    soundness_bits: float | None

    def record(self) -> dict[str, Json]:
        """All of it, by name."""
        return asdict(self)


def report(graph: Graph, arithmetic: Field) -> tuple[Work, ...]:
    """All products of a program's graph, in order."""
    known = plan(graph)
    sure = soundness(known, arithmetic.demand.strength(known))
    return tuple(
        Work(
            at=node.origin or node.name,
            name=node.name,
            computed_by=WORKER if is_outsourced(node) else VERIFIER,
            multiplications=node.type.size * _terms(node, graph),
            bits=_bits(node),
            soundness_bits=round(sure[node.name], 1) if node.name in sure else None,
        )
        for node in graph
        if isinstance(node.op, Dense | Convolution | Inner | Entrywise)
    )


def _terms(node: Node, graph: Graph) -> int:
    """How many products are added up for each entry."""
    match node.op:
        case Dense(weight) | Convolution(weight):
            return prod(weight.shape[1:])
        case Inner():
            return graph[node.args[0]].type.shape[-1]
        case _:
            return 1


def _bits(node: Node) -> int | None:
    """What the lowering has proven; a graph from elsewhere may not say."""
    found = node.type.range
    if found is None:
        return None
    return int(max(abs(found.low), abs(found.high))).bit_length() + 1
