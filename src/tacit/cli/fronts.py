"""The picture of a search for bits: accuracy against the seconds of an encrypted answer."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tacit.arithmetics.integers import Found

FRONT, CHOSEN, FAINT, GREY = "#2b5c8a", "#b2182b", "0.78", "0.45"
# What has lost a larger share than this is left out, and the picture says how many those are.
LOST = 0.25


def draw(found: Found, path: Path, kind: str) -> None:
    """Write the picture in a format that `curves.format_of` gives."""
    figure = Figure(figsize=(8, 4.8), layout="constrained", facecolor="white")
    axes = figure.subplots()
    _draw_points(axes, found)
    axes.axhline(found.exact, color=GREY, linewidth=1.0, linestyle="--", label="float model")
    if found.target is not None:
        axes.axhline(found.target, color=CHOSEN, linewidth=1.0, linestyle=":", label="target")
    axes.set_xscale("log")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("CPU seconds of one encrypted answer, as predicted")
    axes.set_ylabel("accuracy")
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(path, dpi=120, format=kind)


def _draw_points(axes: Axes, found: Found) -> None:
    floor = min(found.exact, found.accuracy) - LOST
    spots = [
        (each.seconds, each.accuracy)
        for each in found.tried
        if each.seconds is not None and each.accuracy is not None and each.accuracy >= floor
    ]
    had = sum(each.seconds is not None for each in found.tried)
    left = f" ({had - len(spots)} more below)" if had > len(spots) else ""
    if spots:
        seconds, shares = zip(*spots, strict=True)
        axes.scatter(seconds, shares, s=14, color=FAINT, label=f"tried{left}")
    best = [(each.seconds, each.accuracy) for each in found.front]
    best = [spot for spot in best if spot in spots]
    if best:
        seconds, shares = zip(*best, strict=True)
        axes.step(seconds, shares, where="post", color=FRONT, marker="o", label="front")
    title = f"found: {found.accuracy:.2%}"
    axes.scatter([found.seconds], [found.accuracy], s=70, color=CHOSEN, zorder=4, label=title)
