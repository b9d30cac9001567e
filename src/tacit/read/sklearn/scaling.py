"""Transformers that scale, select or rotate features."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from tacit.ir.functions import Function
from tacit.ir.ops import Affine, Linear, Map
from tacit.read.shared import Held, Layer
from tacit.read.sklearn.call import Call


def _standard(call: Call) -> Held:
    model = call.estimator
    mean = 0.0 if model.mean_ is None or not model.with_mean else model.mean_
    scale = np.ones(call.features) if model.scale_ is None else model.scale_
    return call.affine(call.x, 1.0 / scale, -mean / scale, "scale_")


def _least_and_largest(call: Call) -> Held:
    model = call.estimator
    scaled = call.affine(call.x, model.scale_, model.min_, "scale_")
    if not model.clip:
        return scaled
    return call.map("clipped", scaled, Function("hardtanh", model.feature_range), "clip")


def _largest(call: Call) -> Held:
    model = call.estimator
    scaled = call.affine(call.x, 1.0 / model.scale_, np.zeros(call.features), "scale_")
    # Only newer versions can clip.
    if not model.get_params().get("clip", False):
        return scaled
    return call.map("clipped", scaled, Function("hardtanh", (-1.0, 1.0)), "clip")


def _robust(call: Call) -> Held:
    model = call.estimator
    center = model.center_ if model.with_centering else 0.0
    scale = model.scale_ if model.with_scaling else np.ones(call.features)
    return call.affine(call.x, 1.0 / scale, -center / scale, "scale_")


def _selected(call: Call) -> Held:
    rows = np.eye(call.features)[call.estimator.get_support()]
    if not len(rows):
        raise call.refusal("it selects no feature", hint="loosen its threshold")
    return call.linear("selected", call.x, rows, np.zeros(len(rows)), "get_support")


def _components(call: Call) -> Held:
    model = call.estimator
    W, mean = model.components_, model.mean_
    if model.whiten:
        # As scikit-learn: a direction without any variance is not blown up.
        least = np.finfo(model.explained_variance_.dtype).eps
        W = W / np.maximum(np.sqrt(model.explained_variance_), least)[:, None]
    return call.linear("components", call.x, W, -W @ mean, "components_")


def _truncated(call: Call) -> Held:
    W = call.estimator.components_
    return call.linear("components", call.x, W, np.zeros(len(W)), "components_")


def _projected(call: Call) -> Held:
    W = call.estimator.components_
    dense = W.toarray() if sparse.issparse(W) else W
    return call.linear("components", call.x, dense, np.zeros(W.shape[0]), "components_")


LAYERS: tuple[Layer[Call], ...] = (
    Layer("standard scaling", ("StandardScaler",), _standard, (Affine,)),
    Layer("scaling to a range", ("MinMaxScaler",), _least_and_largest, (Affine, Map)),
    Layer("scaling to the largest value", ("MaxAbsScaler",), _largest, (Affine, Map)),
    Layer("robust scaling", ("RobustScaler",), _robust, (Affine,)),
    Layer(
        "selection of features",
        (
            *("VarianceThreshold", "SelectKBest", "SelectPercentile", "SelectFpr", "SelectFdr"),
            *("SelectFwe", "GenericUnivariateSelect", "SelectFromModel"),
            *("SequentialFeatureSelector",),
        ),
        _selected,
        (Linear,),
    ),
    Layer("principal components", ("PCA", "IncrementalPCA"), _components, (Linear,)),
    Layer("truncated singular values", ("TruncatedSVD",), _truncated, (Linear,)),
    Layer(
        "random projection",
        ("GaussianRandomProjection", "SparseRandomProjection"),
        _projected,
        (Linear,),
    ),
)
