"""The demo's picture: the digits, what the server saw of them, and the scores that came back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from tacit.cli.demonstration import Story

COLUMNS = 6
SEEN_BYTES_A_SIDE = 128
RIGHT, WRONG = "#1b7837", "#b2182b"


def draw(story: Story, path: Path) -> None:
    """Write the picture; what kind it is, its name's ending says."""
    figure = Figure(figsize=(14, 5), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, squeeze=False, width_ratios=(1.2, 1, 1))[0]
    left.suptitle("what the client knows\n(digit → encrypted prediction)", fontsize=11)
    rows = math.ceil(len(story.opened) / COLUMNS)
    _draw_digits(list(left.subplots(rows, COLUMNS, squeeze=False).flat), story)
    _draw_seen(middle.subplots(), story)
    _draw_scores(right.subplots(), story)
    figure.savefig(path, dpi=110)


def _draw_digits(tiles: list[Axes], story: Story) -> None:
    predicted, labels = story.opened.argmax(axis=1), story.shipped.labels
    for tile in tiles:
        tile.axis("off")
    rows = zip(tiles, story.shipped.digits, labels, predicted, strict=False)
    for tile, digit, label, found in rows:
        tile.imshow(digit[0], cmap="gray_r", vmin=0.0, vmax=1.0)
        tile.set_title(f"{label} → {found}", fontsize=9, color=RIGHT if label == found else WRONG)


def _draw_seen(axes: Axes, story: Story) -> None:
    side = SEEN_BYTES_A_SIDE
    # From the middle of the message: its head and its names are not the digits' ciphertexts.
    start = len(story.message) // 2
    seen = np.frombuffer(story.message, dtype=np.uint8)[start : start + side * side]
    axes.imshow(seen.reshape(side, side), cmap="gray")
    axes.set_title(f"what the server saw of them\n({side * side} of {len(story.message)} bytes)")
    axes.axis("off")


def _draw_scores(axes: Axes, story: Story) -> None:
    ends = [float(story.clear.min()), float(story.clear.max())]
    axes.plot(ends, ends, color="0.7", linewidth=1.0)
    axes.scatter(story.clear.ravel(), story.opened.ravel(), s=9, color=RIGHT)
    axes.set_xlabel("the network in the clear")
    axes.set_ylabel("on ciphertexts")
    axes.set_title("the ten scores of every digit")
