"""Gradient boosting of XGBoost, read from the booster's own JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import special

from tacit.ir.functions import FloatArray, Function
from tacit.ir.ops import Linear, Map
from tacit.read.shared import Held, Layer
from tacit.read.sklearn.call import Call
from tacit.read.sklearn.ensemble import Tree, ensemble, not_above_single

# The function from the sum over the trees to what the base score and a regressor are told in;
# None where they are the sum.
_EXP, _SIGMOID = Function("exp"), Function("sigmoid")
_LINKS: Mapping[str, Function | None] = MappingProxyType(
    {
        "reg:squarederror": None,
        "reg:absoluteerror": None,
        "reg:pseudohubererror": None,
        "reg:quantileerror": None,
        "reg:squaredlogerror": None,
        "reg:logistic": _SIGMOID,
        "binary:logistic": _SIGMOID,
        "multi:softprob": None,
        "multi:softmax": None,
        "count:poisson": _EXP,
        "reg:gamma": _EXP,
        "reg:tweedie": _EXP,
    }
)


def _classification(call: Call) -> Held:
    return _margin(call, _learner(call))


def _regression(call: Call) -> Held:
    learner = _learner(call)
    margin = _margin(call, learner)
    link = _link(call, learner)
    return margin if link is None else call.map(link.name, margin, link, "objective")


def _learner(call: Call) -> Any:
    """What XGBoost writes of a trained model."""
    model = call.estimator
    if not np.isnan(model.missing):
        raise call.refusal(
            f"it takes {model.missing} for a missing value",
            hint="fill in missing values before fitting, and leave out `missing`",
        )
    return json.loads(bytes(model.get_booster().save_raw("json")))["learner"]


def _link(call: Call, learner: Any) -> Function | None:
    objective = str(learner["objective"]["name"])
    if objective not in _LINKS:
        raise call.refusal(f"its objective is {objective}", hint=f"use one of {', '.join(_LINKS)}")
    return _LINKS[objective]


def _margin(call: Call, learner: Any) -> Held:
    """The sum over the trees, before any probability."""
    base = _base(learner, _link(call, learner))
    booster = learner["gradient_booster"]
    if booster["name"] not in ("gbtree", "dart"):
        raise call.refusal(
            f"its booster is {booster['name']}", hint="use gbtree, or a linear model"
        )
    model = booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]
    count = _count(learner, model)
    weights = booster.get("weight_drop", [1.0] * count)
    kept = zip(model["trees"][:count], model["tree_info"], weights, strict=False)
    trees = [_tree(call, tree, weight, output, len(base)) for tree, output, weight in kept]
    return ensemble(call, trees, base)


def _count(learner: Any, model: Any) -> int:
    """How many trees are asked: all, or those up to the best iteration of early stopping."""
    best = learner["attributes"].get("best_iteration")
    return len(model["trees"]) if best is None else int(model["iteration_indptr"][int(best) + 1])


def _base(learner: Any, link: Function | None) -> FloatArray:
    """What the sum over the trees starts from."""
    sizes = learner["learner_model_param"]
    outputs = max(1, int(sizes["num_class"]), int(sizes.get("num_target", 1)))
    # Stored as text, in older versions one number, which stands for all outputs.
    told = np.asarray(json.loads(sizes["base_score"]), dtype=np.float32).astype(np.float64)
    base = np.broadcast_to(told.reshape(-1), (outputs,))
    if link is None:
        return base
    inverse: FloatArray = special.logit(base) if link == _SIGMOID else np.log(base)
    return inverse


def _tree(call: Call, tree: Any, weight: float, output: int, outputs: int) -> Tree:
    """A tree whose inputs go left where they are below the threshold, in single precision."""
    if tree["categories"] or any(tree["split_type"]):
        raise call.refusal("it splits on categories", hint="encode them one-hot before fitting")
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise call.refusal(
            "its leaves hold vectors", hint="use multi_strategy='one_output_per_tree'"
        )
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    values = np.zeros((len(conditions), outputs))
    # A leaf's value is where an inner node has its threshold.
    values[:, output] = weight * conditions.astype(np.float64)
    # Below a float is not above the float before it.
    thresholds = not_above_single(np.nextafter(conditions, np.float32(-np.inf))).tolist()
    sides = tree["left_children"], tree["right_children"]
    return Tree(tree["split_indices"], thresholds, *sides, values)


_BECOMES = (Linear, Map)
LAYERS: tuple[Layer[Call], ...] = (
    Layer("XGBoost: margin", ("XGBClassifier", "XGBRFClassifier"), _classification, _BECOMES),
    Layer("XGBoost: prediction", ("XGBRegressor", "XGBRFRegressor"), _regression, _BECOMES),
)
