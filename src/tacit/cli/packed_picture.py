"""The picture of bits: the digits, the weights as bits, and the scores both ways."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from tacit.arithmetics.binary.ops import BinaryProduct, SignArray

if TYPE_CHECKING:
    from tacit.cli.packed import Story

COLUMNS = 8
# More digits than these would be too small to see; the picture says how many it leaves out.
MOST_DIGITS = 64
RIGHT, WRONG, INK = "#1b7837", "#b2182b", "#2b5c8a"


def draw(story: Story, path: Path) -> None:
    """Write the picture; what kind it is, its name's ending says."""
    figure = Figure(figsize=(15, 5.2), layout="constrained", facecolor="white")
    parts = figure.subfigures(1, 3, squeeze=False, width_ratios=(1.25, 1, 1), wspace=0.04)[0]
    titles = ("What anybody sees", "A layer's weights, as bits", "What bits answer")
    for part, title in zip(parts, titles, strict=True):
        part.suptitle(title, fontsize=13, fontweight="bold")
    _draw_digits(parts[0], story)
    _draw_weights(parts[1].subplots(), story)
    _draw_scores(parts[2].subplots(), story)
    figure.savefig(path, dpi=120)


def _draw_digits(part: SubFigure, story: Story) -> None:
    labels, found = story.shipped.labels, story.packed.argmax(axis=1)
    count = len(labels)
    shown = min(count, MOST_DIGITS)
    tiles = part.subplots(math.ceil(shown / COLUMNS), COLUMNS, squeeze=False)
    rows = zip(tiles.flat, story.shipped.digits[:shown], labels, found, strict=False)
    for tile, digit, label, guess in rows:
        tile.imshow(digit[0], cmap="gray_r", vmin=0.0, vmax=1.0)
        tile.set_title(f"{label} → {guess}", fontsize=9, color=RIGHT if label == guess else WRONG)
    for tile in part.axes:
        tile.axis("off")
    right = int((labels == found).sum())
    drawn = "" if shown == count else f" (the first {shown} are drawn)"
    note = f"digit → prediction on bits: {right} of {count} right{drawn}\nnobody is protected"
    part.supxlabel(note, fontsize=9, color="0.35")


def _draw_weights(axes: Axes, story: Story) -> None:
    name, weight = _largest(story)
    bits = (weight < 0).reshape(len(weight), -1)
    axes.imshow(bits, cmap="gray_r", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.set_ylabel("outputs", fontsize=9, color="0.35")
    axes.set_xlabel(
        f"all {weight.size:,} weights of layer {name}: black is -1, white +1\n"
        f"{weight.size // 8:,} bytes, in single precision {weight.size * 4:,}",
        fontsize=9,
        color="0.35",
    )


def _largest(story: Story) -> tuple[str, SignArray]:
    """The layer with the most weights of one bit."""
    found = [(node.origin or node.name, node.op) for node in story.program.graph]
    products = [(name, op.weight) for name, op in found if isinstance(op, BinaryProduct)]
    return max(products, key=lambda each: each[1].size)


def _draw_scores(axes: Axes, story: Story) -> None:
    every = np.concatenate([story.clear.ravel(), story.packed.ravel()])
    ends = [float(every.min()), float(every.max())]
    axes.plot(ends, ends, color="0.75", linewidth=1.0, zorder=0)
    axes.scatter(story.clear.ravel(), story.packed.ravel(), s=14, color=INK, alpha=0.6, linewidth=0)
    axes.set_aspect("equal")
    axes.spines[["top", "right"]].set_visible(False)
    difference = float(np.abs(story.packed - story.clear).max())
    axes.set_ylabel("score on packed bits", fontsize=10)
    axes.set_xlabel(
        "score of the network itself\n"
        f"off by {difference:.1g} at most: sums of bits are exact,\n"
        "the last scale is rounded to single precision",
        fontsize=9,
        color="0.35",
    )
