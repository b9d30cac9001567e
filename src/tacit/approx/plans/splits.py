"""How a Chebyshev polynomial is split with the fewest products: a search over the powers made.

Only the pattern of the coefficients matters: bit k is set where T_k has one. A split on T_g is
p = q T_g + r, from T_(g+j) = 2 T_g T_j - T_(g-j). Its g is at least half of the degree, so the
coefficients of q are at most twice those of p, and those of r at most sums of two of p's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from math import gcd
from typing import NamedTuple

from tacit.approx.plans.powers import Powers, candidates
from tacit.errors import DepthExceeded


@dataclass(frozen=True)
class Split:
    """p = quotient · T_giant + rest; None stands for a sum of powers times constants."""

    giant: int
    quotient: Split | None
    rest: Split | None


class Cost(NamedTuple):
    """What is least first: products of ciphertexts, then relinearisations, then rescalings."""

    products: int
    relinearisations: int
    rescalings: int

    def plus(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(self[0] + other[0], self[1] + other[1], self[2] + other[2])


@dataclass(frozen=True)
class Shape:
    """The splits of one polynomial, the powers that they use, and what all of it costs."""

    split: Split | None
    powers: Powers
    cost: Cost


def pattern_of(indices: Iterable[int]) -> int:
    """The number whose bits are set at these indices."""
    return sum(1 << each for each in indices)


@cache  # A search that always gives the same: a memory of a pure function is no state.
def best_shape(pattern: int, depth: int) -> Shape:
    """The cheapest shape of all polynomials of a pattern, at a depth; raises if none fits.

    >>> best_shape(0b11111111, 3).cost.products
    5
    """
    degree = pattern.bit_length() - 1
    if depth < degree.bit_length():
        raise DepthExceeded(
            f"a polynomial of degree {degree} needs {degree.bit_length()} levels, not {depth}",
            hint="allow more levels, or lower the degree",
        )
    shapes = (_shape(pattern, depth, powers) for powers in _candidates(pattern))
    return min((each for each in shapes if each is not None), key=lambda each: each.cost)


def _shape(pattern: int, depth: int, powers: Powers) -> Shape | None:
    found = Search(powers).raw(pattern, depth - 1)
    if found is None:
        return None
    made = len(powers.needed(_used(pattern, found.split)))
    own = Cost(made, made + found.multiplies, made + 1)
    return Shape(found.split, powers, own.plus(found.cost))


def _candidates(pattern: int) -> Iterator[Powers]:
    indices = [index for index in range(pattern.bit_length()) if pattern >> index & 1]
    # T_1 is there, so a term in it is free, as is a constant.
    unit = gcd(*(index for index in indices if index > 1)) or 1
    degree = pattern.bit_length() - 1
    yield Powers.of(indices)
    # Only powers of two are sure to be as shallow as the least depth needs.
    for each in sorted({unit, unit & -unit}):
        is_odd = all(index // each % 2 for index in indices if index > 1)
        yield from candidates(degree, each, odd=is_odd)


def _used(pattern: int, split: Split | None) -> Iterator[int]:
    """The indices of the powers that a split of a pattern needs."""
    if split is None:
        yield from (index for index in range(1, pattern.bit_length()) if pattern >> index & 1)
        return
    yield split.giant
    quotient, rest = divided(pattern, split.giant)
    yield from _used(quotient, split.quotient)
    yield from _used(rest, split.rest)


def divided(pattern: int, giant: int) -> tuple[int, int]:
    """The patterns of quotient and remainder by T_giant, whose index is at least half the degree.

    >>> divided(0b1011, 2)
    (2, 3)
    """
    quotient = pattern >> giant
    # Bit j of the quotient comes back at giant - j.
    mirrored = int(f"{quotient >> 1:0{giant}b}"[::-1], 2)
    return quotient, pattern & ((1 << giant) - 1) | mirrored


class Found(NamedTuple):
    """A way to sum a polynomial: what it costs without powers, and whether the sum multiplies."""

    cost: Cost
    split: Split | None
    multiplies: bool


_LEAF = Found(Cost(0, 0, 0), None, multiplies=False)


@dataclass
class Search:
    """The best splits with given powers, for every pattern and number of levels left."""

    powers: Powers
    known: dict[tuple[int, int], Found | None] = field(default_factory=dict)

    def raw(self, pattern: int, below: int) -> Found | None:
        """The best way to sum a polynomial from values at most `below` levels under the input."""
        if pattern <= 1:
            return _LEAF
        if below < 0:
            return None
        if (pattern, below) not in self.known:
            self.known[pattern, below] = self._raw(pattern, below)
        return self.known[pattern, below]

    def _raw(self, pattern: int, below: int) -> Found | None:
        if self._is_leaf(pattern, below):
            return _LEAF
        splits = (self._split(pattern, giant, below) for giant in self.giants(pattern, below))
        found = (each for each in splits if each is not None)
        return min(found, key=lambda each: each.cost, default=None)

    def _is_leaf(self, pattern: int, below: int) -> bool:
        """Whether all powers of a pattern are among those that are made early enough."""
        levels = self.powers.levels
        needed = (index for index in range(1, pattern.bit_length()) if pattern >> index & 1)
        return all(levels.get(index, below + 1) <= below for index in needed)

    def giants(self, pattern: int, below: int) -> Iterator[int]:
        """The powers on which a pattern may be split."""
        degree = pattern.bit_length() - 1
        for giant, level in self.powers.levels.items():
            if level <= below and 1 < giant <= degree <= 2 * giant:
                yield giant

    def _split(self, pattern: int, giant: int, below: int) -> Found | None:
        quotient, rest = divided(pattern, giant)
        after = self.raw(rest, below)
        if after is None or quotient == 1:
            return after and Found(after.cost, Split(giant, None, after.split), after.multiplies)
        factor = self.raw(quotient, below - 1)
        if factor is None:
            return None
        joined = Cost(1, int(factor.multiplies), 1).plus(factor.cost).plus(after.cost)
        return Found(joined, Split(giant, factor.split, after.split), multiplies=True)
