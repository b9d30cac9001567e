"""A network with a form for each layer: built when it is first needed, measured but once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import nn

from tacit.errors import ProtocolError
from tacit.ledger import Key, Ledger
from tacit.program import Json
from tacit.tune.measure import Score
from tacit.tune.paf import Approximant
from tacit.tune.search.bench import Bench
from tacit.tune.search.candidates import name_of


@dataclass(frozen=True, eq=False)
class Assembly:
    """The forms of all layers of a bench's network; what is measured of it is in the ledger."""

    bench: Bench
    ledger: Ledger
    forms: Mapping[str, Approximant]

    @cached_property
    def model(self) -> nn.Module:
        """The network itself, its coefficients tuned layer by layer."""
        return self.bench.together(self.forms)

    @property
    def names(self) -> dict[str, Json]:
        """The name of each layer's form."""
        return {layer: name_of(form) for layer, form in self.forms.items()}

    def score(self) -> Score:
        """How well it does on the held-out images."""
        key: Key = {"measured": "together", "forms": self.names}
        return score_of(self.ledger.get(key, lambda: entry_of(self.bench.scored(self.model))))


def entry_of(score: Score) -> Json:
    """A score as a ledger holds it: an infinite loss is none."""
    loss = score.loss if math.isfinite(score.loss) else None
    return {"accuracy": score.accuracy, "loss": loss, "images": score.images}


def score_of(entry: Json) -> Score:
    """The score that `entry_of` wrote."""
    match entry:
        case {"accuracy": float(accuracy), "loss": float() | None as loss, "images": int(images)}:
            return Score(accuracy, math.inf if loss is None else loss, images)
        case _:
            raise ProtocolError(f"{entry!r} in the ledger is no score", hint="give another file")
