import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tacit.errors import ReadError
from tacit.read import read

xgboost = pytest.importorskip(
    "xgboost", reason="XGBoost is not part of scikit-learn, and has no small wheel everywhere"
)

# XGBoost sums in single precision, of 24 bits, over a dozen trees.
TOLERANCE = 1e-6
FEW = {"n_estimators": 12, "max_depth": 3, "random_state": 0, "n_jobs": 1}

Data = Callable[[str], tuple[Any, Any]]
Gap = Callable[..., float]


def margin(model: Any) -> Callable[[Any], Any]:
    return lambda x: model.predict(x, output_margin=True)


@pytest.mark.parametrize("name", ["iris", "cancer", "wine"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"base_score": 0.3},
        {"booster": "dart", "rate_drop": 0.5},
        {"num_parallel_tree": 2, "subsample": 0.5},
        {"grow_policy": "lossguide", "max_leaves": 5},
    ],
)
def test_a_classifier_decides_alike(
    name: str, options: dict[str, Any], data: Data, gap: Gap
) -> None:
    x, y = data(name)
    model = xgboost.XGBClassifier(**FEW, **options).fit(x, y)

    assert gap(model, x, margin(model)) <= TOLERANCE


@pytest.mark.parametrize(
    "objective",
    [
        *("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror"),
        *("count:poisson", "reg:gamma", "reg:tweedie"),
    ],
)
def test_a_regression_predicts_alike(objective: str, data: Data, gap: Gap) -> None:
    x, y = data("diabetes")
    model = xgboost.XGBRegressor(objective=objective, **FEW).fit(x, y)

    assert gap(model, x, model.predict) <= TOLERANCE


def test_a_regression_of_shares_predicts_alike(data: Data, gap: Gap) -> None:
    x, y = data("diabetes")
    model = xgboost.XGBRegressor(objective="reg:logistic", **FEW).fit(x, y / y.max())

    assert gap(model, x, model.predict) <= TOLERANCE


def test_quantiles_are_several_results(data: Data, gap: Gap) -> None:
    x, y = data("diabetes")
    options = {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.9]}
    model = xgboost.XGBRegressor(**options, **FEW).fit(x, y)

    assert gap(model, x, model.predict) <= TOLERANCE


def test_a_forest_of_it_is_read_too(data: Data, gap: Gap) -> None:
    x, y = data("iris")
    model = xgboost.XGBRFClassifier(**FEW).fit(x, y)

    assert gap(model, x, margin(model)) <= TOLERANCE


def test_only_the_trees_up_to_the_best_iteration_are_asked(data: Data, gap: Gap) -> None:
    x, y = data("iris")
    model = xgboost.XGBClassifier(early_stopping_rounds=2, learning_rate=1.0, **FEW)
    model.fit(x[::2], y[::2], eval_set=[(x[1::2], np.roll(y[1::2], 9))], verbose=False)

    assert model.best_iteration < FEW["n_estimators"] - 1
    assert gap(model, x, margin(model)) <= TOLERANCE


def test_an_input_on_a_threshold_goes_where_it_goes_in_xgboost(gap: Gap) -> None:
    x = np.array([0.0, 1.0, -1.0, 0.1, 1e-3, 7.0])[:, None]
    model = xgboost.XGBRegressor(min_child_weight=0, **FEW).fit(x, np.arange(6.0))
    asked = " ".join(model.get_booster().get_dump())
    singles = np.array(re.findall(r"\[f0<(.+?)\]", asked), dtype=np.float32)
    around = [np.nextafter(singles, np.float32(way)) for way in (-np.inf, np.inf)]

    rows = np.concatenate([singles, *around]).astype(np.float64)[:, None]

    assert gap(model, rows, model.predict) <= TOLERANCE


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"missing": 0.0}, "for a missing value"),
        ({"booster": "gblinear"}, "booster is gblinear"),
        ({"objective": "binary:hinge"}, "objective is binary:hinge"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*Parameters.*not used:UserWarning")
def test_what_would_mean_something_else_is_refused(
    options: dict[str, Any], words: str, data: Data
) -> None:
    x, y = data("cancer")
    model = xgboost.XGBClassifier(n_estimators=2, **options).fit(x, y)

    with pytest.raises(ReadError, match=words):
        read(model)


def test_categories_are_refused(data: Data) -> None:
    x, y = data("iris")
    options = {"feature_types": ["c", "q", "q", "q"], "enable_categorical": True}
    model = xgboost.XGBClassifier(**options, **FEW).fit(np.floor(x), y)

    with pytest.raises(ReadError, match="one-hot"):
        read(model)


def test_leaves_of_vectors_are_refused(data: Data) -> None:
    x, y = data("diabetes")
    options = {"multi_strategy": "multi_output_tree", "tree_method": "hist"}
    model = xgboost.XGBRegressor(**options, **FEW).fit(x, np.stack([y, -y], axis=1))

    with pytest.raises(ReadError, match="one_output_per_tree"):
        read(model)


def test_one_that_is_not_fitted_is_refused() -> None:
    with pytest.raises(ReadError, match="is not fitted"):
        read(xgboost.XGBClassifier())
