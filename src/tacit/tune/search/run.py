"""One search at work: what is measured, in which order, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import nn

from tacit.errors import TypeMismatch
from tacit.ledger import Key, Ledger
from tacit.program import Progress
from tacit.tune.measure import Score
from tacit.tune.search.assembly import Assembly, entry_of, score_of
from tacit.tune.search.bench import Bench
from tacit.tune.search.candidates import evenly, name_of
from tacit.tune.search.front import Front, Point, sorted_out
from tacit.tune.search.prices import Costs, Forms, Price
from tacit.tune.search.programme import Solution, front


@dataclass(frozen=True, eq=False)
class Run:
    """A search on a bench: `options` has the forms that each layer can take, by their names."""

    bench: Bench
    ledger: Ledger
    options: Sequence[Forms]
    price: Price
    budget: float | None

    def fits(self, price: float) -> bool:
        """Whether the price is within the budget."""
        return self.budget is None or price <= self.budget


@dataclass(frozen=True)
class Losses:
    """How the exact network scores, and for each layer its loss with each form of that layer."""

    exact: Score
    layers: tuple[Mapping[str, float], ...]

    @property
    def rises(self) -> list[dict[str, float]]:
        """By how much each form of each layer lifts the loss."""
        return [{k: loss - self.exact.loss for k, loss in each.items()} for each in self.layers]


class _Count:
    """How many of the measurements are done, told whenever one more is."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.done, self.total, self.progress = 0, total, progress

    def add(self) -> None:
        """One more is done."""
        self.done += 1
        if self.progress:
            self.progress(self.done, self.total)


def front_of(run: Run, points: int, progress: Progress | None) -> Front:
    """The front of so many predicted assignments, and of each form by itself."""
    layers, options = run.bench.layers, run.options
    names = dict.fromkeys(name for own in options for name in own)
    even = {name: evenly(layers, options, name) for name in names}
    count = _Count(1 + sum(map(len, options)) + len(even) + points, progress)
    losses = _losses(run, count)
    built = _built(run, even.values(), losses, count)
    known = {name: run.price.of(_assembly(run, each)) for name, each in even.items()}
    costs = run.price.costs(run.bench, options, known)
    predicted = [_forms(run, costs, each) for each in _predicted(run, costs, losses, points)]
    others = [each for each in predicted if each not in even.values()]
    count.total += len(others) - points
    built += _built(run, others, losses, count)
    if not built:
        prices = [run.price.of(_assembly(run, each)).price for each in (*even.values(), *others)]
        raise _too_dear(run, min(each for each in prices if each is not None))
    kept, beaten = sorted_out(built)
    rises = {layer.name: each for layer, each in zip(layers, losses.rises, strict=True)}
    return Front(run.price.name, run.budget, losses.exact, kept, beaten, rises)


def _losses(run: Run, count: _Count) -> Losses:
    """Each layer with each of its forms, alone."""
    exact = _scored(run, {"measured": "exact"}, lambda: run.bench.exact)
    count.add()
    layers = []
    for layer, own in zip(run.bench.layers, run.options, strict=True):
        found = {}
        for name, form in own.items():
            key: Key = {"measured": "alone", "layer": layer.name, "form": name}
            found[name] = _scored(run, key, partial(run.bench.alone, layer.name, form)).loss
            count.add()
        layers.append(found)
    return Losses(exact, tuple(layers))


def _scored(run: Run, key: Key, made: Callable[[], nn.Module]) -> Score:
    return score_of(run.ledger.get(key, lambda: entry_of(run.bench.scored(made()))))


def _assembly(run: Run, forms: Forms) -> Assembly:
    return Assembly(run.bench, run.ledger, forms)


def _predicted(run: Run, costs: Costs, losses: Losses, points: int) -> list[Solution]:
    """What the programme finds within the budget: so many, evenly, with the first and the last."""
    found = front(costs.task(losses.rises))
    within = [each for each in found if run.fits(each.cost * costs.unit)]
    if not within:
        raise _too_dear(run, found[0].cost * costs.unit)
    places = np.linspace(0, len(within) - 1, min(points, len(within))).round()
    return [within[int(each)] for each in places]


def _too_dear(run: Run, least: float) -> TypeMismatch:
    return TypeMismatch(
        f"no choice of forms takes {run.budget:g} {run.price.name} or less; the cheapest takes "
        f"{least:.4g}",
        hint="raise the budget, or add forms of lower degree",
    )


def _forms(run: Run, costs: Costs, solution: Solution) -> Forms:
    """The form of each layer."""
    found = {}
    for step, choice in zip(costs.steps, solution.choice, strict=True):
        if step.layer is not None:
            forms = tuple(run.options[step.layer].values())
            found[run.bench.layers[step.layer].name] = forms[choice]
    return found


def _built(run: Run, several: Iterable[Forms], losses: Losses, count: _Count) -> list[Point]:
    """Those of the assignments that can be had within the budget, built and scored."""
    found = []
    for forms in several:
        whole = _assembly(run, forms)
        price = run.price.of(whole).price
        if price is not None and run.fits(price):
            score = whole.score()
            rises = zip(run.bench.layers, losses.rises, strict=True)
            lifted = sum(each[name_of(forms[layer.name])] for layer, each in rises)
            expected = losses.exact.loss + lifted
            found.append(Point(forms, price, score.accuracy, score.loss, expected))
        count.add()
    return found
