"""What is wanted of a composite, and whether given degrees are good enough for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache

import numpy as np

from tacit.approx.composites.aim import Aim, Stages
from tacit.approx.composites.composite import Composite, bound_of, composite, gap_of, outside
from tacit.approx.composites.forms import Form, form_of
from tacit.approx.composites.gaps import Errors, balanced_gap, bend_errors, quick_balance
from tacit.approx.composites.stages import default_margin, quick_stages
from tacit.approx.domain import Intervals
from tacit.approx.target import Custom
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray, Function

# The tables of widths are right to 1e-4 on their scale, which a few stages may multiply by ten.
TABLES = 1.001
# Below this the tables end, and double precision soon after.
LEAST_GOAL = 1e-12
# The sign of a balanced bend is at most this many times as wrong as the bend outside its gap:
# 1.05 at most in all 575 composites of 9 degrees and depth up to 11, 1.02 in 187 deeper ones.
SIGN_PER_BEND = 1.08
# How far on both sides of the expected gap the balance of a composite is looked for.
AROUND = np.exp(np.linspace(-0.3, 0.15, 9))


def gap_per_goal(goal: float) -> float:
    """The widest balanced gap of a bend whose error is `goal`, as a multiple of it.

    Measured for the same composites, at errors of 1/8 to 2**-24 of the bound: the balance lies
    1 to 7 % below this line, which grows with the root of the bits.
    """
    return 4.6 + 2.68 * (math.sqrt(-math.log2(goal)) - 2.0)


@dataclass(frozen=True)
class Wanted:
    """A composite for `target` on `intervals` whose error is at most `error`; signs have a gap."""

    target: Function | Custom
    intervals: Intervals
    error: float
    gap: float | None = None

    def __post_init__(self) -> None:
        """Refuse errors and gaps that make no sense."""
        if not 0.0 < self.error < math.inf:
            raise TypeMismatch(f"the error asked for is {self.error:g}", hint="it must be above 0")
        if self.form.bend and self.gap is not None:
            raise TypeMismatch(
                f"{self.target!r} needs no gap: its error holds everywhere",
                hint="leave the gap out; composite() takes one if you insist",
            )
        if not self.form.bend and not 0.0 < self.width < self.bound:
            raise TypeMismatch(
                f"a gap of {self.width:g} leaves nothing of [-{self.bound:g}, {self.bound:g}]",
                hint="choose a smaller gap or error",
            )

    @property
    def form(self) -> Form:
        """How the target is made from a sign."""
        return form_of(self.target)

    @property
    def bound(self) -> float:
        """The largest |x|."""
        return bound_of(self.intervals)

    @property
    def goal(self) -> float:
        """The error on [-1, 1] of the sign, or of |x|, that the error means; below 1."""
        scale = self.form.bend * self.bound if self.form.bend else self.form.step
        return min(self.error / scale, 0.999)

    @property
    def width(self) -> float:
        """The gap of a sign, by default as wide as a comparison to that many bits asks for."""
        if self.gap is not None:
            return self.gap
        return gap_of(self.intervals) or self.goal / 2.0 * self.bound

    @property
    def domain(self) -> Intervals:
        """Where the error holds: everywhere, or outside of the gap."""
        return self.intervals if self.form.bend else outside(self.intervals, self.width)

    @cached_property
    def aim(self) -> Aim:
        """What the stages of every composite that is good enough do, and of a few others."""
        if not self.form.bend:
            gap = self.width / self.bound
            return Aim(gap, self.goal * TABLES, default_margin(gap))
        gap = min(gap_per_goal(self.goal) * self.goal, 0.95)
        goal = min(self.goal * SIGN_PER_BEND, 0.999)
        return Aim(gap, goal, default_margin(gap * float(AROUND[0])), times_input=True)

    def checked(self, stages: Stages) -> Composite | None:
        """The composite of these stages, if its real polynomials are good enough."""
        found = self._found(tuple(each.degree for each in stages))
        levels = (levels for each in stages for levels, _ in each.stretches)
        return replace(found, levels=tuple(levels)) if found else None

    @cached_property
    def _found(self) -> Callable[[tuple[int, ...]], Composite | None]:
        """The composite of given degrees, if it is good enough; looked for once."""

        @cache
        def found(degrees: tuple[int, ...]) -> Composite | None:
            gap = self._seems_balanced(degrees) if self.form.bend else self._seems_near(degrees)
            if gap is None:
                return None
            good = composite(self.target, degrees, self.intervals, gap=gap)
            return good if good.error <= self.error else None

        return found

    def _seems_near(self, degrees: tuple[int, ...]) -> float | None:
        """The gap, if the sign outside of it seems good enough."""
        *_, (last, _) = quick_stages(np.array([self.width / self.bound]), degrees)
        # What is measured may lie below: the stages before the last leave room for noise.
        return self.width if last.errors[0] <= self.goal * TABLES else None

    def _seems_balanced(self, degrees: tuple[int, ...]) -> float | None:
        """The gap that suits these degrees best, if what bends seems good enough with it."""
        near, error = _balance(self.aim.gap, degrees)
        # Sampled heights lie below the true ones, but what is straight may not be quite so.
        if error > self.goal * 1.005:
            return None
        return balanced_gap(degrees, near=near) * self.bound


# All bends are one problem, of which relu, max and abs ask for the same again and again.
@lru_cache(maxsize=2**16)
def _balance(gap: float, degrees: tuple[int, ...]) -> tuple[float, float]:
    """The quick balance of gaps around the one that is expected to be balanced."""
    return quick_balance(_around(gap), _errors_around(gap)(degrees))


@lru_cache(maxsize=2)
def _errors_around(gap: float) -> Errors:
    """What degrees make of these gaps."""
    return bend_errors(_around(gap))


def _around(gap: float) -> FloatArray:
    return np.minimum(gap * AROUND, 0.95)
