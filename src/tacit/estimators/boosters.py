"""Gradient boosting of XGBoost, where it is installed."""

from __future__ import annotations

from typing import Any

import xgboost

from tacit.estimators.base import Absent
from tacit.estimators.families import ByOdds, ByValues
from tacit.estimators.knobs import CONSTRAINTS
from tacit.estimators.trees import Grown

# XGBoost asks its booster for these; here they are what scikit-learn's validation has set.
UNFITTED = "nothing was seen yet: call fit"


class _Boosted(Grown):
    n_features_in_ = Absent(UNFITTED)
    feature_names_in_ = Absent(UNFITTED)

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 (scikit-learn's own signature)
        """All parameters: XGBoost's, which go by the class, and those added here."""
        own = {name: getattr(self, name) for name in CONSTRAINTS}
        return dict(self._plain().get_params(deep)) | own


class XGBClassifier(_Boosted, ByOdds, xgboost.XGBClassifier):
    """Gradient boosting of classes; the client computes probabilities."""


class XGBRegressor(_Boosted, ByValues, xgboost.XGBRegressor):
    """Gradient boosting of values."""
