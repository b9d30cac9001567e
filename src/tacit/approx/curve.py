"""A problem in ball arithmetic: the error of a polynomial, its extrema, to any precision.

Everything here computes with `flint.ctx.prec` bits and series of three terms: callers set both,
with `working(bits)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import flint
import numpy as np

from tacit.approx.problem import Problem
from tacit.approx.target import ScalarFunction, branches_of
from tacit.errors import TypeMismatch
from tacit.ir.balls import Branch, capped, value

# Newton's method doubles the digits: five steps from a double to 800 bits, the rest to get near.
NEWTON_STEPS = 12
# A double this close to a part's end, in shares of the part, means the end.
CLOSE = 1e-14


@contextmanager
def working(bits: int) -> Iterator[None]:
    """Ball arithmetic with this many bits, on series of a value and two derivatives."""
    with flint.ctx.workprec(bits), capped(3):
        yield


@dataclass(frozen=True, eq=False)
class Part:
    """A piece of the domain on which function and weight are analytic, in the variable x."""

    low: flint.arb
    high: flint.arb
    function: Branch
    weight: Branch | None


@dataclass(frozen=True, eq=False)
class Place:
    """A point x, exact, and the part that it belongs to."""

    part: Part
    x: flint.arb


@dataclass(frozen=True, eq=False)
class Ground:
    """A problem's parts, and the map between x and t in [-1, 1]."""

    parts: tuple[Part, ...]
    centre: flint.arb
    radius: flint.arb

    def normalised(self, x: flint.arb) -> flint.arb:
        """The variable t at `x`."""
        return (x - self.centre) / self.radius

    def placed(self, t: float) -> Place:
        """The place nearest to a double t: a part's end if it is that end's double."""
        # Rounding may leave an end's double outside of its part.
        distances = [max(low - t, t - high, 0.0) for low, high in self._ends]
        nearest = distances.index(min(distances))
        part, (low, high) = self.parts[nearest], self._ends[nearest]
        close = CLOSE * (high - low)
        if t - low <= close:
            return Place(part, part.low)
        if high - t <= close:
            return Place(part, part.high)
        return Place(part, (self.centre + self.radius * t).mid())

    @cached_property
    def _ends(self) -> tuple[tuple[float, float], ...]:
        """The parts' ends in t, as doubles."""
        return tuple(
            (float(self.normalised(each.low)), float(self.normalised(each.high)))
            for each in self.parts
        )


def has_meaning(problem: Problem) -> bool:
    """Whether function and weight are known in balls."""
    return branches_of(problem.function) is not None and (
        problem.weight is None or branches_of(problem.weight) is not None
    )


def ground_of(problem: Problem, *, half: bool = False) -> Ground:
    """The problem in balls, on all of its domain or on the half with t >= 0."""
    centre = (flint.arb(problem.low) + problem.high) / 2
    radius = (flint.arb(problem.high) - problem.low) / 2
    kinks = [flint.arb(each) for each in problem.kinks]
    intervals = [(flint.arb(low), flint.arb(high)) for low, high in problem.intervals]
    if half:
        kinks = [centre + abs(each - centre) for each in kinks]
        intervals = [(low.max(centre), high) for low, high in intervals if high > centre]
    cuts = [each for ends in intervals for each in _cut(ends, kinks)]
    return Ground(tuple(_part(problem, low, high) for low, high in cuts), centre, radius)


def _cut(
    interval: tuple[flint.arb, flint.arb], kinks: Iterable[flint.arb]
) -> Iterator[tuple[flint.arb, flint.arb]]:
    low, high = interval
    ends = [low]
    for kink in [*sorted(kinks), high]:
        # Kinks that are mirror images of each other meet.
        if ends[-1] < kink <= high:
            ends.append(kink.mid())
    return pairwise(ends)


def _part(problem: Problem, low: flint.arb, high: flint.arb) -> Part:
    middle = float((low + high) / 2)
    weight = None if problem.weight is None else branch_at(problem.weight, middle)
    return Part(low, high, branch_at(problem.function, middle), weight)


def branch_at(function: ScalarFunction, x: float) -> Branch:
    """The branch of the function at `x`; raises if the function is no more than a callable."""
    branches = branches_of(function)
    if branches is None:
        raise TypeMismatch(
            f"{function.name} is known in double precision only",
            hint="give its meaning in balls: Custom(name, meaning, kinks, branches)",
        )
    return branches[int(np.searchsorted(function.kinks, x, side="left"))]


@dataclass(frozen=True, eq=False)
class Curve:
    """The weighted error of a polynomial, which is given by its powers of t, on a ground."""

    ground: Ground
    polynomial: flint.arb_poly

    @cached_property
    def _derivatives(self) -> tuple[flint.arb_poly, flint.arb_poly, flint.arb_poly]:
        slope = self.polynomial.derivative()
        return self.polynomial, slope, slope.derivative()

    def error(self, place: Place) -> flint.arb:
        """The error at a place."""
        part, x = place.part, place.x
        error = value(part.function, x) - self.polynomial(self.ground.normalised(x))
        return error if part.weight is None else error * value(part.weight, x)

    def taylor(self, place: Place) -> tuple[flint.arb, flint.arb, flint.arb]:
        """The error and its first two derivatives by x at a place."""
        part, x = place.part, place.x
        t, radius = self.ground.normalised(x), self.ground.radius
        around = flint.arb_series([x, 1], 3)
        height, slope, bend = (each(t) for each in self._derivatives)
        ours = flint.arb_series([height, slope / radius, bend / (2 * radius * radius)], 3)
        error = part.function(around) - ours
        if part.weight is not None:
            error = error * part.weight(around)
        return error[0], error[1], 2 * error[2]

    def top(self, place: Place, low: flint.arb, high: flint.arb) -> Place:
        """The place between `low` and `high` where |error| is largest nearby, by Newton's method.

        A place where derivatives say nothing (a plateau, the end of a square root) stays.
        """
        part, x = place.part, place.x
        # Each step squares the distance, and an extremum is flat: the height has six times this.
        close = (high - low) * flint.arb(2) ** (-flint.ctx.prec // 6)
        fresh = [low, high]
        for _ in range(NEWTON_STEPS):
            height, slope, bend = (each.mid() for each in self.taylor(Place(part, x)))
            uphill = height * slope
            if not (uphill > 0 or uphill < 0):
                break
            low, high = (x, high) if uphill > 0 else (low, x)
            target = (x - slope / bend).mid() if height * bend < 0 else low + high - x
            if not low < target < high:
                # Beyond an end that was not looked at: look there. Else halve what is left.
                end = high if uphill > 0 else low
                target = end if end in fresh else ((low + high) / 2).mid()
            fresh = [each for each in fresh if each not in (x, target)]
            moved, x = abs(target - x), target
            if moved <= close:
                break
        return Place(part, x)
