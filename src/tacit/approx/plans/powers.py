"""Which Chebyshev polynomials T_k are made for a plan, and from which two each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType


@dataclass(frozen=True)
class Powers:
    """Indices k, and for each k > 1 the (a, b) of T_k = 2 T_a T_b - T_(a-b), where k = a + b.

    >>> odd = Powers.of([2, 3, 4, 7])
    >>> dict(odd.ways), odd.levels[7]
    ({2: (1, 1), 3: (2, 1), 4: (2, 2), 7: (4, 3)}, 3)
    """

    ways: Mapping[int, tuple[int, int]]

    @classmethod
    def of(cls, indices: Iterable[int]) -> Powers:
        """These indices, each made at the least level that the others allow.

        Where none of them makes an index, its halves are added.
        """
        wanted = _closed({1, *(each for each in indices if each > 1)})
        levels = {0: 0, 1: 0}
        ways: dict[int, tuple[int, int]] = {}
        for index in sorted(wanted - {1}):
            ways[index] = min(
                _ways(index, wanted), key=lambda way: (max(levels[way[0]], levels[way[1]]), way[0])
            )
            larger, smaller = ways[index]
            # T_(a-b) is no deeper than T_a where T_a is as shallow as it can be; look all the same.
            levels[index] = 1 + max(levels[larger], levels[smaller], levels[larger - smaller])
        return cls(MappingProxyType(ways))

    @cached_property
    def levels(self) -> Mapping[int, int]:
        """For each index the levels that T_k takes."""
        found = {0: 0, 1: 0}
        for index in sorted(self.ways):
            larger, smaller = self.ways[index]
            found[index] = 1 + max(found[larger], found[smaller], found[larger - smaller])
        return MappingProxyType(found)

    def needed(self, indices: Iterable[int]) -> frozenset[int]:
        """The indices above 1 that have to be made for these."""
        found: set[int] = set()
        waiting = [each for each in indices if each > 1]
        while waiting:
            index = waiting.pop()
            if index in found:
                continue
            found.add(index)
            larger, smaller = self.ways[index]
            waiting.extend(each for each in (larger, smaller, larger - smaller) if each > 1)
        return frozenset(found)


def _ways(index: int, among: set[int]) -> Iterator[tuple[int, int]]:
    """The pairs that make an index, from indices that are all there."""
    for larger in range(-(-index // 2), index):
        smaller = index - larger
        if {larger, smaller} <= among and (larger == smaller or larger - smaller in among):
            yield larger, smaller


def _closed(indices: set[int]) -> set[int]:
    """The indices, with what is missing to make each of them from smaller ones."""
    closed = set(indices)
    for index in range(max(closed), 1, -1):
        if index in closed and not any(_ways(index, closed)):
            closed |= {-(-index // 2), index // 2, 1}
    return closed


def candidates(degree: int, unit: int, *, odd: bool) -> Iterator[Powers]:
    """The sets of powers worth trying for multiples of `unit` up to a degree, all different.

    Small powers (all, or only the odd) up to a largest, and giants that double: T_(2^j k), because
    splitting on T_k^j would let the coefficients of quotients grow. Giants that meet the largest
    small power plus one are enough: for degrees to 127 no other first giant saves a product.
    """
    top = degree // unit
    offered: set[frozenset[int]] = set()
    for indices in _odd(top) if odd else _dense(top):
        powers = Powers.of(unit * each for each in indices)
        made = frozenset(powers.ways)
        if made not in offered:
            offered.add(made)
            yield powers


def _dense(top: int) -> Iterator[set[int]]:
    for largest in range(1, reach(top) + 1):
        yield {*range(1, largest + 1), *_doublings(largest + 1, top)}


def _odd(top: int) -> Iterator[set[int]]:
    for largest in range(1, 2 * reach(top) + 1, 2):
        small = set(range(1, largest + 1, 2))
        yield from (small | each for each in giants(largest, top))


def giants(largest: int, top: int) -> Iterator[set[int]]:
    """The giants worth trying with small odd powers: they double, and meet `largest` + 1.

    Powers of two below the first one make the odd powers without the powers in between.
    """
    first = largest + 1
    while first > 1:
        for twos in range(first.bit_length()):
            helpers = {1 << each for each in range(1, twos + 1)}
            yield helpers | set(_doublings(first, top))
        if first % 2:
            return
        first //= 2


def reach(top: int) -> int:
    """A size of the small powers beyond which making them costs more than they save."""
    # With k small powers and top / k joins the best k is near the root.
    return int(1.25 * top**0.5) + 2


def _doublings(first: int, top: int) -> Iterator[int]:
    while first <= top:
        yield first
        first *= 2
