"""Trees of scikit-learn, alone, averaged and boosted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.ir.functions import FloatArray, Function
from tacit.ir.ops import Linear, Map
from tacit.read.shared import Held, Layer
from tacit.read.sklearn.call import Call
from tacit.read.sklearn.ensemble import Tree, ensemble, not_above_double, not_above_single

_BECOMES = (Linear, Map)
_IMPUTE = "fill in missing values before fitting and before sending, as SimpleImputer does"


def _classification(call: Call, members: Sequence[Any]) -> Held:
    """The mean of the class shares at the leaves that are reached."""
    if call.estimator.n_outputs_ != 1:
        raise call.refusal(
            f"it predicts {call.estimator.n_outputs_} outputs",
            hint="fit one classifier for each output",
        )
    counts = [np.asarray(each.tree_.value, dtype=np.float64)[:, 0, :] for each in members]
    return _mean(call, members, [each / each.sum(axis=1, keepdims=True) for each in counts])


def _regression(call: Call, members: Sequence[Any]) -> Held:
    """The mean of the predictions at the leaves that are reached."""
    return _mean(call, members, [np.asarray(each.tree_.value)[:, :, 0] for each in members])


def _mean(call: Call, members: Sequence[Any], values: Sequence[FloatArray]) -> Held:
    pairs = zip(members, values, strict=True)
    trees = [_tree(call, member, each / len(members)) for member, each in pairs]
    return ensemble(call, trees, np.zeros(values[0].shape[1]))


def _tree(call: Call, member: Any, values: FloatArray) -> Tree:
    """A tree whose comparisons are in single precision, as scikit-learn makes them."""
    tree = member.tree_
    _no_missing(call, tree.threshold[tree.children_left >= 0])
    thresholds = not_above_single(tree.threshold).tolist()
    sides = tree.children_left.tolist(), tree.children_right.tolist()
    return Tree(tree.feature.tolist(), thresholds, *sides, values)


def _no_missing(call: Call, thresholds: FloatArray) -> None:
    # A split on whether a value is missing has an infinite threshold. What else a tree has for
    # missing values is never asked: a graph takes no NaN.
    if not np.all(np.isfinite(thresholds)):
        raise call.refusal("it splits on whether a value is missing", hint=_IMPUTE)


def _boosted(call: Call) -> Held:
    """The raw decision of gradient boosting."""
    model = call.estimator
    start = "zero" if isinstance(model.init_, str) else type(model.init_).__name__
    if start not in ("zero", "DummyClassifier", "DummyRegressor"):
        raise call.refusal(f"it starts from a {start}", hint="leave out init, or give init='zero'")
    # It is the same for all rows: the starts that are left look at none of them.
    base = model._raw_predict_init(np.zeros((1, call.features), dtype=np.float32)).reshape(-1)
    trees = [
        _tree(call, member, _one_of(place, model.learning_rate * member.tree_.value[:, 0, 0], base))
        for stage in model.estimators_
        for place, member in enumerate(stage)
    ]
    return ensemble(call, trees, base)


def _one_of(place: int, values: FloatArray, base: FloatArray) -> FloatArray:
    """The values as what they add to one of the outputs."""
    result = np.zeros((len(values), len(base)))
    result[:, place] = values
    return result


def _histogram_boosted(call: Call) -> Held:
    """The raw decision of boosting on histograms."""
    model = call.estimator
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        raise call.refusal("it splits on categories", hint="encode them one-hot before fitting")
    base = np.asarray(model._baseline_prediction, dtype=np.float64).reshape(-1)
    trees = [
        _histogram_tree(call, member.nodes, place, base)
        for stage in model._predictors
        for place, member in enumerate(stage)
    ]
    return ensemble(call, trees, base)


def _histogram_tree(call: Call, nodes: Any, place: int, base: FloatArray) -> Tree:
    """A tree whose comparisons are in double precision, stored as a structured array."""
    leaf = nodes["is_leaf"].astype(bool)
    _no_missing(call, nodes["num_threshold"][~leaf])
    left = np.where(leaf, -1, nodes["left"].astype(np.int64)).tolist()
    thresholds = not_above_double(nodes["num_threshold"]).tolist()
    features, right = nodes["feature_idx"].tolist(), nodes["right"].tolist()
    return Tree(features, thresholds, left, right, _one_of(place, nodes["value"], base))


def _histogram_regression(call: Call) -> Held:
    raw = _histogram_boosted(call)
    if call.estimator.loss in ("poisson", "gamma"):
        return call.map("exp", raw, Function("exp"), "link")
    return raw


LAYERS: tuple[Layer[Call], ...] = (
    Layer(
        "tree: class shares",
        ("DecisionTreeClassifier", "ExtraTreeClassifier"),
        lambda call: _classification(call, [call.estimator]),
        _BECOMES,
    ),
    Layer(
        "tree: prediction",
        ("DecisionTreeRegressor", "ExtraTreeRegressor"),
        lambda call: _regression(call, [call.estimator]),
        _BECOMES,
    ),
    Layer(
        "forest: mean class shares",
        ("RandomForestClassifier", "ExtraTreesClassifier"),
        lambda call: _classification(call, call.estimator.estimators_),
        _BECOMES,
    ),
    Layer(
        "forest: prediction",
        ("RandomForestRegressor", "ExtraTreesRegressor"),
        lambda call: _regression(call, call.estimator.estimators_),
        _BECOMES,
    ),
    Layer(
        "gradient boosting: decision function or prediction",
        ("GradientBoostingClassifier", "GradientBoostingRegressor"),
        _boosted,
        _BECOMES,
    ),
    Layer(
        "boosting on histograms: decision function",
        ("HistGradientBoostingClassifier",),
        _histogram_boosted,
        _BECOMES,
    ),
    Layer(
        "boosting on histograms: prediction",
        ("HistGradientBoostingRegressor",),
        _histogram_regression,
        _BECOMES,
    ),
)
