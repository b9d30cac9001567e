from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import linear_model, svm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tacit.errors import ReadError
from tacit.ir.ops import Linear, Map
from tacit.read import read

# Both sum the same few dozen doubles.
TOLERANCE = 1e-9

Data = Callable[[str], tuple[Any, Any]]
Gap = Callable[..., float]


@pytest.mark.parametrize(
    "model",
    [
        linear_model.LinearRegression(),
        linear_model.LinearRegression(fit_intercept=False),
        linear_model.Ridge(),
        linear_model.Lasso(0.1),
        linear_model.ElasticNet(0.1),
        linear_model.SGDRegressor(random_state=0, max_iter=5000),
        linear_model.HuberRegressor(max_iter=1000),
        linear_model.BayesianRidge(),
        svm.LinearSVR(random_state=0, max_iter=5000),
        linear_model.PoissonRegressor(max_iter=1000),
        linear_model.GammaRegressor(max_iter=1000),
        linear_model.TweedieRegressor(power=0),
        linear_model.TweedieRegressor(power=1.5, max_iter=1000),
        linear_model.TweedieRegressor(power=0, link="log", max_iter=1000),
    ],
)
def test_a_linear_regression_predicts_alike(model: Any, data: Data, gap: Gap) -> None:
    x, y = data("diabetes")

    assert gap(model.fit(x, y), x, model.predict) <= TOLERANCE


@pytest.mark.parametrize("name", ["iris", "cancer"])
@pytest.mark.parametrize(
    "model",
    [
        linear_model.LogisticRegression(),
        linear_model.SGDClassifier(random_state=0),
        linear_model.RidgeClassifier(),
        linear_model.Perceptron(),
        svm.LinearSVC(random_state=0, max_iter=5000),
        LinearDiscriminantAnalysis(),
    ],
)
def test_a_linear_classification_decides_alike(model: Any, name: str, data: Data, gap: Gap) -> None:
    x, y = data(name)
    x = StandardScaler().fit_transform(x)

    assert gap(model.fit(x, y), x, model.decision_function) <= TOLERANCE


def test_several_targets_are_several_results(data: Data, gap: Gap) -> None:
    x, y = data("diabetes")
    model = linear_model.Ridge().fit(x, np.stack([y, -y, y**2], axis=1))

    assert gap(model, x, model.predict) <= TOLERANCE


def test_a_link_is_a_function_at_the_end(data: Data) -> None:
    x, y = data("diabetes")

    graph = read(linear_model.PoissonRegressor(max_iter=1000).fit(x, y))

    assert [type(node.op) for node in graph][1:] == [Linear, Map]
    assert [node.origin for node in graph] == ["", "coef_", "link"]


def test_a_step_of_a_pipeline_is_the_beginning_of_an_origin(data: Data, gap: Gap) -> None:
    x, y = data("iris")
    model = make_pipeline(StandardScaler(), linear_model.LogisticRegression()).fit(x, y)

    assert gap(model, x, model.decision_function) <= TOLERANCE
    assert [node.origin for node in read(model)] == [
        "",
        "standardscaler.scale_",
        "logisticregression.coef_",
    ]


def test_sparse_coefficients_are_refused(data: Data) -> None:
    x, y = data("iris")
    model = linear_model.LogisticRegression(max_iter=1000).fit(x, y).sparsify()

    with pytest.raises(ReadError, match="densify"):
        read(model)


def test_later_training_does_not_change_the_graph(data: Data) -> None:
    x, y = data("diabetes")
    model = linear_model.LinearRegression().fit(x, y)
    graph = read(model)
    before = graph(x)

    model.coef_ *= 2.0

    assert np.array_equal(graph(x), before)
