"""Trees and sums of them: comparisons cost nothing, every leaf one look-up.

They are grown on what the integers of features stand for, so that every threshold lies between two
of them: in the clear, simulated and encrypted, each row reaches the same leaf.
"""

from __future__ import annotations

from sklearn import ensemble, tree

from tacit.estimators.base import Estimator
from tacit.estimators.families import ByScores, ByShares, ByValues
from tacit.ir.functions import FloatArray


class Grown(Estimator):
    """Trees, grown on what the integers of features stand for."""

    default_bits = 6
    weights_key = "op_leaves"

    def _taught(self, X: FloatArray) -> FloatArray:
        return self._grids.reals(self._grids.integers(X))


class DecisionTreeClassifier(Grown, ByShares, tree.DecisionTreeClassifier):
    """A tree whose leaves hold shares of classes."""


class DecisionTreeRegressor(Grown, ByValues, tree.DecisionTreeRegressor):
    """A tree whose leaves hold values."""


class RandomForestClassifier(Grown, ByShares, ensemble.RandomForestClassifier):
    """The mean of trees, each grown on a sample of the rows."""


class RandomForestRegressor(Grown, ByValues, ensemble.RandomForestRegressor):
    """The mean of trees, each grown on a sample of the rows."""


class GradientBoostingClassifier(Grown, ByScores, ensemble.GradientBoostingClassifier):
    """The sum of trees, each grown on what those before leave over."""


class GradientBoostingRegressor(Grown, ByValues, ensemble.GradientBoostingRegressor):
    """The sum of trees, each grown on what those before leave over."""
