"""The products that the bridge makes when it evaluates a polynomial, and at which levels.

The bridge splits p = q T_(2^m) + r from the root down, as Paterson and Stockmeyer do; leaves are
sums of powers times constants. This mirrors its choices, to say beforehand what they cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Steps:
    """Levels below the input at which an evaluation multiplies, relinearises, rescales, scales."""

    products: list[int] = field(default_factory=list)
    relinearised: list[int] = field(default_factory=list)
    rescaled: list[int] = field(default_factory=list)
    scaled: list[int] = field(default_factory=list)


def steps(coefficients: Sequence[float]) -> Steps:
    """The work of one evaluation with the size of leaves that takes fewest products."""
    depth = (len(coefficients) - 1).bit_length()
    found = [_Walk(list(coefficients), leaf).work for leaf in range(1, depth + 1)]
    return min(found, key=lambda work: len(work.products)) if found else Steps()


def divide(coefficients: Sequence[float]) -> tuple[list[float], list[float], int]:
    """q, r and 2^m with p = q T_(2^m) + r and 2^m the largest power of two up to the degree."""
    degree = len(coefficients) - 1
    power = 1 << (degree.bit_length() - 1)
    quotient = [coefficients[power]]
    remainder = list(coefficients[:power])
    for j in range(1, degree - power + 1):
        # T_(n+j) = 2 T_n T_j - T_(n-j)
        quotient.append(2 * coefficients[power + j])
        remainder[power - j] -= coefficients[power + j]
    while remainder and remainder[-1] == 0.0:
        remainder.pop()
    return quotient, remainder, power


class _Walk:
    """One evaluation with leaves of a degree below 2^leaf."""

    def __init__(self, coefficients: list[float], leaf: int) -> None:
        self._leaf = leaf
        self._powers = {1}
        self.work = Steps()
        depth = (len(coefficients) - 1).bit_length()
        # The last product is one level above the result.
        self._finished(coefficients, depth - 1)

    def _finished(self, coefficients: list[float], below: int) -> None:
        """A part that is rescaled at the end, and relinearised if a product is in it."""
        if self._raw(coefficients, below):
            self.work.relinearised.append(below)
        self.work.rescaled.append(below)

    def _raw(self, coefficients: list[float], below: int) -> bool:
        """Walk a part whose sum is made `below` levels under the input; is it of degree two?"""
        degree = len(coefficients) - 1
        leaf = degree <= 1 or (degree < 1 << self._leaf and (degree - 1).bit_length() <= below)
        if leaf:
            for k in range(1, degree + 1):
                if coefficients[k]:
                    self._power(k)
                    self.work.scaled.append(below)
            return False
        quotient, remainder, power = divide(coefficients)
        self._power(power)
        product = len(quotient) > 1
        if product:
            self._finished(quotient, below - 1)
            self.work.products.append(below)
        rest = bool(remainder) and self._raw(remainder, below)
        return product or rest

    def _power(self, index: int) -> None:
        """T_index, by T_(a+b) = 2 T_a T_b - T_(a-b), if it is not there yet."""
        if index in self._powers:
            return
        self._powers.add(index)
        larger = 1 << ((index - 1).bit_length() - 1)
        for part in (larger, index - larger, 2 * larger - index):
            if part:
                self._power(part)
        below = (larger - 1).bit_length()
        self.work.products.append(below)
        self.work.relinearised.append(below)
        self.work.rescaled.append(below)
