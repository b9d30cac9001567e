"""What would do instead of estimators that cannot be read."""

from __future__ import annotations

from fnmatch import fnmatch

from tacit.errors import ReadError
from tacit.read.sklearn.call import Call

_PREPARE = "let the client prepare its rows, and read the rest of the pipeline"
# Patterns of the class's name, and the advice.
ADVICE: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("SVC", "SVR", "NuSVC", "NuSVR", "OneClassSVM", "Gaussian*", "KernelRidge"),
        "use a linear model, a forest or an MLP: a kernel asks every training row",
    ),
    (
        ("Ada*", "Bagging*", "Voting*", "Stacking*", "IsolationForest", "RandomTreesEmbedding"),
        "use a random forest or gradient boosting",
    ),
    (
        ("*SearchCV", "TunedThreshold*", "FixedThreshold*", "Calibrated*", "TransformedTarget*"),
        "read the estimator inside, as best_estimator_ or regressor_",
    ),
    (
        ("OneVs*", "OutputCode*", "MultiOutput*", "*Chain"),
        "read each of its estimators_ by itself",
    ),
    (("*NB",), "use LogisticRegression"),
    (("RadiusNeighbors*", "NearestCentroid"), "use KNeighborsClassifier"),
    (
        ("ColumnTransformer", "FeatureUnion", "*Encoder", "*Imputer", "*Vectorizer", "KBins*"),
        _PREPARE,
    ),
    (
        ("PolynomialFeatures", "Normalizer", "*PowerTransformer", "Quantile*", "Function*"),
        _PREPARE,
    ),
)


def unsupported(call: Call) -> ReadError:
    """The error for an estimator that no table knows, with what would do instead."""
    hints = (
        hint for patterns, hint in ADVICE if any(fnmatch(call.kind, each) for each in patterns)
    )
    general = "docs/supported-ops.md lists the estimators that can be read"
    return call.refusal("it is not supported", hint=next(hints, general))
