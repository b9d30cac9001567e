"""What the tests of plans share: coefficients of all kinds, and exact values."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from tacit.approx import Polynomial
from tacit.approx.plans import Plan


def generic(degree: int, kind: str = "dense", seed: int = 0) -> Polynomial:
    """A polynomial of a degree whose coefficients do not cancel, with the zeros of a kind."""
    coefficients = np.random.default_rng(seed).uniform(0.5, 1.5, size=degree + 1)
    k = np.arange(degree + 1)
    kept = {
        "dense": k >= 0,
        "odd": k % 2 == 1,
        "even": k % 2 == 0,
        "odd and constant": (k % 2 == 1) | (k == 0),
        "even and linear": (k % 2 == 0) | (k == 1),
        "sparse": np.random.default_rng(seed).random(degree + 1) < 0.2,
    }[kind]
    signs = np.random.default_rng(seed + 1).choice([-1.0, 1.0], size=degree + 1)
    return Polynomial(tuple(np.where(kept, signs * coefficients, 0.0).tolist()))


KINDS = ("dense", "odd", "even", "odd and constant", "even and linear", "sparse")

polynomials = st.builds(
    generic, st.integers(0, 127), st.sampled_from(KINDS), st.integers(0, 2**32 - 2)
)


def exact_values(coefficients: Sequence[float], t: Fraction) -> Fraction:
    """The sum of coefficients[k] T_k(t), without any rounding."""
    ahead, now = Fraction(0), Fraction(0)
    for each in reversed(coefficients[1:]):
        ahead, now = now, 2 * t * now - ahead + Fraction(each)
    return t * now - ahead + Fraction(coefficients[0])


def exact_result(plan: Plan, t: Fraction) -> Fraction:
    """The plan's result without any rounding."""
    known = [t]
    for step in plan.steps:
        total = Fraction(step.constant)
        total += sum(weight * known[a] * known[b] for a, b, weight in step.products)
        total += sum(Fraction(constant) * known[value] for value, constant in step.terms)
        known.append(total)
    return known[-1]
