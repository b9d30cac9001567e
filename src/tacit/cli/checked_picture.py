"""The picture of checking: the digits, what the worker saw, and what became of false answers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from tacit.arithmetics.field import Mode

if TYPE_CHECKING:
    from tacit.cli.checking import Story

COLUMNS = 8
# More digits than these would be too small to see; the picture says how many it leaves out.
MOST_DIGITS = 64
SEEN_DIGITS = 8
SEEN_BYTES_A_ROW = 128
MOST_BYTES = 64 * SEEN_BYTES_A_ROW
RIGHT, WRONG, INK = "#1b7837", "#b2182b", "#2b5c8a"


def draw(story: Story, path: Path) -> None:
    """Write the picture; what kind it is, its name's ending says."""
    figure = Figure(figsize=(15, 5.2), layout="constrained", facecolor="white")
    parts = figure.subfigures(1, 3, squeeze=False, width_ratios=(1.25, 1, 1), wspace=0.04)[0]
    titles = ("What the verifier holds", "What the worker sees", "What false answers meet")
    for part, title in zip(parts, titles, strict=True):
        part.suptitle(title, fontsize=13, fontweight="bold")
    _draw_digits(parts[0], story)
    _draw_seen(parts[1], story)
    _draw_verdicts(parts[2].subplots(), story)
    figure.savefig(path, dpi=120)


def _draw_digits(part: SubFigure, story: Story) -> None:
    labels, found = story.shipped.labels, story.asked[Mode.PRIVATE].scores.argmax(axis=1)
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
    note = f"digit → checked prediction: {right} of {count} right{drawn}"
    part.supxlabel(note, fontsize=9, color="0.35")


def _draw_seen(part: SubFigure, story: Story) -> None:
    plain, masked = part.subplots(2, 1, height_ratios=(1, 3))
    first = story.asked[Mode.INTEGRITY].first
    shape = story.shipped.digits.shape[2:]
    pixels = np.frombuffer(first, np.uint8).reshape(-1, *shape)[:SEEN_DIGITS]
    _show(plain, np.hstack(list(pixels)), "gray_r")
    plain.set_title("integrity mode: digits", fontsize=10)
    question = story.asked[Mode.PRIVATE].first
    seen = np.frombuffer(question, np.uint8)[:MOST_BYTES]
    whole = seen[: seen.size // SEEN_BYTES_A_ROW * SEEN_BYTES_A_ROW]
    _show(masked, whole.reshape(-1, SEEN_BYTES_A_ROW), "gray")
    masked.set_title("private mode: masked digits", fontsize=10)
    masked.set_xlabel(
        f"{whole.size:,} of the {len(question):,} bytes of the first question\n"
        "(the worker knows the model in both modes)",
        fontsize=9,
        color="0.35",
    )


def _show(axes: Axes, pixels: np.typing.NDArray[np.uint8], colours: str) -> None:
    axes.imshow(pixels, cmap=colours, vmin=0, vmax=255, aspect="equal")
    axes.set(xticks=[], yticks=[])


def _draw_verdicts(axes: Axes, story: Story) -> None:
    products = story.tampered
    bits = [each.work.soundness_bits or 0.0 for each in products]
    places = np.arange(len(products))
    bars = axes.barh(places, bits, color=INK, height=0.55)
    notes = [f" {each.rejected} of {each.tried} rejected" for each in products]
    axes.bar_label(bars, notes, label_type="center", color="white", fontsize=10)
    axes.axvline(story.arithmetic.soundness, color=WRONG, linewidth=1.0, linestyle="--")
    axes.set_yticks(places, [each.work.name for each in products])
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(
        "bits of soundness: a false product passes\nwith a chance of 2^-bits at most "
        f"(dashed: the {story.arithmetic.soundness} asked for);\n"
        "each false answer had one entry off by one",
        fontsize=9,
        color="0.35",
    )
