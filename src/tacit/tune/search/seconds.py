"""The price in seconds: each network is lowered, and its encrypted answer's time predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from torch import nn

from tacit.arithmetics.ckks import CKKS
from tacit.errors import DepthExceeded, ProtocolError
from tacit.ledger import Key
from tacit.passes import calibrate
from tacit.program import Json, Program, lower
from tacit.read import read
from tacit.tune.search.assembly import Assembly
from tacit.tune.search.bench import Bench
from tacit.tune.search.candidates import evenly, work_of
from tacit.tune.search.network import Step
from tacit.tune.search.prices import Costs, Forms, Price, Priced

# Images that show how large a network's values are, on which its time hardly depends.
SHOWN = 64
# Seconds become whole numbers of which the dearest choice has so many.
GRID = 10_000


@dataclass(frozen=True)
class Seconds(Price):
    """The CPU seconds of one encrypted answer, as predicted for this machine."""

    arithmetic: CKKS = field(default_factory=CKKS)

    name: ClassVar[str] = "seconds"

    def of(self, whole: Assembly) -> Priced:
        """The seconds of the lowered network and of each of its layers; None if it is too deep.

        They are timed on this machine, so a ledger keeps them.
        """
        key: Key = {"measured": self.name, "under": repr(self.arithmetic), "forms": whole.names}
        return _priced(whole.ledger.get(key, lambda: self._entry(whole)))

    def costs(self, bench: Bench, options: Sequence[Forms], known: Mapping[str, Priced]) -> Costs:
        """The seconds of each layer's words, in the network whose layers take that form.

        Where that network is too deep, those of a form that is not, by the ratio of products. They
        add up nearly: a level more makes all that comes before it a little slower.
        """
        had = {name: each for name, each in known.items() if each.price is not None}
        if not had:
            raise DepthExceeded(
                f"no form of {', '.join(known)} is shallow enough for all layers under CKKS, so "
                "seconds are not known",
                hint="search by levels, or add forms of less depth",
            )
        name, first = next(iter(had.items()))
        usual = evenly(bench.layers, options, name)
        seconds = []
        for layer, own in zip(bench.layers, options, strict=True):
            works = {each: work_of(layer.function, form).products for each, form in own.items()}
            products = max(1, work_of(layer.function, usual[layer.name]).products)
            unit = first.parts[layer.name] / products
            guessed = {each: unit * count for each, count in works.items()}
            timed = {each: had[each].parts[layer.name] for each in own if each in had}
            seconds.append(guessed | timed)
        return _costs(seconds, first.rest)

    def _entry(self, whole: Assembly) -> Json:
        try:
            program = self._program(whole.bench, whole.model)
        except DepthExceeded:
            return None
        parts = _by_layer(program, [each.name for each in whole.bench.layers])
        return {"seconds": program.cost.seconds, "parts": {**parts}}

    def _program(self, bench: Bench, model: nn.Module) -> Program:
        places = np.unique(np.linspace(0, len(bench.seen) - 1, SHOWN).astype(np.int64))
        (shown,) = bench.samples.batches(bench.seen.only(places))
        graph = read(model, bench.samples.example)
        return lower(calibrate(graph, shown.double().numpy()), self.arithmetic)


def _priced(entry: Json) -> Priced:
    match entry:
        case None:
            return Priced(None)
        case {"seconds": float(seconds), "parts": dict(parts)}:
            return Priced(seconds, {k: v for k, v in parts.items() if isinstance(v, float)})
        case _:
            raise ProtocolError(f"{entry!r} in the ledger is no time", hint="give another file")


def _by_layer(program: Program, layers: Sequence[str]) -> dict[str, float]:
    """The seconds of the words that each layer became."""
    words = program.cost.facts["seconds_by_word"]
    assert isinstance(words, dict), "CKKS tells the seconds of its words"
    found = dict.fromkeys(layers, 0.0)
    for node in program.graph:
        spent = words.get(node.name)
        owner = next((each for each in layers if f"{node.origin}.".startswith(f"{each}.")), None)
        if owner is not None and isinstance(spent, float):
            found[owner] += spent
    return found


def _costs(seconds: Sequence[Mapping[str, float]], rest: float) -> Costs:
    """Seconds as whole numbers, layer after layer, and what no form changes at the end."""
    unit = (sum(max(each.values()) for each in seconds) + rest) / GRID
    layers = tuple({name: round(each / unit) for name, each in own.items()} for own in seconds)
    befores = [() if k == 0 else (k - 1,) for k in range(len(layers) + 1)]
    chain = [Step(before, layer=k) for k, before in enumerate(befores[:-1])]
    return Costs((*chain, Step(befores[-1], levels=round(rest / unit))), layers, unit)
