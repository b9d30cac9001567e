"""The picture of a search: accuracy against price."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tacit.tune.pictures.paper import (
    BLUE,
    FAINT,
    GREY,
    INK,
    RED,
    SMALL,
    USUAL,
    Spot,
    across,
    label_all,
    percent,
    plain,
    sheet,
    upright,
)
from tacit.tune.search import Front, Point

PRICES = {
    "levels": "levels that a fresh ciphertext needs",
    "seconds": "CPU seconds of one encrypted answer, as predicted",
}
# A network that has lost a larger share of images is drawn on the lower edge, with its accuracy.
LOST = 0.2


def picture_of_front(front: Front) -> Figure:
    """Accuracy against price: the front, what it beats faintly, and each form by itself."""
    figure = sheet(8.0, 4.8)
    axes = figure.subplots()
    plain(axes)
    percent(axes)
    built = (*front.points, *front.beaten)
    floor = _floor(front.exact.accuracy, built)
    steps = _steps(_spots(front.points, floor))
    axes.plot(*zip(*steps, strict=True), color=BLUE, linewidth=1.6, zorder=3)
    _draw_points(axes, front, floor)
    _draw_exact(axes, front)
    if front.budget is not None:
        budget = f"budget: {front.budget:g} {front.price}"
        axes.axvline(front.budget, color=RED, linewidth=1.2, linestyle=":", label=budget)
    axes.xaxis.set_major_locator(MaxNLocator(integer=front.price == "levels"))
    axes.margins(x=0.06, y=0.1)
    axes.set_xlabel(PRICES.get(front.price, front.price), fontsize=USUAL, color=INK)
    images = f"accuracy on {front.exact.images:,} held-out images"
    axes.set_ylabel(images, fontsize=USUAL, color=INK)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=SMALL)
    lines = [steps, across(axes, front.exact.accuracy)]
    lines += [] if front.budget is None else [upright(axes, front.budget)]
    label_all(axes, _labels(front, floor), _spots(built, floor), *lines)
    return figure


def _floor(exact: float, points: Sequence[Point]) -> float:
    """The lowest accuracy that is drawn where it belongs."""
    found = [each.accuracy for each in points]
    return min([each for each in found if each >= exact - LOST] or found)


def _spots(points: Iterable[Point], floor: float) -> list[Spot]:
    return [(each.price, max(each.accuracy, floor)) for each in points]


def _steps(spots: Sequence[Spot]) -> list[Spot]:
    """What is reached for a price: no more until the next point."""
    turns = [(second[0], first[1]) for first, second in itertools.pairwise(spots)]
    pairs = itertools.zip_longest(spots, turns)
    return [each for pair in pairs for each in pair if each is not None]


def _draw_points(axes: Axes, front: Front, floor: float) -> None:
    points, beaten = _spots(front.points, floor), _spots(front.beaten, floor)
    alone = _spots((each for each in (*front.points, *front.beaten) if each.uniform), floor)
    title = "front: a form for each layer"
    x, y = zip(*points, strict=True)
    axes.scatter(x, y, s=36, color=BLUE, zorder=4, label=title)
    if alone:
        title = "one form for all layers"
        x, y = zip(*alone, strict=True)
        axes.scatter(x, y, s=64, marker="D", color="none", edgecolors=RED, zorder=5, label=title)
    if beaten:
        x, y = zip(*beaten, strict=True)
        axes.scatter(x, y, s=24, color=FAINT, zorder=2, label="beaten")


def _draw_exact(axes: Axes, front: Front) -> None:
    """The float network's accuracy, and how much of a difference may be chance."""
    share, images = front.exact.accuracy, front.exact.images
    title = f"float network: {100.0 * share:.4g} %"
    axes.axhline(share, color=GREY, linewidth=1.0, linestyle="--", zorder=1, label=title)
    chance = math.sqrt(share * (1.0 - share) / images)
    band = f"± {100.0 * chance:.2g} %, one standard error"
    low, high = share - chance, share + chance
    axes.axhspan(low, high, color=FAINT, alpha=0.25, linewidth=0, zorder=0, label=band)


def _labels(front: Front, floor: float) -> list[tuple[float, float, str]]:
    """What the best point reaches, and the names of forms that stand alone."""
    texts: dict[Spot, list[str]] = defaultdict(list)
    for each, spot in zip(front.points, _spots(front.points, floor), strict=True):
        if each is front.best:
            texts[spot].append(f"{100.0 * each.accuracy:.4g} %")
    built = (*front.points, *front.beaten)
    for each, spot in zip(built, _spots(built, floor), strict=True):
        if each.uniform:
            lost = "" if each.accuracy >= floor else f" ↓ {100.0 * each.accuracy:.3g} %"
            texts[spot].append(f"{each.uniform}{lost}")
    return [(*spot, ", ".join(names)) for spot, names in texts.items()]
