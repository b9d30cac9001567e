"""What the grids cost in accuracy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.preprocessing import MinMaxScaler

from tacit.arithmetics.integers.ops import Lookup, Sums
from tests.estimators.data import (
    LINEAR_CLASSIFIERS,
    LINEAR_REGRESSORS,
    SMALL,
    TREE_CLASSIFIERS,
    TREE_REGRESSORS,
    made,
    namesake,
    split,
)

# Test sets of 38 and 45 rows are too small for a share of 1 %: there are ten of each.
SPLITS = {"breast_cancer": (42,), "digits": (42,), "iris": range(42, 52), "wine": range(42, 52)}
# Solvers that have not converged tell so; both sides stop at the same step.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def agreement(name: str, data: str) -> float:
    """The share of unseen rows on which an estimator says what its namesake says."""
    shares = []
    for seed in SPLITS[data]:
        learn, ask, targets, _ = split(data, seed)
        model = made(name)
        expected = namesake(model).fit(learn, targets).predict(ask)
        shares.append(np.mean(model.fit(learn, targets).predict(ask) == expected))
    return float(np.mean(shares))


# On breast cancer the mean of six splits has a standard error of 0.007, that of 30 one of 0.003:
# only the latter tells whether a point is lost.
TREE_SPLITS = range(42, 72)


def gain(name: str, data: str, **parameters: object) -> float:
    """How much better the integers score than the reals, on the mean of some splits."""
    found = []
    for seed in TREE_SPLITS:
        learn, ask, targets, truth = split(data, seed)
        model = made(name, **SMALL.get(name, {}) | parameters)
        expected = namesake(model).fit(learn, targets).score(ask, truth)
        found.append(model.fit(learn, targets).score(ask, truth) - expected)
    return float(np.mean(found))


@pytest.mark.parametrize("data", SPLITS)
@pytest.mark.parametrize("name", LINEAR_CLASSIFIERS)
def test_linear_classifiers_of_8_bits_agree_with_their_namesakes(name: str, data: str) -> None:
    assert agreement(name, data) >= 0.99


@pytest.mark.parametrize("name", LINEAR_REGRESSORS)
def test_linear_regressors_of_8_bits_explain_as_much(name: str) -> None:
    learn, ask, targets, truth = split("diabetes")
    model = made(name)
    expected = r2_score(truth, namesake(model).fit(learn, targets).predict(ask))

    found = r2_score(truth, model.fit(learn, targets).predict(ask))

    assert found == pytest.approx(expected, abs=0.005)


def test_a_tree_of_6_bits_is_as_right() -> None:
    assert gain("DecisionTreeClassifier", "breast_cancer", max_depth=5) >= -0.01


@pytest.mark.slow
@pytest.mark.parametrize("data", ["breast_cancer", "iris", "wine"])
@pytest.mark.parametrize("name", TREE_CLASSIFIERS)
def test_trees_of_6_bits_are_as_right(name: str, data: str) -> None:
    forest = {"n_estimators": 20} if "Tree" not in name else {}

    assert gain(name, data, max_depth=5, **forest) >= -0.01


@pytest.mark.parametrize("name", TREE_REGRESSORS)
def test_regression_trees_of_6_bits_explain_as_much(name: str) -> None:
    forest = {"n_estimators": 10} if "Tree" not in name else {}

    assert gain(name, "diabetes", **forest) >= -0.01


@pytest.mark.parametrize("name", TREE_CLASSIFIERS)
def test_what_look_ups_of_trees_read_is_no_wider_than_the_inputs(name: str) -> None:
    learn, _, targets, _ = split("breast_cancer")

    graph = made(name).fit(learn, targets).program_.graph

    read = {node.args[0] for node in graph if isinstance(node.op, Lookup)}
    widths = [n.op.bits for n in graph if isinstance(n.op, Sums) and n.name in read]
    assert max(widths) <= 7


@pytest.mark.slow
@pytest.mark.parametrize("data", ["breast_cancer", "iris"])
def test_networks_of_4_bits_are_nearly_as_right_as_those_of_reals(data: str) -> None:
    learn, ask, targets, truth = split(data)
    model = made("NeuralNetClassifier", hidden_layer_sizes=(32,))
    scaler = MinMaxScaler((-2.0, 2.0)).fit(learn)
    expected = namesake(model).fit(scaler.transform(learn), targets)

    found = model.fit(learn, targets).score(ask, truth)

    assert found >= expected.score(scaler.transform(ask), truth) - 0.03


def test_neighbours_on_grids_are_as_right_as_on_scaled_rows() -> None:
    learn, ask, targets, truth = split("wine")
    spread = (learn.max(axis=0) - learn.min(axis=0))[None]
    model = made("KNeighborsClassifier")
    expected = namesake(model).fit(learn / spread, targets).score(ask / spread, truth)

    assert model.fit(learn, targets).score(ask, truth) >= expected - 0.03
