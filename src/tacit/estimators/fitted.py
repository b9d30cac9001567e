"""A fitted estimator of scikit-learn or XGBoost becomes one that computes on integers."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import Any

from tacit.errors import ReadError
from tacit.estimators.base import Estimator

# Where the classes lie that are called as those of a package.
ROOMS = MappingProxyType(
    {
        "sklearn": (
            "tacit.estimators.linear",
            "tacit.estimators.trees",
            "tacit.estimators.neighbours",
        ),
        "xgboost": ("tacit.estimators.boosters",),
    }
)


def from_sklearn(
    fitted: object,
    X: Any,
    *,
    n_bits: int | dict[str, int] | None = None,
    engine: str = "auto",
    batch: int | None = None,
) -> Estimator:
    """The estimator that a fitted one is; `X` are typical rows, which grids are found on.

    Raises ReadError where there is no class for it, ValueError where it cannot be lowered.
    """
    return _class_of(fitted).from_sklearn(fitted, X, n_bits=n_bits, engine=engine, batch=batch)


def _class_of(fitted: object) -> type[Estimator]:
    """The class of the same name."""
    packages = ((kind, kind.__module__.partition(".")[0]) for kind in type(fitted).__mro__)
    name, package = next(((k.__name__, p) for k, p in packages if p in ROOMS), ("", ""))
    for room in map(import_module, ROOMS.get(package, ())):
        found = vars(room).get(name)
        if isinstance(found, type) and issubclass(found, Estimator):
            return found
    raise ReadError(
        f"there is no estimator for a {type(fitted).__name__}",
        hint="tacit.compile(model, rows, tacit.Integers()) makes a program of all that can be read",
    )
