"""Polynomials with whole coefficients on whole inputs: exact values, and the largest error."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from tacit.approx.fixed.inputs import Inputs
from tacit.approx.fixed.modular import Integers
from tacit.approx.measure import largest_error
from tacit.approx.polynomial import Polynomial
from tacit.approx.target import ScalarFunction, values_of
from tacit.ir.functions import FloatArray

EPSILON = float(np.finfo(np.float64).eps)


def homogenised(coefficients: Sequence[int], bits: int) -> tuple[int, ...]:
    """The A_i with Σ A_i X**i = 2**(bits · degree) Σ a_i (X / 2**bits)**i for every X."""
    degree = len(coefficients) - 1
    return tuple(each << bits * (degree - i) for i, each in enumerate(coefficients))


def evaluated(coefficients: Sequence[int], inputs: Integers, reach: int) -> Integers:
    """The sum of coefficients[i] X**i for whole |X| <= reach, exactly, by Horner's rule.

    int64 where no intermediate value can outgrow it, Python's integers elsewhere.
    """
    largest, bound = 0, 0
    for each in reversed(coefficients):
        bound = bound * reach + abs(each)
        largest = max(largest, bound)
    whole = inputs.astype(np.int64 if largest < 2**63 else object)
    total = np.zeros_like(whole)
    for each in reversed(coefficients):
        total = total * whole + each
    return total


def as_reals(values: Integers, scale: int) -> FloatArray:
    """The values / 2**scale, each rounded to a double once."""
    if values.dtype == object:
        return np.asarray(values / (1 << scale), dtype=np.float64)
    return np.ldexp(values.astype(np.float64), -scale)


def approximate_values(coefficients: Sequence[int], scale: int, x: FloatArray) -> FloatArray:
    """The sum of coefficients[i] x**i, over 2**scale, in doubles."""
    total = np.zeros_like(x)
    for each in reversed(coefficients):
        total = total * x + each / (1 << scale)
    return total


def largest_error_on(
    function: ScalarFunction, inputs: Inputs, coefficients: Sequence[int], scale: int
) -> float:
    """The largest |function - Σ a_i x**i / 2**scale| at the reals that the inputs stand for.

    All countable inputs are looked at, and the error is what exact values give; of more inputs
    the error on the whole intervals is measured densely and rounded up.
    """
    whole = inputs.looks(function.kinks)
    x = inputs.decode(whole)
    wanted = values_of(function, x)
    errors = np.abs(wanted - approximate_values(coefficients, scale, x))
    powers = max(abs(float(x[0])), abs(float(x[-1]))) ** np.arange(len(coefficients))
    sizes = np.array([abs(each) / (1 << scale) for each in coefficients])
    # Horner's rounding, generously (Higham 2002, section 5.1): what may be largest is recomputed.
    slack = 4.0 * len(coefficients) * EPSILON * float(sizes @ powers)
    doubtful = errors >= errors.max() - 2.0 * slack
    degree = len(coefficients) - 1
    exact = evaluated(homogenised(coefficients, inputs.bits), whole[doubtful], inputs.reach)
    values = as_reals(exact, scale + degree * inputs.bits)
    largest = float(np.abs(wanted[doubtful] - values).max())
    if inputs.are_countable:
        return largest

    def approximation(points: FloatArray) -> FloatArray:
        return approximate_values(coefficients, scale, points)

    return max(largest, largest_error(function, approximation, inputs.intervals, degree=degree))


def power_coefficients(polynomial: Polynomial) -> list[Fraction]:
    """The coefficients of x**i of a Chebyshev sum on an interval, exactly."""
    low, high = Fraction(polynomial.low), Fraction(polynomial.high)
    scale, offset = 2 / (high - low), -(high + low) / (high - low)
    before, now = [Fraction(1)], [offset, scale]
    total = [Fraction(0)] * (polynomial.degree + 1)
    for each in polynomial.coefficients:
        for i, part in enumerate(before):
            total[i] += Fraction(each) * part
        shifted = [Fraction(0), *(2 * scale * part for part in now)]
        level = [2 * offset * part for part in now] + [Fraction(0)]
        older = before + [Fraction(0)] * (len(shifted) - len(before))
        before, now = now, [a + b - c for a, b, c in zip(shifted, level, older, strict=True)]
    return total
