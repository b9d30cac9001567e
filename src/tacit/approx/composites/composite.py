"""Composites: polynomials after one another that approach the sign, and what is made of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from tacit.approx.composites.forms import Form, form_of, target_of
from tacit.approx.domain import Intervals, checked_intervals
from tacit.approx.fits import fit
from tacit.approx.measure import largest_error, lookouts
from tacit.approx.polynomial import Polynomial
from tacit.approx.target import Custom, ScalarFunction
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray, Function

# A stage explodes outside its interval, so each leaves room for the noise of the one before it.
# 2**-12 is far above the noise of a usable CKKS scale, and costs under 1 % of the accuracy.
MARGIN = 2.0**-12
# Noise as large as the gap would hide the sign anyway.
MARGIN_PER_GAP = 1.0 / 16.0
LEAST_INNER = 1e-6
# More points than this find no larger error: the last stage's extrema have nearly one height.
MOST_OSCILLATIONS = 2000


@dataclass(frozen=True)
class Composite:
    """A form of the sign that `stages`, innermost first, compute together.

    `gap` is the half-width of the region around 0 in which the stages are no sign yet; `error`
    is measured on `intervals`, which leave the gap out only if the function is the sign.
    """

    stages: tuple[Polynomial, ...]
    form: Form
    function: ScalarFunction
    intervals: Intervals
    gap: float
    error: float

    @property
    def method(self) -> str:
        """How the approximation was made."""
        return "composite"

    @property
    def low(self) -> float:
        """The lower end of the domain."""
        return self.intervals[0][0]

    @property
    def high(self) -> float:
        """The upper end of the domain."""
        return self.intervals[-1][1]

    @property
    def degrees(self) -> tuple[int, ...]:
        """The stages' degrees, innermost first."""
        return tuple(stage.degree for stage in self.stages)

    @property
    def depth(self) -> int:
        """The multiplications in a row that evaluation needs."""
        return sum(stage.depth for stage in self.stages) + self.form.products

    @property
    def products(self) -> int:
        """The products of two ciphertexts that evaluation needs."""
        return sum(stage.products for stage in self.stages) + self.form.products

    @property
    def chained(self) -> tuple[Polynomial, ...]:
        """The stages, each giving the next one's normalised variable: all but the first on [-1, 1].

        The division by the next stage's half-width is in the coefficients, so it costs nothing.
        """
        widths = [*(stage.high for stage in self.stages[1:]), 1.0]
        scaled = [p.scaled(1.0 / width) for p, width in zip(self.stages, widths, strict=True)]
        return (scaled[0], *(stage.moved(-1.0, 1.0) for stage in scaled[1:]))

    def sign(self, x: FloatArray) -> FloatArray:
        """What the stages make of `x`: about -1 or 1 outside the gap."""
        return _through(self.stages, x)

    def __call__(self, x: FloatArray) -> FloatArray:
        """The approximated function's values at `x`."""
        x = np.asarray(x, dtype=np.float64)
        return self.form.of(x, self.sign(x))

    def largest_of(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """The approximated max(a, b); the composite stands for "max" on the range of a - b."""
        return (a + b) / 2.0 + self(a - b)


def composite_sign(
    gap: float, degrees: Sequence[int], *, bound: float = 1.0, margin: float | None = None
) -> Composite:
    """The minimax composite of these odd degrees for the sign on gap <= |x| <= bound.

    Each stage is the minimax polynomial of the sign on what the stages before it leave
    (Lee, Lee, No & Kim, eprint 2020/834); `margin` is the noise that a stage may add, by default
    2**-12 but at most a sixteenth of the gap.
    """
    _check_sign(gap, degrees, bound)
    return of_stages(_stages(gap / bound, degrees, bound, margin), gap)


def of_stages(stages: Iterable[Polynomial], gap: float) -> Composite:
    """The composite of given odd polynomials for the sign, with its error measured."""
    together = tuple(stages)
    bound = together[0].high
    intervals = checked_intervals([(-bound, -gap), (gap, bound)])
    function = Function("sign")
    error = _measured(together, form_of(function), function, intervals, gap)
    return Composite(together, form_of(function), function, intervals, gap, error)


def composite(
    function: str | Function | Custom,
    degrees: Sequence[int],
    low: float,
    high: float,
    *,
    margin: float | None = None,
) -> Composite:
    """The composite of these odd degrees for relu, leaky_relu, abs or max on [low, high].

    The gap is the one that makes the error of *this* function least, not that of the sign.

    >>> composite("relu", (7, 7), -1, 1).depth
    7
    """
    target = target_of(function)
    form = form_of(target)
    intervals = checked_intervals([(low, high)])
    if not form.bend:
        raise TypeMismatch(
            "the sign needs a gap around 0, where no polynomial follows it",
            hint="call composite_sign(gap, degrees)",
        )
    bound = max(abs(low), abs(high))
    _check_sign(bound / 2.0, degrees, bound)
    gap = _balanced_gap(degrees, margin)
    stages = _stages(gap, degrees, bound, margin)
    error = _measured(stages, form, target, intervals, gap * bound)
    return Composite(stages, form, target, intervals, gap * bound, error)


def _check_sign(gap: float, degrees: Sequence[int], bound: float) -> None:
    if not 0.0 < gap < bound < math.inf:
        raise TypeMismatch(
            f"gap {gap:g} and bound {bound:g} leave no interval", hint="choose 0 < gap < bound"
        )
    if not degrees or any(degree < 1 or degree % 2 == 0 for degree in degrees):
        raise TypeMismatch(f"degrees {tuple(degrees)} are not all odd", hint="the sign is odd")


def default_margin(gap: float) -> float:
    """The noise that the stages of a composite with this normalised gap leave room for."""
    return min(MARGIN, gap * MARGIN_PER_GAP)


def _stages(
    gap: float, degrees: Sequence[int], bound: float, margin: float | None
) -> tuple[Polynomial, ...]:
    """The stages for gap <= |x| / bound <= 1."""
    noise = default_margin(gap) if margin is None else margin
    stages: list[Polynomial] = []
    inner, outer = gap, 1.0
    for degree in degrees:
        ratio = inner / outer
        found = fit(Function("sign"), [(-1.0, -ratio), (ratio, 1.0)], degree=degree)
        width = outer if stages else bound
        stages.append(found.polynomial.moved(-width, width))
        reach = found.error + noise
        # A stage that squeezes less than its noise leaves nothing: keep the next one solvable.
        inner, outer = max(1.0 - reach, LEAST_INNER), 1.0 + reach
    return tuple(stages)


def _through(stages: Sequence[Polynomial], x: FloatArray) -> FloatArray:
    return reduce(lambda value, stage: stage(value), stages, np.asarray(x, dtype=np.float64))


def _measured(
    stages: Sequence[Polynomial],
    form: Form,
    function: ScalarFunction,
    intervals: Intervals,
    gap: float,
) -> float:
    return largest_error(
        function,
        lambda x: form.of(x, _through(stages, x)),
        intervals,
        degree=min(math.prod(stage.degree for stage in stages), MOST_OSCILLATIONS),
        breaks=(-gap, gap),
    )


def _balanced_gap(degrees: Sequence[int], margin: float | None) -> float:
    """The gap in (0, 1) that makes the largest |x| |1 - s(x)| on [-1, 1] least.

    A wider gap raises the error inside and lowers the one outside: the best balances them.
    """
    low, high = math.log(1e-9), math.log(0.95)
    best, least = 0.5, math.inf
    for _ in range(24):
        middle = (low + high) / 2.0
        inside, outside = _bend_errors(math.exp(middle), degrees, margin)
        if max(inside, outside) < least:
            best, least = math.exp(middle), max(inside, outside)
        if abs(inside - outside) <= 1e-4 * least:
            break
        low, high = (low, middle) if inside > outside else (middle, high)
    return best


def can_bend(degrees: Sequence[int], goal: float) -> bool:
    """Whether some gap makes |x| |1 - s(x)| at most `goal` on [-1, 1]; cheaper than the best."""
    # Inside a gap g the error is between g / 20 and g / 3, for any composite.
    low, high = math.log(min(3.0 * goal, 0.5)), math.log(min(20.0 * goal, 0.95))
    for _ in range(12):
        middle = (low + high) / 2.0
        inside, outside = _bend_errors(math.exp(middle), degrees, None)
        if (inside <= goal) == (outside <= goal):
            return inside <= goal
        low, high = (low, middle) if inside > goal else (middle, high)
    return False


def _bend_errors(gap: float, degrees: Sequence[int], margin: float | None) -> tuple[float, float]:
    """The largest |x| |1 - s(x)| inside and outside of the gap, for |x| up to 1."""
    stages = _stages(gap, degrees, 1.0, margin)
    inside = np.linspace(0.0, gap, 257)
    outside = lookouts(((gap, 1.0),), 1024)
    errors = (float((x * np.abs(1.0 - _through(stages, x))).max()) for x in (inside, outside))
    return next(errors), next(errors)
