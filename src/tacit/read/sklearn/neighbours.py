"""Nearest neighbours: distances, every pair of them compared, ranks, and the votes of the first k.

Of two training rows that are equally far the one of the lower index is the nearer.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from scipy import sparse

from tacit.ir.functions import FloatArray, Function
from tacit.ir.ops import Linear, Map
from tacit.read.shared import Held, Layer
from tacit.read.sklearn.call import Call

SIGN = Function("sign")
# What each feature's difference adds to a distance, or to what grows with it.
_METRICS = MappingProxyType(
    {
        "euclidean": Function("square"),
        "sqeuclidean": Function("square"),
        "manhattan": Function("abs"),
    }
)
_FEWER = "fit on fewer rows: every pair of them is compared"
# Differences below this part of the largest distance are rounding: a tie.
_TIE = 1e-9


def _classification(call: Call) -> Held:
    model = call.estimator
    if model.outputs_2d_:
        raise call.refusal("it predicts several outputs", hint="fit one classifier for each")
    member = np.equal.outer(np.arange(len(model.classes_)), np.asarray(model._y).reshape(-1))
    return _mean_of_nearest(call, member.astype(np.float64))


def _regression(call: Call) -> Held:
    targets = np.asarray(call.estimator._y, dtype=np.float64)
    return _mean_of_nearest(call, np.atleast_2d(targets.T))


def _mean_of_nearest(call: Call, values: FloatArray) -> Held:
    """The mean of the values, of shape (outputs, rows), over the k nearest training rows."""
    model = call.estimator
    function = _METRICS.get(model.effective_metric_)
    if function is None:
        raise call.refusal(
            f"its metric is {model.effective_metric_}", hint="use euclidean or manhattan"
        )
    if model.weights not in (None, "uniform"):
        raise call.refusal("it weighs neighbours by distance", hint="use weights='uniform'")
    if sparse.issparse(model._fit_X):
        raise call.refusal("its training rows are sparse", hint="fit on a dense array")
    points = np.asarray(model._fit_X, dtype=np.float64)
    count, nearest = len(points), model.n_neighbors
    call.room(count * (count - 1) // 2, count, _FEWER)
    reached = _nearest(call, _distances(call, points, function), _tie(points, function), nearest)
    halves = values / (2.0 * nearest)
    return call.linear("prediction", reached, halves, halves.sum(axis=1), "votes")


def _distances(call: Call, points: FloatArray, function: Function) -> Held:
    """Every training row's distance (squared, if Euclidean) from the input."""
    features = np.broadcast_to(np.arange(points.shape[1]), points.shape)
    pairs = np.stack([features.ravel(), points.ravel()], axis=1)
    kept, places = np.unique(pairs, axis=0, return_inverse=True)
    call.room(len(points), len(kept), _FEWER)
    rows = np.zeros((len(kept), points.shape[1]))
    rows[np.arange(len(kept)), kept[:, 0].astype(np.int64)] = 1.0
    gaps = call.linear("differences", call.x, rows, -kept[:, 1], "differences")
    parts = call.map(function.name, gaps, function, "differences")
    sums = np.zeros((len(points), len(kept)))
    sums[np.arange(len(points))[:, None], places.reshape(points.shape)] = 1.0
    return call.linear("distances", parts, sums, np.zeros(len(points)), "distances")


def _tie(points: FloatArray, function: Function) -> float:
    """Half the least difference of two distances that is one."""
    if np.array_equal(points, np.rint(points)):
        # Between whole rows all distances are whole: the least step is 1.
        return 0.5
    largest = function.exact(points.max(axis=0) - points.min(axis=0)).sum()
    return float(_TIE * largest)


def _nearest(call: Call, distances: Held, tie: float, nearest: int) -> Held:
    """For every training row 1 where it is among the nearest, else -1."""
    count = call.builder.type(distances.name).shape[0]
    first, second = np.triu_indices(count, k=1)
    pair = np.arange(len(first))
    if not len(pair):
        # There is one training row, and it is the nearest.
        return call.linear("nearest", distances, np.zeros((1, 1)), np.ones(1), "ranks")
    later = np.zeros((len(pair), count))
    later[pair, second], later[pair, first] = 1.0, -1.0
    gaps = call.linear("pairs", distances, later, np.full(len(pair), tie), "pairs")
    order = call.map("order", gaps, SIGN, "pairs")
    # A row's rank is how many are before it: the second of a pair that is in order, else the first.
    behind = np.zeros((count, len(pair)))
    behind[first, pair], behind[second, pair] = 0.5, -0.5
    room = np.full(count, nearest - 0.5 - (count - 1) / 2.0)
    return call.map("nearest", call.linear("ranks", order, behind, room, "ranks"), SIGN, "ranks")


_BECOMES = (Linear, Map)
LAYERS: tuple[Layer[Call], ...] = (
    Layer("nearest neighbours: class shares", ("KNeighborsClassifier",), _classification, _BECOMES),
    Layer("nearest neighbours: prediction", ("KNeighborsRegressor",), _regression, _BECOMES),
)
