"""Estimators among scikit-learn's own: parameters, clones, pipelines, searches, errors."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tacit import estimators
from tests.estimators.data import CLASSIFIERS, REGRESSORS, fitted, made, namesake, split


@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_parameters_are_the_namesakes_and_three_more(name: str) -> None:
    model = made(name)
    theirs = namesake(model).get_params()

    assert model.get_params().keys() - theirs.keys() == {"n_bits", "engine", "batch"}
    assert theirs.items() <= model.get_params().items() or name.startswith("XGB")


def test_a_signature_shows_all_parameters() -> None:
    shown = inspect.signature(estimators.Ridge).parameters

    assert next(iter(shown)) == "alpha"
    assert [*shown][-3:] == ["n_bits", "engine", "batch"]
    assert estimators.Ridge(2.0).alpha == 2.0


def test_clones_pipelines_and_searches_take_bits() -> None:
    learn, ask, targets, truth = split("iris")
    steps = make_pipeline(StandardScaler(), made("LogisticRegression"))
    search = GridSearchCV(steps, {"logisticregression__n_bits": [2, 8]}, cv=3)

    found = search.fit(learn, targets)

    assert found.best_params_ == {"logisticregression__n_bits": 8}
    assert clone(found.best_estimator_).fit(learn, targets).score(ask, truth) > 0.95


def test_a_fitted_estimator_is_pickled() -> None:
    model, ask = fitted("DecisionTreeClassifier")

    again = pickle.loads(pickle.dumps(model))  # noqa: S301 (made in the line itself)

    np.testing.assert_array_equal(again.predict(ask), model.predict(ask))


def test_bits_are_given_for_each_kind() -> None:
    learn, _, targets, _ = split("iris")

    model = made("LinearSVC", n_bits={"op_inputs": 5, "op_weights": 7}, max_iter=20_000)

    assert model.fit(learn, targets).bits_ == {"op_inputs": 5, "op_weights": 7}
    assert model.quantize_input(learn).max() == 31


@pytest.mark.parametrize("bits", [0, 17, "8", {"op_leaves": 4}, {"op_inputs": 0}])
def test_bits_that_mean_nothing_are_refused(bits: object) -> None:
    learn, _, targets, _ = split("iris")

    with pytest.raises(ValueError, match="n_bits"):
        made("LogisticRegression", n_bits=bits).fit(learn, targets)


def test_too_many_bits_are_told_as_a_value_error() -> None:
    learn, _, targets, _ = split("breast_cancer")
    model = made("KNeighborsClassifier", n_bits={"op_inputs": 14})

    with pytest.raises(ValueError, match=r"accumulators of \d+ bits"):
        model.fit(learn[:30], targets[:30])


def test_rows_without_a_weight_are_not_seen() -> None:
    learn, _, targets, _ = split("diabetes")
    weights = np.ones(len(learn))
    learn[0], weights[0] = 1e3, 0.0

    model = made("Ridge").fit(learn, targets, sample_weight=weights)

    assert model._grids.most.max() < 1.0


def test_learning_in_parts_widens_the_grids() -> None:
    learn, _, targets, _ = split("iris")
    classes = np.unique(targets)
    model = made("SGDClassifier").partial_fit(learn[:50] / 2.0, targets[:50], classes=classes)

    model.partial_fit(learn[50:], targets[50:])

    np.testing.assert_array_equal(
        model._grids.most, np.maximum(learn[50:].max(axis=0), learn[:50].max(axis=0) / 2.0)
    )


def test_what_scikit_learn_refuses_is_refused() -> None:
    model, ask = fitted("DecisionTreeClassifier")
    broken = ask.copy()
    broken[0, 0] = np.nan

    with pytest.raises(NotFittedError):
        made("Ridge").predict(ask)
    with pytest.raises(ValueError, match="NaN"):
        model.predict(broken)
    with pytest.raises(ValueError, match="features"):
        model.predict(ask[:, :2])
