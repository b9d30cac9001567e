"""Levels and parameters: as few levels as the graph needs, and the smallest ring that has them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Product
from tacit.errors import DepthExceeded, InsecureParameters
from tacit.ir.graph import Graph, Op
from tacit.lattigo import Parameters, Ring, generate_primes, security

# Values stay near [-1, 1]; every modulus leaves room for 2^3 times the scale, of which signs take
# one half, so that an answer of up to four times its calibrated range still decrypts.
HEADROOM_BITS = 3
# The lowest prime is larger than the scale by this: the headroom, and two bits for the scale of an
# answer that is not rescaled.
LOWEST_EXTRA_BITS = 5
# A key switch adds noise in proportion to a digit of Q over P. At 2^-4 it stays below the rounding
# of the rescaling that follows.
SWITCHING_BITS = 4
# A residue must leave room in a 64-bit word.
MOST_PRIME_BITS = 60
# Doubles hold 53 bits: a scale beyond that cannot be told apart from a smaller one.
MOST_SCALE_BITS = 50
# All primes are 1 modulo 4 N; from 2^12 N on, more of them lie near a power of two than any depth
# needs (60 or more, counted for every ring).
LEAST_BITS_OVER_DEGREE = 12
LARGEST_LOG_N = 16
SMALLEST_LOG_N = 12
# The precision whose scale still fits in every ring.
MOST_PRECISION = MOST_SCALE_BITS - LARGEST_LOG_N


def takes(op: Op) -> int:
    """How many levels an op takes."""
    match op:
        case LinearMap(last=True):
            return 0
        case LinearMap() | Product():
            return 1
        case Evaluate() as op:
            return op.plan.depth
        case _:
            return 0


def levels(graph: Graph) -> dict[str, int]:
    """For every word the level of its result: the least that those who use it need.

    A lower level is cheaper in everything, so each value is made at the lowest level that the
    longest chain after it allows.
    """
    needed = {node.name: lowest(node.op) for node in graph}
    for node in reversed(graph.nodes):
        for name in node.args:
            needed[name] = max(needed[name], needed[node.name] + takes(node.op))
    return needed


def lowest(op: Op) -> int:
    """The lowest level at which an op's result can be: what is not rescaled stays one above."""
    return 1 if isinstance(op, LinearMap) and op.last else 0


def depth(graph: Graph) -> int:
    """How many levels a fresh ciphertext needs."""
    return max(levels(graph).values())


@dataclass(frozen=True)
class Demand:
    """What is asked of parameters."""

    depth: int
    precision: int
    security: int
    ring: Ring


def choose(demand: Demand) -> Parameters:
    """The smallest ring that has the levels at the precision and security asked for.

    What the limit leaves over is spent on a larger scale. Raises DepthExceeded.
    """
    for log_n in range(SMALLEST_LOG_N, LARGEST_LOG_N + 1):
        found = _in_ring(demand, log_n)
        if found is not None:
            security.check(demand.security, log_n, found.q, found.p)
            return found
    raise _too_deep(demand)


def _in_ring(demand: Demand, log_n: int) -> Parameters | None:
    """Parameters in the ring of this degree, or None where they would not be secure."""
    limits = security.row(demand.security, log_n)
    if limits is None:
        return None
    least = least_scale_bits(demand.precision, log_n)
    counts = [
        count
        for count in range(1, demand.depth + 2)
        if _scale_bits(limits.limit, demand.depth, count) >= least
    ]
    if not counts:
        return None
    special = min(counts, key=lambda count: _switching_work(demand.depth, count))
    most = min(_scale_bits(limits.limit, demand.depth, special), MOST_SCALE_BITS)
    found = (_with_scale(demand, log_n, bits, special) for bits in range(most, least - 1, -1))
    return next((each for each in found if each is not None), None)


def least_scale_bits(precision: int, log_n: int) -> int:
    """The scale at which results are right to 2^-precision.

    Rescaling leaves an error of about N / 4 / scale in a slot: each of N coefficients is off by
    sqrt((1 + 2 N / 3) / 12), and a slot adds up N of them. Two more bits are for the errors that
    later layers add and magnify. No scale is so small that its primes run out, none so large that
    doubles cannot fill it.
    """
    return max(precision, LEAST_BITS_OVER_DEGREE) + log_n


def _scale_bits(limit: int, levels_needed: int, special: int) -> int:
    """The largest scale for which L primes of it, a lowest prime and the special ones fit."""
    extra = LOWEST_EXTRA_BITS + special * _special_extra(special)
    return (limit - extra) // (levels_needed + 1 + special)


def _special_extra(special: int) -> int:
    """By how many bits each special prime is larger than the scale.

    All of them together outgrow the largest digit, which holds the lowest prime.
    """
    return math.ceil((LOWEST_EXTRA_BITS + SWITCHING_BITS) / special)


def _switching_work(levels_needed: int, special: int) -> float:
    """Transforms of a key switch, averaged over the levels: digits times limbs."""
    return sum(
        math.ceil((level + 1) / special) * (level + 1 + special) + 2 * (level + 1 + special)
        for level in range(levels_needed + 1)
    )


def _with_scale(demand: Demand, log_n: int, bits: int, special: int) -> Parameters | None:
    """Primes for a scale, if the limit allows them; what it leaves over goes to the special ones.

    Primes lie on both sides of a power of two: their sum may pass the limit by a fraction.
    """
    limits = security.row(demand.security, log_n)
    assert limits is not None, "only rings with a row are tried"
    log_q = [bits + LOWEST_EXTRA_BITS] + [bits] * demand.depth
    spare = (limits.limit - sum(log_q)) // special
    for special_bits in range(min(spare, MOST_PRIME_BITS), bits, -1):
        log_p = [special_bits] * special
        q, p = generate_primes(log_n, demand.ring, log_q, log_p)
        if security.log_qp(q, p) <= limits.limit:
            return Parameters(log_n, q, p, demand.ring, bits)
    return None


def _too_deep(demand: Demand) -> DepthExceeded | InsecureParameters:
    rows = security.TERNARY.get(demand.security, {})
    if not rows:
        known = ", ".join(map(str, sorted(security.TERNARY)))
        return InsecureParameters(f"no table gives {demand.security} bits", hint=f"use {known}")
    log_n = max(rows)
    bits = least_scale_bits(demand.precision, log_n)
    most = (rows[log_n] - 2 * LOWEST_EXTRA_BITS - SWITCHING_BITS) // bits - 2
    return DepthExceeded(
        f"the network needs {demand.depth} levels; the largest ring (2^{log_n}) has {most} at "
        f"{demand.precision} bits of precision and {demand.security} bits of security",
        hint="fewer activations, a larger `error` or smaller `degree`, or less `precision`",
    )
