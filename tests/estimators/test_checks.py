"""scikit-learn's own checks of what an estimator is to be."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from sklearn.utils.estimator_checks import check_estimator

from tests.estimators.data import CLASSIFIERS, NETWORKS, REGRESSORS, made

# scikit-learn checks its own estimators with these, so that its checks are fast.
FAST: tuple[tuple[dict[str, Any], tuple[str, ...]], ...] = (
    (
        {"max_iter": 5},
        (
            *("LogisticRegression", "SGDClassifier", "SGDRegressor", "Lasso", "ElasticNet"),
            *("PoissonRegressor", "GammaRegressor", "TweedieRegressor"),
        ),
    ),
    ({"max_iter": 20}, ("LinearSVC", "LinearSVR")),
    (
        {"n_estimators": 5},
        (
            *("RandomForestClassifier", "RandomForestRegressor", "XGBClassifier", "XGBRegressor"),
            *("GradientBoostingClassifier", "GradientBoostingRegressor"),
        ),
    ),
    ({"n_neighbors": 2}, ("KNeighborsClassifier",)),
    ({"max_iter": 100}, ("NeuralNetClassifier", "NeuralNetRegressor")),
)
PARAMETERS = {name: values for values, names in FAST for name in names}
# The namesake does not do it either.
WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data": "weights are not repetitions in the namesake",
}
TIES = {
    "check_sample_weight_equivalence_on_dense_data": "on grids several splits are equally good; "
    "which one wins hangs on the rounding of sums",
}
NO_WEIGHT = {
    "check_all_zero_sample_weights_error": "XGBoost's message names its base score, not weights",
}
COUNTED = "XGBoost takes only the classes 0, 1, …"
XGB_CLASSIFIER = {
    **NO_WEIGHT,
    "check_estimators_overwrite_params": "XGBoost sets its objective by the classes",
    "check_dont_overwrite_parameters": "XGBoost sets its objective by the classes",
    "check_classifiers_one_label_sample_weights": "XGBoost starts from an infinite score",
    **dict.fromkeys(
        (
            *("check_estimators_dtypes", "check_sample_weights_not_an_array"),
            *("check_sample_weights_shape", "check_sample_weights_not_overwritten"),
            *("check_classifier_data_not_an_array", "check_classifiers_classes"),
            *("check_fit2d_1sample", "check_fit2d_1feature"),
        ),
        COUNTED,
    ),
}
EXPECTED: dict[str, dict[str, str]] = {
    "Ridge": {
        "check_non_transformer_estimators_n_iter": "a solution in closed form has no steps to count"
    },
    "LinearSVC": WEIGHTS,
    "LinearSVR": WEIGHTS,
    "SGDClassifier": WEIGHTS,
    "SGDRegressor": WEIGHTS,
    "RandomForestClassifier": WEIGHTS,
    "RandomForestRegressor": WEIGHTS,
    "GradientBoostingRegressor": WEIGHTS,
    "GradientBoostingClassifier": TIES,
    "XGBClassifier": XGB_CLASSIFIER,
    "XGBRegressor": NO_WEIGHT,
}
# One of each family is checked always.
QUICK = ("Lasso", "LogisticRegression", "DecisionTreeClassifier")
SLOW = [name for name in (*CLASSIFIERS, *REGRESSORS, *NETWORKS) if name not in QUICK]


def unexpected(name: str) -> list[str]:
    """What fails though it should not, and what does not fail though it is said to."""
    with warnings.catch_warnings():
        # Five steps of a solver are not enough, as everybody is told.
        warnings.simplefilter("ignore")
        model = made(name, **PARAMETERS.get(name, {}))
        logs = check_estimator(
            model, expected_failed_checks=EXPECTED.get(name), on_skip=None, on_fail=None
        )
    wrong = [
        f"{log['check_name']}: {log['exception']}" for log in logs if log["status"] == "failed"
    ]
    failed = {log["check_name"] for log in logs if log["status"] == "xfail"}
    return wrong + sorted(EXPECTED.get(name, {}).keys() - failed)


@pytest.mark.parametrize("name", QUICK)
def test_an_estimator_is_what_scikit_learn_expects(name: str) -> None:
    assert unexpected(name) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_every_estimator_is_what_scikit_learn_expects(name: str) -> None:
    assert unexpected(name) == []
