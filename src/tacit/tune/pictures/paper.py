"""What the pictures share: colours, empty figures, and labels that cover nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tacit.ir.functions import FloatArray

INK, GREY, FAINT, BLUE, RED = "0.15", "0.45", "0.72", "#2b5c8a", "#b2182b"
DOTS_PER_INCH = 150
SMALL, USUAL = 8.0, 9.5
# Where a label may stand: so many points away, in so many directions, the nearest first.
DISTANCES = (8.0, 13.0, 20.0, 30.0, 42.0, 56.0)
DIRECTIONS = 16
# Half the side, in points, of what a marker covers.
MARKER, LINE = 4.0, 1.0
# A label farther away is led to its spot by a line.
NEAR = 14.0
# A path is cut into about so many pieces.
PIECES = 400
POINTS_PER_INCH = 72.0

Spot = tuple[float, float]
# Of shape (boxes, 4): left, bottom, right and top of each, in dots on the sheet.
Boxes = FloatArray


def sheet(width: float, height: float) -> Figure:
    """An empty figure of that size in inches."""
    return Figure((width, height), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")


def plain(axes: Axes) -> None:
    """Thin lines, and only where they say something."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(color=GREY, labelsize=SMALL, labelcolor=INK)


def percent(axes: Axes) -> None:
    """Shares on the vertical axis, read as percentages."""
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def label_all(
    axes: Axes,
    labels: Sequence[tuple[float, float, str]],
    taken: Iterable[Spot],
    *paths: Sequence[Spot],
) -> None:
    """Write labels beside their spots, where they cover no other one, no marker, and no path.

    Markers are at `taken`; paths go along straight lines.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes of a sheet have a figure"
    # Only then do positions on the sheet follow from data.
    figure.draw_without_rendering()
    unit = figure.dpi / POINTS_PER_INCH
    markers = [_around(axes, (each, each), MARKER * unit) for each in taken]
    lines = [_around(axes, each, LINE * unit) for path in paths for each in _pieces(path)]
    boxes = np.array([*markers, *lines])
    for x, y, text in labels:
        boxes = np.vstack([boxes, _label(axes, (x, y), text, unit, boxes)])


def across(axes: Axes, y: float) -> tuple[Spot, Spot]:
    """The path of a level line."""
    low, high = axes.get_xlim()
    return (low, y), (high, y)


def upright(axes: Axes, x: float) -> tuple[Spot, Spot]:
    """The path of an upright line."""
    low, high = axes.get_ylim()
    return (x, low), (x, high)


def _label(axes: Axes, spot: Spot, text: str, unit: float, taken: Boxes) -> Boxes:
    """Write one label where it covers least, and give what it covers; `unit` dots are a point."""
    note = axes.annotate(
        text, spot, (0.0, 0.0), textcoords="offset points", fontsize=SMALL, color=INK, va="center"
    )
    # The layout that the label's place was found in must stay.
    note.set_in_layout(False)
    size = note.get_window_extent()
    offsets = _offsets()
    # A label on the right begins at its place, one on the left ends there.
    side = np.where(offsets[:, 0] > 1.0, 0.0, np.where(offsets[:, 0] < -1.0, 1.0, 0.5))
    corner = axes.transData.transform(spot) + unit * offsets
    corner -= np.stack([side * size.width, np.full_like(side, size.height / 2.0)], axis=1)
    boxes = np.hstack([corner, corner + np.array([size.width, size.height])])
    inside = np.array([axes.get_window_extent().extents])
    outside = size.width * size.height - _shared(boxes, inside)
    best = int(np.argmin(_shared(boxes, taken) + outside))
    x, y = offsets[best].tolist()
    note.set_position((x - float(side[best]) * size.width / unit, y))
    _lead(axes, spot, offsets[best])
    return boxes[best : best + 1]


def _lead(axes: Axes, spot: Spot, offset: FloatArray) -> None:
    """Draw a line from a label to its spot, if that is not plain without."""
    if float(np.hypot(*offset)) <= NEAR:
        return
    style = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 1.0}
    x, y = offset.tolist()
    line = axes.annotate("", spot, (x, y), textcoords="offset points", arrowprops=style)
    line.set_in_layout(False)


def _offsets() -> FloatArray:
    """Where labels may stand, in points: the near first, on the right, then up and down in turn."""
    turns = [(k + 1) // 2 * (1 if k % 2 else -1) for k in range(DIRECTIONS)]
    angles = 2.0 * np.pi * np.array(turns) / DIRECTIONS
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.vstack([distance * circle for distance in DISTANCES])


def _shared(boxes: Boxes, others: Boxes) -> FloatArray:
    """The area that each box shares with all others together."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    areas: FloatArray = np.clip(high - low, 0.0, None).prod(axis=2).sum(axis=1)
    return areas


def _pieces(path: Sequence[Spot]) -> Iterator[tuple[Spot, Spot]]:
    """Short pieces of a path, whose boxes cover little more than they do."""
    count = max(1, PIECES // len(path)) if path else 0
    for (a, b), (c, d) in itertools.pairwise(path):
        ends = [(a + (c - a) * k / count, b + (d - b) * k / count) for k in range(count + 1)]
        yield from itertools.pairwise(ends)


def _around(axes: Axes, spots: tuple[Spot, Spot], more: float) -> FloatArray:
    """The box on the sheet that holds both spots, and so much more on each side."""
    ends = axes.transData.transform(spots)
    return np.concatenate([ends.min(axis=0) - more, ends.max(axis=0) + more])
