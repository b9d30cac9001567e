"""The whole table of what the scikit-learn door reads, and how an estimator finds its row."""

from __future__ import annotations

from inspect import getattr_static
from types import MappingProxyType

from tacit.ir.graph import Op
from tacit.read.shared import Held, Layer
from tacit.read.sklearn import boosters, linear, neighbours, perceptrons, scaling, trees
from tacit.read.sklearn.advice import unsupported
from tacit.read.sklearn.call import Call

# Whose classes the table's names are.
_PACKAGES = ("sklearn", "xgboost")
# What an estimator answers with: a subclass that answers otherwise means something else.
_ANSWERS = ("transform", "predict", "predict_proba", "decision_function", "get_support")


def result_of(call: Call) -> Held:
    """The value of a fitted estimator."""
    own = type(call.estimator)
    kind = next((each for each in own.__mro__ if _is_theirs(each)), None)
    if kind is None or kind.__name__ not in BY_NAME:
        raise unsupported(call)
    for name in _ANSWERS:
        # What is written in the classes: scikit-learn makes some methods anew when asked for them.
        if getattr_static(own, name, None) is not getattr_static(kind, name, None):
            raise call.refusal(
                f"it overrides {name} of {kind.__name__}", hint=f"read a plain {kind.__name__}"
            )
    found: Held = BY_NAME[kind.__name__].read(call)
    return found


def _is_theirs(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _PACKAGES


def _pipeline(call: Call) -> Held:
    """What the last step gives, each step after the one before."""
    value = call.x
    for name, step in call.estimator.steps:
        if step is not None and step != "passthrough":
            value = result_of(call.inside(step, value, name))
    return value


_NOTHING: tuple[type[Op], ...] = ()
LAYERS: tuple[Layer[Call], ...] = (
    *linear.LAYERS,
    *trees.LAYERS,
    *boosters.LAYERS,
    *neighbours.LAYERS,
    *perceptrons.LAYERS,
    *scaling.LAYERS,
    Layer("pipeline", ("Pipeline",), _pipeline, _NOTHING),
)

BY_NAME = MappingProxyType({name: layer for layer in LAYERS for name in layer.names})
