"""What all estimators share: parameters, fitting and lowering in one, and the three steps."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from tacit.errors import ReadError
from tacit.estimators.encrypted import Encrypted
from tacit.estimators.features import Grids, grids_of, on_grids
from tacit.estimators.knobs import (
    CONSTRAINTS,
    Bits,
    as_value_errors,
    bits_of,
    check,
    lowered,
)
from tacit.estimators.signatures import constructor, learning
from tacit.estimators.stages import Fixed, Run, Stages, is_fixed, stages
from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.passes.calibrate import calibrate
from tacit.program import Program, Progress
from tacit.read import read

# The methods that learn, where a namesake has them.
VERBS = ("fit", "partial_fit")
# What scikit-learn's validation compares rows with.
SEEN = ("n_features_in_", "feature_names_in_")
# What an estimator holds beside its parameters and what its namesake holds.
MADE = ("program_", "bits_", "_grids", "_stages", "_run", "_quantised")


class Absent:
    """An attribute that a namesake has, and that is not there before it is set, if ever."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Nothing."""
        raise AttributeError(self._why)


class Estimator(BaseEstimator):
    """A scikit-learn estimator, its namesake, whose answers are those of a program of integers.

    A final class names its family and its namesake as bases, in this order. Learning is the
    namesake's: a plain one, made of the same state, learns, and its state is taken over.
    """

    default_bits: ClassVar[int]
    # What `n_bits` calls the bits of the model's own numbers.
    weights_key: ClassVar[str]
    namesake: ClassVar[Any]
    _parameter_constraints: ClassVar[Mapping[str, list[Any]]]

    n_bits: int | dict[str, int]
    engine: str
    batch: int | None
    program_: Program
    bits_: dict[str, int]
    _grids: Grids
    _stages: Stages | Fixed
    _run: Run

    def __init_subclass__(cls, **given: Any) -> None:
        """Give a final class the constructor and the methods of its namesake."""
        namesake = cls.__bases__[-1]
        if not issubclass(namesake, Estimator) and namesake is not BaseEstimator:
            added = {"n_bits": cls.default_bits, "engine": "auto", "batch": None}
            made: dict[str, object] = {
                "namesake": namesake,
                "_parameter_constraints": MappingProxyType(
                    {**getattr(namesake, "_parameter_constraints", {}), **CONSTRAINTS}
                ),
                "__init__": constructor(namesake, added),
            }
            for verb in VERBS:
                if hasattr(namesake, verb) and not _has_own(cls, verb):
                    made[verb] = learning(namesake, verb, cls._learn)
            for name, value in made.items():
                setattr(cls, name, value)
        super().__init_subclass__(**given)

    @classmethod
    def from_sklearn(
        cls,
        fitted: Any,
        X: Any,
        *,
        n_bits: int | dict[str, int] | None = None,
        engine: str = "auto",
        batch: int | None = None,
    ) -> Self:
        """The estimator that a fitted namesake is; `X` are typical rows, which grids are found on.

        Raises ReadError where it is fitted as another class, ValueError where it cannot be lowered.
        """
        if not isinstance(fitted, cls.namesake):
            raise ReadError(
                f"a {type(fitted).__name__} is no {cls.__name__}",
                hint="use tacit.estimators.from_sklearn, which finds the class",
            )
        check_is_fitted(fitted)
        theirs = fitted.get_params(deep=False).items()
        made = cls(**{name: value for name, value in theirs if name not in CONSTRAINTS})
        made.n_bits = cls.default_bits if n_bits is None else n_bits
        made.engine, made.batch = engine, batch
        made.__dict__.update(_state(fitted))
        for name in SEEN:
            # Where XGBoost has these, it computes them.
            if hasattr(fitted, name):
                setattr(made, name, getattr(fitted, name))
        made._check_knobs()
        rows = validate_data(made, X, reset=False, dtype=np.float64)
        made._grids = grids_of(rows, made._widths(rows.shape[1]).inputs)
        made._adopt()
        made._lower(rows)
        return made

    def quantize_input(self, X: Any) -> IndexArray:
        """(rows, features) as integers; what lies outside of the grids goes to the border."""
        check_is_fitted(self, "bits_")
        return self._stages.quantise(validate_data(self, X, reset=False, dtype=np.float64))

    def run(self, q: IndexArray) -> IndexArray:
        """The integers that become of quantised rows: in the clear, those of encryption."""
        check_is_fitted(self, "bits_")
        return self._run(q)

    def dequantize_output(self, q: IndexArray) -> FloatArray:
        """(rows, outputs): what the integers that came out stand for."""
        check_is_fitted(self, "bits_")
        return self._stages.dequantise(q)

    def encrypted(self, *, progress: Progress | None = None) -> Encrypted:
        """The same estimator on ciphertexts, with fresh keys in this process."""
        check_is_fitted(self, "bits_")
        twin = copy.copy(self)
        twin._run = self._stages.keyed(progress=progress)
        return Encrypted(twin)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn is told: rows are dense, and have no missing values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        tags.array_api_support = False
        return tags

    def _outputs(self, X: Any) -> FloatArray:
        """(rows, outputs): what the program answers."""
        return self.dequantize_output(self.run(self.quantize_input(X)))

    def _learn(self, verb: str, call: dict[str, Any]) -> Self:
        """Let a plain namesake learn, and lower what it has become."""
        self._check_knobs()
        goes_on = verb != "fit" and "_grids" in vars(self)
        X = validate_data(self, call["X"], reset=not goes_on)
        seen = _counted(X, call.get("sample_weight"))
        if goes_on:
            seen = np.vstack([seen, self._grids.least, self._grids.most])
        self._grids = grids_of(seen, self._widths(X.shape[1]).inputs)
        taught, targets = self._taught(X), self._targets(call.get("y"))
        given = call | {"X": taught, "y": targets}
        # Whoever promises that the rows need no check speaks of those that they gave.
        given.pop("check_input", None)
        plain = self._plain()
        getattr(plain, verb)(**given)
        self.__dict__.update(vars(plain))
        self._refine(taught, targets)
        self._lower(seen)
        return self

    def _taught(self, X: FloatArray) -> FloatArray:
        """The rows that the namesake learns from."""
        return X

    def _refine(self, X: FloatArray, y: Any) -> None:
        """What is done with the rows and targets when the namesake has learnt."""

    def _adopt(self) -> None:
        """What is done when a namesake's state, learnt from reals, was taken over."""

    def _targets(self, y: Any) -> Any:
        """What the namesake is to answer."""
        return y

    def _lower(self, rows: FloatArray) -> None:
        """Make the program of what was learnt; a model that is a constant needs none."""
        self.__dict__.pop("program_", None)
        with as_value_errors(type(self).__name__):
            graph, bits = self._graph(), self._widths(rows.shape[1])
            self.bits_ = {"op_inputs": bits.inputs}
            if is_fixed(graph):
                self._stages = Fixed(self._grids, graph(rows[:1])[0])
            else:
                graph = calibrate(graph, rows)
                self.program_, weights = lowered(graph, bits, self.engine, self.batch)
                self._stages = stages(self.program_)
                self.bits_ = {self.weights_key: weights} | self.bits_
        self._run = self._stages.run

    def _graph(self) -> Graph:
        """The model behind the grids of its input."""
        return on_grids(read(self._plain()), self._grids)

    def _plain(self) -> Any:
        """The namesake in the same state."""
        plain = object.__new__(self.namesake)
        vars(plain).update(_state(self))
        return plain

    def _widths(self, features: int) -> Bits:
        """The bits that are asked for."""
        return bits_of(self.n_bits, self.default_bits, self.weights_key)

    def _check_knobs(self) -> None:
        """Raises InvalidParameterError where one of the parameters added here means nothing."""
        check(type(self).__name__, {name: getattr(self, name) for name in CONSTRAINTS})
        bits_of(self.n_bits, self.default_bits, self.weights_key)


def _has_own(kind: type, name: str) -> bool:
    """Whether one of the classes here says what an attribute is."""
    ours = (each for each in kind.__mro__ if issubclass(each, Estimator))
    return any(name in vars(each) for each in ours)


def _state(estimator: object) -> dict[str, Any]:
    """What a plain estimator holds: its parameters and what it has learnt."""
    own = {*MADE, *CONSTRAINTS}
    return {name: value for name, value in vars(estimator).items() if name not in own}


def _counted(X: FloatArray, weights: Any) -> FloatArray:
    """The rows as doubles, without those that weigh nothing: they are as good as absent."""
    rows = np.asarray(X, dtype=np.float64)
    counted = np.asarray(1.0 if weights is None else weights) != 0
    # Weights that are none are for the namesake to refuse.
    return rows[counted] if counted.shape == (len(rows),) and counted.any() else rows
