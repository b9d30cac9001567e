from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from tacit.errors import ReadError
from tacit.ir.graph import evaluate
from tacit.ir.ops import Linear
from tacit.read import read

# A mean of k numbers.
TOLERANCE = 1e-9

Data = Callable[[str], tuple[Any, Any]]
Gap = Callable[..., float]


def spread(x: Any) -> Any:
    """The rows, moved a little each, so that no two distances are equal."""
    return x + 0.01 * np.random.default_rng(6).normal(size=x.shape)


@pytest.mark.parametrize(("p", "nearest"), [(1, 1), (1, 4), (2, 3), (2, 5)])
def test_a_classifier_shares_alike(p: int, nearest: int, data: Data, gap: Gap) -> None:
    x, y = data("iris")
    model = KNeighborsClassifier(nearest, p=p).fit(spread(x)[::4], y[::4])

    assert gap(model, spread(x), model.predict_proba) <= TOLERANCE


def test_a_regression_predicts_alike(data: Data, gap: Gap) -> None:
    x, y = data("diabetes")
    model = KNeighborsRegressor(3).fit(x[:40], y[:40])

    assert gap(model, x, model.predict) <= TOLERANCE


@pytest.mark.parametrize("names", [["b", "a"], ["a", "b"]])
def test_of_equal_distances_the_row_before_is_the_nearer(names: list[str]) -> None:
    model = KNeighborsClassifier(1, algorithm="brute").fit([[0, 0], [2, 0]], names)

    found = read(model)(np.array([[1.0, 7.0]]))

    assert model.classes_[np.argmax(found)] == names[0]


def test_all_comparisons_of_whole_rows_are_half_a_step_from_a_tie(data: Data) -> None:
    x, y = data("digits")
    graph = read(KNeighborsClassifier(3).fit(x[:30], y[:30]))
    seen = {}

    evaluate(graph, {"input": x}, watch=lambda node, value: seen.update({node.name: value}))

    assert np.all(seen["pairs"] % 1.0 == 0.5)
    assert np.all(seen["ranks"] % 1.0 == 0.5)


def test_every_feature_and_value_is_one_difference(data: Data) -> None:
    x, y = data("iris")
    graph = read(KNeighborsClassifier(3).fit(x[::4], y[::4]))
    op = graph["differences"].op

    assert isinstance(op, Linear)
    assert len(op.weight) == sum(len(np.unique(column)) for column in x[::4].T)
    assert np.all((op.weight != 0.0).sum(axis=1) == 1)
    assert len(np.unique(np.column_stack([op.weight, op.bias]), axis=0)) == len(op.weight)


def test_one_training_row_is_the_nearest(gap: Gap) -> None:
    model = KNeighborsRegressor(1).fit([[1.0, 2.0]], [5.0])

    assert gap(model, np.zeros((2, 2)), model.predict) == 0.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "chebyshev"}, "metric is chebyshev"),
        ({"p": 3}, "metric is minkowski"),
        ({"weights": "distance"}, "weighs neighbours"),
    ],
)
def test_other_distances_are_refused(options: dict[str, Any], words: str, data: Data) -> None:
    x, y = data("iris")
    model = KNeighborsClassifier(3, **options).fit(x, y)

    with pytest.raises(ReadError, match=words):
        read(model)


def test_more_rows_than_can_be_paired_are_refused(data: Data) -> None:
    x, y = data("digits")
    model = KNeighborsClassifier(3).fit(x, y)

    with pytest.raises(ReadError, match="fit on fewer rows"):
        read(model)


def test_several_targets_of_a_classifier_are_refused(data: Data) -> None:
    x, y = data("iris")
    model = KNeighborsClassifier(3).fit(x, np.stack([y, y], axis=1))

    with pytest.raises(ReadError, match="several outputs"):
        read(model)
