"""What an answer will cost, before anything is encrypted: every word as a sum of timed parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from tacit.approx import plans
from tacit.arithmetics.ckks.host import host
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product, Unpack
from tacit.arithmetics.ckks.plan import Plan, at_level, packs, unpacks
from tacit.ir.graph import Graph, Node
from tacit.lattigo import Context, ciphertext_bytes, key_bytes, security
from tacit.lattigo.parameters import key_memory
from tacit.lattigo.work import Host, Limbs, Parts, peak_bytes
from tacit.program import Cost, Json

BYTES = 8


def cost(graph: Graph, known: Plan) -> Cost:
    """The cost of answering one group of inputs, and what the set-up takes."""
    context = Context(known.parameters)
    machine = host(context)
    seconds = {node.name: machine.seconds(_word(node, known)) for node in graph}
    counts: Counter[str] = Counter()
    for node in graph:
        counts.update(_counts(node))
    parameters = known.parameters
    facts: dict[str, Json] = {
        "levels": parameters.max_level,
        "log2_ring_degree": parameters.log_n,
        "log2_qp": round(security.log_qp(parameters.q, parameters.p), 1),
        "scale_bits": parameters.log_scale,
        "special_primes": len(parameters.p),
        "ciphertext_products": counts["products"],
        "plaintext_products": counts["diagonals"],
        "rotations": counts["rotations"],
        "rotation_keys": len(known.rotations),
        "key_memory_bytes": key_memory_bytes(known),
        "seconds_by_word": {name: round(value, 6) for name, value in seconds.items() if value},
    }
    return Cost(
        seconds=sum(seconds.values()),
        setup_seconds=_setup(graph, known, machine),
        memory_bytes=memory_bytes(graph, known),
        key_bytes=key_file_bytes(known),
        request_bytes=sum(_wire_bytes(node, known) for node in packs(graph)),
        answer_bytes=sum(_wire_bytes(node, known) for node in unpacks(graph)),
        inputs_at_once=known.batch,
        facts=facts,
    )


def _limbs(known: Plan, level: int) -> Limbs:
    return Limbs(level + 1, len(known.parameters.p))


def _word(node: Node, known: Plan) -> Parts:
    """The parts of one word."""
    limbs = _limbs(known, at_level(known, node))
    match node.op:
        case LinearMap() as op:
            return _linear(op, limbs)
        case Product():
            return (limbs.tensor() + limbs.relinearise_and_rescale()) * _width(node)
        case Evaluate() as op:
            return evaluation(op.plan, known, at_level(known, node)) * _width(node)
        case _:
            return Parts()


def _width(node: Node) -> int:
    """How many ciphertexts a word's result takes."""
    match node.op:
        case Pack() | LinearMap() | Evaluate() | Product() | Unpack():
            return node.op.layout.ciphertexts
        case _:
            return 0


def _linear(op: LinearMap, limbs: Limbs) -> Parts:
    total = Parts() if op.last else limbs.rescale() * op.layout.ciphertexts
    for schedule in op.schedules:
        for babies, giants, diagonals in schedule.applications():
            total += limbs.apply(babies, giants, diagonals)
        total += limbs.rotate() * (len(schedule.folds) * op.layout.ciphertexts)
    return total


def evaluation(plan: plans.Plan, known: Plan, level: int) -> Parts:
    """The parts of an evaluation whose input is at `level`."""
    total = Parts()
    for step, below in zip(plan.steps, plan.levels[plan.inputs :], strict=True):
        # What takes a level is summed one level above its result.
        limbs = _limbs(known, level - below + (not step.only_adds))
        total += limbs.tensor() * len(step.products)
        total += Parts(multiply_accumulate=limbs.q) * len(step.terms)
        if step.products:
            total += limbs.relinearise_and_rescale()
        elif not step.only_adds:
            total += limbs.rescale()
    return total


def _setup(graph: Graph, known: Plan, machine: Host) -> float:
    """Seconds of making the keys and encoding the diagonals."""
    keys = (_limbs(known, level) for _, level in _keys(known))
    limbs = sum(each.digits * each.both for each in keys)
    rows = sum(
        _counts(node)["diagonals"] * _limbs(known, at_level(known, node)).both
        for node in graph
        if isinstance(node.op, LinearMap)
    )
    return limbs * machine.key + rows * machine.diagonal


def _counts(node: Node) -> Mapping[str, int]:
    """Products, diagonals and rotations of one word."""
    match node.op:
        case LinearMap() as op:
            applied = [found for each in op.schedules for found in each.applications()]
            folds = sum(len(each.folds) for each in op.schedules) * op.layout.ciphertexts
            turns = sum(babies + giants for babies, giants, _ in applied) + folds
            return {"diagonals": sum(found[2] for found in applied), "rotations": turns}
        case Product() as op:
            return {"products": op.layout.ciphertexts}
        case Evaluate() as op:
            return {"products": op.plan.products * op.layout.ciphertexts}
        case _:
            return {}


def _keys(known: Plan) -> Iterator[tuple[str, int]]:
    """Every evaluation key and its level."""
    if known.relinearisation is not None:
        yield "relinearisation", known.relinearisation
    for step, level in known.rotations.items():
        yield str(step), level


def key_memory_bytes(known: Plan) -> int:
    """The evaluation keys in memory."""
    return sum(key_memory(known.parameters, level) for _, level in _keys(known))


def key_file_bytes(known: Plan) -> int:
    """The evaluation keys as a client uploads them: half of each is a seed."""
    return sum(key_bytes(known.parameters, level) for _, level in _keys(known))


def diagonal_bytes(graph: Graph, known: Plan) -> int:
    """The encoded diagonals in memory: one polynomial modulo QP each."""
    degree = 1 << known.parameters.log_n
    return sum(
        _counts(node)["diagonals"] * _limbs(known, at_level(known, node)).both * degree * BYTES
        for node in graph
        if isinstance(node.op, LinearMap)
    )


def _wire_bytes(node: Node, known: Plan) -> int:
    """A vector's ciphertexts as a message."""
    fresh = isinstance(node.op, Pack)
    name = node.name if fresh else node.args[0]
    size = ciphertext_bytes(known.parameters, known.levels[name], fresh=fresh)
    return size * _width(node)


def memory_bytes(graph: Graph, known: Plan) -> int:
    """The server's predicted peak: keys, diagonals, the matrices they come from, and work."""
    degree = 1 << known.parameters.log_n
    widest = max((_work_bytes(node, known) for node in graph), default=0)
    heap = key_memory_bytes(known) + diagonal_bytes(graph, known) + widest * degree * BYTES
    matrices = sum(
        matrix.data.nbytes + matrix.indices.nbytes
        for node in graph
        if isinstance(node.op, LinearMap)
        for matrix in node.op.matrices
    )
    # The file of keys stays mapped into memory while the server works.
    return peak_bytes(heap, matrices + key_file_bytes(known))


def _work_bytes(node: Node, known: Plan) -> int:
    """Limbs that a word holds while it is computed."""
    limbs = _limbs(known, at_level(known, node))
    match node.op:
        case LinearMap() as op:
            babies = max(len(each.babies) + 1 for each in op.schedules)
            return (2 * babies + limbs.digits + 8) * limbs.both
        case Evaluate() as op:
            # The values that are alive, the sum of degree two, and what relinearises it.
            return (2 * op.plan.most_alive + limbs.digits + 8) * limbs.both
        case _:
            return 8 * limbs.both
