"""A program's plan under BGV: parameters, levels, rotations and keys, and each party's facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tacit.arithmetics.integers.bgv.levels import Demands, demands, least_levels, takes, width
from tacit.arithmetics.integers.bgv.packing import (
    layout_of,
    pack_slots,
    room,
    schedules,
    terms_of,
)
from tacit.arithmetics.integers.bgv.tables import least_depth
from tacit.arithmetics.integers.ops import Lookup, Product, Sums
from tacit.errors import (
    DepthExceeded,
    EngineError,
    InsecureParameters,
    LoweringError,
    ProtocolError,
)
from tacit.ir.graph import Graph, Node, Place
from tacit.lattigo import security
from tacit.lattigo.integers import Parameters, Scheme, smallest_batching_prime
from tacit.lattigo.integers.chains import chains_for
from tacit.lattigo.integers.choice import bgv_bits, switching_work
from tacit.passes.cut import side
from tacit.program import Half, Json, step_and_level, whole_number

ROWS = 2
# The least ring that the tables of security list with room for a product.
SMALLEST_LOG_N = 12


@dataclass(frozen=True)
class Plan:
    """What was worked out for a graph: `levels` per word's result, `rotations` step to level.

    `relinearisation` is the level of that key, None where no product needs it. `batch` inputs share
    a ciphertext: they fill both rows of its slots if they are several, half of them each, and take
    turns within a row.
    """

    parameters: Parameters
    levels: Mapping[str, int]
    rotations: Mapping[int, int]
    relinearisation: int | None
    batch: int
    security: int

    @property
    def modulus(self) -> int:
        """The prime modulo which everything is computed."""
        return self.parameters.plaintext_modulus

    @property
    def turns(self) -> int:
        """How many inputs take turns within a row."""
        return _turns(self.batch)


@dataclass(frozen=True)
class _Chain:
    """Parameters, and the demands that they meet."""

    parameters: Parameters
    demands: Demands


def pack(graph: Graph, security_bits: int, batch: int | None) -> Graph:
    """The graph laid out in slots.

    The ring is the smallest that is secure for the graph's depth. Unless it is said, as many inputs
    share a ciphertext as fit into it. Raises DepthExceeded where no ring is large enough,
    LoweringError where so many inputs do not fit.
    """
    rings = _rings(security_bits)
    # Terms are estimated before there are layouts: a larger ring may turn out to be needed.
    first = _chain(graph, security_bits, rings).parameters.log_n
    tried = [log_n for log_n in rings if log_n >= first]
    for log_n in tried:
        packed = _packed(graph, (1 << log_n) // ROWS, batch)
        if _in_ring(packed, security_bits, log_n) is not None:
            return packed
    raise _too_deep(_packed(graph, (1 << tried[-1]) // ROWS, batch), tried[-1], security_bits)


def _packed(graph: Graph, row: int, batch: int | None) -> Graph:
    """The graph laid out in rows of so many slots, with room for so many inputs."""
    weights = dict.fromkeys((node.name for node in graph), 1.0)
    if batch is None:
        packed = pack_slots(graph, row, weights)
        turns = row // room(packed)
        return packed if turns == 1 else pack_slots(graph, row // turns, weights)
    turns = _turns(batch)
    if turns > row:
        raise LoweringError(f"{batch} inputs do not fit into {ROWS * row} slots")
    return pack_slots(graph, row // turns, weights)


def _turns(batch: int) -> int:
    """How many inputs take turns in each row."""
    return max(1, batch // ROWS)


def plan(graph: Graph, security_bits: int, batch: int | None) -> Plan:
    """The plan of a packed graph; None is the batch that fills its ciphertexts."""
    slots = next(lies.slots for node in graph if (lies := layout_of(node)) is not None)
    if batch is None:
        large = [log_n for log_n in _rings(security_bits) if 1 << log_n >= ROWS * slots]
        found = _chain(graph, security_bits, large)
        batch = found.parameters.slots // slots
    else:
        found = _chain(graph, security_bits, [(ROWS * slots * _turns(batch)).bit_length() - 1])
    turns = _turns(batch)
    modulus = found.parameters.plaintext_modulus
    # What is decrypted may need more primes than one.
    lowest = len(found.parameters.q) - 1 - len(found.demands.divisions)
    levels = {name: lowest + level for name, level in found.demands.levels.items()}
    rotations: dict[int, int] = {}
    relinearisation = None
    for node in graph:
        at = levels[node.name] + takes(node, modulus)
        match node.op:
            case Sums() as op:
                for step in {turn for each in schedules(op) for turn in each.rotations}:
                    rotations[step * turns] = max(rotations.get(step * turns, 0), at)
            case Lookup() | Product():
                relinearisation = max(relinearisation or 0, at)
            case _:
                pass
    steps = dict(sorted(rotations.items()))
    return Plan(found.parameters, levels, steps, relinearisation, batch, security_bits)


def _rings(security_bits: int) -> list[int]:
    """The sizes of rings that may be used, the smallest first."""
    if security_bits not in security.TERNARY:
        raise InsecureParameters(
            f"no table gives {security_bits} bits of security",
            hint=f"ask for one of {', '.join(map(str, security.TERNARY))}",
        )
    return [each for each in sorted(security.TERNARY[security_bits]) if each >= SMALLEST_LOG_N]


def _chain(graph: Graph, security_bits: int, rings: list[int]) -> _Chain:
    """Parameters for the graph's depth and width, in the first ring that has them."""
    tried = (_in_ring(graph, security_bits, log_n) for log_n in rings)
    found = next((each for each in tried if each is not None), None)
    if found is None:
        raise _too_deep(graph, rings[-1], security_bits)
    return found


