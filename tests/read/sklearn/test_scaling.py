from collections.abc import Callable
from typing import Any

import pytest
from sklearn import decomposition, feature_selection, preprocessing, random_projection
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeClassifier

from tacit.errors import ReadError
from tacit.read import read

# Division by a scale and multiplication by its inverse differ by a few roundings.
TOLERANCE = 1e-9

Data = Callable[[str], tuple[Any, Any]]
Gap = Callable[..., float]


@pytest.mark.parametrize(
    "model",
    [
        preprocessing.StandardScaler(),
        preprocessing.StandardScaler(with_mean=False),
        preprocessing.StandardScaler(with_std=False),
        preprocessing.MinMaxScaler((-1.0, 2.0)),
        preprocessing.MinMaxScaler(clip=True),
        preprocessing.MaxAbsScaler(),
        preprocessing.RobustScaler(),
        preprocessing.RobustScaler(with_centering=False),
        preprocessing.RobustScaler(with_scaling=False),
        feature_selection.VarianceThreshold(0.5),
        feature_selection.SelectKBest(k=3),
        feature_selection.SelectPercentile(percentile=40),
        feature_selection.SelectFromModel(DecisionTreeClassifier(random_state=0)),
        decomposition.PCA(4),
        decomposition.PCA(3, whiten=True),
        decomposition.TruncatedSVD(3, random_state=0),
        random_projection.GaussianRandomProjection(5, random_state=0),
        random_projection.SparseRandomProjection(5, random_state=0),
    ],
)
def test_a_transformer_gives_alike(model: Any, data: Data, gap: Gap) -> None:
    x, y = data("wine")
    model.fit(x[::2], y[::2])

    # Rows that it was not fitted on lie outside of its ranges.
    assert gap(model, x, model.transform) <= TOLERANCE


def test_pipelines_may_hold_pipelines_and_steps_that_do_nothing(data: Data, gap: Gap) -> None:
    x, y = data("cancer")
    inner = make_pipeline(preprocessing.RobustScaler(), decomposition.PCA(6))
    steps = [("prepare", inner), ("nothing", "passthrough"), ("decide", LogisticRegression())]
    model = Pipeline(steps).fit(x, y)

    assert gap(model, x, model.decision_function) <= TOLERANCE
    assert read(model).nodes[1].origin == "prepare.robustscaler.scale_"


def test_a_transformer_that_keeps_nothing_is_refused(data: Data) -> None:
    x, y = data("wine")
    # No test on the features is passed with a chance of less than 0.
    model = feature_selection.SelectFpr(alpha=0.0).fit(x, y)

    with pytest.raises(ReadError, match="selects no feature"):
        read(model)
