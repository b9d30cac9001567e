"""From bits to better bits: one number changed at a time, the best saving for what is lost first.

Where no single change helps, one number is lowered and another one raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tacit.arithmetics.integers.search.trials import Bench, Trial, Widths
from tacit.grids import MOST_BITS

# Half of an example's weight: less than one example is no loss.
SLACK = 0.5


@dataclass(frozen=True)
class Goal:
    """The least accuracy, or None for the best there is, and the highest price."""

    accuracy: float | None
    price: float

    def excess(self, trial: Trial) -> float:
        """By how much a trial is too dear."""
        assert trial.price is not None, "only what can be had is compared"
        return max(0.0, trial.price - self.price)

    def lack(self, trial: Trial) -> float:
        """By how much it is not accurate enough."""
        assert trial.accuracy is not None, "only what can be had is compared"
        return max(0.0, (1.0 if self.accuracy is None else self.accuracy) - trial.accuracy)

    def rank(self, trial: Trial) -> tuple[float, float, float, float, Widths]:
        """What is to be least: first of all within the bounds, then cheap, then accurate."""
        price, accuracy = trial.price or 0.0, trial.accuracy or 0.0
        return self.excess(trial), self.lack(trial), price, -accuracy, trial.widths


def settled(bench: Bench, start: Trial, goal: Goal) -> Trial:
    """Where no change helps any more."""
    here = start
    while True:
        after = _stepped(bench, here, goal) or _repaired(bench, here, goal)
        if after is None:
            return here
        here = after


def _stepped(bench: Bench, here: Trial, goal: Goal) -> Trial | None:
    """The best of all changes of one number, if it is one for the better."""
    is_short = goal.lack(here) > 0.0 and goal.excess(here) == 0.0
    tried = [bench.trial(each) for each in _changes(bench, here.widths, 1 if is_short else -1)]
    better = [each for each in tried if _is_better(each, here, goal)]
    if not better:
        return None
    if is_short:
        return min(better, key=goal.rank)
    return max(better, key=lambda each: _worth(each, here, len(bench.examples.x)))


def _worth(trial: Trial, here: Trial, rows: int) -> tuple[float, Widths]:
    """What is saved for the accuracy that is lost."""
    assert here.price is not None, "it can be had"
    assert trial.price is not None, "it can be had"
    lost = max(0.0, (here.accuracy or 0.0) - (trial.accuracy or 0.0))
    return (here.price - trial.price) / (lost + SLACK / rows), trial.widths


def _repaired(bench: Bench, here: Trial, goal: Goal) -> Trial | None:
    """The first change of two numbers, one down and one up, that helps."""
    lowered = [bench.trial(each) for each in _changes(bench, here.widths, -1)]
    for low in sorted(lowered, key=lambda each: (each.price is None, each.price, each.widths)):
        for widths in _changes(bench, low.widths, 1):
            trial = bench.trial(widths)
            if widths != here.widths and _is_better(trial, here, goal):
                return trial
    return None


def _is_better(trial: Trial, here: Trial, goal: Goal) -> bool:
    return trial.reason is None and goal.rank(trial) < goal.rank(here)


def _changes(bench: Bench, widths: Widths, by: int) -> Iterator[Widths]:
    """Every way to change one number."""
    for place, (knob, width) in enumerate(zip(bench.knobs, widths, strict=True)):
        if knob.least <= width + by <= MOST_BITS:
            yield (*widths[:place], width + by, *widths[place + 1 :])
