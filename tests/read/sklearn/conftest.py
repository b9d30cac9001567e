from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from tacit.read import read

# What the bundled data are called here.
LOADS = {
    "iris": datasets.load_iris,
    "cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}

Data = Callable[[str], tuple[Any, Any]]
Gap = Callable[..., float]


@cache
def loaded(name: str) -> tuple[Any, Any]:
    x, y = LOADS[name](return_X_y=True)
    return x, y


@pytest.fixture
def data() -> Data:
    """The rows and targets of one of scikit-learn's bundled sets."""
    return loaded


@pytest.fixture
def gap() -> Gap:
    """The largest difference between a read estimator and what it answers, relative to that."""

    def largest(estimator: Any, x: Any, answer: Callable[[Any], Any]) -> float:
        graph = read(estimator)
        theirs = np.asarray(answer(x), dtype=np.float64).reshape(len(x), -1)
        ours = graph(x)
        assert ours.shape == theirs.shape
        assert all(node.origin for node in graph if node.args)
        return float(np.abs(ours - theirs).max() / max(1.0, float(np.abs(theirs).max())))

    return largest
