from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import ensemble, tree
from sklearn.linear_model import LinearRegression

from tacit.errors import ReadError
from tacit.ir.graph import evaluate
from tacit.ir.ops import Linear
from tacit.read import read
from tacit.read.sklearn.ensemble import not_above_double, not_above_single

# Only the order of sums differs: of all leaves' halves, not of one leaf for each tree.
TOLERANCE = 1e-12
SMALL = {"random_state": 0, "max_depth": 4}
FEW = {"n_estimators": 7, **SMALL}

Data = Callable[[str], tuple[Any, Any]]
Gap = Callable[..., float]

FLOATS = [0.0, 1.0, -1.0, 2.5, 0.1, -0.1, 1e-40, -1e-40, 2.449999988079071, 1e30, 16777217.0]


@pytest.mark.parametrize("name", ["iris", "cancer", "wine", "digits"])
@pytest.mark.parametrize(
    "model",
    [
        tree.DecisionTreeClassifier(random_state=0),
        tree.DecisionTreeClassifier(max_leaf_nodes=9, random_state=0, class_weight="balanced"),
        tree.ExtraTreeClassifier(**SMALL),
        ensemble.RandomForestClassifier(**FEW),
        ensemble.ExtraTreesClassifier(**FEW),
    ],
)
def test_class_shares_are_those_of_the_forest(model: Any, name: str, data: Data, gap: Gap) -> None:
    x, y = data(name)

    assert gap(model.fit(x, y), x, model.predict_proba) <= TOLERANCE


@pytest.mark.parametrize(
    "model",
    [
        tree.DecisionTreeRegressor(max_leaf_nodes=30, random_state=0),
        tree.ExtraTreeRegressor(**SMALL),
        ensemble.RandomForestRegressor(**FEW),
        ensemble.ExtraTreesRegressor(**FEW),
        ensemble.GradientBoostingRegressor(**FEW),
        ensemble.GradientBoostingRegressor(loss="huber", **FEW),
        ensemble.GradientBoostingRegressor(init="zero", **FEW),
        ensemble.HistGradientBoostingRegressor(max_iter=5, random_state=0),
        ensemble.HistGradientBoostingRegressor(max_iter=5, loss="poisson", random_state=0),
        ensemble.HistGradientBoostingRegressor(max_iter=5, loss="gamma", random_state=0),
    ],
)
def test_a_regression_predicts_alike(model: Any, data: Data, gap: Gap) -> None:
    x, y = data("diabetes")

    assert gap(model.fit(x, y), x, model.predict) <= TOLERANCE


@pytest.mark.parametrize("name", ["iris", "cancer"])
@pytest.mark.parametrize(
    "model",
    [
        ensemble.GradientBoostingClassifier(**FEW),
        ensemble.GradientBoostingClassifier(init="zero", subsample=0.8, **FEW),
        ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=0),
    ],
)
def test_boosting_decides_alike(model: Any, name: str, data: Data, gap: Gap) -> None:
    x, y = data(name)

    assert gap(model.fit(x, y), x, model.decision_function) <= TOLERANCE


def test_several_targets_are_several_results(data: Data, gap: Gap) -> None:
    x, y = data("diabetes")
    model = ensemble.RandomForestRegressor(**FEW).fit(x, np.stack([y, -2 * y], axis=1))

    assert gap(model, x, model.predict) <= TOLERANCE


def test_a_forest_is_conditions_then_leaves_then_values(data: Data) -> None:
    x, y = data("digits")

    graph = read(ensemble.RandomForestClassifier(**FEW).fit(x, y))

    assert [(node.name, node.origin) for node in graph] == [
        ("input", ""),
        ("conditions", "conditions"),
        ("decided", "conditions"),
        ("counts", "trees"),
        ("reached", "trees"),
        ("prediction", "leaves"),
    ]


def test_every_condition_asks_one_feature_and_is_there_once(data: Data) -> None:
    x, y = data("iris")
    op = read(ensemble.ExtraTreesClassifier(**FEW).fit(x, y))["conditions"].op

    assert isinstance(op, Linear)
    assert np.all((op.weight == 1.0).sum(axis=1) == 1)
    assert np.all((op.weight != 0.0).sum(axis=1) == 1)
    assert len(np.unique(np.column_stack([op.weight, op.bias]), axis=0)) == len(op.weight)


def test_a_condition_of_both_trees_is_shared(data: Data) -> None:
    x, y = data("iris")
    model = ensemble.GradientBoostingClassifier(n_estimators=9, max_depth=1).fit(x, y)
    op = read(model)["conditions"].op

    asked = {
        (int(each.tree_.feature[0]), float(each.tree_.threshold[0]))
        for each in model.estimators_.ravel()
    }

    assert isinstance(op, Linear)
    assert len(op.weight) == len(asked) < model.estimators_.size


