from collections.abc import Callable
from typing import Any

import pytest
from scipy import special
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from tacit.read import read

# Both multiply the same matrices; the activations are exact to a few roundings.
TOLERANCE = 1e-9
# What is tested is how a network is read, not how well it was trained.
FEW = {"hidden_layer_sizes": (7, 5), "max_iter": 5, "random_state": 0}

Data = Callable[[str], tuple[Any, Any]]
Gap = Callable[..., float]

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_a_regression_predicts_alike(activation: str, data: Data, gap: Gap) -> None:
    x, y = data("diabetes")
    model = MLPRegressor(activation=activation, **FEW).fit(x, y)

    assert gap(model, x, model.predict) <= TOLERANCE


def test_a_classifier_gives_what_its_probabilities_are_made_of(data: Data) -> None:
    x, y = data("iris")
    model = MLPClassifier(**FEW).fit(x, y)

    found = special.softmax(read(model)(x), axis=1)

    assert abs(found - model.predict_proba(x)).max() <= TOLERANCE


def test_a_binary_classifier_gives_one_number(data: Data) -> None:
    x, y = data("cancer")
    x = StandardScaler().fit_transform(x)
    model = MLPClassifier(**FEW).fit(x, y)

    found = special.expit(read(model)(x))

    assert found.shape == (len(x), 1)
    assert abs(found[:, 0] - model.predict_proba(x)[:, 1]).max() <= TOLERANCE


def test_every_layer_has_its_origin(data: Data) -> None:
    x, y = data("iris")

    graph = read(MLPClassifier(**FEW).fit(x, y))

    assert [node.origin for node in graph][1:] == [
        *("coefs_.0", "activation.0", "coefs_.1", "activation.1", "coefs_.2")
    ]
