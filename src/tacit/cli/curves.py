"""The picture of an approximation: function and polynomial, and the error between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure

from tacit.approx import Composite, Fit
from tacit.errors import TacitError
from tacit.ir.functions import FloatArray

POINTS = 4001
# How much of the domain's width is shown beyond it, to see what the polynomial does there.
BEYOND = 0.08
FUNCTION, APPROXIMATION, POINT, FAINT = "0.25", "#2b5c8a", "#b2182b", "0.6"


def format_of(path: Path) -> str:
    """The format that a name's ending says; raises TacitError where nothing is drawn in it."""
    known = sorted(FigureCanvasBase.get_supported_filetypes())
    ending = path.suffix.removeprefix(".").lower()
    if ending not in known:
        raise TacitError(
            f"no picture is drawn in the format {ending!r} of {path}",
            hint=f"known are {', '.join(known)}",
        )
    return ending


def draw(approximation: Fit | Composite, path: Path, kind: str) -> None:
    """Write the picture in a format that `format_of` gives."""
    figure = Figure(figsize=(9, 7), layout="constrained", facecolor="white")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _draw_values(above, approximation)
    _draw_error(below, approximation)
    figure.suptitle(_title(approximation), fontsize=12)
    figure.savefig(path, dpi=120, format=kind)


def _title(approximation: Fit | Composite) -> str:
    degrees = ", ".join(map(str, approximation.degrees))
    return (
        f"{approximation.function!r}: {approximation.method}, degree {degrees}, depth "
        f"{approximation.depth}, largest error {approximation.error:.3g}"
    )


def _draw_values(axes: Axes, approximation: Fit | Composite) -> None:
    for low, high in approximation.intervals:
        x = np.linspace(low, high, POINTS)
        axes.plot(x, approximation.function.exact(x), color=FUNCTION, linewidth=3.5, alpha=0.35)
    low, high = approximation.low, approximation.high
    margin = BEYOND * (high - low)
    bottom, top = axes.get_ylim()
    room = 0.25 * (top - bottom)
    x = np.linspace(low - margin, high + margin, POINTS)
    axes.plot(x, approximation(x), color=APPROXIMATION, linewidth=1.2)
    # Outside of its domain a polynomial soon leaves any picture.
    axes.set_ylim(bottom - room, top + room)
    for end in (low, high):
        axes.axvline(end, color=FAINT, linewidth=0.8, linestyle=":")
    axes.set_ylabel("value")


def _draw_error(axes: Axes, approximation: Fit | Composite) -> None:
    for low, high in approximation.intervals:
        x = np.linspace(low, high, POINTS)
        axes.plot(x, _error(approximation, x), color=APPROXIMATION, linewidth=1.0)
    for level in (-approximation.error, approximation.error):
        axes.axhline(level, color=FAINT, linewidth=0.8, linestyle="--")
    points = _alternation(approximation)
    axes.plot(points, _error(approximation, points), "o", color=POINT, markersize=3.5)
    axes.set_ylabel("error")
    axes.set_xlabel("x")


def _alternation(approximation: Fit | Composite) -> FloatArray:
    match approximation:
        case Fit(alternation=alternation):
            return np.array(alternation)
        case Composite():
            return np.array([])


def _error(approximation: Fit | Composite, x: FloatArray) -> FloatArray:
    error = approximation(x) - approximation.function.exact(x)
    match approximation:
        case Fit(weight=weight) if weight is not None:
            return error * weight.exact(x)
        case _:
            return error
