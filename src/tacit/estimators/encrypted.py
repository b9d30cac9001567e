"""A fitted estimator that answers on ciphertexts."""

from __future__ import annotations

from typing import Any, Protocol

from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray


class Answers(Protocol):
    """What an estimator answers with."""

    def run(self, q: IndexArray) -> IndexArray:
        """Integers to integers."""

    def predict(self, X: Any) -> Any:
        """Classes or values."""

    def predict_proba(self, X: Any) -> FloatArray:
        """The probabilities of classes."""

    def decision_function(self, X: Any) -> FloatArray:
        """The scores of classes."""

    def score(self, X: Any, y: Any) -> float:
        """The accuracy, or the coefficient of determination."""


class Encrypted:
    """The answers of a fitted estimator, each computed under encryption with one set of keys.

    Rows are quantised, encrypted, answered and opened; what follows is computed in the clear. An
    answer that the estimator has none of, such as a regressor's probabilities, raises
    AttributeError as it does there.
    """

    def __init__(self, model: Answers) -> None:
        self._model = model

    def run(self, q: IndexArray) -> IndexArray:
        """The integers that become of `quantize_input`'s, computed on ciphertexts."""
        return self._model.run(q)

    def predict(self, X: Any) -> Any:
        """The class or the value of every row."""
        return self._model.predict(X)

    def predict_proba(self, X: Any) -> FloatArray:
        """(rows, classes): the probability of each class."""
        return self._model.predict_proba(X)

    def decision_function(self, X: Any) -> FloatArray:
        """The score of each class, or of the second of two."""
        return self._model.decision_function(X)

    def score(self, X: Any, y: Any) -> float:
        """The accuracy, or the coefficient of determination."""
        return self._model.score(X, y)
