"""What an answer under BGV will cost, before anything is encrypted: sums of timed parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import numpy as np

from tacit.approx.plans import Plan as Steps
from tacit.arithmetics.integers.bgv.packing import layout_of, require_layout, schedules
from tacit.arithmetics.integers.bgv.plan import Plan, at_level
from tacit.arithmetics.integers.bgv.tables import circuits
from tacit.arithmetics.integers.ops import Decode, Encode, Lookup, Product, Sums
from tacit.ir.graph import Graph, Node
from tacit.lattigo import EvaluationKeys, security
from tacit.lattigo.integers import Ciphertext, Context, Evaluator, LinearMap, ciphertext_bytes
from tacit.lattigo.integers.factors import levels_of
from tacit.lattigo.integers.parameters import Scheme
from tacit.lattigo.integers.tables import babies
from tacit.lattigo.parameters import key_bytes, key_memory
from tacit.lattigo.work import Host, Limbs, Parts, Sample, peak_bytes, timed
from tacit.program import Cost, Json
from tacit.slots.diagonals import Schedule

BYTES = 8


# In terms of an inner product, measured: a term of a sum without products, most of whose limbs are
# summed in words, and the reduction of a sum of products.
WORD_TERM = 0.5
REDUCING = 2.0


def cost(graph: Graph, known: Plan) -> Cost:
    """The cost of answering one group of inputs, and what the set-up takes."""
    machine = host(Context(known.parameters))
    seconds = {node.name: machine.seconds(_word(node, known)) for node in graph}
    counts: Counter[str] = Counter()
    for node in graph:
        counts.update(_counts(node, known))
    parameters = known.parameters
    sums = [node.op for node in graph if isinstance(node.op, Sums)]
    facts: dict[str, Json] = {
        "engine": "bgv",
        "levels": parameters.max_level,
        "log2_ring_degree": parameters.log_n,
        "log2_qp": round(security.log_qp(parameters.q, parameters.p), 1),
        "plaintext_modulus": parameters.plaintext_modulus,
        "special_primes": len(parameters.p),
        "ciphertext_products": counts["products"],
        "plaintext_products": counts["diagonals"],
        "rotations": counts["rotations"],
        "rotation_keys": len(known.rotations),
        "lookups": counts["lookups"],
        "accumulator_bits": max((op.bits for op in sums), default=0),
        "seconds_by_word": {name: round(value, 6) for name, value in seconds.items() if value},
    }
    return Cost(
        seconds=sum(seconds.values()),
        setup_seconds=_setup(graph, known, machine),
        memory_bytes=_memory_bytes(graph, known),
        key_bytes=sum(key_bytes(parameters, level) for level in _key_levels(known)),
        request_bytes=sum(_wire_bytes(node, known) for node in graph if _is(node, Encode)),
        answer_bytes=sum(_wire_bytes(node, known) for node in graph if _is(node, Decode)),
        inputs_at_once=known.batch,
        facts=facts,
    )


def host(context: Context) -> Host:
    """Some keys, diagonals, a small matrix and a rotation, timed on this machine."""
    level = (context.max_level + 1) // 2
    secret, ones = context.secret_key(), np.ones(context.slots, dtype=np.int64)
    value = context.encrypt(context.encode(ones, level=level), secret)

    def keys(steps: Collection[int]) -> EvaluationKeys:
        rotations = dict.fromkeys(steps, level)
        return context.evaluation_keys(secret, relinearisation_level=None, rotations=rotations)

    def matrix(split: Mapping[int, tuple[int, int]]) -> LinearMap:
        return context.linear_map(dict.fromkeys(split, ones), level=level, split=split)

    def work(made: EvaluationKeys, applied: LinearMap) -> Ciphertext:
        evaluator = Evaluator(context, made)
        return evaluator.rotate_sum(evaluator.linear_layer([value], [[applied]])[0], [1])

    limbs = Limbs(level + 1, len(context.parameters.p))
    return timed(Sample(keys, matrix, work), limbs, context.measure(context.max_level))


def _is(node: Node, kind: type) -> bool:
    return isinstance(node.op, kind)


def _limbs(known: Plan, level: int) -> Limbs:
    return Limbs(level + 1, len(known.parameters.p))


def _word(node: Node, known: Plan) -> Parts:
    """The parts of one word."""
    level = at_level(known, node)
    limbs = _limbs(known, level)
    match node.op:
        case Sums() as op:
            return _sums(op, limbs)
        case Product():
            product = limbs.tensor() + limbs.relinearise() + limbs.rescale()
            return product * _width(node)
        case Lookup() as op if len(op.tables) > 1:
            return _grouped(op, known, level) * _width(node)
        case Lookup() as op:
            return evaluation(circuits(op, known.modulus)[0].plan, known, level) * _width(node)
        case _:
            return Parts()


def _width(node: Node) -> int:
    """How many ciphertexts a word's result takes."""
    layout = layout_of(node)
    return 0 if layout is None else layout.ciphertexts


def _sums(op: Sums, limbs: Limbs) -> Parts:
    ciphertexts = require_layout(op.layout).ciphertexts
    total = Parts() if op.last else limbs.rescale() * ciphertexts
    for schedule in schedules(op):
        for turned, raised, diagonals in schedule.applications():
            total += limbs.apply(turned, raised, diagonals)
        total += limbs.rotate() * (len(schedule.folds) * ciphertexts)
    return total


