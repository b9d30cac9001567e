"""The functions that are approximated: by name, with parameters, or any callable."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Protocol

import numpy as np

from tacit.errors import TypeMismatch
from tacit.ir.balls import Branch
from tacit.ir.functions import FloatArray, Function

# Doubles end at 1.8e308; sums of many values must not.
LARGEST = 1e290


class ScalarFunction(Protocol):
    """A real function of one variable; `tacit.ir.functions.Function` is one."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def kinks(self) -> tuple[float, ...]:
        """The points where the function or a derivative of it jumps."""

    def exact(self, x: FloatArray) -> FloatArray:
        """The function's values at `x`, of the same shape."""


@dataclass(frozen=True)
class Custom:
    """A function that has no entry in the table: any callable on arrays, its name and kinks.

    With `branches`, one for each gap between neighbouring kinks, errors are proven and more digits
    than those of a double can be asked for.
    """

    name: str
    meaning: Callable[[FloatArray], FloatArray]
    kinks: tuple[float, ...] = ()
    branches: tuple[Branch, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse kinks out of order, and another number of branches than there are gaps."""
        if any(math.isnan(each) for each in self.kinks) or list(self.kinks) != sorted(self.kinks):
            raise TypeMismatch(
                f"the kinks {self.kinks} of {self.name} do not ascend",
                hint="give each x once, the least first",
            )
        if self.branches is not None and len(self.branches) != len(self.kinks) + 1:
            raise TypeMismatch(
                f"{self.name} has {len(self.branches)} branches and {len(self.kinks)} kinks",
                hint="give one branch for each gap between neighbouring kinks",
            )

    def exact(self, x: FloatArray) -> FloatArray:
        """The function's values at `x`, of the same shape; refuses complex ones."""
        # What is ours must stay, even if the callable works in place.
        values = np.asarray(self.meaning(np.array(x, dtype=np.float64)))
        if np.iscomplexobj(values):
            raise TypeMismatch(
                f"{self.name} gave complex values", hint="approximate real and imaginary part apart"
            )
        return np.asarray(values, dtype=np.float64)

    def __repr__(self) -> str:
        return self.name


Approximable = str | Function | Custom | Callable[[FloatArray], FloatArray]


def as_function(function: Approximable) -> Function | Custom:
    """The function that a name, a function or a plain callable means."""
    match function:
        case str():
            return Function(function)
        case Function() | Custom():
            return function
        case FunctionType():
            return Custom(function.__name__, function)
        case _ if callable(function):
            return Custom(type(function).__name__, function)
        case _:
            raise TypeMismatch(
                f"{function!r} is no function",
                hint="give a name, a Function, a Custom or a callable on arrays",
            )


def branches_of(function: ScalarFunction) -> tuple[Branch, ...] | None:
    """The function in balls, one branch for each gap between kinks; None where none is known."""
    match function:
        case Function() | Custom():
            return function.branches
        case _:
            return None


def values_of(function: ScalarFunction, x: FloatArray) -> FloatArray:
    """The function's values at `x`; raises where they are not finite, or nearly so."""
    # Poles and roots of negative numbers are reported below, with the place.
    with np.errstate(all="ignore"):
        try:
            values = function.exact(x)
        except (TypeError, ValueError, ArithmeticError) as failure:
            raise TypeMismatch(
                f"{function.name} fails on an array of shape {x.shape}: {failure}",
                hint="the callable must work entry by entry on arrays; np.vectorize makes one",
            ) from failure
    if values.shape != x.shape:
        raise TypeMismatch(
            f"{function.name} gave shape {values.shape} for shape {x.shape}",
            hint="the callable must work entry by entry on arrays",
        )
    bad = ~(np.abs(values) <= LARGEST)
    if bad.any():
        where = x[bad].flat[0]
        raise TypeMismatch(
            f"{function.name}({where:g}) is {values[bad].flat[0]}",
            hint="choose an interval on which the function is finite, or scale it",
        )
    return values


def weights_of(weight: ScalarFunction, x: FloatArray) -> FloatArray:
    """The weight's values at `x`; raises where they are not finite or not above zero."""
    values = values_of(weight, x)
    bad = ~(values > 0.0)
    if bad.any():
        raise TypeMismatch(
            f"the weight {weight.name} is {values[bad].flat[0]:g} at {x[bad].flat[0]:g}",
            hint="a weight must be above zero wherever the function is approximated",
        )
    return values
