"""What a polynomial sign s(x) is used for: sign itself, or a function with one bend at 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tacit.approx.target import Custom
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray, Function


@dataclass(frozen=True)
class Form:
    """The function step * sign(x) + slope * x + bend * |x|, where |x| is computed as x s(x)."""

    name: str
    step: float = 0.0
    slope: float = 0.0
    bend: float = 0.0

    def of(self, x: FloatArray, sign: FloatArray) -> FloatArray:
        """The form's values at `x`, given values of sign(x) or of what stands for it."""
        return self.step * sign + self.slope * x + self.bend * x * sign

    @property
    def products(self) -> int:
        """One product if x is multiplied by its sign, which costs one level too."""
        return 1 if self.bend else 0


def _half_magnitude(x: FloatArray) -> FloatArray:
    return np.abs(x) / 2.0


# max(a, b) = (a + b) / 2 + |a - b| / 2: the form gives the second term at x = a - b.
HALF_MAGNITUDE = Custom("max", _half_magnitude, (0.0,))


def target_of(function: str | Function | Custom) -> Function | Custom:
    """The function that a composite stands for; "max" means |a - b| / 2 as a function of a - b."""
    if function == "max":
        return HALF_MAGNITUDE
    return Function(function) if isinstance(function, str) else function


def form_of(function: Function | Custom) -> Form:
    """How a function is made from a sign; raises where it is not."""
    match function:
        case Function("sign"):
            return Form("sign", step=1.0)
        case Function("abs"):
            return Form("abs", bend=1.0)
        case Function("relu"):
            return Form("relu", slope=0.5, bend=0.5)
        case Function("leaky_relu", (slope,)):
            return Form("leaky_relu", slope=(1.0 + slope) / 2.0, bend=(1.0 - slope) / 2.0)
        case Custom("max"):
            return Form("max", bend=0.5)
        case _:
            raise TypeMismatch(
                f"{function!r} is not made of one sign",
                hint="composites exist for sign, relu, leaky_relu, abs and max; use fit",
            )
