"""The search for whole coefficients: the programme on some inputs, then the worst of the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tacit.approx.fits import Fit
from tacit.approx.fixed.inputs import Inputs
from tacit.approx.fixed.lattice import Lattice
from tacit.approx.fixed.modular import Integers
from tacit.approx.fixed.programme import GAP, Integral, best_integers
from tacit.approx.fixed.whole import approximate_values, power_coefficients
from tacit.approx.problem import Problem
from tacit.approx.symmetry import ROUNDINGS, reduced
from tacit.approx.target import ScalarFunction, values_of
from tacit.ir.functions import FloatArray

# Inputs of each interval that the first programme sees.
POINTS = 160
# Two rounds are the rule; this many only where an error has plateaus.
ROUNDS = 12
# Constants like 1/2 are known to so many bits although they were computed in doubles.
NEAT_BITS = 40


@dataclass(frozen=True)
class Search:
    """What is approximated, on which inputs, and the fit with real coefficients to begin with."""

    reals: Fit
    degree: int
    inputs: Inputs
    node_limit: int

    @property
    def function(self) -> ScalarFunction:
        """The function that is approximated."""
        return self.reals.function

    @cached_property
    def powers(self) -> tuple[Fraction, ...]:
        """The real coefficients of powers of x, as many as the degree asks for."""
        found = power_coefficients(self.reals.polynomial)
        return (*found, *(Fraction(0) for _ in range(self.degree + 1 - len(found))))

    @cached_property
    def looks(self) -> Integers:
        """The inputs at which errors are looked for."""
        return self.inputs.looks(self.function.kinks)

    @cached_property
    def values(self) -> FloatArray:
        """The function's values there."""
        return values_of(self.function, self.inputs.decode(self.looks))


@dataclass(frozen=True)
class Free:
    """The indices whose coefficients are sought, and the affine part that symmetry settles."""

    indices: tuple[int, ...]
    affine: tuple[int, int] = (0, 0)

    @property
    def is_symmetric(self) -> bool:
        """Whether half of the inputs say all."""
        return self.indices != tuple(range(len(self.indices)))

    def whole(self, part: Integral) -> tuple[int, ...]:
        """All coefficients, from those of the free indices; trailing zeros dropped."""
        found = np.zeros(max(self.indices[-1], 1) + 1, dtype=object)
        found[list(self.indices)] = part.coefficients
        found[:2] += np.array(self.affine, dtype=object)
        kept = [int(each) for each in found]
        while len(kept) > 1 and kept[-1] == 0:
            kept.pop()
        return tuple(kept)


@dataclass(frozen=True)
class Found:
    """Whole coefficients, their largest error, and a lower bound for all whole coefficients."""

    coefficients: tuple[int, ...]
    error: float
    bound: float


def searched(search: Search, coefficient_bits: int) -> Found:
    """The best coefficients Σ a_i x**i / 2**coefficient_bits with whole a_i that were found.

    The programme on some inputs bounds the error on all of them from below; the inputs with
    larger errors are added until there are none.
    """
    free = _free(search, coefficient_bits)
    points = _kept(search.inputs.graded(POINTS, search.function.kinks), free)
    start = [search.powers[i] * 2**coefficient_bits for i in free.indices]
    best = Found((0,), np.inf, 0.0)
    for _ in range(ROUNDS):
        lattice = Lattice(points, search.inputs.bits, free.indices)
        values = _remaining(search, free, points, coefficient_bits)
        part = best_integers(lattice, values, start, search.node_limit)
        coefficients = free.whole(part)
        errors = _errors(search, coefficients, coefficient_bits)
        bound = max(best.bound, float(np.ldexp(part.bound, -coefficient_bits)))
        now = Found(coefficients, float(errors.max()), bound)
        best = now if now.error < best.error else replace(best, bound=bound)
        level = float(np.ldexp(part.level, -coefficient_bits))
        worse = search.looks[_peaks(errors) & (errors > level * (1.0 + GAP))]
        more = np.union1d(points, _kept(worse, free))
        if best.error - best.bound <= GAP * best.error or len(more) == len(points):
            break
        points, start = more, [Fraction(int(each)) for each in part.coefficients]
    return best


def _free(search: Search, coefficient_bits: int) -> Free:
    """Half of the indices where symmetry loses nothing, all of them elsewhere.

    If p is good for an even function, (p(x) + p(-x)) / 2 is no worse and has whole coefficients;
    likewise for odd ones. The affine part that was taken out must have whole coefficients too.
    """
    problem = Problem(search.function, search.inputs.intervals, search.degree)
    everything = Free(tuple(range(problem.degree + 1)))
    # Only about 0 is symmetry a matter of powers of x.
    if problem.low != -problem.high:
        return everything
    small = reduced(problem)
    if len(small.indices) == len(everything.indices):
        return everything
    constant, slope = small.affine[0], small.affine[1] / problem.high
    settled = tuple(_neat(each, coefficient_bits) for each in (constant, slope))
    if settled[0] is None or settled[1] is None:
        return everything
    return Free(small.indices, (settled[0], settled[1]))


def _neat(real: float, coefficient_bits: int) -> int | None:
    """The whole number that is real · 2**coefficient_bits up to the real's own rounding."""
    near = Fraction(round(real * 2.0**NEAT_BITS), 2**NEAT_BITS)
    scaled = near * 2**coefficient_bits
    is_whole = scaled.denominator == 1 and abs(real - float(near)) <= ROUNDINGS * max(
        1.0, abs(real)
    )
    return int(scaled) if is_whole else None


def _kept(points: Integers, free: Free) -> Integers:
    """The points, or those that are left when a symmetry is used."""
    return points[points >= 0] if free.is_symmetric else points


def _remaining(search: Search, free: Free, points: Integers, coefficient_bits: int) -> FloatArray:
    """What the free coefficients have to give, in units of the last place of a coefficient."""
    x = search.inputs.decode(points)
    settled = approximate_values(free.affine, coefficient_bits, x)
    return np.ldexp(values_of(search.function, x) - settled, coefficient_bits)


def _errors(search: Search, coefficients: tuple[int, ...], coefficient_bits: int) -> FloatArray:
    x = search.inputs.decode(search.looks)
    return np.abs(search.values - approximate_values(coefficients, coefficient_bits, x))


def _peaks(errors: FloatArray) -> NDArray[np.bool_]:
    """Where an error is no smaller than at both neighbours."""
    padded = np.concatenate([[-1.0], errors, [-1.0]])
    return (errors >= padded[:-2]) & (errors >= padded[2:])
