"""The exact least and largest value of an integer polynomial on whole inputs, and of a plan's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import flint

from tacit.approx.plans.plan import Plan
from tacit.errors import TypeMismatch

# Runs of whole inputs (first, last), both included.
Runs = tuple[tuple[int, int], ...]
# Bits of a zero after its binary point.
SPARE_BITS = 64
# A polynomial with integer coefficients.
Integral = flint.fmpz_poly


@dataclass(frozen=True)
class Range:
    """The least and the largest of some integers, both taken."""

    least: int
    largest: int

    def fits(self, modulus: int) -> bool:
        """Whether all lie in (-t/2, t/2], where the residue modulo t tells the integer."""
        return -modulus < 2 * self.least and 2 * self.largest <= modulus

    @property
    def needed(self) -> int:
        """The least modulus that they fit."""
        return max(1 - 2 * self.least, 2 * self.largest, 2)


def range_of(coefficients: Sequence[int], runs: Runs) -> Range:
    """The exact range of the sum of coefficients[i] x**i over all whole x of the runs.

    Between two real zeros of the derivative a polynomial is monotone, so only whole numbers next
    to one, and the ends, can be extreme. The zeros are certified balls (Arb, as flint has it).

    >>> range_of([0, -10, 1], ((-1, 20),))
    Range(least=-25, largest=200)
    """
    return _range_of(Integral(list(coefficients)), runs)


def ranges_of(plan: Plan, runs: Runs) -> tuple[Range, ...]:
    """The exact range of every value of a plan of one input with whole constants, that first."""
    if plan.inputs != 1:
        raise TypeMismatch(f"ranges are known for plans of one input, not of {plan.inputs}")
    return tuple(_range_of(each, runs) for each in _polynomials(plan))


def _polynomials(plan: Plan) -> Iterable[Integral]:
    known = [Integral([0, 1])]
    for step in plan.steps:
        total = Integral([int(step.constant)])
        for first, second, weight in step.products:
            total += weight * (known[first] * known[second])
        for value, constant in step.terms:
            total += int(constant) * known[value]
        known.append(total)
    return known


def _range_of(polynomial: Integral, runs: Runs) -> Range:
    reach = max(abs(end) for run in runs for end in run)
    turns = list(_turns(polynomial.derivative(), reach))
    candidates = {
        min(max(turn, first), last) for first, last in runs for turn in (first, last, *turns)
    }
    values = [int(polynomial(each)) for each in candidates]
    return Range(min(values), max(values))


def _turns(derivative: Integral, reach: int) -> Iterator[int]:
    """The whole numbers on both sides of each real zero."""
    if derivative.degree() < 1:
        return
    # A ball around a zero within reach is then far narrower than 1.
    with flint.ctx.workprec(reach.bit_length() + SPARE_BITS):
        # Flint's types forget that every zero comes with its multiplicity.
        found: Any = derivative.complex_roots()
        zeros = [each.real for each, _ in found if each.imag.contains(0)]
    for zero in zeros:
        middle, radius = zero.mid().fmpq(), zero.rad().fmpq()
        yield from range(int((middle - radius).floor()), int((middle + radius).ceil()) + 1)
