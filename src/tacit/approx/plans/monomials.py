"""Plans for whole coefficients of powers: baby steps, giant steps, and sums relinearised once.

Whole constants take no level, so x**n times its coefficient is as deep as x**n. A split on x**g
is p = q x**g + r; all the products that a value sums are one step (Paterson & Stockmeyer 1973,
without their division by the leading coefficient, which would leave the integers).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import isqrt
from typing import NamedTuple

import numpy as np

from tacit.approx.plans.plan import Plan, Step
from tacit.errors import DepthExceeded

# Up to so many powers, making them all is also tried: a sum of few powers needs no split.
FEW = 32
# Block sizes are tried one by one up to here, then only those with two leading bits.
FINE_SIZES = 48


@dataclass(frozen=True)
class Split:
    """A sum: x**giant times a quotient for each of `parts`, `terms` (power, constant), a constant.

    Every power and every quotient is a level above the sum, or higher.
    """

    parts: tuple[tuple[int, Split], ...]
    terms: tuple[tuple[int, int], ...]
    constant: int

    @cached_property
    def joins(self) -> int:
        """The products that join the parts, those within them included."""
        return sum(1 + quotient.joins for _, quotient in self.parts)

    @cached_property
    def sums(self) -> int:
        """The values among it that sum products."""
        return bool(self.parts) + sum(quotient.sums for _, quotient in self.parts)

    def powers(self) -> Iterator[int]:
        """The exponents of all powers that it uses."""
        yield from (power for power, _ in self.terms)
        for giant, quotient in self.parts:
            yield giant
            yield from quotient.powers()

    def plus(self, other: Split) -> Split:
        """The sum of both."""
        return Split(
            self.parts + other.parts, self.terms + other.terms, self.constant + other.constant
        )


class Shape(NamedTuple):
    """A way to compute a polynomial, by what is least first."""

    products: int
    depth: int
    relinearisations: int
    chain: Mapping[int, tuple[int, int]]
    split: Split


def plan_of_powers(coefficients: Sequence[int], depth: int | None = None) -> Plan:
    """The plan for the sum of coefficients[i] x**i with the fewest products that the search finds.

    Its depth is ceil(log2(degree)), the least, unless `depth` allows more. Powers that no
    coefficient needs are not made, so even, odd and sparse polynomials cost less. Called with
    Python's integers the plan gives Python's integers. Raises DepthExceeded below the least depth.

    >>> [plan_of_powers([1] * (degree + 1)).products for degree in (7, 15, 31, 63)]
    [4, 7, 11, 16]
    >>> plan_of_powers([0, 3, 0, 5]).depth, plan_of_powers([7] + 255 * [0] + [1]).products
    (2, 8)
    """
    kept = _without_trailing_zeros(coefficients)
    least = level_of(len(kept) - 1)
    if depth is not None and depth < least:
        raise DepthExceeded(
            f"degree {len(kept) - 1} needs {least} products in a row; {depth} are allowed",
            hint="allow more depth or choose a lower degree",
        )
    shapes = (
        _shape(split, allowed)
        for allowed in range(least, (least if depth is None else depth) + 1)
        for split in _splits(kept, allowed)
        if split is not None
    )
    return _written(min(shapes, key=lambda shape: shape[:3]))


def level_of(power: int) -> int:
    """The products in a row that x**power needs: ceil(log2(power)); 0 for a constant."""
    return max(power - 1, 0).bit_length()


def chain_of(powers: Iterable[int]) -> dict[int, tuple[int, int]]:
    """For each power above 1, and each that it needs, the two whose product it is, ascending.

    Every power is made at its least level.

    >>> chain_of([5, 7])
    {2: (1, 1), 3: (1, 2), 4: (2, 2), 5: (1, 4), 7: (3, 4)}
    """
    wanted = {1, *powers}
    ways: dict[int, tuple[int, int]] = {}
    waiting = sorted(wanted - {0, 1})
    while waiting:
        power = waiting.pop()
        ways[power] = _way(power, wanted)
        missing = set(ways[power]) - wanted
        wanted |= missing
        waiting = sorted([*waiting, *missing])
    return dict(sorted(ways.items()))


def _way(power: int, wanted: set[int]) -> tuple[int, int]:
    """Two lower powers, both a level above at least; wanted ones if there are such."""
    level = level_of(power)
    pairs = ((each, power - each) for each in wanted if 2 * each <= power)
    usable = [pair for pair in pairs if pair[1] in wanted and level_of(pair[1]) < level]
    if usable:
        return max(usable)
    if power % 2 == 0:
        return power // 2, power // 2
    half = 1 << (level - 1)
    return power - half, half


def _without_trailing_zeros(coefficients: Sequence[int]) -> tuple[int, ...]:
    kept = [int(each) for each in coefficients] or [0]
    while len(kept) > 1 and kept[-1] == 0:
        kept.pop()
    return tuple(kept)


def _shape(split: Split, depth: int) -> Shape:
    chain = chain_of(split.powers())
    return Shape(len(chain) + split.joins, depth, len(chain) + split.sums, chain, split)


def _splits(coefficients: tuple[int, ...], depth: int) -> Iterator[Split | None]:
    """What each block size gives; None where it cannot keep to the depth."""
    support = [power for power, each in enumerate(coefficients) if each and power]
    if len(support) <= FEW:
        yield Split((), tuple((each, coefficients[each]) for each in support), coefficients[0])
    last = np.maximum.accumulate([k if each else 0 for k, each in enumerate(coefficients)])
    ends = last.tolist()
    for size in _sizes(len(coefficients) - 1, len(support)):
        most = ((len(coefficients) - 1) // size).bit_length() - 1
        yield _split(coefficients, ends, size, most, depth)
        # Doing without the last giant costs no more where little stands above it.
        yield _split(coefficients, ends, size, max(most - 1, 0), depth)


def _sizes(degree: int, nonzero: int) -> list[int]:
    """Block sizes around the square root of the degree, where the best one is."""
    least, most = isqrt(nonzero) // 4, min(degree, 2 * isqrt(degree) + 2)
    coarse = {head << shift for head in (2, 3) for shift in range(most.bit_length())}
    fine = range(max(least, 1), min(most, FINE_SIZES) + 1)
    return sorted({*fine, *(each for each in coarse if least <= each <= most)})


def _split(
    coefficients: tuple[int, ...], ends: Sequence[int], size: int, most: int, depth: int
) -> Split | None:
    """The split on size << 0 to most with fewest joins; None if the depth is too small for it.

    `ends` holds for each index the last one up to it whose coefficient is not zero.
    """

    @cache  # Lives as long as this call.
    def best(low: int, high: int, budget: int) -> Split | None:
        top = max(ends[high], low) - low
        if level_of(top) > budget:
            return None
        if top <= size:
            slots = range(low + 1, low + top + 1)
            terms = tuple((k - low, coefficients[k]) for k in slots if coefficients[k])
            return Split((), terms, coefficients[low])
        shift = min((top // size).bit_length() - 1, most)
        giants = (size << each for each in (shift, shift - 1) if each >= 0)
        options = [on(giant, low, high, budget) for giant in giants]
        return min(
            (each for each in options if each is not None),
            key=lambda each: each.joins,
            default=None,
        )

    def on(giant: int, low: int, high: int, budget: int) -> Split | None:
        quotient, rest = best(low + giant, high, budget - 1), best(low, low + giant - 1, budget)
        if quotient is None or rest is None or level_of(giant) > budget:
            return None
        if not quotient.parts and not quotient.terms:
            # A constant times a power is no product of two ciphertexts.
            return rest.plus(Split((), ((giant, quotient.constant),), 0))
        if level_of(giant) == budget:
            return None
        return rest.plus(Split(((giant, quotient),), (), 0))

    return best(0, len(coefficients) - 1, depth)


def _written(shape: Shape) -> Plan:
    """The steps: all powers in ascending order, then each sum after its quotients."""
    places = {1: 0} | {power: place for place, power in enumerate(shape.chain, start=1)}
    levels = [level_of(power) for power in places]
    steps = [Step(products=((places[a], places[b], 1),)) for a, b in shape.chain.values()]

    def add(step: Step, level: int) -> int:
        steps.append(step)
        levels.append(level)
        return len(steps)

    def write(split: Split) -> int:
        joins = tuple((write(quotient), places[giant], 1) for giant, quotient in split.parts)
        terms = tuple((places[power], constant) for power, constant in split.terms)
        if not joins:
            return add(
                Step((), terms, split.constant), max((levels[each] for each, _ in terms), default=0)
            )
        level = max(levels[each] for first, second, _ in joins for each in (first, second))
        # A power as deep as the products is added after them, or it would sink a level with them.
        late = tuple(each for each in terms if levels[each[0]] > level)
        early = tuple(each for each in terms if levels[each[0]] <= level)
        place = add(Step(joins, early, split.constant), level + 1)
        return add(Step((), ((place, 1), *late)), level + 1) if late else place

    write(shape.split)
    return Plan(tuple(steps))
