"""The demo's picture: the digits, what the server saw of them, and the scores that came back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from tacit.cli.sheet import Sheet, draw_digits, draw_scores

if TYPE_CHECKING:
    from tacit.cli.encrypted import Story

SEEN_BYTES_A_SIDE = 128


def draw(story: Story, path: Path) -> None:
    """Write the picture; what kind it is, its name's ending says."""
    sheet = Sheet(("What the client holds", "What the server gets", "What the client learns"))
    digits, seen, scores = sheet.parts
    draw_digits(digits, story.shipped, story.opened.argmax(axis=1), "encrypted prediction")
    _draw_seen(seen.subplots(), story)
    _draw_scores(scores.subplots(), story)
    sheet.save(path)


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
    draw_scores(axes, story.clear, story.opened)
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
