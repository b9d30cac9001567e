"""Prices: what a network with a form for each layer is to be cheap in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tacit.tune.paf import Approximant
from tacit.tune.search.assembly import Assembly
from tacit.tune.search.bench import Bench
from tacit.tune.search.candidates import name_of, work_of
from tacit.tune.search.network import Step
from tacit.tune.search.programme import Option, Task, cost_of

# Forms by layer, or by their own names.
Forms = Mapping[str, Approximant]


@dataclass(frozen=True)
class Priced:
    """The price of a whole network, and of each layer in it where that is known.

    What cannot be had has the price None.
    """

    price: float | None
    parts: Mapping[str, float] = field(default_factory=dict)

    @property
    def rest(self) -> float:
        """What belongs to no layer."""
        return (self.price or 0.0) - sum(self.parts.values())


@dataclass(frozen=True)
class Costs:
    """What each layer's forms cost, in whole units of the price, added up along the `steps`."""

    steps: tuple[Step, ...]
    layers: tuple[Mapping[str, int], ...]
    unit: float = 1.0

    def task(self, rises: Sequence[Mapping[str, float]]) -> Task:
        """What is to be chosen; `rises` has by how much each form of each layer lifts the loss."""
        options: list[tuple[Option, ...]] = []
        for step in self.steps:
            if step.layer is None:
                options.append((Option(step.levels, 0.0),))
            else:
                costs, lifted = self.layers[step.layer], rises[step.layer]
                options.append(tuple(Option(costs[name], lifted[name]) for name in lifted))
        return Task(tuple(options), tuple(each.before for each in self.steps))


class Price(ABC):
    """What an assignment of forms is to be cheap in."""

    name: ClassVar[str]

    @abstractmethod
    def of(self, whole: Assembly) -> Priced:
        """The price of a network."""

    @abstractmethod
    def costs(self, bench: Bench, options: Sequence[Forms], known: Mapping[str, Priced]) -> Costs:
        """What each layer's options cost.

        `known` has, by a form's name, the price of the network whose layers take that form if they
        can. Raises DepthExceeded where none of these networks can be had.
        """


@dataclass(frozen=True)
class Levels(Price):
    """The levels that a fresh ciphertext needs: what the longest path through the network takes."""

    name: ClassVar[str] = "levels"

    def of(self, whole: Assembly) -> Priced:
        """The levels, counted on the network's graph."""
        chosen = [whole.forms[each.name] for each in whole.bench.layers]
        options = [{name_of(form): form} for form in chosen]
        task = self.costs(whole.bench, options, {}).task(
            [dict.fromkeys(each, 0.0) for each in options]
        )
        return Priced(float(cost_of(task, [0] * len(task.options))))

    def costs(self, bench: Bench, options: Sequence[Forms], known: Mapping[str, Priced]) -> Costs:
        """The levels of each form, with those of the linear maps before it."""
        pairs = zip(bench.layers, options, strict=True)
        layers = tuple(
            {name: layer.times * work_of(layer.function, each).levels for name, each in own.items()}
            for layer, own in pairs
        )
        return Costs(bench.steps, layers)