def evaluation(plan: Steps, known: Plan, level: int) -> Parts:
    """The parts of a polynomial whose argument is at `level`."""
    total = Parts()
    levels = levels_of(plan, plan.inputs * [level], Scheme.BGV)
    for place, step in enumerate(plan.steps, start=plan.inputs):
        limbs = _limbs(known, levels[place] + bool(step.products))
        if step.products:
            # A product is four of one polynomial each; its three sums are reduced twice.
            summed = REDUCING + len(step.terms) + 2 * len(step.products)
            total += limbs.relinearise_and_rescale()
        else:
            summed = WORD_TERM * len(step.terms) + 1
        total += Parts(multiply_accumulate=summed * limbs.q)
    return total


def _grouped(op: Lookup, known: Plan, level: int) -> Parts:
    """The parts of tables that differ from slot to slot, counted as if all were at the top."""
    terms, limbs = op.entries << op.dropped, _limbs(known, level)
    each = limbs.tensor() + limbs.relinearise() + limbs.rescale()
    return each * each_products(terms) + Parts(multiply_accumulate=limbs.both) * terms


def each_products(terms: int) -> int:
    """The products of two ciphertexts of a polynomial with other coefficients in every slot."""
    k = babies(terms)
    sums = -(-terms // k)
    powers = max(k - 2, 0)
    # Sums are joined in pairs, and between the rounds the giant power is squared.
    return powers if sums == 1 else powers + 1 + (sums - 1) + (sums - 1).bit_length() - 1


def _counts(node: Node, known: Plan) -> Mapping[str, int]:
    """Products, diagonals, rotations and look-ups of one word."""
    match node.op:
        case Sums() as op:
            found = schedules(op)
            diagonals = sum(len(each) for one in found for each in one.offsets().values())
            return {"diagonals": diagonals, "rotations": sum(map(_rotations, found))}
        case Product():
            return {"products": _width(node)}
        case Lookup() as op:
            alike = len(op.tables) == 1
            plan = circuits(op, known.modulus)[0].plan if alike else None
            made = plan.products if plan else each_products(op.entries << op.dropped)
            return {"products": made * _width(node), "lookups": node.type.size}
        case _:
            return {}


def _rotations(schedule: Schedule) -> int:
    """Targets share the baby steps of a source, and sources the giant steps of a target."""
    pairs = schedule.offsets().items()
    split = schedule.split
    turned = {(source, split[each][1]) for (_, source), offsets in pairs for each in offsets}
    raised = {(target, split[each][0]) for (target, _), offsets in pairs for each in offsets}
    folded = len(schedule.folds) * len({target for (target, _), _ in pairs})
    return sum(step > 0 for _, step in (*turned, *raised)) + folded


def _key_levels(known: Plan) -> list[int]:
    """The level of every evaluation key."""
    first = [] if known.relinearisation is None else [known.relinearisation]
    return [*first, *known.rotations.values()]


def _setup(graph: Graph, known: Plan, machine: Host) -> float:
    """Seconds of making the keys and encoding the diagonals."""
    keys = (_limbs(known, level) for level in _key_levels(known))
    limbs = sum(each.digits * each.both for each in keys)
    return limbs * machine.key + _diagonal_limbs(graph, known) * machine.diagonal


def _diagonal_limbs(graph: Graph, known: Plan) -> int:
    return sum(
        _counts(node, known)["diagonals"] * _limbs(known, at_level(known, node)).both
        for node in graph
        if isinstance(node.op, Sums)
    )


def _memory_bytes(graph: Graph, known: Plan) -> int:
    """The server's predicted peak: keys, diagonals, the matrices they come from, and work."""
    degree = 1 << known.parameters.log_n
    keys = sum(key_memory(known.parameters, level) for level in _key_levels(known))
    widest = max((_work_limbs(node, known) for node in graph), default=0)
    heap = keys + (_diagonal_limbs(graph, known) + widest) * degree * BYTES
    matrices = sum(
        matrix.data.nbytes + matrix.indices.nbytes
        for node in graph
        if isinstance(node.op, Sums)
        for matrix in node.op.matrices
    )
    files = sum(key_bytes(known.parameters, level) for level in _key_levels(known))
    return peak_bytes(heap, matrices + files)


def _work_limbs(node: Node, known: Plan) -> int:
    """Limbs that a word holds while it is computed."""
    limbs = _limbs(known, at_level(known, node))
    match node.op:
        case Sums() as op:
            turned = max((len(each.babies) + 1 for each in schedules(op)), default=1)
            return (2 * turned + limbs.digits + 8) * limbs.both
        case Lookup() as op if len(op.tables) > 1:
            # All powers and all inner sums.
            kept = 2 * babies(op.entries << op.dropped)
            return (2 * kept + limbs.digits + 8) * limbs.both
        case Lookup() as op:
            plan = circuits(op, known.modulus)[0].plan
            return (2 * plan.most_alive + limbs.digits + 8) * limbs.both
        case _:
            return 8 * limbs.both


def _wire_bytes(node: Node, known: Plan) -> int:
    """A vector's ciphertexts as a message."""
    fresh = isinstance(node.op, Encode)
    name = node.name if fresh else node.args[0]
    size = ciphertext_bytes(known.parameters, known.levels[name], fresh=fresh)
    return size * _width(node)
