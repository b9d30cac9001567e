"""What is searched for, and how well an answer does on examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.integers.config import Integers
from tacit.arithmetics.integers.engines import EngineKind
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

# Points of accuracy that may be lost where nothing is said.
USUAL_LOSS = 1.0
PER_POINT = 100.0
# Rows computed at once: bounds the memory, not the result.
ROWS = 256


@dataclass(frozen=True)
class Aim:
    """What bits are to reach, and within which bounds.

    `target`: the least accuracy, or R² of a regression. `loss`: in its place, how many points (of a
    hundred) below the float graph's it may be; one where neither it nor `seconds` is said.
    `seconds`: the most that an encrypted answer may take, as predicted; alone, the most accurate
    bits within it are searched. `accumulator`: the most bits of a sum that a look-up reads. `base`:
    all other knobs; what it says by `inputs`, `weights`, `activations` or `layers` is not searched,
    its `rounding` is, where it has one.
    """

    target: float | None = None
    loss: float | None = None
    seconds: float | None = None
    accumulator: int | None = None
    base: Integers = field(default_factory=Integers)

    def __post_init__(self) -> None:
        """Refuse what cannot be aimed at."""
        if self.target is not None and self.loss is not None:
            raise TypeMismatch("a target and a loss were given", hint="give one of them")
        if self.seconds is not None and not self.seconds > 0.0:
            raise TypeMismatch(f"no answer takes {self.seconds} seconds")
        if self.loss is not None and not self.loss >= 0.0:
            raise TypeMismatch(f"a loss of {self.loss} points is none")

    @property
    def knobs(self) -> Integers:
        """The base within the accumulator's bound; where the engine is open, it is BGV."""
        accumulator = self.accumulator or self.base.accumulator
        is_open = self.base.engine is EngineKind.AUTO
        engine = EngineKind.BGV if is_open else self.base.engine
        return replace(self.base, accumulator=accumulator, engine=engine)

    def least(self, exact: float) -> float | None:
        """The accuracy that is asked for, given the float graph's; None for the best there is."""
        if self.target is not None:
            return self.target
        if self.loss is None and self.seconds is not None:
            return None
        return exact - (USUAL_LOSS if self.loss is None else self.loss) / PER_POINT


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs, and their labels, or the numbers that a regression is to give, if they are known."""

    x: FloatArray
    y: NDArray[np.int64] | FloatArray | None = None

    def __post_init__(self) -> None:
        """Refuse rows without their truth."""
        if not len(self.x) or (self.y is not None and len(self.y) != len(self.x)):
            count = "no" if self.y is None else len(self.y)
            raise TypeMismatch(f"{len(self.x)} inputs were shown with {count} labels")

    def results(self, answer: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """What is answered to all inputs."""
        starts = range(0, len(self.x), ROWS)
        return np.concatenate([answer(self.x[start : start + ROWS]) for start in starts])

    def accuracy(self, results: FloatArray, exact: FloatArray) -> float:
        """The share of right classes, or R² where results are no classes.

        Without labels, what the float graph answers (`exact`) is right.
        """
        found, wanted = classes(results), classes(exact)
        if self.y is not None:
            wanted = self.y.astype(np.int64) if self.y.dtype.kind in "iub" else None
        if found is None or wanted is None:
            return _explained(results, exact if self.y is None else self.y.astype(np.float64))
        return float(np.mean(found == wanted))


def classes(results: FloatArray) -> NDArray[np.int64] | None:
    """The class that each row means: the largest, or the whole number itself."""
    if results.ndim == 1:
        whole = np.rint(results)
        return whole.astype(np.int64) if np.array_equal(whole, results) else None
    flat = results.reshape(len(results), -1)
    return None if flat.shape[1] == 1 else flat.argmax(axis=1)


def _explained(results: FloatArray, wanted: FloatArray) -> float:
    """R²: the share of the variance that is explained."""
    given = wanted.reshape(len(wanted), -1)
    left = float(np.square(results.reshape(given.shape) - given).sum())
    spread = float(np.square(given - given.mean(axis=0)).sum())
    return 1.0 - left / spread if spread else float(left == 0.0)
