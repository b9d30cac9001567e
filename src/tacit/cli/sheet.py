"""What the demos' pictures have in common: three parts beside each other, digits, and scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from tacit.cli.shipped import Shipped
from tacit.ir.functions import FloatArray

COLUMNS = 8
# More digits than these would be too small to see; the picture says how many it leaves out.
MOST_DIGITS = 64
RIGHT, WRONG, INK = "#1b7837", "#b2182b", "#2b5c8a"


class Sheet:
    """A figure of three parts with titles."""

    def __init__(self, titles: Sequence[str]) -> None:
        self._figure = Figure(figsize=(15, 5.2), layout="constrained", facecolor="white")
        widths = (1.25, 1, 1)
        parts = self._figure.subfigures(1, 3, squeeze=False, width_ratios=widths, wspace=0.04)[0]
        for part, title in zip(parts, titles, strict=True):
            part.suptitle(title, fontsize=13, fontweight="bold")
        self.parts: tuple[SubFigure, ...] = tuple(parts)

    def save(self, path: Path) -> None:
        """Write the picture; what kind it is, its name's ending says."""
        self._figure.savefig(path, dpi=120)


def draw_digits(
    part: SubFigure, shipped: Shipped, found: NDArray[np.int64], kind: str, below: str = ""
) -> None:
    """The first digits with what was found; under them how many are right, and one line more."""
    labels = shipped.labels
    count = len(labels)
    shown = min(count, MOST_DIGITS)
    tiles = part.subplots(math.ceil(shown / COLUMNS), COLUMNS, squeeze=False)
    rows = zip(tiles.flat, shipped.digits[:shown], labels, found, strict=False)
    for tile, digit, label, guess in rows:
        tile.imshow(digit[0], cmap="gray_r", vmin=0.0, vmax=1.0)
        tile.set_title(f"{label} → {guess}", fontsize=9, color=RIGHT if label == guess else WRONG)
    # Tiles of a last row that is not full, and the numbers around the tiles, are not drawn.
    for tile in part.axes:
        tile.axis("off")
    right = int((labels == found).sum())
    drawn = "" if shown == count else f" (the first {shown} are drawn)"
    lines = (f"digit → {kind}: {right} of {count} right{drawn}", below)
    part.supxlabel("\n".join(filter(None, lines)), fontsize=9, color="0.35")


def draw_scores(axes: Axes, clear: FloatArray, other: FloatArray) -> None:
    """Scores of two ways against each other: where they agree they lie on the diagonal."""
    every = np.concatenate([clear.ravel(), other.ravel()])
    ends = [float(every.min()), float(every.max())]
    axes.plot(ends, ends, color="0.75", linewidth=1.0, zorder=0)
    axes.scatter(clear.ravel(), other.ravel(), s=14, color=INK, alpha=0.6, linewidth=0)
    axes.set_aspect("equal")
    axes.spines[["top", "right"]].set_visible(False)