def _in_ring(graph: Graph, security_bits: int, log_n: int) -> _Chain | None:
    modulus, limit = smallest_batching_prime(width(graph), log_n), security.TERNARY[security_bits]
    products = max(least_levels(graph, modulus).values())
    # Planning tables of thousands of entries takes a minute, and no plan has less depth.
    if products * bgv_bits(log_n, modulus) > limit[log_n]:
        return None
    wanted = demands(graph, terms_of(graph), log_n, modulus)
    found = _fitting(wanted, log_n, modulus, limit[log_n])
    return None if found is None else _Chain(found, wanted)


def _fitting(wanted: Demands, log_n: int, modulus: int, limit: float) -> Parameters | None:
    """The chain with the cheapest keys that is secure in this ring, if there is one."""
    try:
        made = chains_for(
            wanted.divisions, log_n=log_n, plaintext_modulus=modulus, last=wanted.last
        )
    except (DepthExceeded, EngineError):
        return None
    fitting = (each for each in made if security.log_qp(each.q, each.p) <= limit)
    return min(fitting, key=switching_work, default=None)


def _too_deep(graph: Graph, log_n: int, security_bits: int) -> DepthExceeded:
    """The error, with the look-up that takes most of the depth."""
    modulus = smallest_batching_prime(width(graph), log_n)
    products = max(least_levels(graph, modulus).values())
    message = (
        f"no ring has {products} products in a row and the sums between them at {security_bits} "
        "bits of security"
    )
    lookups = [(node, node.op) for node in graph if isinstance(node.op, Lookup)]
    if lookups:
        node, op = max(lookups, key=lambda each: least_depth(each[1], modulus))
        message += (
            f"; {node.where} takes {least_depth(op, modulus)} of them for a table of "
            f"{op.entries << op.dropped} entries"
        )
    return DepthExceeded(
        message,
        hint="lower bits, train with narrow accumulators (tacit.tune.quantise), or use engine=tfhe",
    )


def cut(graph: Graph, known: Plan) -> tuple[Half, Half]:
    """The client's half, without weights, and the server's, without secrets."""
    client, server = side(graph, Place.CLIENT), side(graph, Place.SERVER)
    return Half(client, _facts(client, known)), Half(server, _facts(server, known))


def _facts(graph: Graph, known: Plan) -> dict[str, Json]:
    parameters = known.parameters
    return {
        "engine": "bgv",
        "log_n": parameters.log_n,
        "q": list(parameters.q),
        "p": list(parameters.p),
        "plaintext_modulus": parameters.plaintext_modulus,
        "levels": {node.name: known.levels[node.name] for node in graph},
        "rotations": [[step, level] for step, level in known.rotations.items()],
        "relinearisation": known.relinearisation,
        "batch": known.batch,
        "security": known.security,
    }


def plan_of(half: Half) -> Plan:
    """The plan that a half was cut by; its parameters are checked against the tables again."""
    match half.facts:
        case {
            "engine": "bgv",
            "log_n": int(log_n),
            "q": list(q),
            "p": list(p),
            "plaintext_modulus": int(modulus),
            "levels": dict(found),
            "rotations": list(rotations),
            "relinearisation": int() | None as relinearisation,
            "batch": int(batch),
            "security": int(bits),
            **unknown,
        } if not unknown and batch > 0:
            primes = tuple(map(whole_number, q)), tuple(map(whole_number, p))
            parameters = Parameters(log_n, *primes, modulus, Scheme.BGV)
            steps = dict(step_and_level(each) for each in rotations)
            named = {name: whole_number(level) for name, level in found.items()}
        case _:
            raise ProtocolError("the bundle's set-up lacks facts or holds unknown ones")
    if {*named} != {node.name for node in half.graph}:
        raise ProtocolError("the bundle's set-up speaks of other words than its graph")
    security.check(bits, log_n, parameters.q, parameters.p)
    return Plan(parameters, named, steps, relinearisation, batch, bits)


def audit(half: Half) -> dict[str, Json]:
    """The parameters, the table's row that allows them, and the keys that leave the client."""
    known = plan_of(half)
    parameters = known.parameters
    return {
        "scheme": "BGV (Lattigo v6)",
        "ring": f"cyclotomic, degree 2^{parameters.log_n}",
        "secret": "uniform ternary",
        "plaintext_modulus": parameters.plaintext_modulus,
        **security.told(known.security, parameters.log_n, parameters.q, parameters.p),
        "levels": len(parameters.q) - 1,
        "special_primes": len(parameters.p),
        "inputs_in_a_ciphertext": known.batch,
        "rotation_keys": len(known.rotations),
        "relinearisation_key": known.relinearisation is not None,
        "exact": True,
    }


def at_level(known: Plan, node: Node) -> int:
    """The level at which a word takes its arguments."""
    return known.levels[node.name] + takes(node, known.modulus)
