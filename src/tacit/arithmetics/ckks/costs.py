"""What an answer will cost: every word as a sum of parts that this machine's bridge has timed.

The parts are operations on one limb, a polynomial modulo one prime. The counts follow the
bridge's algorithms: double-hoisted linear maps, Paterson and Stockmeyer's polynomials with lazy
relinearisation, hybrid key switching with ceil((level + 1) / special primes) digits.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np

from tacit.arithmetics.ckks import security
from tacit.arithmetics.ckks.chebyshev import Steps, steps
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product, Unpack
from tacit.arithmetics.ckks.plan import Plan, at_level, packs, unpacks
from tacit.ir.graph import Graph, Node
from tacit.lattigo import Context, Evaluator, ciphertext_bytes, key_bytes
from tacit.lattigo.parameters import key_memory
from tacit.program import Cost, Json

BYTES = 8


@dataclass(frozen=True)
class Parts:
    """How many operations on one limb: the terms in which all work is counted."""

    ntt: float = 0.0
    multiply_accumulate: float = 0.0
    extend: float = 0.0
    permute: float = 0.0

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(self))
        )

    def __mul__(self, count: float) -> Parts:
        return Parts(*(getattr(self, each.name) * count for each in fields(self)))

    def seconds(self, unit: Mapping[str, float]) -> float:
        """The time that they take on one core, given the seconds of one of each."""
        return sum(float(getattr(self, each.name)) * unit[each.name] for each in fields(self))


@dataclass(frozen=True)
class Limbs:
    """The sizes that a level has: limbs of Q, of P, and digits of a key switch."""

    q: int
    p: int

    @property
    def both(self) -> int:
        """Limbs of Q and P."""
        return self.q + self.p

    @property
    def digits(self) -> int:
        """Digits of a key switch."""
        return -(-self.q // self.p)

    def decompose(self) -> Parts:
        """One polynomial into digits, each modulo QP."""
        transforms = self.q + self.digits * self.q
        return Parts(ntt=transforms, extend=self.digits * self.both)

    def switch(self) -> Parts:
        """Digits times a key."""
        return Parts(multiply_accumulate=self.digits * self.both)

    def divide(self) -> Parts:
        """One polynomial modulo QP divided by P."""
        return Parts(ntt=self.both, extend=self.q, multiply_accumulate=self.q / 2)

    def relinearise(self) -> Parts:
        """A product of degree two back to degree one."""
        return self.decompose() + self.switch() + self.divide() * 2

    def rotate(self) -> Parts:
        """One rotation on its own, and the addition to what it is folded with."""
        return self.relinearise() + Parts(permute=2 * self.q, multiply_accumulate=self.q)

    def rescale(self) -> Parts:
        """Both polynomials divided by the last prime."""
        return Parts(ntt=2 * self.q, multiply_accumulate=self.q)

    def tensor(self) -> Parts:
        """The product of two ciphertexts, of degree two."""
        return Parts(multiply_accumulate=3 * self.q)


def cost(graph: Graph, known: Plan) -> Cost:
    """The cost of answering one group of inputs, and what the set-up takes."""
    context = Context(known.parameters)
    unit = context.measure(known.parameters.max_level)
    machine = host(context, unit)
    seconds = {node.name: _word(node, known).seconds(unit) * machine.overhead for node in graph}
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


# Rotations that are timed: enough for a steady median, a fraction of a second in all.
ROTATIONS = 7


@dataclass(frozen=True)
class Host:
    """What real work takes on this machine.

    `overhead` is by how much it is slower than its parts, which are timed on data that stay in
    the cache; `key` and `diagonal` are the seconds of making one limb of either.
    """

    overhead: float
    key: float
    diagonal: float


def host(context: Context, unit: Mapping[str, float]) -> Host:
    """One key, one diagonal and some rotations of changing ciphertexts, timed on this machine."""
    level = (context.max_level + 1) // 2
    limbs = Limbs(level + 1, len(context.parameters.p))
    secret, ones = context.secret_key(), np.ones(context.slots)
    before = time.process_time()
    keys = context.evaluation_keys(secret, relinearisation_level=None, rotations={1: level})
    key = (time.process_time() - before) / (limbs.digits * limbs.both)
    before = time.process_time()
    context.linear_map({0: ones}, level=level, scale=2.0**20, split={0: (0, 0)})
    diagonal = (time.process_time() - before) / limbs.both
    evaluator = Evaluator(context, keys)
    value = context.encrypt(context.encode(ones, level=level, scale=2.0**20), secret)
    seconds = []
    for _ in range(ROTATIONS):
        before = time.process_time()
        value = evaluator.rotate_sum(value, [1])
        seconds.append(time.process_time() - before)
    overhead = statistics.median(seconds) / limbs.rotate().seconds(unit)
    return Host(max(1.0, overhead), key, diagonal)


def _limbs(known: Plan, level: int) -> Limbs:
    return Limbs(level + 1, len(known.parameters.p))


def _word(node: Node, known: Plan) -> Parts:
    """The parts of one word."""
    limbs = _limbs(known, at_level(known, node))
    match node.op:
        case LinearMap() as op:
            return _linear(op, limbs)
        case Product():
            return (limbs.tensor() + limbs.relinearise() + limbs.rescale()) * _width(node)
        case Evaluate(polynomial=polynomial):
            work = steps(polynomial.coefficients)
            return _polynomial(work, known, at_level(known, node)) * _width(node)
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
    total = limbs.rescale() * op.layout.ciphertexts
    for schedule in op.schedules:
        for offsets in schedule.offsets().values():
            split = [schedule.split[offset] for offset in offsets]
            babies = len({baby for _, baby in split} - {0})
            giants = len({giant for giant, _ in split} - {0})
            one = limbs.switch() + Parts(multiply_accumulate=limbs.q / 2, permute=2 * limbs.both)
            total += limbs.decompose() * (babies > 0) + one * babies
            total += Parts(multiply_accumulate=limbs.both) * len(split)
            step = limbs.divide() + limbs.decompose() + limbs.switch()
            total += (step + Parts(permute=3 * limbs.both)) * giants
            total += limbs.divide() * 2
        total += limbs.rotate() * (len(schedule.folds) * op.layout.ciphertexts)
    return total


def _polynomial(work: Steps, known: Plan, level: int) -> Parts:
    """The parts of an evaluation whose input is at `level`."""
    total = Parts()
    for below in work.products:
        total += _limbs(known, level - below).tensor()
    for below in work.relinearised:
        total += _limbs(known, level - below).relinearise()
    for below in work.rescaled:
        total += _limbs(known, level - below).rescale()
    for below in work.scaled:
        total += Parts(multiply_accumulate=_limbs(known, level - below).q)
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
            pairs = [offsets for each in op.schedules for offsets in each.offsets().values()]
            turns = sum(len(each.rotations) for each in op.schedules)
            return {"diagonals": sum(map(len, pairs)), "rotations": turns}
        case Product() as op:
            return {"products": op.layout.ciphertexts}
        case Evaluate(polynomial=polynomial, layout=layout):
            return {"products": len(steps(polynomial.coefficients).products) * layout.ciphertexts}
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


# An interpreter with NumPy, SciPy and the bridge loaded: measured, before any context is made.
RUNTIME_BYTES = 130 << 20
# The bridge's collector lets its heap grow by this part of what lives before it collects.
HEAP_SLACK = 0.12


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
    outside = RUNTIME_BYTES + matrices + key_file_bytes(known)
    return int(outside + heap * (1.0 + HEAP_SLACK))


def _work_bytes(node: Node, known: Plan) -> int:
    """Limbs that a word holds while it is computed."""
    limbs = _limbs(known, at_level(known, node))
    match node.op:
        case LinearMap() as op:
            babies = max(len(each.babies) + 1 for each in op.schedules)
            return (2 * babies + limbs.digits + 8) * limbs.both
        case Evaluate(polynomial=polynomial):
            return 2 * (len(steps(polynomial.coefficients).products) + 4) * limbs.both
        case _:
            return 8 * limbs.both
