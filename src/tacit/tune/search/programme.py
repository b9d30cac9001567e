"""The least rise for every cost, where costs add up along the longest path of a network.

An exact dynamic programme over the steps in their order. What it has to remember of the steps
behind it is the cost at which each value arrives that is still waited for: one number in a chain,
and in a network of residual additions too, whose skips are never the longest path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

# The steps that each step waits for, all of them earlier ones.
Before = Sequence[Sequence[int]]
# The steps that wait for a value.
Waiting = frozenset[int]


@dataclass(frozen=True)
class Option:
    """One way to do a step: what it costs, and by how much the loss rises."""

    cost: int
    rise: float


@dataclass(frozen=True)
class Task:
    """Steps, the options of each, and the steps that each waits for."""

    options: tuple[tuple[Option, ...], ...]
    before: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Solution:
    """An option of each step by its place, the cost of the longest path, and the sum of rises."""

    cost: int
    rise: float
    choice: tuple[int, ...]


@dataclass(frozen=True)
class _Taken:
    """The options taken so far, the last one first, and the sum of their rises."""

    rise: float
    option: int = -1
    rest: _Taken | None = None

    @property
    def choice(self) -> tuple[int, ...]:
        """The options in the order of the steps."""
        found, now = [], self
        while now.rest is not None:
            found.append(now.option)
            now = now.rest
        return tuple(reversed(found))


# For the costs at which the values arrive that are waited for, the best way to get there.
_States = Mapping[tuple[int, ...], _Taken]


def front(task: Task) -> tuple[Solution, ...]:
    """All that no other choice beats in cost and rise at once, the cheapest first.

    Among equals one is given, always the same.
    """
    before = reduced(task.before)
    end = len(before)
    waiting: list[Waiting] = []
    states: _States = {(): _Taken(0.0)}
    for step, options in enumerate(task.options):
        users = frozenset(k for k in range(step + 1, end) if step in before[k]) or frozenset({end})
        merged, places = _merged([each - {step} for each in waiting], users)
        needed = [k for k, each in enumerate(waiting) if step in each]
        states = _best(_grown(states, _useful(options), needed, places))
        waiting = merged
    found = [
        Solution(max(costs, default=0), each.rise, each.choice) for costs, each in states.items()
    ]
    return _undominated(found)


def cost_of(task: Task, choice: Sequence[int]) -> int:
    """The cost of the longest path."""
    arrived: list[int] = []
    for options, before, taken in zip(task.options, task.before, choice, strict=True):
        arrived.append(options[taken].cost + max((arrived[k] for k in before), default=0))
    return max(arrived, default=0)


def reduced(before: Before) -> tuple[tuple[int, ...], ...]:
    """Only those that each step waits for directly: what a longer way implies is left out."""
    behind: list[frozenset[int]] = []
    found = []
    for each in before:
        implied = frozenset().union(*(behind[k] for k in each))
        found.append(tuple(sorted(set(each) - implied)))
        behind.append(implied | frozenset(each))
    return tuple(found)


def _merged(left: Iterable[Waiting], users: Waiting) -> tuple[list[Waiting], list[int]]:
    """The values that are waited for, and where those of before and the new one have gone.

    Of values that the same steps wait for only the last to arrive counts; -1 is nowhere.
    """
    found: list[Waiting] = []
    places = []
    for each in (*left, users):
        if each and each not in found:
            found.append(each)
        places.append(found.index(each) if each else -1)
    return found, places


def _useful(options: Sequence[Option]) -> Mapping[int, Option]:
    """The options by their places, but for those that another one beats."""
    kept: dict[int, Option] = {}
    least = inf
    for number, option in sorted(enumerate(options), key=lambda one: (one[1].cost, one[1].rise)):
        if not kept or option.rise < least:
            kept[number], least = option, option.rise
    return kept


def _grown(
    states: _States, options: Mapping[int, Option], needed: Sequence[int], places: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], _Taken]]:
    """Every state with every option of one more step."""
    count = max(places) + 1
    for costs, taken in states.items():
        start = max((costs[k] for k in needed), default=0)
        for number, option in options.items():
            arrived = [0] * count
            for cost, place in zip((*costs, start + option.cost), places, strict=True):
                if place >= 0:
                    arrived[place] = max(arrived[place], cost)
            yield tuple(arrived), _Taken(taken.rise + option.rise, number, taken)


def _best(grown: Iterable[tuple[tuple[int, ...], _Taken]]) -> _States:
    """The best way to each state; where one value is waited for, only what no other beats."""
    best: dict[tuple[int, ...], _Taken] = {}
    for costs, taken in grown:
        known = best.get(costs)
        if known is None or taken.rise < known.rise:
            best[costs] = taken
    if any(len(costs) != 1 for costs in best):
        return best
    kept: dict[tuple[int, ...], _Taken] = {}
    least = inf
    for costs in sorted(best):
        if not kept or best[costs].rise < least:
            kept[costs], least = best[costs], best[costs].rise
    return kept


def _undominated(found: Iterable[Solution]) -> tuple[Solution, ...]:
    kept: list[Solution] = []
    for each in sorted(found, key=lambda one: (one.cost, one.rise)):
        if not kept or each.rise < kept[-1].rise:
            kept.append(each)
    return tuple(kept)
