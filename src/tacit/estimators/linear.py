"""Linear models: one sum of integers for every output."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import linear_model, svm

from tacit.estimators.base import Estimator
from tacit.estimators.families import ByScores, ByValues
from tacit.ir.functions import FloatArray


class _Linear(Estimator):
    default_bits = 8
    weights_key = "op_weights"


class _Regressor(_Linear, ByValues):
    def predict(self, X: Any) -> FloatArray:
        """The value of every row, or (rows, targets) where targets were given so."""
        values = self._outputs(X)
        return values.ravel() if np.ndim(self.coef_) == 1 else values


class LinearRegression(_Regressor, linear_model.LinearRegression):
    """Ordinary least squares."""


class Ridge(_Regressor, linear_model.Ridge):
    """Least squares with a penalty on squares of weights."""


class Lasso(_Regressor, linear_model.Lasso):
    """Least squares with a penalty on sizes of weights."""


class ElasticNet(_Regressor, linear_model.ElasticNet):
    """Least squares with both penalties."""


class LinearSVR(_Regressor, svm.LinearSVR):
    """Linear support vector regression."""


class SGDRegressor(_Regressor, linear_model.SGDRegressor):
    """Linear regression by stochastic gradient descent."""


class PoissonRegressor(_Regressor, linear_model.PoissonRegressor):
    """Poisson regression; the client computes the exponential."""


class GammaRegressor(_Regressor, linear_model.GammaRegressor):
    """Gamma regression; the client computes the exponential."""


class TweedieRegressor(_Regressor, linear_model.TweedieRegressor):
    """Regression with a Tweedie distribution; the client computes the link's inverse."""


class LogisticRegression(_Linear, ByScores, linear_model.LogisticRegression):
    """Logistic regression; the client computes probabilities."""


class LinearSVC(_Linear, ByScores, svm.LinearSVC):
    """Linear support vector classification."""


class SGDClassifier(_Linear, ByScores, linear_model.SGDClassifier):
    """Linear classification by stochastic gradient descent."""
