"""The picture of checking: the digits, what the worker saw, and what became of false answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from tacit.arithmetics.field import Mode
from tacit.cli.sheet import INK, WRONG, Sheet, draw_digits

if TYPE_CHECKING:
    from tacit.cli.checking import Story

SEEN_DIGITS = 8
SEEN_BYTES_A_ROW = 128
MOST_BYTES = 64 * SEEN_BYTES_A_ROW


def draw(story: Story, path: Path) -> None:
    """Write the picture; what kind it is, its name's ending says."""
    sheet = Sheet(("What the verifier holds", "What the worker sees", "What false answers meet"))
    digits, seen, verdicts = sheet.parts
    found = story.asked[Mode.PRIVATE].scores.argmax(axis=1)
    draw_digits(digits, story.shipped, found, "checked prediction")
    _draw_seen(seen, story)
    _draw_verdicts(verdicts.subplots(), story)
    sheet.save(path)


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
