"""What a search has found: assignments of forms to layers that no other one beats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tacit.program import Json
from tacit.tune.measure import Score
from tacit.tune.paf import Approximant
from tacit.tune.search.candidates import name_of


@dataclass(frozen=True, eq=False)
class Point:
    """A form for each layer, what that costs, and how the network scores with it.

    `predicted` is the loss if what each layer adds by itself added up; `loss` was measured.
    """

    forms: Mapping[str, Approximant]
    price: float
    accuracy: float
    loss: float
    predicted: float

    @property
    def names(self) -> dict[str, str]:
        """The name of each layer's form."""
        return {layer: name_of(form) for layer, form in self.forms.items()}

    @property
    def uniform(self) -> str | None:
        """The name of the only form, if it is the only one."""
        names = set(self.names.values())
        return names.pop() if len(names) == 1 else None


@dataclass(frozen=True, eq=False)
class Front:
    """The points that no other one beats, the cheapest first, and the others that were built.

    `price` says what prices are: "levels" or "seconds". `rises` has, for each layer and form, by
    how much the loss rises over the exact network's if that layer alone is replaced.
    """

    price: str
    budget: float | None
    exact: Score
    points: tuple[Point, ...]
    beaten: tuple[Point, ...]
    rises: Mapping[str, Mapping[str, float]]

    @property
    def best(self) -> Point:
        """The most accurate point."""
        return self.points[-1]

    def record(self) -> dict[str, Json]:
        """All of it, in numbers and names."""
        return {
            "price": self.price,
            "budget": self.budget,
            "accuracy": self.exact.accuracy,
            "loss": self.exact.loss,
            "held_out_images": self.exact.images,
            "points": [self._row(each) for each in self.points],
            "beaten": [self._row(each) for each in self.beaten],
            "rises": {layer: {**each} for layer, each in self.rises.items()},
        }

    def _row(self, point: Point) -> Json:
        return {
            self.price: point.price,
            "accuracy": point.accuracy,
            "loss": point.loss,
            "predicted_loss": point.predicted,
            "forms": {**point.names},
        }


def sorted_out(points: Iterable[Point]) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """The points that none is as good as in price and accuracy, and the others; cheapest first."""
    kept: list[Point] = []
    beaten: list[Point] = []
    for each in sorted(points, key=lambda one: (one.price, -one.accuracy, one.loss)):
        is_better = not kept or each.accuracy > kept[-1].accuracy
        (kept if is_better else beaten).append(each)
    return tuple(kept), tuple(beaten)
