"""Which stages take the least time, when bootstraps are needed between the stages."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from tacit.approx.composites.aim import Aim, Stages
from tacit.approx.composites.costs import CostModel
from tacit.approx.composites.options import Option, merged_options, options
from tacit.approx.composites.squeezes import place_of

# How much nearer to ±1 a cheaper beginning must be to displace another: the tables are this good.
NEARER = 1e-3


class Beginning(NamedTuple):
    """The first stages of a composite: what they took, and the levels of their result and of x."""

    cost: float
    number: int
    stages: Stages
    width: float
    level: int
    input_level: int
    is_over: bool = False


def by_time(aim: Aim, costs: CostModel) -> Iterator[Stages]:
    """All stages that get there and that nothing cheaper and narrower displaces, cheapest first.

    Dijkstra's search over (width, levels left). Unused levels are dropped at the start or after a
    bootstrap, so that each run between bootstraps ends with none left.
    """
    numbers = count()
    queue: list[Beginning] = []
    nearest: dict[tuple[int, int], float] = {}
    seen: set[tuple[Stages, int, int]] = set()
    for fresh, highest in ((0.0, costs.levels), (costs.bootstrap, costs.levels_after_bootstrap)):
        for level in range(highest + 1):
            start = Beginning(fresh, next(numbers), (), aim.start, level, highest)
            heapq.heappush(queue, start)
    offered: set[Stages] = set()
    while queue:
        now = heapq.heappop(queue)
        if now.is_over:
            if now.stages not in offered:
                yield now.stages
            offered.add(now.stages)
            continue
        key = (now.stages, now.level, now.input_level)
        place, where = place_of(now.width), (now.level, now.input_level)
        if key in seen or place < nearest.get(where, place) - NEARER:
            continue
        seen.add(key)
        nearest[where] = max(place, nearest.get(where, place))
        for each in _continued(now, aim, costs):
            heapq.heappush(queue, each._replace(number=next(numbers)))


def _continued(now: Beginning, aim: Aim, costs: CostModel) -> Iterator[Beginning]:
    """What may come next: the end, another stage, or a bootstrap."""
    if now.stages and now.width <= aim.goal:
        yield from _ended(now, aim, costs)
        return
    if aim.times_input and now.level <= now.input_level:
        yield from _merged(now, aim, costs)
    noisy = min(now.width + aim.margin, 1.0 - 1e-12)
    for stage in options():
        width = stage.squeeze.width(noisy)
        # A stage that brings nothing nearer is of no use, and might be repeated for ever.
        nearer = place_of(width) > place_of(now.width) + NEARER
        if stage.depth <= now.level and nearer:
            yield _after(now, stage, costs)._replace(width=width)
    if now.level == 0 and now.stages:
        for level in range(1, costs.levels_after_bootstrap + 1):
            yield now._replace(cost=now.cost + costs.bootstrap, level=level)


def _after(now: Beginning, stage: Option, costs: CostModel) -> Beginning:
    """The same with a stage of one stretch more, but for the width."""
    return now._replace(
        cost=now.cost + costs.of((stage.depth, stage.products), now.level),
        stages=(*now.stages, stage),
        level=now.level - stage.depth,
    )


def _merged(now: Beginning, aim: Aim, costs: CostModel) -> Iterator[Beginning]:
    """The ends with a last stage that merges the product with x."""
    noisy = min(now.width + aim.margin, 1.0 - 1e-12)
    for stage in merged_options():
        if now.level == stage.depth + costs.levels_kept and stage.squeeze.width(noisy) <= aim.goal:
            yield _after(now, stage, costs)._replace(is_over=True)


def _ended(now: Beginning, aim: Aim, costs: CostModel) -> Iterator[Beginning]:
    """The end, after a last product or bootstrap if they are needed."""
    needed = costs.levels_kept + (1 if aim.times_input else 0)
    if not aim.times_input:
        if now.level == needed:
            yield now._replace(is_over=True)
        return
    if now.input_level < needed:
        return
    *before, last = now.stages
    product = Option(last.degree, (*last.stretches, (1, 1)))
    over = now._replace(
        cost=now.cost + costs.price(needed), stages=(*before, product), is_over=True
    )
    if now.level == needed:
        yield over
    if now.level == 0 and needed <= costs.levels_after_bootstrap:
        yield over._replace(cost=over.cost + costs.bootstrap)
