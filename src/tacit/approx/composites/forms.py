"""What a polynomial sign s(x) is used for: sign, step, or a function with one bend at 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tacit.approx.target import Custom
from tacit.errors import TypeMismatch
from tacit.ir import balls
from tacit.ir.functions import FloatArray, Function


@dataclass(frozen=True)
class Form:
    """The function constant + step * sign(x) + slope * x + bend * |x|, with x s(x) for |x|."""

    name: str
    constant: float = 0.0
    step: float = 0.0
    slope: float = 0.0
    bend: float = 0.0

    def of(self, x: FloatArray, sign: FloatArray) -> FloatArray:
        """The form's values at `x`, given values of sign(x) or of what stands for it."""
        return self.constant + self.step * sign + self.slope * x + self.bend * x * sign

    @property
    def formula(self) -> str:
        """How it reads, where s is the value of the last stage.

        >>> Form("relu", slope=0.5, bend=0.5).formula
        '0.5 x + 0.5 x s'
        """
        parts = {"": self.constant, " s": self.step, " x": self.slope, " x s": self.bend}
        return " + ".join(f"{factor:g}{of}" for of, factor in parts.items() if factor)

    @property
    def products(self) -> int:
        """One product if x is multiplied by its sign, which costs one level too."""
        return 1 if self.bend else 0


def _half_magnitude(x: FloatArray) -> FloatArray:
    return np.abs(x) / 2.0


def _comparison(x: FloatArray) -> FloatArray:
    return (1.0 + np.sign(x)) / 2.0


# max(a, b) = (a + b) / 2 + |a - b| / 2: the form gives the second term at x = a - b.
HALF_MAGNITUDE = Custom("max", _half_magnitude, (0.0,), balls.bent(-0.5, 0.5))
# a > b is 1 and a < b is 0 at x = a - b.
COMPARISON = Custom("comparison", _comparison, (0.0,), (balls.flat(0.0), balls.flat(1.0)))


def target_of(function: str | Function | Custom) -> Function | Custom:
    """The function that a composite stands for, where "max" and "comparison" are of x = a - b.

    "max" means |x| / 2, which (a + b) / 2 is added to; "comparison" means (1 + sign(x)) / 2.
    """
    match function:
        case "max":
            return HALF_MAGNITUDE
        case "comparison":
            return COMPARISON
        case str():
            return Function(function)
        case _:
            return function


def form_of(function: Function | Custom) -> Form:
    """How a function is made from a sign; raises where it is not."""
    match function:
        case Function("sign"):
            return Form("sign", step=1.0)
        case Function("abs"):
            return Form("abs", bend=1.0)
        case Function("relu"):
            return Form("relu", slope=0.5, bend=0.5)
        case Function("leaky_relu", (slope,)) if slope < 1.0:
            return Form("leaky_relu", slope=(1.0 + slope) / 2.0, bend=(1.0 - slope) / 2.0)
        case Custom("max"):
            return Form("max", bend=0.5)
        case Custom("comparison"):
            return Form("comparison", constant=0.5, step=0.5)
        case _:
            raise TypeMismatch(
                f"{function!r} is not made of one sign",
                hint="composites exist for sign, comparison, relu, leaky_relu (of a slope below "
                "1), abs and max; use fit",
            )


def error_of(function: str | Function | Custom, alpha: float) -> float:
    """The error that `alpha` bits ask for on [-1, 1]: 2**(1 - alpha) of the sign, 2**-alpha else.

    So a comparison, of which the sign is the double, is right to 2**-alpha
    (Cheon, Kim & Kim, eprint 2019/1234).
    """
    bits = alpha - 1.0 if form_of(target_of(function)).step == 1.0 else alpha
    return float(2.0**-bits)
