"""Which degrees take the least time, when bootstraps are needed between the stages."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from tacit.approx.composites.aim import Aim
from tacit.approx.composites.costs import CostModel
from tacit.approx.composites.squeezes import place_of, squeezes

# How much nearer to ±1 a cheaper beginning must be to displace another: the tables are this good.
NEARER = 1e-3


class Beginning(NamedTuple):
    """The first stages of a composite: what they took, and the levels of their result and of x."""

    cost: float
    number: int
    degrees: tuple[int, ...]
    width: float
    level: int
    input_level: int
    is_over: bool = False


def by_time(aim: Aim, costs: CostModel, *, times_input: bool) -> Iterator[tuple[int, ...]]:
    """All degrees that get there and that nothing cheaper and narrower displaces, cheapest first.

    Dijkstra's search over (width, levels left). Unused levels are dropped at the start or after a
    bootstrap, so that each run between bootstraps ends with none left.
    """
    numbers = count()
    queue: list[Beginning] = []
    nearest: dict[tuple[int, int], float] = {}
    seen: set[tuple[tuple[int, ...], int, int]] = set()
    for fresh, highest in ((0.0, costs.levels), (costs.bootstrap, costs.levels_after_bootstrap)):
        for level in range(highest + 1):
            start = Beginning(fresh, next(numbers), (), aim.start, level, highest)
            heapq.heappush(queue, start)
    offered: set[tuple[int, ...]] = set()
    while queue:
        now = heapq.heappop(queue)
        if now.is_over:
            if now.degrees not in offered:
                yield now.degrees
            offered.add(now.degrees)
            continue
        key = (now.degrees, now.level, now.input_level)
        place, where = place_of(now.width), (now.level, now.input_level)
        if key in seen or place < nearest.get(where, place) - NEARER:
            continue
        seen.add(key)
        nearest[where] = max(place, nearest.get(where, place))
        for each in _continued(now, aim, costs, times_input=times_input):
            heapq.heappush(queue, each._replace(number=next(numbers)))


def _continued(
    now: Beginning, aim: Aim, costs: CostModel, *, times_input: bool
) -> Iterator[Beginning]:
    """What may come next: the end, another stage, or a bootstrap."""
    if now.degrees and now.width <= aim.goal:
        yield from _ended(now, costs, times_input=times_input)
        return
    noisy = min(now.width + aim.margin, 1.0 - 1e-12)
    for stage in squeezes():
        # A stage that brings nothing nearer is of no use, and might be repeated for ever.
        nearer = place_of(stage.width(noisy)) > place_of(now.width) + NEARER
        if stage.depth <= now.level and nearer:
            yield now._replace(
                cost=now.cost + costs.of((stage.depth, stage.products), now.level),
                degrees=(*now.degrees, stage.degree),
                width=stage.width(noisy),
                level=now.level - stage.depth,
            )
    if now.level == 0 and now.degrees:
        for level in range(1, costs.levels_after_bootstrap + 1):
            yield now._replace(cost=now.cost + costs.bootstrap, level=level)


def _ended(now: Beginning, costs: CostModel, *, times_input: bool) -> Iterator[Beginning]:
    """The end, after a last product or bootstrap if they are needed."""
    needed = costs.levels_kept + (1 if times_input else 0)
    if times_input and now.input_level < needed:
        return
    last = costs.price(needed) if times_input else 0.0
    if now.level == needed:
        yield now._replace(cost=now.cost + last, is_over=True)
    if now.level == 0 and needed and needed <= costs.levels_after_bootstrap and times_input:
        yield now._replace(cost=now.cost + costs.bootstrap + last, is_over=True)
