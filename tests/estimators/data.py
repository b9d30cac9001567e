"""scikit-learn's own data, split as everybody splits it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from sklearn import datasets
from sklearn.model_selection import train_test_split

from tacit import estimators
from tacit.estimators.base import Estimator

LINEAR_CLASSIFIERS = ("LogisticRegression", "LinearSVC", "SGDClassifier")
LINEAR_REGRESSORS = (
    *("LinearRegression", "Ridge", "Lasso", "ElasticNet", "LinearSVR", "SGDRegressor"),
    *("PoissonRegressor", "GammaRegressor", "TweedieRegressor"),
)
# There are no wheels of XGBoost for every platform.
HAS_XGBOOST = find_spec("xgboost") is not None
TREE_CLASSIFIERS = (
    *("DecisionTreeClassifier", "RandomForestClassifier", "GradientBoostingClassifier"),
    *(("XGBClassifier",) if HAS_XGBOOST else ()),
)
TREE_REGRESSORS = (
    *("DecisionTreeRegressor", "RandomForestRegressor", "GradientBoostingRegressor"),
    *(("XGBRegressor",) if HAS_XGBOOST else ()),
)
NETWORKS = ("NeuralNetClassifier", "NeuralNetRegressor")
CLASSIFIERS = (*LINEAR_CLASSIFIERS, *TREE_CLASSIFIERS, "KNeighborsClassifier")
REGRESSORS = (*LINEAR_REGRESSORS, *TREE_REGRESSORS)
SMALL: dict[str, dict[str, Any]] = {
    "DecisionTreeClassifier": {"max_depth": 3},
    "DecisionTreeRegressor": {"max_depth": 3},
    "RandomForestClassifier": {"n_estimators": 3, "max_depth": 3},
    "RandomForestRegressor": {"n_estimators": 3, "max_depth": 3},
    "GradientBoostingClassifier": {"n_estimators": 3, "max_depth": 2},
    "GradientBoostingRegressor": {"n_estimators": 3, "max_depth": 2},
    "XGBClassifier": {"n_estimators": 3, "max_depth": 2},
    "XGBRegressor": {"n_estimators": 3, "max_depth": 2},
    "KNeighborsClassifier": {"n_neighbors": 3, "n_bits": 2},
    "NeuralNetClassifier": {"hidden_layer_sizes": (4,), "max_iter": 10, "n_bits": 2},
    "NeuralNetRegressor": {"hidden_layer_sizes": (4,), "max_iter": 10, "n_bits": 2},
    # One that has converged, whatever the data's scale.
    "LinearSVR": {"max_iter": 20_000},
    "LogisticRegression": {"max_iter": 10_000},
    "LinearSVC": {"max_iter": 20_000},
}


def split(name: str, seed: int = 42) -> tuple[Any, Any, Any, Any]:
    """Rows to learn from, rows to ask, and the targets of both."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    parts = train_test_split(X, y, random_state=seed)
    return parts[0], parts[1], parts[2], parts[3]


def made(name: str, **parameters: Any) -> Estimator:
    """An estimator by its name; what is random in it comes from a seed."""
    kind = getattr(estimators, name)
    known = kind().get_params()
    seed = {"random_state": 0} if "random_state" in known else {}
    found: Estimator = kind(**seed | parameters)
    return found


def namesake(model: Estimator) -> Any:
    """What scikit-learn or XGBoost has by the same name, with the same parameters."""
    theirs = type(model).namesake
    own = ("n_bits", "engine", "batch")
    known = {k: v for k, v in model.get_params(deep=False).items() if k not in own}
    return theirs(**known)


def fitted(name: str, **parameters: Any) -> tuple[Estimator, Any]:
    """A small estimator that has learnt, and rows to ask."""
    learn, ask, targets, _ = split(
        "iris" if name in (*CLASSIFIERS, "NeuralNetClassifier") else "diabetes"
    )
    model = made(name, **SMALL.get(name, {}) | parameters)
    if name == "KNeighborsClassifier":
        learn, targets = learn[:6], targets[:6]
    return model.fit(learn, targets), ask
