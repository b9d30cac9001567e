"""A program's plan: parameters, levels, rotations and keys, and what each party needs of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tacit.arithmetics.ckks.levels import HEADROOM_BITS, levels, takes
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product, Unpack
from tacit.errors import ProtocolError
from tacit.ir.graph import Graph, Node, Place
from tacit.lattigo import Parameters, Ring, security
from tacit.passes.cut import side
from tacit.program import Half, Json, step_and_level, whole_number

# How much finer than the scale what only products take is kept. A product squares it, and the next
# matrix is encoded that much more coarsely: beyond three bits its rounding outweighs the gain.
FINER_BITS = 3
RINGS = {Ring.STANDARD: "cyclotomic", Ring.CONJUGATE_INVARIANT: "conjugate invariant (real)"}


@dataclass(frozen=True)
class Plan:
    """What was worked out for a graph: `levels` per word's result, `rotations` step to level.

    `scales` are those of the results. `relinearisation` is the level of that key, None where no
    product needs it. `batch` inputs share a ciphertext: entry s of input b lies in slot
    s · batch + b.
    """

    parameters: Parameters
    levels: Mapping[str, int]
    scales: Mapping[str, float]
    rotations: Mapping[int, int]
    relinearisation: int | None
    batch: int
    security: int

    @property
    def scale(self) -> float:
        """The scale that `precision` asked for; some words' results are kept finer."""
        return float(2**self.parameters.log_scale)


def plan(graph: Graph, parameters: Parameters, batch: int, security_bits: int) -> Plan:
    """The plan of a graph in words."""
    found = levels(graph)
    rotations: dict[int, int] = {}
    relinearisation = None
    for node in graph:
        at = found[node.name] + takes(node.op)
        match node.op:
            case LinearMap() as op:
                for each in op.schedules:
                    for step in each.rotations:
                        rotations[step * batch] = max(rotations.get(step * batch, 0), at)
            case Evaluate() | Product():
                relinearisation = max(relinearisation or 0, at)
            case _:
                pass
    steps = dict(sorted(rotations.items()))
    sizes = scales(graph, parameters, found)
    return Plan(parameters, found, sizes, steps, relinearisation, batch, security_bits)


def scales(graph: Graph, parameters: Parameters, found: Mapping[str, int]) -> dict[str, float]:
    """The scale of every word's result.

    What only products take is finer, which costs nothing as long as the modulus has room: the
    noise of rescaling has a fixed size, so it weighs less. A product's scale is what its factors
    and the prime make it. The last map's is as large as the modulus allows.
    """
    plain, fine = 2.0**parameters.log_scale, 2.0 ** (parameters.log_scale + FINER_BITS)
    by_name, users = graph.by_name, graph.users
    result: dict[str, float] = {}
    for node in graph:
        into = [by_name[name] for name in users[node.name]]
        match node.op:
            case Product():
                first, second = (result[name] for name in node.args)
                result[node.name] = first * second / parameters.q[found[node.name] + 1]
            case LinearMap(last=True):
                room = math.log2(math.prod(parameters.q[: found[node.name] + 1]))
                result[node.name] = 2.0 ** (math.floor(room) - HEADROOM_BITS)
            case LinearMap() | Pack() | Evaluate():
                free = all(
                    isinstance(each.op, LinearMap)
                    or (isinstance(each.op, Product) and found[each.name] > 0)
                    for each in into
                )
                result[node.name] = fine if free else plain
            case _:
                result[node.name] = plain
    return result


def cut(graph: Graph, known: Plan) -> tuple[Half, Half]:
    """The client's half, without weights, and the server's, without secrets."""
    client = side(graph, Place.CLIENT)
    server = side(graph, Place.SERVER)
    return Half(client, _facts(client, known)), Half(server, _facts(server, known))


def _facts(graph: Graph, known: Plan) -> dict[str, Json]:
    parameters = known.parameters
    return {
        "log_n": parameters.log_n,
        "q": list(parameters.q),
        "p": list(parameters.p),
        "ring": parameters.ring.name,
        "log_scale": parameters.log_scale,
        "levels": {node.name: known.levels[node.name] for node in graph},
        "scales": {node.name: known.scales[node.name] for node in graph},
        "rotations": [[step, level] for step, level in known.rotations.items()],
        "relinearisation": known.relinearisation,
        "batch": known.batch,
        "security": known.security,
    }


def plan_of(half: Half) -> Plan:
    """The plan that a half was cut by; its parameters are checked against the tables again."""
    facts = half.facts
    try:
        match facts:
            case {
                "log_n": int(log_n),
                "q": list(q),
                "p": list(p),
                "ring": str(ring),
                "log_scale": int(log_scale),
                "levels": dict(found),
                "scales": dict(sizes),
                "rotations": list(rotations),
                "relinearisation": int() | None as relinearisation,
                "batch": int(batch),
                "security": int(bits),
                **unknown,
            } if not unknown:
                primes = (
                    tuple(whole_number(each) for each in q),
                    tuple(whole_number(each) for each in p),
                )
                parameters = Parameters(log_n, *primes, Ring[ring], log_scale)
                steps = dict(step_and_level(each) for each in rotations)
                named = {name: whole_number(level) for name, level in found.items()}
                sized = {name: _scale(scale) for name, scale in sizes.items()}
            case _:
                raise ProtocolError("the bundle's set-up lacks facts or holds unknown ones")
    except (ValueError, KeyError) as wrong:
        raise ProtocolError(f"the bundle's set-up is damaged: {wrong}") from wrong
    if not {*named} == {*sized} == {node.name for node in half.graph}:
        raise ProtocolError("the bundle's set-up speaks of other words than its graph")
    security.check(bits, log_n, parameters.q, parameters.p)
    return Plan(parameters, named, sized, steps, relinearisation, batch, bits)


def _scale(value: Json) -> float:
    if not isinstance(value, float) or not 1.0 <= value < math.inf:
        raise ProtocolError("the bundle's set-up has something else where a scale belongs")
    return value


def audit(half: Half) -> dict[str, Json]:
    """The parameters, the table's row that allows them, and the keys that leave the client."""
    known = plan_of(half)
    parameters = known.parameters
    return {
        "scheme": "CKKS (Lattigo v6)",
        "ring": f"{RINGS[parameters.ring]}, degree 2^{parameters.log_n}",
        "secret": "uniform ternary",
        **security.told(known.security, parameters.log_n, parameters.q, parameters.p),
        "scale_bits": parameters.log_scale,
        "levels": len(parameters.q) - 1,
        "special_primes": len(parameters.p),
        "inputs_in_a_ciphertext": known.batch,
        "rotation_keys": len(known.rotations),
        "relinearisation_key": known.relinearisation is not None,
    }


def packs(graph: Graph) -> tuple[Node, ...]:
    """The client's words that make a vector."""
    return tuple(node for node in graph if isinstance(node.op, Pack))


def unpacks(graph: Graph) -> tuple[Node, ...]:
    """The client's words that read a vector."""
    return tuple(node for node in graph if isinstance(node.op, Unpack))


def at_level(known: Plan, node: Node) -> int:
    """The level at which a word takes its arguments."""
    return known.levels[node.name] + takes(node.op)
