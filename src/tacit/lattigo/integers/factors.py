"""At which level every step of a plan is summed, and which factor the sum has there.

Dropping a value to a lower level costs nothing and leaves its noise as it is, but its factor too,
which is another one than that of values made there. Terms are matched by their own constants. So
are products in which one value is a sum of terms, or of such products, and is used nowhere else:
it is made with whatever factor the sum wants of it. All sums of baby and giant steps are of these.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tacit.lattigo.integers.parameters import Parameters, Scheme

if TYPE_CHECKING:
    from tacit.approx.plans import Plan, Step


@dataclass(frozen=True)
class Held:
    """The level of a value, and the factor of what its slots hold."""

    level: int
    factor: int


def levels_of(plan: Plan, inputs: Sequence[int], scheme: Scheme) -> list[int]:
    """The level of every value: as low as its uses allow, since all that makes it is cheaper there.

    Negative ones are those of a plan that is too deep for its inputs.
    """
    highest = list(inputs)
    for step in plan.steps:
        above = min((highest[value] for value in step.uses), default=highest[0])
        highest.append(above - divides(step, scheme))
    levels = [*inputs, *(min(each, highest[-1]) for each in highest[plan.inputs :])]
    for place in reversed(range(len(plan.steps))):
        step = plan.steps[place]
        for value in step.uses:
            if value >= plan.inputs:
                needed = levels[plan.inputs + place] + divides(step, scheme)
                levels[value] = max(levels[value], needed)
    return levels


def divides(step: Step, scheme: Scheme) -> bool:
    """Whether a step is divided by a prime, which takes a level."""
    return bool(step.products) and scheme is Scheme.BGV


def sums_of(plan: Plan, inputs: Sequence[Held], parameters: Parameters) -> list[Held] | None:
    """Every step's sum before it is divided; None where values lack the factors to be summed."""
    levels = levels_of(plan, [each.level for each in inputs], parameters.scheme)
    free, held, sums = free_values(plan), list(inputs), list[Held]()
    for place, step in enumerate(plan.steps):
        level = levels[plan.inputs + place] + divides(step, parameters.scheme)
        sums.append(Held(level, own_factor(step, free[place], held, level, parameters)))
        held.append(finished(step, sums[-1], parameters))
    for place in reversed(range(len(plan.steps))):
        for (first, second, _), chosen in zip(plan.steps[place].products, free[place], strict=True):
            other = second if chosen == first else first
            alone = product_factor(held[other].factor, 1, sums[place].level, parameters)
            wanted = sums[place].factor * pow(alone, -1, parameters.plaintext_modulus)
            if chosen is not None:
                sums[chosen - plan.inputs] = unfinished(
                    plan.steps[chosen - plan.inputs],
                    Held(sums[chosen - plan.inputs].level, wanted),
                    parameters,
                )
            elif (wanted - held[second].factor) % parameters.plaintext_modulus:
                return None
    return sums


def free_values(plan: Plan) -> list[list[int | None]]:
    """For every product of every step the one of its values that may have any factor, if any."""
    uses = Counter(
        value
        for step in plan.steps
        for each in (*step.products, *step.terms)
        for value in (each[:2] if len(each) == 3 else each[:1])
    )
    found: list[list[int | None]] = []
    free: set[int] = set()
    for place, step in enumerate(plan.steps, start=plan.inputs):
        found.append(
            [next((value for value in each[:2] if value in free), None) for each in step.products]
        )
        if uses[place] == 1 and None not in found[-1]:
            free.add(place)
    return found


def own_factor(
    step: Step,
    free: Sequence[int | None],
    held: Sequence[Held],
    level: int,
    parameters: Parameters,
) -> int:
    """The factor of a step of which nothing is wanted: that of a product that has no choice."""
    if step.products:
        bound = (each for each, value in zip(step.products, free, strict=True) if value is None)
        first, second, _ = next(bound, step.products[0])
        return product_factor(held[first].factor, held[second].factor, level, parameters)
    # Terms of one factor keep their constants.
    lowest = min((held[value] for value in step.uses), key=lambda each: each.level, default=None)
    return 1 if lowest is None else lowest.factor


def product_factor(first: int, second: int, level: int, parameters: Parameters) -> int:
    """The factor of a product at a level; BFV's division by Q leaves -1/Q behind."""
    t = parameters.plaintext_modulus
    if parameters.scheme is Scheme.BGV:
        return first * second % t
    return first * second * pow(-math.prod(parameters.q[: level + 1]), -1, t) % t


def finished(step: Step, total: Held, parameters: Parameters) -> Held:
    """A step's value, for its sum."""
    if not divides(step, parameters.scheme):
        return total
    t = parameters.plaintext_modulus
    inverse = pow(parameters.q[total.level], -1, t)
    return Held(total.level - 1, total.factor * inverse % t)


def unfinished(step: Step, total: Held, parameters: Parameters) -> Held:
    """A step's sum at a level, with the factor that its value is wanted to have."""
    prime = parameters.q[total.level] if divides(step, parameters.scheme) else 1
    return Held(total.level, total.factor * prime % parameters.plaintext_modulus)
