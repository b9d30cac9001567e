from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import ensemble, linear_model, model_selection, naive_bayes, pipeline, svm
from sklearn.base import BaseEstimator
from sklearn.preprocessing import FunctionTransformer

from tacit.errors import ReadError, TypeMismatch
from tacit.read import read
from tacit.read.sklearn import supported

Data = Callable[[str], tuple[Any, Any]]


# Made by calls, as nothing is known of the types of the classes that they extend.
BOLDER = type("Bolder", (linear_model.LinearRegression,), {"predict": lambda _, x: x})
RENAMED = type("Renamed", (linear_model.LinearRegression,), {})
METHODS = {"fit": lambda *_: None, "__sklearn_is_fitted__": lambda _: True}
OWN = type("Own", (BaseEstimator,), {"n_features_in_": 4, **METHODS})


@pytest.mark.parametrize(
    "model",
    [
        linear_model.Ridge(),
        ensemble.RandomForestClassifier(),
        pipeline.Pipeline([("a", svm.SVC())]),
    ],
)
def test_an_estimator_that_is_not_fitted_is_refused(model: Any) -> None:
    with pytest.raises(ReadError, match=rf"{type(model).__name__} is not fitted"):
        read(model)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (svm.SVC(), "SVC cannot be read.*linear model"),
        (naive_bayes.GaussianNB(), "GaussianNB cannot be read"),
        (ensemble.AdaBoostClassifier(n_estimators=2), "AdaBoost.*random forest"),
        (
            model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [1.0]}, cv=2),
            "best_estimator_",
        ),
        (
            pipeline.make_pipeline(FunctionTransformer(), linear_model.Ridge()),
            "functiontransformer: FunctionTransformer cannot be read.*client",
        ),
        (BOLDER(), "overrides predict of LinearRegression"),
        (OWN(), r"Own cannot be read.*supported-ops\.md"),
    ],
)
def test_what_is_not_supported_is_named_with_what_would_do(
    model: Any, words: str, data: Data
) -> None:
    x, y = data("iris")
    model.fit(x, y)

    with pytest.raises(ReadError, match=words):
        read(model)


def test_a_class_itself_is_no_model() -> None:
    with pytest.raises(ReadError, match="no model"):
        read(linear_model.Ridge)


def test_a_subclass_that_answers_alike_is_read(data: Data) -> None:
    x, y = data("diabetes")
    model = RENAMED().fit(x, y)

    assert np.abs(read(model)(x)[:, 0] - model.predict(x)).max() <= 1e-9


def test_the_input_is_one_secret_row_of_features(data: Data) -> None:
    x, y = data("iris")

    (source,) = read(linear_model.Ridge().fit(x, y)).inputs

    assert (source.type.shape, source.type.secret) == ((4,), True)


def test_a_missing_value_is_no_input(data: Data) -> None:
    x, y = data("iris")
    graph = read(linear_model.Ridge().fit(x, y))

    with pytest.raises(TypeMismatch, match="NaN"):
        graph(np.full((1, 4), np.nan))


def test_every_class_is_listed_once() -> None:
    names = [name for row in supported() for name in row.names]

    assert len(names) == len(set(names)) > 50
