"""The scale of every value of a plan, so that all that a step sums has one scale.

A CKKS ciphertext holds a value times its scale. A product's scale is the product of its factors'
scales, and rescaling divides by a prime that is only near the scale, so scales drift apart. What
is multiplied again and again is taken as it comes; everything else is computed at the scale that
the sum above it needs, from the result down (Kim, Papadimitriou & Polyakov, eprint 2020/1203):
then no level is spent on adjusting scales, and no addition is approximate.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tacit.approx.plans.plan import Plan, Step
from tacit.errors import DepthExceeded, LoweringError, TypeMismatch

# Scales are doubles: a product and a division each round, and a plan has some dozens of them.
ROUNDING = 2.0**-40


@dataclass(frozen=True)
class Scales:
    """The scales of a plan's values, inputs first, and at which levels they are.

    `raw` has for every step the scale of its sum before it is rescaled; `terms` for every step the
    scales at which the constants of its terms are encoded. The step's own constant is encoded at
    its raw scale. A step is summed at one level above its value, unless it only adds.
    """

    values: tuple[float, ...]
    levels: tuple[int, ...]
    raw: tuple[float, ...]
    terms: tuple[tuple[float, ...], ...]


def scales(
    plan: Plan,
    moduli: Sequence[float],
    *,
    level: int,
    inputs: Sequence[float | None],
    target: float | None,
) -> Scales:
    """The scales that make every sum of a plan exact, and its result come at `target`.

    `moduli[l]` is the prime by which rescaling at level l divides; `inputs` are the inputs' scales,
    all at `level`. Raises DepthExceeded where the levels do not suffice, LoweringError where no
    scales fit: a result that is only a product of inputs has the scale that it has. Then None is
    the way out, for an input or the target: it becomes what the other scales make of it.

    >>> plan = Plan((Step(products=((0, 0, 1),), terms=((0, 0.5),)),))
    >>> found = scales(plan, [2.0**50, 2.0**39], level=1, inputs=[2.0**40], target=2.0**41)
    >>> [math.log2(each) for each in (found.values[1], found.raw[0], found.terms[0][0])]
    [41.0, 80.0, 40.0]
    >>> square = Plan((Step(products=((0, 0, 1),)),))
    >>> chosen = scales(square, [2.0**50, 2.0**39], level=1, inputs=[None], target=2.0**41)
    >>> math.log2(chosen.values[0])
    40.0
    """
    given = {place: scale for place, scale in enumerate(inputs) if scale is not None}
    if target is not None:
        given[plan.inputs + len(plan.steps) - 1] = target
    _check(plan, moduli, level, given.values())
    if len(inputs) != plan.inputs:
        raise TypeMismatch(f"{len(inputs)} scales were given for {plan.inputs} inputs")
    levels = tuple(level - below for below in plan.levels)
    solved = _Solved(plan, [_divisor(moduli, plan, levels, v) for v in range(len(levels))])
    for value, scale in given.items():
        solved.settle(value, scale)
    while (free := solved.free()) is not None:
        # Near the prime that rescaling its products divides by, scales of powers do not drift.
        solved.settle(free, float(moduli[levels[free]]))
    known = tuple(solved.known[value] for value in range(len(levels)))
    raw = tuple(solved.raw(value) for value in range(plan.inputs, len(levels)))
    terms = tuple(
        tuple(each / known[value] for value, _ in step.terms)
        for step, each in zip(plan.steps, raw, strict=True)
    )
    return Scales(known, levels, raw, terms)


def _check(plan: Plan, moduli: Sequence[float], level: int, given: Iterable[float]) -> None:
    if plan.depth > level or level >= len(moduli):
        raise DepthExceeded(
            f"a plan of depth {plan.depth} starts at level {level} of {len(moduli) - 1}",
            hint="give it more levels",
        )
    if not all(0.0 < each < math.inf for each in (*given, *moduli)):
        raise TypeMismatch("scales and moduli are positive numbers")


def _divisor(moduli: Sequence[float], plan: Plan, levels: tuple[int, ...], value: int) -> float:
    """What a step's sum is divided by."""
    takes_level = value >= plan.inputs and not plan.steps[value - plan.inputs].only_adds
    return float(moduli[levels[value] + 1]) if takes_level else 1.0


@dataclass
class _Solved:
    """The scales known so far; each one that is settled settles those that follow from it."""

    plan: Plan
    divisors: list[float]
    known: dict[int, float] = field(default_factory=dict)

    def settle(self, value: int, scale: float) -> None:
        """Take a scale, and all that follow from it; raises where one contradicts another."""
        waiting = [(value, scale)]
        while waiting:
            value, scale = waiting.pop()
            if value not in self.known:
                self.known[value] = scale
                waiting.extend(self._following(value))
            elif not math.isclose(self.known[value], scale, rel_tol=ROUNDING):
                raise LoweringError(
                    f"value {value} would need scales 2**{math.log2(self.known[value]):.6f} and "
                    f"2**{math.log2(scale):.6f} at once",
                    hint="multiply by a constant somewhere, whose scale can make up for it",
                )

    def raw(self, value: int) -> float:
        """The scale of a step's sum before it is rescaled."""
        return self.known[value] * self.divisors[value]

    def _following(self, value: int) -> list[tuple[int, float]]:
        """The scales that follow from one that has just become known."""
        found: list[tuple[int, float]] = []
        for place, step in enumerate(self.plan.steps, start=self.plan.inputs):
            if value == place or value in step.uses:
                found.extend(self._of_step(place, step))
        return found

    def _of_step(self, place: int, step: Step) -> list[tuple[int, float]]:
        if step.only_adds:
            together = [place, *step.uses]
            scale = next((self.known[each] for each in together if each in self.known), None)
            return [] if scale is None else [(each, scale) for each in together]
        found: list[tuple[int, float]] = []
        for first, second, _ in step.products:
            if first in self.known and second in self.known:
                scale = self.known[first] * self.known[second]
                found.append((place, scale / self.divisors[place]))
            elif place in self.known and first == second:
                found.append((first, math.sqrt(self.raw(place))))
            elif place in self.known and (first in self.known or second in self.known):
                one, other = (first, second) if first in self.known else (second, first)
                found.append((other, self.raw(place) / self.known[one]))
        return found

    def free(self) -> int | None:
        """A value whose scale may be chosen, if there is one: best one that is multiplied often."""
        factors = Counter(
            value
            for step in self.plan.steps
            for first, second, _ in step.products
            for value in (first, second)
        )
        unknown = [each for each in range(len(self.divisors)) if each not in self.known]
        # What is multiplied once can follow the sum that it goes into; a variable of powers cannot.
        often = (each for each in unknown if factors[each] > 1)
        return next(often, unknown[-1] if unknown else None)
