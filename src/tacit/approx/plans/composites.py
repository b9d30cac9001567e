"""Plans for composites: polynomials after one another, and what is made of the last one's value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from tacit.approx.plans.chebyshev import (
    ChebyshevSum,
    Draft,
    Sum,
    Writing,
    divide,
    exact,
    pattern_in,
    within,
)
from tacit.approx.plans.merged import MergedShape, Multiples, Spread
from tacit.approx.plans.plan import Plan, Step
from tacit.approx.plans.splits import Shape
from tacit.approx.plans.ways import Way, cheapest_ways, ways_at
from tacit.errors import TypeMismatch


class SignForm(Protocol):
    """constant + step s + slope x + bend x s, where s is the last stage's value."""

    @property
    def constant(self) -> float:
        """What is added."""

    @property
    def step(self) -> float:
        """What s is multiplied by."""

    @property
    def slope(self) -> float:
        """What x is multiplied by."""

    @property
    def bend(self) -> float:
        """What x s is multiplied by."""


def plan_of_composite(
    stages: Sequence[ChebyshevSum],
    form: SignForm,
    *,
    radius: float = 1.0,
    depth: int | None = None,
    levels: Sequence[int] = (),
) -> Plan:
    """The plan with fewest products for a form of x = radius t and of the stages' value at t.

    Each stage gives the next one's variable in [-1, 1] (`Composite.chained`), t in [-1, 1] is the
    first one's. Its depth is the least, where x s(x) is made within the last stage's levels if it
    fits; `depth` allows more, by which products may be saved; `levels` says what each stage takes,
    and then 1 if x is multiplied afterwards. Raises DepthExceeded where either is too small.
    """
    found = ways_of_composite(stages, form, depth=depth, levels=levels)
    draft, variable = Draft(), 0
    for place, way in enumerate(found[:-1]):
        inner = exact(stages[place].coefficients)
        writing = Writing(draft, way.shape.powers, variable)
        name = f"s{place + 1}"
        variable = draft.add(_sum(writing, inner, way, name).step(), name)
    last = _last(exact(stages[-1].coefficients), form, radius)
    total = _sum(Writing(draft, found[-1].shape.powers, variable), last, found[-1], "p")
    if form.slope and not form.bend:
        total.terms.append((0, radius * form.slope))
    total.constant += form.constant
    draft.add(total.step(), "p")
    return draft.plan()


def ways_of_composite(
    stages: Sequence[ChebyshevSum],
    form: SignForm,
    *,
    depth: int | None = None,
    levels: Sequence[int] = (),
) -> tuple[Way, ...]:
    """How `plan_of_composite` computes each of the stages."""
    if not stages or bool(form.step) == bool(form.bend):
        raise TypeMismatch(
            f"no plan for {len(stages)} stages, step {form.step:g} and bend {form.bend:g}",
            hint="a form is made of a stage or more, and either of s or of x s",
        )
    inner = [pattern_in(stage.coefficients) for stage in stages[:-1]]
    patterns = [*inner, pattern_in(_last(exact(stages[-1].coefficients), form, 1.0))]
    if levels:
        return tuple(ways_at(patterns, levels, times_input=bool(form.bend)))
    return tuple(cheapest_ways(patterns, depth, times_input=bool(form.bend)))


def _sum(writing: Writing, coefficients: list[Fraction], way: Way, name: str) -> Sum:
    """What the last step of a stage sums, for its value or, if x takes part, for x times it."""
    match way.shape:
        case MergedShape(split=split, multiples=multiples):
            return _Multiplied(writing, multiples).raw(coefficients, split, name)
        case Shape(split=split) if way.then_times_input:
            return Sum([(0, writing.polynomial(coefficients, split, "s"), 1)])
        case Shape(split=split):
            return writing.raw(coefficients, split, name)


def _last(coefficients: list[Fraction], form: SignForm, radius: float) -> list[Fraction]:
    """The last stage with what the form makes of it: step s, or slope + bend s times the radius."""
    if not form.bend:
        return [Fraction(form.step) * each for each in coefficients]
    scale = Fraction(radius)
    first, *rest = (scale * Fraction(form.bend) * each for each in coefficients)
    return [first + scale * Fraction(form.slope), *rest]


@dataclass
class _Multiplied:
    """The steps of t times a polynomial while they are written; multiples when first needed."""

    writing: Writing
    multiples: Multiples
    made: dict[int, int] = field(default_factory=dict)

    def raw(self, coefficients: list[Fraction], split: Spread | None, name: str) -> Sum:
        """What has to be summed for t times a polynomial."""
        found = Sum()
        while split is not None:
            quotient, coefficients = divide(coefficients, split.giant)
            if any(quotient):
                inside = within(name, split.giant)
                inner = self.raw(quotient, split.quotient, inside).step()
                factor = self.writing.draft.add(inner, inside)
                found.products.append((factor, self.writing.power(split.giant), 1))
            split = split.rest
        for k, each in enumerate(coefficients):
            if each:
                found.terms.append((self.multiple(k), float(each)))
        return found

    def multiple(self, index: int) -> int:
        """The value of t T_index."""
        if index == 0:
            return 0
        if index not in self.made:
            before, factor = self.multiples.ways[index]
            power = self.writing.power(factor)
            if before == 0:
                step = Step(((0, power, 1),))
            else:
                first, other = self.multiple(before), self.multiple(abs(before - factor))
                step = Step(((first, power, 2),), ((other, -1.0),))
            self.made[index] = self.writing.draft.add(step, f"t{self.writing.name(index)}")
        return self.made[index]
