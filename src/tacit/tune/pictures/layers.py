"""The picture of a tuned network: each layer's polynomial over the inputs that the layer sees."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from tacit.errors import TypeMismatch
from tacit.tune.back import approximation
from tacit.tune.paf import PAF, pafs
from tacit.tune.pictures.paper import BLUE, FAINT, INK, RED, SMALL, USUAL, plain, sheet
from tacit.tune.scaling import out_of_range

COLUMNS = 5
WIDTH, HEIGHT = 2.3, 2.0
# Room for the legend and the titles of the axes.
FRAME = 0.75
# How much is shown beyond the scale, of its size, and around the function, of its range.
BEYOND, ABOVE, BELOW = 0.15, 0.12, 0.3
# Of a picture's height what the histogram takes; one of its bars is so many bins.
TALL, BINS_A_BAR = 0.5, 16
POINTS = 801


def picture_of_layers(model: nn.Module) -> Figure:
    """Small multiples in inference order: function, polynomial, inputs, and the scale.

    Its layers have static scales. Inputs are those that they have observed; the shares out of
    range are of what they were given since, in evaluation.
    """
    layers = pafs(model)
    if not layers:
        raise TypeMismatch("no layer is a PAF", hint="call replace(model, forms, example) first")
    rows = math.ceil(len(layers) / COLUMNS)
    columns = math.ceil(len(layers) / rows)
    figure = sheet(max(2, columns) * WIDTH, rows * HEIGHT + FRAME)
    tiles = list(figure.subplots(rows, columns, squeeze=False).flat)
    shares = out_of_range(model)
    for tile, (name, layer) in zip(tiles, layers.items(), strict=False):
        _draw(tile, layer)
        tile.set_title(_title(name, layer, shares.get(layer.scale.name)), fontsize=SMALL, color=INK)
    for tile in tiles[len(layers) :]:
        tile.axis("off")
    figure.supxlabel("a layer's input", fontsize=USUAL, color=INK)
    figure.supylabel("its value", fontsize=USUAL, color=INK)
    lines, labels = tiles[0].get_legend_handles_labels()
    ncols = 2 if columns < 3 else 4
    figure.legend(
        lines, labels, loc="outside upper center", ncols=ncols, frameon=False, fontsize=SMALL
    )
    return figure


def _title(name: str, layer: PAF, outside: float | None) -> str:
    degrees = "·".join(map(str, layer.degrees))
    share = "" if outside is None else f"\n{100.0 * outside:.2g} % out of range"
    return f"{name}\n{layer.function!r} by degree {degrees}{share}"


def _draw(tile: Axes, layer: PAF) -> None:
    found, scale, centre = approximation(layer), layer.scale.frozen, float(layer.centre)
    low, high = centre - scale, centre + scale
    x = np.linspace(low - BEYOND * scale, high + BEYOND * scale, POINTS)
    exact = found.function.exact(np.linspace(low, high, POINTS))
    bottom, top = float(exact.min()), float(exact.max())
    span = top - bottom or 1.0
    bottom, top = bottom - BELOW * span, top + ABOVE * span
    tile.set(xlim=(x[0], x[-1]), ylim=(bottom, top))
    plain(tile)
    _draw_inputs(tile, layer, (bottom, bottom + TALL * (top - bottom)))
    tile.plot(
        x, found.function.exact(x), color=INK, linewidth=3.0, alpha=0.25, label="exact function"
    )
    tile.plot(x, found(x), color=BLUE, linewidth=1.2, label="polynomials")
    for place, label in ((low, "scale"), (high, "_nolegend_")):
        tile.axvline(place, color=RED, linewidth=0.9, linestyle=":", label=label)


def _draw_inputs(tile: Axes, layer: PAF, between: tuple[float, float]) -> None:
    """How often which inputs were seen, on a logarithmic scale, since rare ones matter most."""
    if not int(layer.scale.counts.sum()):
        return
    histogram = layer.scale.histogram
    counts = np.log1p(np.array(histogram.counts).reshape(-1, BINS_A_BAR).sum(axis=1))
    edges = np.array(histogram.edges)[::BINS_A_BAR] + float(layer.centre)
    low, high = between
    heights = low + (high - low) * counts / counts.max()
    tile.stairs(
        heights, edges, baseline=low, fill=True, color=FAINT, alpha=0.6, label="inputs seen (log)"
    )
