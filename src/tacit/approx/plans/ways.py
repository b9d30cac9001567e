"""In which ways the stages of a composite can be computed: levels, products, and x merged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tacit.approx.plans.merged import MergedShape, best_merged
from tacit.approx.plans.splits import Cost, Shape, best_shape
from tacit.errors import DepthExceeded, TypeMismatch

# Levels and products of something that is computed without a bootstrap in between.
Stretch = tuple[int, int]

# Levels beyond the least that are tried for a stage: below degree 47 a third one saves nothing.
MOST_EXTRA = 2


@dataclass(frozen=True)
class Way:
    """One stage within some levels; x takes part in it, or multiplies its value afterwards."""

    levels: int
    shape: Shape | MergedShape
    then_times_input: bool = False

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The stage, and the product with x if that comes afterwards."""
        own = (self.levels, self.shape.cost.products)
        return (own, (1, 1)) if self.then_times_input else (own,)

    @property
    def depth(self) -> int:
        """The levels of all of it."""
        return self.levels + self.then_times_input

    @property
    def cost(self) -> Cost:
        """What all of it costs."""
        return self.shape.cost.plus(Cost(1, 1, 1)) if self.then_times_input else self.shape.cost


def least_levels(pattern: int) -> int:
    """The levels without which no polynomial of a pattern is computed."""
    return (pattern.bit_length() - 1).bit_length()


@cache  # A search that always gives the same: a memory of a pure function is no state.
def ways(pattern: int, *, times_input: bool = False) -> tuple[Way, ...]:
    """The ways of a stage of that pattern that are worth trying, where it is the last one times x.

    With x there are those that multiply afterwards and those that merge the product (`merged`).

    >>> [(each.depth, each.cost.products) for each in ways(0b101011, times_input=True)]
    [(4, 4), (3, 5), (5, 4), (4, 4), (6, 4), (5, 4)]
    """
    found: list[Way] = []
    least = least_levels(pattern)
    for levels in range(least, least + MOST_EXTRA + 1):
        found.append(Way(levels, best_shape(pattern, levels), times_input))
        merged = best_merged(pattern, levels) if times_input else None
        if merged is not None:
            found.append(Way(levels, merged))
    return tuple(found)


def ways_at(patterns: Sequence[int], levels: Sequence[int], *, times_input: bool) -> list[Way]:
    """The ways in which stages of these patterns take these levels, in this order.

    After a number for each stage, a 1 stands for the product with x; without it the last stage
    merges it. Raises TypeMismatch where the numbers are not as many, DepthExceeded where one of
    them is too small.
    """
    *inner, last = patterns
    alone = times_input and len(levels) == len(patterns) + 1 and levels[-1] == 1
    if len(levels) - alone != len(patterns):
        raise TypeMismatch(
            f"levels {tuple(levels)} are not those of {len(patterns)} stages",
            hint="a number for each stage, and 1 for the product with x if it comes afterwards",
        )
    *before, own = levels[: len(patterns)]
    found = [Way(n, best_shape(each, n)) for each, n in zip(inner, before, strict=True)]
    if alone or not times_input:
        return [*found, Way(own, best_shape(last, own), alone)]
    merged = best_merged(last, own)
    if merged is None:
        raise DepthExceeded(
            f"x times a polynomial of degree {last.bit_length() - 1} needs more than {own} levels",
            hint="allow a level for the product afterwards",
        )
    return [*found, Way(own, merged)]


def cheapest_ways(
    patterns: Sequence[int], depth: int | None = None, *, times_input: bool
) -> list[Way]:
    """The ways of fewest products together: within the least depth, or within `depth`.

    Raises DepthExceeded where `depth` is below the least.
    """
    *inner, last = patterns
    reached: dict[int, tuple[Cost, list[Way]]] = {0: (Cost(0, 0, 0), [])}
    for pattern in inner:
        reached = _extended(reached, ways(pattern))
    reached = _extended(reached, ways(last, times_input=times_input))
    least = min(reached)
    allowed = least if depth is None else depth
    if allowed < least:
        raise DepthExceeded(
            f"a composite of {len(patterns)} stages needs {least} levels, not {allowed}",
            hint="allow more levels, or lower the degrees",
        )
    fitting = ((cost, n, found) for n, (cost, found) in reached.items() if n <= allowed)
    return min(fitting, key=lambda each: each[:2])[2]


def _extended(
    reached: dict[int, tuple[Cost, list[Way]]], choices: Sequence[Way]
) -> dict[int, tuple[Cost, list[Way]]]:
    """For each number of levels the cheapest ways, with a stage more in one of these ways."""
    found: dict[int, tuple[Cost, list[Way]]] = {}
    for levels, (cost, before) in reached.items():
        for each in choices:
            extended = (cost.plus(each.cost), [*before, each])
            known = found.get(levels + each.depth, extended)
            # Of equal ones the first is kept: a product with x that stands alone has more freedom.
            found[levels + each.depth] = extended if extended[0] < known[0] else known
    return found