def test_of_every_tree_one_leaf_is_reached_with_all_of_its_conditions(data: Data) -> None:
    x, y = data("wine")
    graph = read(ensemble.RandomForestClassifier(**FEW).fit(x, y))
    seen = {}

    evaluate(graph, {"input": x}, watch=lambda node, value: seen.update({node.name: value}))

    assert np.all((seen["reached"] == 1.0).sum(axis=1) == FEW["n_estimators"])
    assert seen["counts"].max() == 0.5
    assert np.all(seen["counts"] % 1.0 == 0.5)


def test_a_leaf_asks_each_feature_at_most_once_from_each_side() -> None:
    x = np.arange(16.0)[:, None]
    op = read(tree.DecisionTreeRegressor().fit(x, x[:, 0] ** 2))["counts"].op

    assert isinstance(op, Linear)
    # A tree of four levels on one feature asks four times on each way down.
    assert (op.weight != 0.0).sum(axis=1).max() == 2


@pytest.mark.parametrize("kind", [tree.DecisionTreeRegressor, ensemble.RandomForestRegressor])
def test_trees_that_ask_nothing_are_a_constant(kind: Any, data: Data, gap: Gap) -> None:
    x, _ = data("diabetes")
    model = kind(random_state=0).fit(x, np.full(len(x), 3.0))

    assert gap(model, x, model.predict) <= TOLERANCE


def test_a_tree_that_asks_nothing_may_stand_beside_others(data: Data, gap: Gap) -> None:
    x, y = data("iris")
    rare = (np.arange(len(y)) == 3).astype(int)
    model = ensemble.RandomForestClassifier(5, random_state=1).fit(x, rare)

    assert {each.tree_.node_count == 1 for each in model.estimators_} == {True, False}
    assert gap(model, x, model.predict_proba) <= TOLERANCE


def test_an_input_on_a_threshold_goes_where_it_goes_in_scikit_learn(gap: Gap) -> None:
    x = np.array(FLOATS)[:, None]
    model = tree.DecisionTreeRegressor(random_state=0).fit(x, np.arange(len(x)))
    thresholds = model.tree_.threshold[model.tree_.children_left >= 0]
    singles = thresholds.astype(np.float32)
    around = [np.nextafter(singles, np.float32(way)) for way in (-np.inf, np.inf)]

    rows = np.concatenate([thresholds, singles, *around]).astype(np.float64)[:, None]

    assert gap(model, rows, model.predict) <= TOLERANCE


@pytest.mark.parametrize("threshold", FLOATS)
def test_a_threshold_is_passed_by_the_same_doubles_as_in_single_precision(threshold: float) -> None:
    moved = float(not_above_single(threshold))
    below, above = np.nextafter(moved, -np.inf), np.nextafter(moved, np.inf)

    assert float(np.float32(below)) <= threshold
    assert float(np.float32(above)) > threshold
    # No float, which is what most data are, is the threshold itself.
    assert float(np.float32(moved)) != moved


@pytest.mark.parametrize("threshold", FLOATS)
def test_a_threshold_in_double_precision_belongs_to_what_is_below(threshold: float) -> None:
    moved = float(not_above_double(threshold))

    assert threshold < moved <= np.nextafter(threshold, np.inf)


def test_splits_on_missing_values_are_refused(data: Data) -> None:
    x, y = data("iris")
    holed = np.where(y[:, None] == 0, np.nan, x)
    model = tree.DecisionTreeClassifier(random_state=0).fit(holed, y)

    with pytest.raises(ReadError, match=r"value is missing.*SimpleImputer"):
        read(model)


def test_splits_on_categories_are_refused(data: Data) -> None:
    x, y = data("iris")
    model = ensemble.HistGradientBoostingClassifier(max_iter=2, categorical_features=[0])

    with pytest.raises(ReadError, match="one-hot"):
        read(model.fit(np.floor(x), y))


def test_boosting_from_another_model_is_refused(data: Data) -> None:
    x, y = data("diabetes")
    model = ensemble.GradientBoostingRegressor(init=LinearRegression(), **FEW).fit(x, y)

    with pytest.raises(ReadError, match="starts from a LinearRegression"):
        read(model)


def test_several_outputs_of_a_classifier_are_refused(data: Data) -> None:
    x, y = data("iris")
    model = tree.DecisionTreeClassifier().fit(x, np.stack([y, y], axis=1))

    with pytest.raises(ReadError, match="one classifier for each output"):
        read(model)


def test_a_forest_that_is_too_large_is_refused() -> None:
    rows = np.random.default_rng(0).normal(size=(3000, 2))
    model = ensemble.ExtraTreesRegressor(4, random_state=0).fit(rows, rows[:, 0])

    with pytest.raises(ReadError, match="shallower trees"):
        read(model)
