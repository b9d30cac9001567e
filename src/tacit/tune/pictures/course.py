"""The picture of a tuning run: accuracy over its steps, phase after phase."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tacit.errors import TypeMismatch
from tacit.program import Json
from tacit.tune.pictures.paper import (
    BLUE,
    GREY,
    INK,
    POINTS_PER_INCH,
    RED,
    SMALL,
    USUAL,
    across,
    label_all,
    percent,
    plain,
    sheet,
)

# Pale, and apart from each other for colour-blind readers too.
SHADES = ("#dfe8f2", "#f6e3d3", "#e2efdd", "#efe1ee", "#f3efcf", "#e4e4e4")
LIGHT, WHITE = "0.93", "white"
# Measurements of which each one still has a mark.
MANY = 60
# No share is above 1, but the line of one has a width.
HIGHEST = 1.005
# The room for names that stand upright, of the picture's height.
UPRIGHT = 0.3


@dataclass(frozen=True)
class Measured:
    """An accuracy after a step of a phase."""

    phase: str
    step: float
    accuracy: float
    kept: bool


@dataclass(frozen=True)
class Phase:
    """Steps of one phase that follow one another: from where it begins to where the next does."""

    name: str
    start: float
    end: float


def picture_of_course(
    records: Sequence[Mapping[str, Json]], *, exact: float | None = None
) -> Figure:
    """Accuracy over the steps, the phases shaded; `exact` is that of the network before tuning.

    A record has a "phase", a "step", which never goes back, and an "accuracy", or none where
    nothing was measured. The last one that was "kept" is what came out; without any, the highest.
    """
    measured = _measured(records)
    figure = sheet(8.0, 4.4)
    axes = figure.subplots()
    plain(axes)
    percent(axes)
    if exact is not None:
        title = f"float network: {100.0 * exact:.4g} %"
        axes.axhline(exact, color=GREY, linewidth=1.0, linestyle="--", label=title)
    steps, accuracies = [each.step for each in measured], [each.accuracy for each in measured]
    size = 4.0 if len(measured) <= MANY else 0.0
    axes.plot(steps, accuracies, "o-", color=BLUE, linewidth=1.4, markersize=size, label="tuned")
    best = max(measured, key=lambda each: (each.kept, each.step if each.kept else each.accuracy))
    axes.plot(best.step, best.accuracy, "o", color=RED, markersize=7, zorder=4, clip_on=False)
    axes.margins(x=0.0 if len(measured) > 1 else 0.05, y=0.12)
    axes.set_ylim(top=min(axes.get_ylim()[1], HIGHEST))
    axes.set_xlabel("step", fontsize=USUAL, color=INK)
    axes.set_ylabel("accuracy", fontsize=USUAL, color=INK)
    phases = _phases(measured)
    is_few = len({each.name for each in phases}) <= len(SHADES)
    (_shade_by_name if is_few else _shade_in_turn)(axes, phases)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=SMALL)
    spots = list(zip(steps, accuracies, strict=True))
    word = "kept" if best.kept else "best"
    label = f"{word}: {100.0 * best.accuracy:.4g} % after step {best.step:,.0f}"
    level = () if exact is None else across(axes, exact)
    label_all(axes, [(best.step, best.accuracy, label)], spots, spots, level)
    return figure


def _measured(records: Sequence[Mapping[str, Json]]) -> list[Measured]:
    """The records in which something was measured."""
    found = []
    for each in records:
        match each:
            case {"phase": str(phase), "step": int() | float() as step, "accuracy": float(share)}:
                found.append(Measured(phase, step, share, each.get("kept") is True))
            case {"phase": str(), "step": int() | float()}:
                pass
            case _:
                raise TypeMismatch(
                    f"{dict(each)} is no record of a run", hint='it has a "phase" and a "step"'
                )
    if not found:
        raise TypeMismatch("no record of the run has an accuracy")
    for first, second in itertools.pairwise(found):
        if second.step < first.step:
            raise TypeMismatch(
                f"after step {first.step:g} comes step {second.step:g} of {second.phase}",
                hint="count the steps of all phases together",
            )
    return found


def _phases(measured: Sequence[Measured]) -> list[Phase]:
    """The phases, each from the last step of the one before it to its own last step."""
    found: list[Phase] = []
    start = measured[0].step
    for name, group in itertools.groupby(measured, key=lambda each: each.phase):
        end = list(group)[-1].step
        found.append(Phase(name, start, end))
        start = end
    return found


def _shade_by_name(axes: Axes, phases: Sequence[Phase]) -> None:
    """A colour for each name, told in the legend."""
    names = list(dict.fromkeys(each.name for each in phases))
    known: set[str] = set()
    for each in phases:
        shade = SHADES[names.index(each.name)]
        label = "_nolegend_" if each.name in known else each.name
        axes.axvspan(each.start, each.end, color=shade, linewidth=0, zorder=0, label=label)
        known.add(each.name)


def _shade_in_turn(axes: Axes, phases: Sequence[Phase]) -> None:
    """Two shades in turn, the names written upright where there is room for them."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes of a sheet have a figure"
    low, high = axes.get_ylim()
    axes.set_ylim(bottom=low - UPRIGHT * (high - low))
    figure.draw_without_rendering()
    total = (phases[-1].end - phases[0].start) or 1.0
    room = axes.get_window_extent().width / figure.dpi * POINTS_PER_INCH
    for number, each in enumerate(phases):
        shade = LIGHT if number % 2 else WHITE
        axes.axvspan(each.start, each.end, color=shade, linewidth=0, zorder=0)
        if room * (each.end - each.start) / total >= SMALL:
            axes.text(
                (each.start + each.end) / 2.0,
                0.02,
                each.name,
                rotation=90.0,
                fontsize=SMALL - 1.0,
                color=GREY,
                ha="center",
                va="bottom",
                transform=axes.get_xaxis_transform(),
            )
