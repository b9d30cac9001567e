"""Which stages a search chooses from: degrees, and ways to compute them, that win in something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from tacit.approx.composites.squeezes import MAX_STAGE_DEGREE, Squeeze, squeeze
from tacit.approx.plans import Stretch, ways
from tacit.approx.plans.splits import pattern_of


@dataclass(frozen=True)
class Option:
    """A stage of an odd degree, and the levels and products of one way to compute it.

    If it is the last one and x is multiplied by its value, that is part of it: merged, or a
    stretch of its own.
    """

    degree: int
    stretches: tuple[Stretch, ...]

    @cached_property
    def depth(self) -> int:
        """The levels of all of it."""
        return sum(levels for levels, _ in self.stretches)

    @cached_property
    def products(self) -> int:
        """The products of two ciphertexts in all of it."""
        return sum(products for _, products in self.stretches)

    @property
    def is_merged(self) -> bool:
        """Whether all of it is one stretch."""
        return len(self.stretches) == 1

    @property
    def squeeze(self) -> Squeeze:
        """What it does to half-widths."""
        return squeeze(self.degree)


@cache  # Searches that always give the same: a memory of a pure function is no state.
def options(*, times_input: bool = False) -> tuple[Option, ...]:
    """The stages worth using: none of a lower degree costs as much, or more, in both.

    >>> [(each.degree, each.stretches) for each in options()[:4]]
    [(3, ((2, 2),)), (5, ((3, 3),)), (7, ((3, 5),)), (7, ((4, 4),))]
    """
    every = (
        each
        for degree in range(3, MAX_STAGE_DEGREE + 1, 2)
        for each in options_of(degree, times_input=times_input)
    )
    return tuple(_not_worse(every))


@cache
def merged_options() -> tuple[Option, ...]:
    """The stages worth using among those that merge the product with x."""
    every = (
        each
        for degree in range(3, MAX_STAGE_DEGREE + 1, 2)
        for each in options_of(degree, times_input=True)
        if each.is_merged
    )
    return tuple(_not_worse(every))


def options_of(degree: int, *, times_input: bool = False) -> Iterator[Option]:
    """A stage of that odd degree in all ways worth trying, without zeros among odd coefficients."""
    # A constant is free, so whether there is one makes no difference to `ways`.
    pattern = 1 | pattern_of(range(1, degree + 1, 2))
    for way in ways(pattern, times_input=times_input):
        yield Option(degree, way.stretches)


def _not_worse(every: Iterable[Option]) -> Iterator[Option]:
    """Those that no other beats in products at its depth, or in depth, with at least its degree."""
    # The first of equal ones is kept: sorting is stable.
    found = sorted(every, key=lambda each: (-each.degree, each.products, each.depth))
    fewest: list[Option] = []
    for each in found:
        if not any(a.depth <= each.depth and a.products <= each.products for a in fewest):
            fewest.append(each)
    yield from reversed(fewest)
