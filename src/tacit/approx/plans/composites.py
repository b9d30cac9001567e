"""Plans for composites: polynomials after one another, and what is made of the last one's value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    shape_of,
    within,
)
from tacit.approx.plans.merged import MergedShape, Multiples, Spread, best_merged
from tacit.approx.plans.plan import Plan, Step
from tacit.approx.plans.splits import Cost, Shape
from tacit.errors import DepthExceeded, TypeMismatch

Final = Shape | MergedShape

# Levels beyond the least that are tried for a stage: below degree 47 a third one saves nothing.
MOST_EXTRA = 2


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
    merge: bool = True,
) -> Plan:
    """The plan with fewest products for a form of x = radius t and of the stages' value at t.

    Each stage gives the next one's variable in [-1, 1] (`Composite.chained`), t in [-1, 1] is the
    first one's. Where x s(x) can be made within the last stage's levels, the least depth is one
    less than that of stages and product, unless `merge` forbids it. `depth` allows more levels than
    the least, and products may be saved. Raises DepthExceeded where `depth` is too small.
    """
    if not stages or bool(form.step) == bool(form.bend):
        raise TypeMismatch(
            f"no plan for {len(stages)} stages, step {form.step:g} and bend {form.bend:g}",
            hint="a form is made of a stage or more, and either of s or of x s",
        )
    inner = [exact(stage.coefficients) for stage in stages[:-1]]
    last = _last(exact(stages[-1].coefficients), form, radius)
    finals = list(_finals(last, times=bool(form.bend), merge=merge))
    shapes, final = _cheapest(inner, finals, depth)
    draft, variable = Draft(), 0
    for place, (stage, shape) in enumerate(zip(inner, shapes, strict=True), start=1):
        writing = Writing(draft, shape.powers, variable)
        variable = writing.polynomial(stage, shape.split, f"s{place}")
    found = _final(Writing(draft, final.powers, variable), last, final, form)
    if form.slope and not form.bend:
        found.terms.append((0, radius * form.slope))
    found.constant += form.constant
    draft.add(found.step(), "p")
    return draft.plan()


def _final(writing: Writing, last: list[Fraction], shape: Final, form: SignForm) -> Sum:
    """What the last step sums for the last stage, times x if the form bends."""
    match shape:
        case MergedShape(split=split, multiples=multiples):
            return _Multiplied(writing, multiples).raw(last, split, "p")
        case Shape(split=split) if form.bend:
            return Sum([(0, writing.polynomial(last, split, "s"), 1)])
        case Shape(split=split):
            return writing.raw(last, split, "p")


def _last(coefficients: list[Fraction], form: SignForm, radius: float) -> list[Fraction]:
    """The last stage with what the form makes of it: step s, or slope + bend s times the radius."""
    if not form.bend:
        return [Fraction(form.step) * each for each in coefficients]
    scale = Fraction(radius)
    first, *rest = (scale * Fraction(form.bend) * each for each in coefficients)
    return [first + scale * Fraction(form.slope), *rest]


def _cheapest(
    inner: list[list[Fraction]], finals: list[tuple[int, Cost, Final]], depth: int | None
) -> tuple[tuple[Shape, ...], Final]:
    """The shapes of the inner stages and of the last that have fewest products together."""
    ways = [
        (levels + more, cost.plus(price), shapes, final)
        for levels, (cost, shapes) in _ways(inner).items()
        for more, price, final in finals
    ]
    least = min(levels for levels, *_ in ways)
    allowed = least if depth is None else depth
    if allowed < least:
        raise DepthExceeded(
            f"a composite of {len(inner) + 1} stages needs {least} levels, not {allowed}",
            hint="allow more levels, or lower the degrees",
        )
    fitting = (each for each in ways if each[0] <= allowed)
    _, _, shapes, final = min(fitting, key=lambda each: (each[1], each[0]))
    return shapes, final


def _ways(stages: list[list[Fraction]]) -> dict[int, tuple[Cost, tuple[Shape, ...]]]:
    """For every number of levels that stages can take together, their cheapest shapes."""
    reached: dict[int, tuple[Cost, tuple[Shape, ...]]] = {0: (Cost(0, 0, 0), ())}
    for stage in stages:
        found: dict[int, tuple[Cost, tuple[Shape, ...]]] = {}
        for levels, (cost, before) in reached.items():
            for more in _levels_of(stage):
                shape = shape_of(stage, more)
                way = (cost.plus(shape.cost), (*before, shape))
                known = found.get(levels + more, way)
                found[levels + more] = way if way[0] < known[0] else known
        reached = found
    return reached


def _levels_of(stage: list[Fraction]) -> range:
    """The numbers of levels that are worth giving to a stage."""
    least = (len(stage) - 1).bit_length()
    return range(least, least + MOST_EXTRA + 1)


def _finals(last: list[Fraction], *, times: bool, merge: bool) -> Iterator[tuple[int, Cost, Final]]:
    """The levels that the last stage and its product may take, what they cost, and how."""
    product = Cost(1, 1, 1) if times else Cost(0, 0, 0)
    for levels in _levels_of(last):
        shape = shape_of(last, levels)
        yield levels + product.products, shape.cost.plus(product), shape
        merged = best_merged(pattern_in(last), levels) if times and merge else None
        if merged is not None:
            yield levels, merged.cost, merged


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
