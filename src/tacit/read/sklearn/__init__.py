"""The scikit-learn door: a fitted estimator, or a pipeline of them, becomes a graph."""

from __future__ import annotations

from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from tacit.errors import ReadError
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.read.shared import Held, Row, rows
from tacit.read.sklearn.advice import ADVICE
from tacit.read.sklearn.call import Call
from tacit.read.sklearn.table import LAYERS, result_of

__all__ = ["ADVICE", "read", "supported"]


def read(estimator: object) -> Graph:
    """The graph of a fitted estimator, from rows of shape (features,)."""
    builder = Builder()
    features = _features(estimator)
    call = Call(builder, estimator, Held(builder.input("input", (features,))))
    return builder.graph(result_of(call).name)


def supported() -> tuple[Row, ...]:
    """What this door reads."""
    return rows(LAYERS)


def _features(estimator: Any) -> int:
    """How many features a fitted estimator is given."""
    kind = type(estimator).__name__
    try:
        check_is_fitted(estimator)
    except NotFittedError as wrong:
        raise ReadError(f"this {kind} is not fitted", hint="call fit, then read") from wrong
    except TypeError as wrong:
        raise ReadError(f"{kind} is no estimator: {wrong}", hint="give a fitted one") from wrong
    try:
        return int(estimator.n_features_in_)
    except AttributeError as wrong:
        raise ReadError(
            f"this {kind} does not say how many features it is given",
            hint="fit it on an array of rows and features",
        ) from wrong
