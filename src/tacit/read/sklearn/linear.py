"""Estimators that weigh their features: what comes out is the decision or the prediction."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from tacit.ir.functions import Function
from tacit.ir.ops import Linear, Map
from tacit.read.shared import Held, Layer
from tacit.read.sklearn.call import Call


def _weighed(call: Call) -> Held:
    coefficients = call.estimator.coef_
    if sparse.issparse(coefficients):
        raise call.refusal("its coef_ is sparse", hint="call its densify() first")
    weight = np.atleast_2d(coefficients)
    return call.linear("linear", call.x, weight, call.estimator.intercept_, "coef_")


def _log_link(call: Call) -> Held:
    return call.map("exp", _weighed(call), Function("exp"), "link")


def _tweedie(call: Call) -> Held:
    link, power = call.estimator.link, call.estimator.power
    # As scikit-learn chooses: the logarithm where a prediction must be positive.
    logarithm = link == "log" or (link == "auto" and power > 0)
    return _log_link(call) if logarithm else _weighed(call)


LAYERS: tuple[Layer[Call], ...] = (
    Layer(
        "linear regression",
        (
            *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV"),
            *("ElasticNet", "ElasticNetCV", "SGDRegressor", "LinearSVR"),
            *("BayesianRidge", "ARDRegression", "HuberRegressor", "QuantileRegressor"),
        ),
        _weighed,
        (Linear,),
    ),
    Layer(
        "generalised linear regression",
        ("PoissonRegressor", "GammaRegressor"),
        _log_link,
        (Linear, Map),
    ),
    Layer("Tweedie regression", ("TweedieRegressor",), _tweedie, (Linear, Map)),
    Layer(
        "linear classification: decision function",
        (
            *("LogisticRegression", "LogisticRegressionCV", "LinearSVC", "SGDClassifier"),
            *("Perceptron", "RidgeClassifier", "RidgeClassifierCV", "LinearDiscriminantAnalysis"),
        ),
        _weighed,
        (Linear,),
    ),
)
