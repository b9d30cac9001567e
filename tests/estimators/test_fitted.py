"""What was fitted elsewhere becomes an estimator on integers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import linear_model, neural_network

from tacit import estimators
from tacit.errors import ReadError
from tests.estimators.data import CLASSIFIERS, REGRESSORS, SMALL, made, namesake, split

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_fitted_classifier_says_the_same(name: str) -> None:
    learn, ask, targets, _ = split("iris")
    plain = namesake(made(name, **SMALL.get(name, {}))).fit(learn, targets)

    model = estimators.from_sklearn(plain, learn, n_bits=8)

    assert type(model).__name__ == name
    assert np.mean(model.predict(ask) == plain.predict(ask)) >= 0.94


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_fitted_regressor_says_the_same(name: str) -> None:
    learn, ask, targets, truth = split("diabetes")
    plain = namesake(made(name, **SMALL.get(name, {}))).fit(learn, targets)

    model = estimators.from_sklearn(plain, learn, n_bits=8)

    assert model.score(ask, truth) == pytest.approx(plain.score(ask, truth), abs=0.02)


def test_a_network_of_reals_is_refused() -> None:
    learn, _, targets, _ = split("iris")
    plain = neural_network.MLPClassifier((4,), max_iter=5).fit(learn, targets)

    with pytest.raises(ReadError, match="learns its integers"):
        estimators.NeuralNetClassifier.from_sklearn(plain, learn)


def test_what_has_no_estimator_is_refused() -> None:
    learn, _, targets, _ = split("iris")
    plain = linear_model.RidgeClassifier().fit(learn, targets)

    with pytest.raises(ReadError, match="there is no estimator for a RidgeClassifier"):
        estimators.from_sklearn(plain, learn)


def test_a_class_takes_only_its_namesake() -> None:
    learn, _, targets, _ = split("iris")
    plain = linear_model.Ridge().fit(learn, targets)

    with pytest.raises(ReadError, match="a Ridge is no Lasso"):
        estimators.Lasso.from_sklearn(plain, learn)
