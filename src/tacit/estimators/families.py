"""How estimators answer: from scores, from shares of classes, or with values."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special
from sklearn.utils.validation import column_or_1d

from tacit.estimators.base import Estimator
from tacit.ir.functions import FloatArray


class _OneTarget(Estimator):
    def __sklearn_tags__(self) -> Any:
        """What scikit-learn is told: there is one target."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        tags.classifier_tags.multi_label = False
        return tags

    def _targets(self, y: Any) -> Any:
        return None if y is None else column_or_1d(y, warn=True)


class ByScores(_OneTarget):
    """A classifier that answers with a score for every class, or with one where there are two.

    The namesake's `predict` and `predict_proba` go by `decision_function`.
    """

    def decision_function(self, X: Any) -> FloatArray:
        """The score of each class, or of the second of two."""
        scores = self._outputs(X)
        return scores.ravel() if scores.shape[1] == 1 else scores


class ByOdds(ByScores):
    """A classifier whose scores are logarithms of odds."""

    def predict_proba(self, X: Any) -> FloatArray:
        """(rows, classes): the probability of each class."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.stack([special.expit(-scores), special.expit(scores)], axis=1)
        result: FloatArray = special.softmax(scores, axis=1)
        return result

    def predict(self, X: Any) -> Any:
        """The class with the highest score, the first of several."""
        largest = self.predict_proba(X).argmax(axis=1)
        return self.classes_.take(largest)


class ByShares(_OneTarget):
    """A classifier that answers with a share for every class."""

    def predict_proba(self, X: Any) -> FloatArray:
        """(rows, classes): the share of each class."""
        # What rounding leaves of a share of nothing is no probability.
        shares = np.maximum(self._outputs(X), 0.0)
        result: FloatArray = shares / shares.sum(axis=1, keepdims=True)
        return result

    def predict(self, X: Any) -> Any:
        """The class with the largest share, the first of several."""
        largest = self.predict_proba(X).argmax(axis=1)
        return self.classes_.take(largest)


class ByValues(Estimator):
    """A regressor."""

    def predict(self, X: Any) -> FloatArray:
        """The value of every row, or (rows, targets) where there are several."""
        values = self._outputs(X)
        return values.ravel() if values.shape[1] == 1 else values
