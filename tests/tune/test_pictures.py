from __future__ import annotations

import io
import itertools
from collections.abc import Mapping
from functools import cache

import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from torch import nn

from tacit.errors import NotCalibrated, TypeMismatch
from tacit.program import Json
from tacit.tune.measure import Score
from tacit.tune.paf import Approximant, pafs
from tacit.tune.pictures import picture_of_course, picture_of_front, picture_of_layers
from tacit.tune.replace import Forms, replace
from tacit.tune.scaling import Scaling, freeze, observe, use
from tacit.tune.search import Front, Point
from tests.tune.models import Pooled, residual

LAYERS = [f"layer{k}.relu" for k in range(19)]


def point(price: float, accuracy: float, form: Approximant | None = None) -> Point:
    """A point of one form, or of two in turn."""
    forms: list[Approximant] = ["f1g2", "alpha7"] * 10 if form is None else [form] * 20
    return Point(dict(zip(LAYERS, forms, strict=False)), price, accuracy, 0.4, 0.3)


# What was measured of a ResNet-20 untuned, at its levels, and points of a front above it.
ALONE = (
    point(77, 0.10, 2),
    point(115, 0.727, "f1g2"),
    point(134, 0.793, "f2g2"),
    point(134, 0.853, "f2g3"),
    point(153, 0.8975, "alpha7"),
    point(191, 0.8875, "f1f1g1g1"),
)
KEPT = tuple(point(*each) for each in ((77, 0.84), (90, 0.885), (101, 0.902), (133, 0.912)))


def front(budget: float | None = None) -> Front:
    return Front("levels", budget, Score(0.9155, 0.3, 2000), KEPT, ALONE, {})


@cache
def drawn(budget: float | None = None) -> Figure:
    """The front's picture."""
    return picture_of_front(front(budget))


def texts(figure: Figure) -> list[str]:
    return [each.get_text() for each in figure.findobj(Text) if each.get_text()]


def labels(figure: Figure) -> list[Annotation]:
    """What is written beside spots, as it is drawn."""
    figure.draw_without_rendering()
    return [each for each in figure.findobj(Annotation) if each.get_text()]


def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def tuned(model: nn.Module, forms: Forms, *shape: int) -> nn.Module:
    """The model with static scales, as it is after other images went through it."""
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(*shape, generator=draw)
    made = replace(model.eval(), forms, x)
    observe(made, [x])
    freeze(made)
    use(made, Scaling.STATIC)
    made.eval()(torch.randn(*shape, generator=draw))
    return made


def test_a_front_names_every_form_that_stands_alone() -> None:
    written = texts(drawn())
    assert {"f1g2", "f2g2", "f2g3", "alpha7", "f1f1g1g1", "91.2 %"} <= set(written)
    assert "float network: 91.55 %" in written
    # What is ruined is on the picture's edge, with its accuracy.
    assert "degree 2 ↓ 10 %" in written


@pytest.mark.parametrize("budget", [None, 140.0])
def test_no_label_of_a_front_covers_another_one(budget: float | None) -> None:
    boxes = [each.get_window_extent() for each in labels(drawn(budget))]
    assert len(boxes) == 7
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_labels_stay_inside_the_axes() -> None:
    figure = drawn()
    boxes = [each.get_window_extent() for each in labels(figure)]
    (axes,) = figure.axes
    around = axes.get_window_extent()
    assert all(around.x0 <= each.x0 and each.x1 <= around.x1 for each in boxes)


def test_a_budget_is_a_line_of_its_own() -> None:
    assert "budget: 140 levels" in texts(drawn(140.0))
    assert "budget: 140 levels" not in texts(drawn())


def test_a_front_of_one_point_is_a_picture_too() -> None:
    alone = Front("seconds", None, Score(1.0, 0.0, 10), KEPT[:1], (), {})
    figure = picture_of_front(alone)
    assert "CPU seconds of one encrypted answer, as predicted" in texts(figure)
    assert png(figure).startswith(b"\x89PNG")


def test_every_layer_has_a_tile_with_its_share_out_of_range() -> None:
    model = tuned(residual(), "f1g2", 32, 3, 8, 8)
    figure = picture_of_layers(model)
    titles = [each.get_title().split("\n") for each in figure.axes if each.get_title()]
    assert [each[0] for each in titles] == list(pafs(model))
    assert titles[0][1] == "relu by degree 5·3"
    assert all(each[2].endswith("% out of range") for each in titles)
    assert png(figure).startswith(b"\x89PNG")


def test_maxima_and_polynomials_with_intervals_of_their_own_are_drawn() -> None:
    model = tuned(Pooled(), {"relu": 7, "max_pool2d": "f1g2", "silu": 7}, 6, 1, 13, 13)
    figure = picture_of_layers(model)
    assert len([each for each in figure.axes if each.get_title()]) == len(pafs(model))
    assert png(figure).startswith(b"\x89PNG")


def test_what_has_no_scale_or_no_layer_is_not_drawn() -> None:
    x = torch.randn(4, 3, 8, 8)
    with pytest.raises(NotCalibrated):
        picture_of_layers(replace(residual().eval(), "f1g2", x))
    with pytest.raises(TypeMismatch, match="no layer is a PAF"):
        picture_of_layers(residual())


def run(names: list[str], each: int) -> list[Mapping[str, Json]]:
    """So many records of each phase, with an accuracy that rises."""
    count = itertools.count(1)
    steps = [(name, next(count)) for name in names for _ in range(each)]
    return [{"phase": name, "step": 20 * k, "accuracy": 1.0 - 0.5 / k} for name, k in steps]


def test_phases_of_few_names_are_told_in_the_legend() -> None:
    figure = picture_of_course(run(["coefficients", "weights"] * 4, 5), exact=0.993)
    written = texts(figure)
    assert written.count("coefficients") == written.count("weights") == 1
    assert "float network: 99.3 %" in written
    assert "best: 98.75 % after step 800" in written
    assert len(figure.axes[0].patches) == 8


def test_phases_of_many_names_are_written_where_they_are() -> None:
    figure = picture_of_course(run(LAYERS, 6))
    assert set(LAYERS) <= set(texts(figure))


def test_records_without_an_accuracy_are_passed_over() -> None:
    records: list[Mapping[str, Json]] = [{"phase": "a", "step": 0, "loss": 2.0}, *run(["a"], 1)]
    assert "best: 50 % after step 20" in texts(picture_of_course(records))


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "no record of the run has an accuracy"),
        ([{"phase": "a"}], "is no record of a run"),
        ([*run(["a"], 2), *run(["b"], 1)], "after step 40 comes step 20 of b"),
    ],
)
def test_what_is_no_course_is_refused(records: list[Mapping[str, Json]], message: str) -> None:
    with pytest.raises(TypeMismatch, match=message):
        picture_of_course(records)
