"""Composites: polynomials after one another that approach the sign, and what is made of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tacit.approx.composites.costs import Stretches
from tacit.approx.composites.forms import Form, form_of, target_of
from tacit.approx.composites.gaps import MOST_OSCILLATIONS, balanced_gap
from tacit.approx.composites.stages import checked_degrees, minimax_stages, through
from tacit.approx.domain import Intervals, checked_intervals
from tacit.approx.fits import Domain, intervals_of
from tacit.approx.measure import largest_error
from tacit.approx.plans import Plan, plan_of_composite, ways_of_composite
from tacit.approx.polynomial import Polynomial
from tacit.approx.proof import Bounds, certified_composite
from tacit.approx.target import Custom, ScalarFunction
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray, Function


@dataclass(frozen=True)
class Composite:
    """A form of the sign that `stages`, innermost first, compute together.

    `gap` is the half-width of the region around 0 in which the stages are no sign yet; `error`
    is measured on `intervals`, which leave the gap out only if the function is the sign or the
    comparison. A stage explodes outside its interval, the first one outside of `bound`. The
    others' intervals are wider than what the stage before gives by the margin it was made with:
    noise beyond that margin, by default 2**-12 and at most a sixteenth of the gap, may explode.

    `levels` says how many levels each stage may take, and then 1 if x multiplies the last one's
    value afterwards; without it the plan has the least depth.
    """

    stages: tuple[Polynomial, ...]
    form: Form
    function: ScalarFunction
    intervals: Intervals
    gap: float
    error: float
    levels: tuple[int, ...] = ()

    @property
    def method(self) -> str:
        """How the approximation was made."""
        return "composite"

    @property
    def lower_bound(self) -> float:
        """What no composite of these degrees gets below: nothing is known, so 0."""
        return 0.0

    @property
    def low(self) -> float:
        """The lower end of the domain."""
        return self.intervals[0][0]

    @property
    def high(self) -> float:
        """The upper end of the domain."""
        return self.intervals[-1][1]

    @property
    def bound(self) -> float:
        """The largest |x| for which the stages are made."""
        return self.stages[0].high

    @property
    def degrees(self) -> tuple[int, ...]:
        """The stages' degrees, innermost first."""
        return tuple(stage.degree for stage in self.stages)

    @property
    def coefficients(self) -> tuple[tuple[float, ...], ...]:
        """The Chebyshev coefficients of the chained stages, innermost first."""
        return tuple(stage.coefficients for stage in self.chained)

    @cached_property
    def plan(self) -> Plan:
        """How it is computed from t = x / bound, stage after stage.

        The product with x is merged into the last stage where the last degree d leaves room,
        d + 2 <= 2**ceil(log2(d + 1)), unless `levels` say otherwise; that saves a level.
        """
        return plan_of_composite(self.chained, self.form, radius=self.bound, levels=self.levels)

    @property
    def depth(self) -> int:
        """The multiplications in a row that its plan needs."""
        return self.plan.depth

    @property
    def products(self) -> int:
        """The products of two ciphertexts that its plan needs."""
        return self.plan.products

    @cached_property
    def certified(self) -> Bounds:
        """The bounds of the error, proven in balls; no least error of composites is known."""
        return certified_composite(self)

    @property
    def stretches(self) -> Stretches:
        """What a `schedule` is made for: the stages, between which a bootstrap may stand.

        The product with x is a stretch of its own where it is not merged into the last stage.
        """
        ways = ways_of_composite(self.chained, self.form, levels=self.levels)
        parts = tuple(stretch for way in ways for stretch in way.stretches)
        return Stretches(parts, times_input=self.form.bend != 0.0)

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
        return through(self.stages, x)

    def __call__(self, x: FloatArray) -> FloatArray:
        """The approximated function's values at `x`."""
        x = np.asarray(x, dtype=np.float64)
        return self.form.of(x, self.sign(x))

    def largest_of(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """The approximated max(a, b); the composite stands for "max" on the range of a - b."""
        return (a + b) / 2.0 + self(a - b)


def composite(
    function: str | Function | Custom,
    degrees: Sequence[int],
    on: Domain,
    *,
    gap: float | None = None,
    margin: float | None = None,
) -> Composite:
    """The minimax composite of these odd degrees for a sign or for what is made of one, on `on`.

    Functions are sign, comparison, relu, leaky_relu, abs and max. The first two need a gap around
    0, or a domain that leaves one; the others have by default the gap that makes the error of
    *that* function least. Each stage is the minimax polynomial of the sign on what the stages
    before it leave (Lee, Lee, No & Kim, eprint 2020/834); `margin` is the noise that a stage may
    add, by default 2**-12 but at most a sixteenth of the gap divided by the bound.

    >>> composite("relu", (7, 7), (-1, 1)).depth
    7
    >>> round(composite("sign", (7, 7), (-1, 1), gap=0.05).error, 4)
    0.0669
    """
    target = target_of(function)
    form = form_of(target)
    intervals = intervals_of(on)
    bound = bound_of(intervals)
    odd = checked_degrees(degrees)
    width = gap if gap is not None else gap_of(intervals)
    if form.bend and gap is None:
        width = balanced_gap(odd, margin) * bound
    _check_gap(width, bound)
    stages = minimax_stages(width / bound, odd, bound=bound, margin=margin)
    return measured(stages, target, intervals, width)


def of_stages(
    stages: Iterable[Polynomial],
    gap: float,
    *,
    function: str | Function | Custom = "sign",
    on: Domain | None = None,
) -> Composite:
    """The composite of given odd polynomials, innermost first, with its error measured.

    It is measured on all of the first stage's interval, unless `on` says where.
    """
    together = tuple(stages)
    if not together:
        raise TypeMismatch("a composite needs a stage")
    domain = (together[0].low, together[0].high) if on is None else on
    _check_gap(gap, together[0].high)
    return measured(together, target_of(function), intervals_of(domain), gap)


def measured(
    stages: tuple[Polynomial, ...], target: Function | Custom, intervals: Intervals, gap: float
) -> Composite:
    """The composite of these stages with its error, for all of the intervals or outside the gap."""
    form = form_of(target)
    domain = intervals if form.bend else outside(intervals, gap)
    error = largest_error(
        target,
        lambda x: form.of(x, through(stages, x)),
        domain,
        degree=min(math.prod(stage.degree for stage in stages), MOST_OSCILLATIONS),
        breaks=(-gap, gap),
    )
    return Composite(stages, form, target, domain, gap, error)


def bound_of(intervals: Intervals) -> float:
    """The largest magnitude on the intervals."""
    return max(abs(intervals[0][0]), abs(intervals[-1][1]))


def gap_of(intervals: Intervals) -> float:
    """The least magnitude on the intervals; 0 where they hold 0."""
    holds_zero = any(low <= 0.0 <= high for low, high in intervals)
    return 0.0 if holds_zero else min(abs(end) for interval in intervals for end in interval)


def outside(intervals: Intervals, gap: float) -> Intervals:
    """The parts of the intervals with |x| >= gap."""
    below = ((low, min(high, -gap)) for low, high in intervals)
    above = ((max(low, gap), high) for low, high in intervals)
    return checked_intervals((low, high) for low, high in (*below, *above) if low < high)


def _check_gap(gap: float, bound: float) -> None:
    if gap == 0.0:
        raise TypeMismatch(
            "the sign needs a gap around 0, where no polynomial follows it",
            hint="say gap=0.01, or leave a gap between two intervals",
        )
    if not 0.0 < gap < bound < math.inf:
        raise TypeMismatch(
            f"gap {gap:g} and bound {bound:g} leave no interval", hint="choose 0 < gap < bound"
        )
