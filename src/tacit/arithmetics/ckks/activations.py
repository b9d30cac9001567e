"""How an activation is computed under CKKS: which approximation, on which interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tacit.approx import Composite, Fit, Minimax, Polynomial, best, fit
from tacit.arithmetics.ckks.approximation import Approximation
from tacit.errors import DepthExceeded
from tacit.ir.functions import Function
from tacit.ir.graph import Range

# Enough to find the largest value of a function that a network uses.
POINTS = 257


@dataclass(frozen=True)
class Recipe:
    """A function of u: `factor` times an approximation at t = (u - centre) / radius.

    `error` is the largest distance from the function, in the user's units.
    """

    approximation: Approximation
    centre: float
    radius: float
    factor: float
    stands_for: str
    error: float

    @property
    def depth(self) -> int:
        """How many levels it takes."""
        return self.approximation.plan.depth


# How a function is computed on the range of its input.
Approximate = Callable[[Function, Range], Recipe]


def recipe(function: Function, seen: Range, *, error: float, degree: int | None = None) -> Recipe:
    """The cheapest way to compute the function on `seen`.

    `error` is relative to the largest magnitude of the input, or of the values where that is
    smaller; `degree` overrides it with one polynomial of at most that degree. An interval around
    zero keeps what is odd or even, and is taken unless the range as it is saves depth, or makes
    the error of a given degree less than half.
    """
    goal = error * _size(function, seen)

    def on(low: float, high: float) -> Recipe:
        if degree is not None:
            # The coefficients that run are doubles, so it is their error that counts.
            doubles = Minimax(escalates=False)
            found = fit(function, (low, high), degree=degree, method=doubles)
            return recipe_of(found, function)
        return recipe_of(best(function, (low, high), error=goal), function)

    reach = seen.magnitude or 1.0
    if seen.low >= seen.high:
        return on(-reach, reach)
    narrow = on(seen.low, seen.high)
    try:
        around = on(-reach, reach)
    except DepthExceeded:
        # What grows as exp does may have a polynomial on its range, but none as far above zero.
        return narrow
    finer = degree is not None and narrow.error < around.error / 2
    return narrow if narrow.depth < around.depth or finer else around


def _size(function: Function, seen: Range) -> float:
    """What an error is relative to: the input's magnitude, or that of the values if it is smaller.

    A sigmoid of inputs up to 100 is below one: relative to its input, an error of 0.8 would leave
    nothing of it. Values are looked at around zero, so that a ReLU of mostly negative inputs is
    not held to be small; what outgrows its input there, as exp does, only on its range.
    """
    reach = seen.magnitude or 1.0
    around = _largest_value(function, -reach, reach)
    size = around if around <= reach else _largest_value(function, seen.low, seen.high)
    return min(reach, size) or reach


def _largest_value(function: Function, low: float, high: float) -> float:
    """The largest magnitude of the function's values, infinite where it overflows."""
    with np.errstate(over="ignore"):
        return float(np.abs(function.exact(np.linspace(low, high, POINTS))).max())


def recipe_of(found: Fit | Composite, function: Function) -> Recipe:
    """How the function is computed by this polynomial or composite of it."""
    match found:
        case Fit():
            return _single(found, function)
        case Composite():
            return _composite(found, function)


def _single(found: Fit, function: Function) -> Recipe:
    """One polynomial, its values divided by the largest of them."""
    polynomial = found.polynomial
    factor = _largest(polynomial)
    unit = Approximation((polynomial.scaled(1.0 / factor).moved(-1.0, 1.0),))
    low, high = polynomial.low, polynomial.high
    centre, radius = (low + high) / 2, (high - low) / 2
    return Recipe(unit, centre, radius, factor, repr(function), found.error)


def _composite(found: Composite, function: Function) -> Recipe:
    """The stages of a sign, each giving the next one's normalised variable, and the form of it."""
    form = found.form
    unit = Approximation(tuple(stage.moved(-1.0, 1.0) for stage in found.chained), form)
    # What bends is as large as its input: divided by the radius it is the same form of t.
    factor = found.bound if form.bend else 1.0
    return Recipe(unit, 0.0, found.bound, factor, repr(function), found.error)


def _largest(polynomial: Polynomial) -> float:
    """The largest magnitude of a polynomial's values, or 1 where it is zero."""
    # Between 16 points per oscillation a polynomial stays within 2 % of what they show.
    points = np.linspace(polynomial.low, polynomial.high, 16 * (polynomial.degree + 1) + 1)
    return float(np.abs(polynomial(points)).max()) or 1.0
