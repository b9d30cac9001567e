"""The search: each layer's forms measured alone, the best assignments predicted, then measured.

SmartPAF (arXiv 2404.03216) gives every layer the same form. Here a form is chosen for each layer:
if what replacing each layer adds to the loss added up, a dynamic programme would find the front of
loss against price exactly; what it finds is built and measured, and so is each form by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from tacit.approx import PAFS
from tacit.errors import TypeMismatch
from tacit.ledger import opened
from tacit.program import Progress
from tacit.tune.paf import Approximant
from tacit.tune.samples import Samples, fingerprint
from tacit.tune.search.bench import Settings, bench
from tacit.tune.search.candidates import named, options_of
from tacit.tune.search.front import Front
from tacit.tune.search.prices import Levels, Price
from tacit.tune.search.run import Run, front_of


@dataclass(frozen=True)
class Search:
    """What is searched for: which forms, cheap in which price, and within which budget.

    Of the predicted front so many `points` are built and measured, and each form by itself.
    """

    forms: tuple[Approximant, ...] = tuple(PAFS)
    price: Price = field(default_factory=Levels)
    budget: float | None = None
    points: int = 12
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        """Refuse fewer points than none."""
        if self.points < 0:
            raise TypeMismatch(f"{self.points} points cannot be built", hint="say 12, or 0")


def search(
    model: nn.Module,
    samples: Samples,
    wanted: Search | None = None,
    *,
    ledger: Path | None = None,
    progress: Progress | None = None,
) -> Front:
    """The front of accuracy against price, of a trained network whose layers have their own forms.

    Every measurement is in the file `ledger` as soon as it is made: a search that was stopped and
    is called again goes on there, to the same end. The model is not changed. Raises DepthExceeded
    where the price is in seconds and no form fits all layers; TypeMismatch where nothing is within
    the budget.
    """
    chosen = wanted or Search()
    forms = named(chosen.forms)
    known = bench(model, samples, chosen.settings)
    options = [options_of(layer, forms) for layer in known.layers]
    if not options:
        raise TypeMismatch("the model has no activation and no maximum to replace")
    mark = fingerprint(model, samples, known.text)
    run = Run(known, opened(ledger, mark), options, chosen.price, chosen.budget)
    return front_of(run, chosen.points, progress)


def build(
    model: nn.Module,
    samples: Samples,
    forms: Mapping[str, Approximant],
    settings: Settings | None = None,
) -> nn.Module:
    """A copy of the network with a form for each layer, as it was measured: with static scales.

    With the settings of a search it is the network of a point, to be trained further.
    """
    return bench(model, samples, settings or Settings()).together(forms)
