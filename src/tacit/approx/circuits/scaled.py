"""Plans with the affine map before them and the factor after them, which cost nothing.

Whatever makes a circuit's input, or takes its result, multiplies by constants anyway.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import Polynomial as Powers
from numpy.polynomial import chebyshev

from tacit.approx.fits import Fit, fit
from tacit.approx.plans import Plan, Step, plan_of
from tacit.approx.polynomial import Polynomial
from tacit.approx.target import Custom
from tacit.ir.functions import FloatArray, Function

# The degrees whose plans take a level less than others.
SHALLOW = (1, 2, 4)
# The share of an error that a polynomial may take: the rest is for the rounding of its plan.
SHARE = 1.0 - 1e-9


@dataclass(frozen=True)
class ScaledPlan:
    """What computes factor * plan(scale * x + offset)."""

    plan: Plan
    scale: float = 1.0
    offset: float = 0.0
    factor: float = 1.0

    def __call__(self, x: FloatArray) -> FloatArray:
        """The values at `x`."""
        return self.factor * self.plan(self.scale * np.asarray(x, dtype=np.float64) + self.offset)

    def times(self, factor: float) -> ScaledPlan:
        """The same, `factor` times as large."""
        return replace(self, factor=self.factor * factor)


def scaled_plan_of(polynomial: Polynomial) -> ScaledPlan:
    """The plan of least depth for a polynomial of x, then with fewest products.

    Degrees 1, 2 and 4 take a level less than ceil(log2(degree + 1)): the input's scale takes up the
    leading coefficient and its offset the next one, and x**4 + b x**2 + c x + d is the square of
    x**2 + b/2, plus c x, plus a constant. As only squares are left, the ciphertext scale of the
    result follows from that of the input, which has to be chosen for it: `scales` with the input
    None tells it, and costs nothing, as the input is multiplied by `scale` anyway.
    """
    match polynomial.degree:
        case degree if degree in SHALLOW:
            return _depressed(polynomial)
        case _:
            width = polynomial.high - polynomial.low
            offset = -(polynomial.low + polynomial.high) / width
            return ScaledPlan(plan_of(polynomial), 2.0 / width, offset)


def least_fit(
    function: Function, on: tuple[float, float], error: float, weight: Custom | None = None
) -> Fit:
    """The minimax fit whose scaled plan has the least depth, and of these the one of least degree.

    Raises DepthExceeded where degree MAX_DEGREE does not meet the error.
    """
    for degree in SHALLOW:
        found = fit(function, on, degree=degree, weight=weight)
        if found.error <= SHARE * error:
            return found
    return fit(function, on, error=SHARE * error, weight=weight)


def _depressed(polynomial: Polynomial) -> ScaledPlan:
    """With u = stretch * (t + shift) the polynomial is ±(u**n + 0 u**(n-1) + ...)."""
    degree, leading = polynomial.degree, chebyshev.cheb2poly(np.array(polynomial.coefficients))
    sign = math.copysign(1.0, leading[-1])
    stretch = abs(leading[-1]) ** (1.0 / degree)
    shift = float(leading[-2] / (degree * leading[-1])) if degree > 1 else 0.0
    moved: FloatArray = np.asarray(
        Powers(sign * leading)(Powers([-shift, 1.0 / stretch])).coef, dtype=np.float64
    )
    width = polynomial.high - polynomial.low
    scale = stretch * 2.0 / width
    offset = stretch * (shift - (polynomial.low + polynomial.high) / width)
    return ScaledPlan(_monic(moved), scale, offset, sign)


def _monic(powers: FloatArray) -> Plan:
    constant, *linear = (float(each) for each in powers)
    match len(powers) - 1:
        case 1:
            return Plan((Step(terms=((0, 1),), constant=constant),))
        case 2:
            return Plan((Step(products=((0, 0, 1),), constant=constant),))
        case _:
            half = linear[1] / 2.0
            square = Step(products=((0, 0, 1),), constant=half)
            rest = constant - half * half
            return Plan((square, Step(((1, 1, 1),), ((0, linear[0]),), rest)))
