"""Perceptrons of several layers: what comes out is the last layer, before a probability."""

from __future__ import annotations

from types import MappingProxyType

from tacit.ir.functions import Function
from tacit.ir.ops import Linear, Map
from tacit.read.shared import Held, Layer
from tacit.read.sklearn.call import Call

_FUNCTIONS = MappingProxyType(
    {"relu": Function("relu"), "tanh": Function("tanh"), "logistic": Function("sigmoid")}
)


def _layers(call: Call) -> Held:
    model, value = call.estimator, call.x
    last = len(model.coefs_) - 1
    pairs = zip(model.coefs_, model.intercepts_, strict=True)
    for place, (weight, bias) in enumerate(pairs):
        value = call.linear("linear", value, weight.T, bias, f"coefs_.{place}")
        if place < last and model.activation != "identity":
            function = _FUNCTIONS[model.activation]
            value = call.map(function.name, value, function, f"activation.{place}")
    return value


def _regression(call: Call) -> Held:
    value = _layers(call)
    if call.estimator.out_activation_ == "exp":
        return call.map("exp", value, Function("exp"), "out_activation_")
    return value


LAYERS: tuple[Layer[Call], ...] = (
    Layer("perceptron: last layer", ("MLPClassifier",), _layers, (Linear, Map)),
    Layer("perceptron: prediction", ("MLPRegressor",), _regression, (Linear, Map)),
)
