"""The engine's noise in a simulation: what encryption and rescaling add to every word's value."""

from __future__ import annotations

import math

import numpy as np

from tacit.arithmetics.ckks.ops import Evaluate, LinearMap, Pack, Product
from tacit.arithmetics.ckks.plan import Plan, at_level
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Node, Watch
from tacit.lattigo import Ring

# The standard deviation of a fresh error's coefficients (Homomorphic Encryption Standard 2018).
ERROR_DEVIATION = 3.2
# Entries are within [-1, 1] on all of the calibration's data; most are far smaller.
TYPICAL = 0.25


def noise(known: Plan, generator: np.random.Generator) -> Watch:
    """Adds Gaussian noise to the value of every word, as large as the engine's.

    What a word's arguments bring with them passes through its `run`; here is only what the word
    itself adds.
    """

    def add(node: Node, value: FloatArray) -> FloatArray | None:
        deviation = added(known, node)
        return value + generator.normal(0.0, deviation, value.shape) if deviation else None

    return add


def added(known: Plan, node: Node) -> float:
    """The standard deviation of what a word adds to an entry."""
    match node.op:
        case Pack():
            return _in_slot(known, ERROR_DEVIATION, known.scales[node.name])
        case LinearMap() as op:
            rounding = 0.0 if op.last else rescaling(known, node)
            turned = switching(known, node) * _gain(op)
            return math.hypot(rounding, turned, encoding(known, node, op))
        case Product():
            return rescaling(known, node)
        case Evaluate():
            # The powers inside are rescaled at the plain scale, and their coefficients are below
            # one: for ReLU, abs, sigmoid and tanh of degree 3 to 31 all of them together measured
            # 0.3 to 2.5 times one rescaling.
            return rescaling(known, node) * known.scales[node.name] / known.scale
        case _:
            return 0.0


def rescaling(known: Plan, node: Node) -> float:
    """The error of one rescaling: rounding c0 and c1, the latter times a ternary secret."""
    degree = 1 << known.parameters.log_n
    # In the ring of real coefficients a product of X^i + X^-i and X^j + X^-j has two terms.
    terms = 2 if known.parameters.ring is Ring.CONJUGATE_INVARIANT else 1
    secret = terms * 2.0 * degree / 3.0
    return _in_slot(known, math.sqrt((1.0 + secret) / 12.0), known.scales[node.name])


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
