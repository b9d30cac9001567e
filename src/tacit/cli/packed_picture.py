"""The picture of bits: the digits, the weights as bits, and the scores both ways."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from tacit.arithmetics.binary.ops import BinaryProduct, SignArray
from tacit.cli.sheet import Sheet, draw_digits, draw_scores

if TYPE_CHECKING:
    from tacit.cli.packed import Story


def draw(story: Story, path: Path) -> None:
    """Write the picture; what kind it is, its name's ending says."""
    sheet = Sheet(("What anybody sees", "A layer's weights, as bits", "What bits answer"))
    digits, weights, scores = sheet.parts
    found = story.packed.argmax(axis=1)
    draw_digits(digits, story.shipped, found, "prediction on bits", "nobody is protected")
    _draw_weights(weights.subplots(), story)
    _draw_scores(scores.subplots(), story)
    sheet.save(path)


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
    draw_scores(axes, story.clear, story.packed)
    difference = float(np.abs(story.packed - story.clear).max())
    axes.set_ylabel("score on packed bits", fontsize=10)
    axes.set_xlabel(
        "score of the network itself\n"
        f"off by {difference:.1g} at most: sums of bits are exact,\n"
        "the last scale is rounded to single precision",
        fontsize=9,
        color="0.35",
    )
