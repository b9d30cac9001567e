"""scikit-learn's estimators, which train, lower and predict in one object."""

from importlib import import_module
from types import MappingProxyType
from typing import Any

from tacit.estimators.encrypted import Encrypted
from tacit.estimators.fitted import from_sklearn
from tacit.estimators.linear import (
    ElasticNet,
    GammaRegressor,
    Lasso,
    LinearRegression,
    LinearSVC,
    LinearSVR,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from tacit.estimators.neighbours import KNeighborsClassifier
from tacit.estimators.trees import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

# Those that need XGBoost, or torch, are loaded when they are asked for.
LATER = MappingProxyType(
    {
        "NeuralNetClassifier": "tacit.estimators.networks",
        "NeuralNetRegressor": "tacit.estimators.networks",
        "XGBClassifier": "tacit.estimators.boosters",
        "XGBRegressor": "tacit.estimators.boosters",
    }
)


def __getattr__(name: str) -> Any:
    """What is loaded later."""
    if name not in LATER:
        raise AttributeError(f"tacit.estimators has no {name}")
    return getattr(import_module(LATER[name]), name)


__all__ = [
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "ElasticNet",
    "Encrypted",
    "GammaRegressor",
    "GradientBoostingClassifier",
    "GradientBoostingRegressor",
    "KNeighborsClassifier",
    "Lasso",
    "LinearRegression",
    "LinearSVC",
    "LinearSVR",
    "LogisticRegression",
    "NeuralNetClassifier",
    "NeuralNetRegressor",
    "PoissonRegressor",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "Ridge",
    "SGDClassifier",
    "SGDRegressor",
    "TweedieRegressor",
    "XGBClassifier",
    "XGBRegressor",
    "from_sklearn",
]
