"""Whole numbers modulo t: what an exact scheme computes, as arrays."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from math import gcd, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tacit.approx.plans.plan import Plan
from tacit.errors import TypeMismatch

# Arrays of numpy's or of Python's integers; never of floats.
Integers = NDArray[Any]
# Sums of a product and a residue stay below 2**63 for moduli up to here.
FAST_MODULUS = 2**31


def as_integers(values: ArrayLike) -> Integers:
    """The values as an array of Python's integers; raises TypeMismatch if any is not whole."""
    given = np.asarray(values)
    if given.dtype.kind not in "biuO":
        raise TypeMismatch(
            f"whole numbers were expected, not {given.dtype}", hint="encode real inputs first"
        )
    # Every kind of whole number, a truth value too, becomes Python's.
    whole = np.array([operator.index(each) for each in given.ravel().tolist()], dtype=object)
    return whole.reshape(given.shape)


def residues(values: ArrayLike, modulus: int) -> Integers:
    """The values modulo t, in [0, t)."""
    return _narrowed(as_integers(values) % modulus, modulus)


def centred(values: ArrayLike, modulus: int) -> Integers:
    """The representatives in (-t/2, t/2] of values modulo t."""
    least = as_integers(values) % modulus
    return _narrowed(np.where(2 * least > modulus, least - modulus, least), modulus)


def joined(parts: Sequence[ArrayLike], moduli: Sequence[int]) -> Integers:
    """The values modulo the product of coprime moduli, from those modulo each of them.

    What does not fit one modulus is computed modulo several, each by itself, and then put together
    by the Chinese remainder theorem.

    >>> joined([[2, 1], [3, 6]], [5, 7]).tolist()
    [17, 6]
    """
    if len(parts) != len(moduli) or not moduli:
        raise TypeMismatch(f"{len(parts)} arrays of residues were given for {len(moduli)} moduli")
    whole = prod(moduli)
    if any(gcd(each, whole // each) > 1 for each in moduli):
        raise TypeMismatch(f"the moduli {tuple(moduli)} are not coprime")
    total = reduce(
        np.add,
        (
            as_integers(part) * (whole // each * pow(whole // each, -1, each))
            for part, each in zip(parts, moduli, strict=True)
        ),
    )
    return residues(total, whole)


def plan_values_modulo(plan: Plan, inputs: Sequence[ArrayLike], modulus: int) -> list[Integers]:
    """Every value of a plan with whole constants, modulo t: the definition of what engines give."""
    known = [residues(each, modulus) for each in inputs]
    if len(known) != plan.inputs:
        raise TypeMismatch(f"{len(known)} inputs were given for {plan.inputs}")
    shape = np.broadcast_shapes(*(each.shape for each in known))
    for step in plan.steps:
        total = np.full(shape, _whole(step.constant) % modulus, dtype=_dtype(modulus))
        for first, second, weight in step.products:
            product = known[first] * known[second] % modulus
            total = (total + weight % modulus * product) % modulus
        for value, constant in step.terms:
            total = (total + _whole(constant) % modulus * known[value]) % modulus
        known.append(total)
    return known


def plan_modulo(plan: Plan, inputs: Sequence[ArrayLike], modulus: int) -> Integers:
    """The result of a plan with whole constants, modulo t."""
    return plan_values_modulo(plan, inputs, modulus)[-1]


def _whole(constant: float) -> int:
    if constant % 1 != 0:
        raise TypeMismatch(f"the plan's constant {constant!r} is not whole")
    return int(constant)


def _dtype(modulus: int) -> np.dtype[Any]:
    return np.dtype(np.int64 if modulus <= FAST_MODULUS else object)


def _narrowed(values: Integers, modulus: int) -> Integers:
    return np.asarray(values, dtype=_dtype(modulus))
