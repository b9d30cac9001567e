"""How an activation is computed under CKKS: which polynomials, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tacit.approx import Composite, Fit, Polynomial, best, fit
from tacit.errors import DepthExceeded
from tacit.ir.functions import Function
from tacit.ir.graph import Range


@dataclass(frozen=True)
class Recipe:
    """An approximated function of u as stages on t = (u - centre) / radius, all on [-1, 1].

    The last stage's result, times t if `times_input`, times `factor` is the function's value.
    `error` is the largest distance from the function, in the user's units.
    """

    stages: tuple[Polynomial, ...]
    centre: float
    radius: float
    factor: float
    stands_for: str
    error: float
    times_input: bool = False

    @property
    def is_affine(self) -> bool:
        """Whether it is one polynomial of degree at most one."""
        return not self.times_input and len(self.stages) == 1 and self.stages[0].degree <= 1

    @property
    def depth(self) -> int:
        """How many levels it takes."""
        return sum(each.depth for each in self.stages) + self.times_input


# How a function is computed on the range of its input.
Approximate = Callable[[Function, Range], Recipe]


def recipe(
    function: Function, seen: Range, *, error: float | None = None, degree: int | None = None
) -> Recipe:
    """The cheapest way to compute the function on `seen`.

    `error` is relative to the largest magnitude of the input; `degree` overrides it with one
    polynomial of at most that degree. An interval around zero keeps what is odd or even, and is
    taken unless the range as it is saves depth.
    """
    reach = seen.magnitude or 1.0
    around = _on(function, -reach, reach, error, degree)
    if seen.low >= seen.high:
        return around
    narrow = _on(function, seen.low, seen.high, error, degree)
    return narrow if narrow.depth < around.depth else around


def _on(
    function: Function, low: float, high: float, error: float | None, degree: int | None
) -> Recipe:
    """The cheapest recipe on one interval."""
    if degree is not None:
        return _single(fit(function, low, high, degree=degree), function)
    if error is None:
        raise DepthExceeded("neither an error nor a degree was asked for")
    found = best(function, low, high, error=error * max(abs(low), abs(high)))
    return _single(found, function) if isinstance(found, Fit) else _composite(found, function)


def _single(found: Fit, function: Function) -> Recipe:
    """One polynomial, its values divided by the largest of them."""
    polynomial = found.polynomial
    factor = _largest(polynomial)
    unit = polynomial.scaled(1.0 / factor).moved(-1.0, 1.0)
    low, high = polynomial.low, polynomial.high
    centre, radius = (low + high) / 2, (high - low) / 2
    return Recipe((unit,), centre, radius, factor, repr(function), found.error)


def _composite(found: Composite, function: Function) -> Recipe:
    """The stages of a sign and the product that makes the function of it: x (slope + bend s)."""
    form = found.form
    *stages, last = (stage.moved(-1.0, 1.0) for stage in found.chained)
    radius = found.stages[0].high
    if form.bend:
        stages.append(last.scaled(form.bend, form.slope))
        made = Recipe(tuple(stages), 0.0, radius, radius, repr(function), found.error)
        return replace(made, times_input=True)
    stages.append(last.scaled(form.step))
    return Recipe(tuple(stages), 0.0, radius, 1.0, repr(function), found.error)


def _largest(polynomial: Polynomial) -> float:
    """The largest magnitude of a polynomial's values, or 1 where it is zero."""
    # Between 16 points per oscillation a polynomial stays within 2 % of what they show.
    points = np.linspace(polynomial.low, polynomial.high, 16 * (polynomial.degree + 1) + 1)
    return float(np.abs(polynomial(points)).max()) or 1.0
