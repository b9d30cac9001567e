"""The engine's noise in a simulation: what encryption and rescaling add to every word's value."""

from __future__ import annotations

import math

import numpy as np

from tacit.approx.plans import scales, simulate
from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product
from tacit.arithmetics.ckks.plan import Plan, at_level
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Node, Watch
from tacit.lattigo import Ring

# The standard deviation of a fresh error's coefficients (Homomorphic Encryption Standard 2018).
ERROR_DEVIATION = 3.2
# Entries are within [-1, 1] on all of the calibration's data; most are far smaller.
TYPICAL = 0.25
# Entries whose evaluation is simulated at once: all values of a plan of 40 steps then take 20 MB.
AT_ONCE = 1 << 16


def noise(graph: Graph, known: Plan, generator: np.random.Generator) -> Watch:
    """Adds Gaussian noise to the value of every word, as large as the engine's.

    What a word's arguments bring with them passes through its `run`; here is only what the word
    itself adds. An evaluation is carried out step by step, with the noise of each: how much of it
    arrives depends on the entry, and what leaves a stage's interval explodes as it would encrypted.
    """
    last = {node.args[0]: node.name for node in graph if isinstance(node.op, Evaluate)}
    given: dict[str, FloatArray] = {}

    def add(node: Node, value: FloatArray) -> FloatArray:
        match node.op:
            case Evaluate() as op:
                (name,) = node.args
                x = given.pop(name) if last[name] == node.name else given[name]
                found = _evaluated(known, node, op, x, generator)
            case _:
                deviation = added(known, node)
                drawn = generator.normal(0.0, deviation, value.shape) if deviation else None
                found = value if drawn is None else value + drawn
        if node.name in last:
            given[node.name] = found
        return found

    return add


def _evaluated(
    known: Plan, node: Node, op: Evaluate, x: FloatArray, generator: np.random.Generator
) -> FloatArray:
    """What the plan's steps make of noisy arguments, each with the noise of its rescaling."""
    found = scales(
        op.plan,
        known.parameters.q,
        level=at_level(known, node),
        inputs=[known.scales[name] for name in node.args],
        target=known.scales[node.name],
    )
    deviation = rescaling(known, scale=1.0)
    entries = x.reshape(-1)
    parts = (entries[at : at + AT_ONCE] for at in range(0, entries.size, AT_ONCE))
    noisy = [
        simulate(op.plan, found, [part], deviation=deviation, generator=generator) for part in parts
    ]
    return np.concatenate(noisy).reshape(x.shape)


def added(known: Plan, node: Node) -> float:
    """The standard deviation of what a word that is no evaluation adds to an entry."""
    match node.op:
        case Pack():
            return _in_slot(known, ERROR_DEVIATION, known.scales[node.name])
        case LinearMap() as op:
            rounding = 0.0 if op.last else rescaling(known, scale=known.scales[node.name])
            turned = switching(known, node) * _gain(op)
            return math.hypot(rounding, turned, encoding(known, node, op))
        case Product():
            return rescaling(known, scale=known.scales[node.name])
        case _:
            return 0.0


def rescaling(known: Plan, *, scale: float) -> float:
    """The error of rescaling to this scale: rounding c0 and c1, the latter times a ternary secret.

    That of relinearising is below it: special primes outgrow the digits (`SWITCHING_BITS`).
    """
    degree = 1 << known.parameters.log_n
    # In the ring of real coefficients a product of X^i + X^-i and X^j + X^-j has two terms.
    terms = 2 if known.parameters.ring is Ring.CONJUGATE_INVARIANT else 1
    secret = terms * 2.0 * degree / 3.0
    return _in_slot(known, math.sqrt((1.0 + secret) / 12.0), scale)


def switching(known: Plan, node: Node) -> float:
    """The error of one rotation: the key's error times digits that are uniform modulo theirs."""
    parameters = known.parameters
    level, special = at_level(known, node), len(parameters.p)
    degree = 1 << parameters.log_n
    terms = 2 if parameters.ring is Ring.CONJUGATE_INVARIANT else 1
    modulus = math.prod(parameters.p)
    limbs = parameters.q[: level + 1]
    digits = (math.prod(limbs[i : i + special]) for i in range(0, len(limbs), special))
    share = math.sqrt(sum(float(digit / modulus) ** 2 for digit in digits))
    error = ERROR_DEVIATION * share * math.sqrt(terms * degree / 12.0)
    return _in_slot(known, error, known.scales[node.args[0]])


def encoding(known: Plan, node: Node, op: LinearMap) -> float:
    """The error of a matrix' diagonals, each rounded to integers, on entries of typical size."""
    scale = known.scales[node.name] / known.scales[node.args[0]]
    if not op.last:
        scale *= known.parameters.q[at_level(known, node)]
    diagonals = sum(len(each.split) for each in op.schedules)
    return _in_slot(known, math.sqrt(diagonals / 12.0), scale) * TYPICAL


def _gain(op: LinearMap) -> float:
    """By how much a matrix magnifies errors that are independent from entry to entry."""
    total = sum(float(np.square(matrix.data).sum()) for matrix in op.matrices)
    return math.sqrt(total / max(op.layout.size, 1))


def _in_slot(known: Plan, coefficient: float, scale: float) -> float:
    """What an error of this deviation in every coefficient is in a slot, in units of the scale."""
    degree = 1 << known.parameters.log_n
    conjugate_invariant = known.parameters.ring is Ring.CONJUGATE_INVARIANT
    spread = 2.0 * degree if conjugate_invariant else degree / 2.0
    return coefficient * math.sqrt(spread) / scale
