"""How x p(y) is made within the levels of p, where x is there early.

Not p is multiplied by x, but the T_k that p is made of: x T_k = 2 (x T_a) T_b - x T_|a-b|, where
k = a + b. So x takes part like a T_1, and all that takes more levels than p(y) alone is its degree
being one more. Sums of x T_k are multiplied by giants T_g as any quotient is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from tacit.approx.plans.powers import Powers, giants, reach
from tacit.approx.plans.splits import Cost, Search, divided


@dataclass(frozen=True)
class Multiples:
    """Indices k, and for each k > 0 the (a, b) of x T_k, which is x T_b where a = 0."""

    ways: Mapping[int, tuple[int, int]]
    powers: Powers
    levels: Mapping[int, int]

    @classmethod
    def of(cls, indices: Iterable[int], powers: Powers) -> Multiples:
        """Those of the indices that can be made with these powers, at their least levels."""
        levels = {0: 0}
        ways: dict[int, tuple[int, int]] = {}
        for index in sorted(indices):
            found = [
                (1 + max(levels[multiple], powers.levels[index - multiple]), multiple)
                for multiple in levels
                if index - multiple in powers.levels
                and (multiple == 0 or abs(index - 2 * multiple) in levels)
            ]
            if found:
                levels[index], multiple = min(found)
                ways[index] = (multiple, index - multiple)
        return cls(MappingProxyType(ways), powers, MappingProxyType(levels))

    def needed(self, indices: Iterable[int]) -> tuple[frozenset[int], frozenset[int]]:
        """The multiples, and the powers for them, that have to be made for these multiples."""
        multiples: set[int] = set()
        powers: set[int] = set()
        waiting = [each for each in indices if each]
        while waiting:
            index = waiting.pop()
            if index not in multiples:
                multiples.add(index)
                larger, power = self.ways[index]
                powers.add(power)
                waiting.extend(each for each in (larger, abs(larger - power)) if larger and each)
        return frozenset(multiples), frozenset(powers)


@dataclass(frozen=True)
class Spread:
    """x p = (x quotient) · T_giant + x rest; None stands for a sum of x T_k times constants."""

    giant: int
    quotient: Spread | None
    rest: Spread | None


@dataclass(frozen=True)
class MergedShape:
    """The splits of x times a polynomial, what they are made of, and what all of it costs."""

    split: Spread | None
    multiples: Multiples
    cost: Cost

    @property
    def powers(self) -> Powers:
        """The powers that it uses."""
        return self.multiples.powers


@cache  # A search that always gives the same: a memory of a pure function is no state.
def best_merged(pattern: int, depth: int) -> MergedShape | None:
    """The cheapest shape of x p for all p of a pattern, if there is one of this depth.

    There is one where degree + 2 <= 2**depth. Both x and the variable of p are there from the
    start.

    >>> from tacit.approx.plans.splits import best_shape
    >>> odd = 0b10101010101010
    >>> best_shape(odd, 4).cost.products, best_merged(odd, 4).cost.products
    (7, 8)
    """
    shapes = (_shape(pattern, depth, each) for each in _candidates(pattern))
    found = (each for each in shapes if each is not None)
    return min(found, key=lambda each: each.cost, default=None)


def _candidates(pattern: int) -> Iterator[Multiples]:
    degree = pattern.bit_length() - 1
    is_odd = not any(pattern >> index & 1 for index in range(2, degree + 1, 2))
    step = 2 if is_odd else 1
    offered: set[tuple[frozenset[int], int]] = set()
    for largest in range(1, step * reach(degree) + 1, step):
        for indices in giants(largest, degree):
            powers = Powers.of(indices)
            made = frozenset(powers.ways)
            if (made, largest) not in offered:
                offered.add((made, largest))
                yield Multiples.of(range(1, largest + 1, step), powers)


def _shape(pattern: int, depth: int, multiples: Multiples) -> MergedShape | None:
    found = _Search(multiples).raw(pattern, depth - 1)
    if found is None:
        return None
    made, factors = multiples.needed(_leaves(pattern, found.split))
    powers = multiples.powers.needed({*factors, *_giants_of(found.split)})
    count = len(made) + len(powers)
    own = Cost(count, count + found.multiplies, count + 1)
    return MergedShape(found.split, multiples, own.plus(found.cost))


def _leaves(pattern: int, split: Spread | None) -> Iterator[int]:
    """The multiples that a split of a pattern sums."""
    if split is None:
        yield from (index for index in range(1, pattern.bit_length()) if pattern >> index & 1)
        return
    quotient, rest = divided(pattern, split.giant)
    yield from _leaves(quotient, split.quotient)
    yield from _leaves(rest, split.rest)


def _giants_of(split: Spread | None) -> Iterator[int]:
    if split is not None:
        yield split.giant
        yield from _giants_of(split.quotient)
        yield from _giants_of(split.rest)


class _Found(NamedTuple):
    cost: Cost
    split: Spread | None
    multiplies: bool


@dataclass
class _Search:
    """The best splits with given multiples, for every pattern and number of levels left."""

    multiples: Multiples
    known: dict[tuple[int, int], _Found | None] = field(default_factory=dict)

    def raw(self, pattern: int, below: int) -> _Found | None:
        """The best way to sum x times a polynomial from values at most `below` levels down."""
        if below < 0:
            return None
        if (pattern, below) not in self.known:
            self.known[pattern, below] = self._raw(pattern, below)
        return self.known[pattern, below]

    def _raw(self, pattern: int, below: int) -> _Found | None:
        levels = self.multiples.levels
        needed = (index for index in range(pattern.bit_length()) if pattern >> index & 1)
        if all(levels.get(index, below + 1) <= below for index in needed):
            return _Found(Cost(0, 0, 0), None, multiplies=False)
        giants_of = Search(self.multiples.powers).giants(pattern, below)
        splits = (self._split(pattern, giant, below) for giant in giants_of)
        found = (each for each in splits if each is not None)
        return min(found, key=lambda each: each.cost, default=None)

    def _split(self, pattern: int, giant: int, below: int) -> _Found | None:
        quotient, rest = divided(pattern, giant)
        factor, after = self.raw(quotient, below - 1), self.raw(rest, below)
        if factor is None or after is None:
            return None
        cost = Cost(1, int(factor.multiplies), 1).plus(factor.cost).plus(after.cost)
        return _Found(cost, Spread(giant, factor.split, after.split), multiplies=True)
