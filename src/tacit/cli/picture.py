"""The demo's picture: the digits, what the server saw of them, and the scores that came back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from tacit.cli.encrypted import Story

COLUMNS = 8
# More digits than these would be too small to see; the picture says how many it leaves out.
MOST_DIGITS = 64
SEEN_BYTES_A_SIDE = 128
RIGHT, WRONG, INK = "#1b7837", "#b2182b", "#2b5c8a"


def draw(story: Story, path: Path) -> None:
    """Write the picture; what kind it is, its name's ending says."""
    figure = Figure(figsize=(15, 5.2), layout="constrained", facecolor="white")
    parts = figure.subfigures(1, 3, squeeze=False, width_ratios=(1.25, 1, 1), wspace=0.04)[0]
    titles = ("What the client holds", "What the server gets", "What the client learns")
    for part, title in zip(parts, titles, strict=True):
        part.suptitle(title, fontsize=13, fontweight="bold")
    shown = min(len(story.opened), MOST_DIGITS)
    rows = math.ceil(shown / COLUMNS)
    _draw_digits(list(parts[0].subplots(rows, COLUMNS, squeeze=False).flat)[:shown], story)
    # Tiles of a last row that is not full, and the numbers around the tiles, are not drawn.
    for tile in parts[0].axes:
        tile.axis("off")
    parts[0].supxlabel(_digits_note(story, shown), fontsize=9, color="0.35")
    _draw_seen(parts[1].subplots(), story)
    _draw_scores(parts[2].subplots(), story)
    figure.savefig(path, dpi=120)


def _digits_note(story: Story, shown: int) -> str:
    count = len(story.opened)
    right = int((story.opened.argmax(axis=1) == story.shipped.labels).sum())
    drawn = "" if shown == count else f" (the first {shown} are drawn)"
    return f"digit → encrypted prediction: {right} of {count} right{drawn}"


def _draw_digits(tiles: list[Axes], story: Story) -> None:
    predicted, labels = story.opened.argmax(axis=1), story.shipped.labels
    rows = zip(tiles, story.shipped.digits, labels, predicted, strict=False)
    for tile, digit, label, found in rows:
        tile.imshow(digit[0], cmap="gray_r", vmin=0.0, vmax=1.0)
        tile.set_title(f"{label} → {found}", fontsize=9, color=RIGHT if label == found else WRONG)


def _draw_seen(axes: Axes, story: Story) -> None:
    side = SEEN_BYTES_A_SIDE
    # From the middle of the message: its head and its names are not the digits' ciphertexts.
    start = len(story.message) // 2
    seen = np.frombuffer(story.message, dtype=np.uint8)[start : start + side * side]
    axes.imshow(seen.reshape(side, side), cmap="gray", vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel(
        f"{side * side:,} of the {len(story.message):,} bytes that hold the digits, encrypted\n"
        "(darker columns: high bytes of numbers that do not fill them)",
        fontsize=9,
        color="0.35",
    )


def _draw_scores(axes: Axes, story: Story) -> None:
    every = np.concatenate([story.clear.ravel(), story.opened.ravel()])
    ends = [float(every.min()), float(every.max())]
    axes.plot(ends, ends, color="0.75", linewidth=1.0, zorder=0)
    axes.scatter(story.clear.ravel(), story.opened.ravel(), s=14, color=INK, alpha=0.6, linewidth=0)
    axes.set_aspect("equal")
    axes.spines[["top", "right"]].set_visible(False)
    polynomials = float(np.abs(story.simulated - story.clear).max())
    noise = float(np.abs(story.opened - story.simulated).max())
    axes.set_ylabel("score on ciphertexts", fontsize=10)
    axes.set_xlabel(
        "score of the network in the clear\n"
        f"off by {polynomials:.2g} at most since polynomials stand for ReLU,\n"
        f"and by {noise:.1g} at most since ciphertexts carry noise",
        fontsize=9,
        color="0.35",
    )
