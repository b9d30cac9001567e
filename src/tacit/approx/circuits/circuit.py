"""What a circuit for a function of one variable is: a plan, its domain and its measured errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tacit.approx.circuits.scaled import ScaledPlan
from tacit.approx.domain import Intervals, graded
from tacit.approx.measure import largest_error
from tacit.approx.plans import Plan
from tacit.approx.target import Custom, ScalarFunction
from tacit.errors import DepthExceeded, OutOfRange, TypeMismatch
from tacit.ir.functions import FloatArray

# Inputs beyond the domain by so small a share of its width are rounding, not mistakes.
ROUNDING = 1e-12
# A double's rounding, relative to it.
EPSILON = float(np.finfo(np.float64).eps)
# Points on which the largest value inside a plan is looked for.
LOOKS = 4001
# Points per oscillation are many, so an error that oscillates more often is still seen.
MOST_OSCILLATIONS = 16384
# Widths of domains whose doubles and inverses are normal doubles.
NARROWEST, WIDEST = 1e-300, 1e300


@dataclass(frozen=True)
class ScalarCircuit:
    """A plan that stands for `function` on `on`: factor * plan(scale * x + offset).

    Both errors are the largest on the domain, measured densely: of |circuit - function|, and of
    the same divided by |function|, which is infinite where the function vanishes. `method` says
    how the plan is made. The scale and the offset belong into what makes the input, the factor
    into what takes the result; the depth counts neither.
    """

    function: ScalarFunction
    on: tuple[float, float]
    scaled: ScaledPlan
    method: str
    absolute_error: float
    relative_error: float

    @property
    def plan(self) -> Plan:
        """How the normalised result is computed from the normalised input."""
        return self.scaled.plan

    @property
    def depth(self) -> int:
        """The levels that it takes."""
        return self.plan.depth

    @property
    def products(self) -> int:
        """The products of two ciphertexts that it needs."""
        return self.plan.products

    @property
    def intervals(self) -> Intervals:
        """The domain as intervals, of which there is one."""
        return (self.on,)

    @cached_property
    def reach(self) -> float:
        """The largest magnitude of any value inside the plan, for inputs in the domain."""
        x = graded(self.intervals, LOOKS)
        return max(
            float(np.abs(each).max())
            for each in self.plan.values((self.scaled.scale * x + self.scaled.offset,))
        )

    def __call__(self, x: FloatArray, *, extrapolate: bool = False) -> FloatArray:
        """The circuit's values at `x`; raises OutOfRange outside the domain unless told not to."""
        x = np.asarray(x, dtype=np.float64)
        if not extrapolate:
            refuse_outside(x, self.on, repr(self.function))
        return self.scaled(x)


def refuse_outside(x: FloatArray, on: tuple[float, float], name: str) -> None:
    """Raise OutOfRange where an input lies outside [low, high], or is no number."""
    low, high = on
    slack = ROUNDING * (high - low)
    bad = ~((x >= low - slack) & (x <= high + slack))
    if bad.any():
        raise OutOfRange(
            f"{int(bad.sum())} of {x.size} inputs of {name} lie outside [{low:g}, {high:g}], "
            f"the first is {x[bad].flat[0]:g}",
            hint="make the circuit on a wider domain, or pass extrapolate=True",
        )


def checked_domain(on: tuple[float, float]) -> tuple[float, float]:
    """The ends as floats; raises TypeMismatch where they are no interval with an inside.

    So it does where twice its length, or two over it, is no double: plans scale by these.
    """
    low, high = (float(each) for each in on)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise TypeMismatch(
            f"[{low:g}, {high:g}] is not an interval with an inside",
            hint="both ends must be finite and low < high",
        )
    if not NARROWEST <= high - low <= WIDEST:
        raise TypeMismatch(
            f"[{low:g}, {high:g}] is {high - low:g} wide; {NARROWEST:g} to {WIDEST:g} are possible",
            hint="scale the variable",
        )
    return low, high


def positive_domain(on: tuple[float, float], name: str) -> tuple[float, float]:
    """The ends as floats; raises TypeMismatch unless 0 < low < high."""
    low, high = checked_domain(on)
    if low <= 0.0:
        raise TypeMismatch(
            f"{name} is wanted on [{low:g}, {high:g}], which holds numbers that are not positive",
            hint="say from which positive number on, for example by adding an epsilon",
        )
    return low, high


def checked_error(error: float, name: str, *, below: float = math.inf) -> float:
    """The error asked for; raises TypeMismatch unless 0 < error < below."""
    if not 0.0 < error < below:
        limit = "" if math.isinf(below) else f" and below {below:g}"
        raise TypeMismatch(f"the error asked for {name} is {error:g}", hint=f"above 0{limit}")
    return error


def carried(error: float, name: str, *, size: float = 1.0) -> None:
    """Raise DepthExceeded for an error below the rounding of values of this size."""
    if error < EPSILON * size:
        raise DepthExceeded(
            f"{name} has values of {size:g}, whose rounding in double precision is above an error "
            f"of {error:g}",
            hint="ask for a larger error, or narrow the domain",
        )


def kept(circuit: ScalarCircuit, error: float, *, is_relative: bool) -> ScalarCircuit:
    """The circuit; raises DepthExceeded where rounding has spoilt the error that was asked for."""
    found = circuit.relative_error if is_relative else circuit.absolute_error
    if found <= error:
        return circuit
    low, high = circuit.on
    raise DepthExceeded(
        f"{circuit.function!r} on [{low:g}, {high:g}] has error {found:.3g} in double precision; "
        f"{error:.3g} was asked for",
        hint="ask for a larger error, or narrow the domain",
    )


def measured(
    function: ScalarFunction,
    on: tuple[float, float],
    scaled: ScaledPlan,
    method: str,
    *,
    oscillations: int,
) -> ScalarCircuit:
    """The circuit with both errors measured; `oscillations` is about how often its error turns."""
    degree = min(oscillations, MOST_OSCILLATIONS)
    absolute = largest_error(function, scaled, (on,), degree=degree)
    relative = math.inf
    ends = function.exact(np.array(on))
    # No function here vanishes between ends at which it has one sign.
    if (ends > 0.0).all() or (ends < 0.0).all():
        relative = largest_error(function, scaled, (on,), degree=degree, weight=one_over(function))
    return ScalarCircuit(function, on, scaled, method, absolute, relative)


def one_over(function: ScalarFunction) -> Custom:
    """The weight 1 / |function|, which makes errors relative."""
    return Custom(f"1/|{function.name}|", lambda x: 1.0 / np.abs(function.exact(x)), function.kinks)
