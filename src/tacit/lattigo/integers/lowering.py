"""Values brought to a lower level and to the factor that others have there, at little noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tacit.lattigo.integers.evaluator import Evaluator
from tacit.lattigo.integers.factors import Held, divides, levels_of, product_factor
from tacit.lattigo.integers.objects import Ciphertext
from tacit.lattigo.integers.parameters import Scheme

if TYPE_CHECKING:
    from tacit.approx.plans import Plan, Step

# Values that were lowered, by their place and to where: most are needed there more than once.
Lowered = dict[tuple[int, Held], Ciphertext]


def lower(evaluator: Evaluator, value: Ciphertext, ground: Held) -> Ciphertext:
    """A value at a lower level, and in BGV with a factor, for which it is rescaled."""
    if value.level == ground.level:
        return value
    parameters = evaluator.context.parameters
    if parameters.scheme is Scheme.BFV:
        return evaluator.drop(value, ground.level)
    # From further above it is divided twice, so that its first prime takes its noise away.
    high = value if value.level == ground.level + 1 else evaluator.rescale(value)
    above = evaluator.drop(high, ground.level + 1)
    # Rescaling divides the factor by the prime, so the prime is multiplied in before.
    wanted = ground.factor * parameters.q[above.level] % parameters.plaintext_modulus
    return evaluator.rescale(evaluator.multiply_constant(above, 1, factor=wanted))


def held(value: Ciphertext) -> Held:
    """The level and the factor of a ciphertext."""
    level, _, factor = value.describe()
    return Held(level, factor)


def evaluate_lowering(evaluator: Evaluator, plan: Plan, inputs: Sequence[Ciphertext]) -> Ciphertext:
    """The result of a plan in which the factors of every product are lowered to one factor."""
    parameters = evaluator.context.parameters
    levels = levels_of(plan, [each.level for each in inputs], parameters.scheme)
    known, lowered = dict(enumerate(inputs)), Lowered()
    for place, step in enumerate(plan.steps, start=plan.inputs):
        level = levels[place] + divides(step, parameters.scheme)
        used = {value: known[value] for value in step.uses or (0,)}
        factor = lowest(used).factor
        if step.products:
            used |= multiplied(evaluator, step, used, level, lowered)
            first, second = (used[value].factor for value in step.products[0][:2])
            factor = product_factor(first, second, level, parameters)
        known[place] = evaluator.step(step, used, level=level, factor=factor)
    return known[place]


def lowest(values: Mapping[int, Ciphertext]) -> Held:
    """The first value of the least level."""
    return min(map(held, values.values()), key=lambda each: each.level)


def multiplied(
    evaluator: Evaluator,
    step: Step,
    used: Mapping[int, Ciphertext],
    level: int,
    lowered: Lowered,
) -> dict[int, Ciphertext]:
    """The values that a step multiplies, at the level or with the factor of the lowest of them."""
    found = {value: used[value] for each in step.products for value in each[:2]}
    least = lowest(found)
    ground = Held(level, least.factor)
    for value, each in found.items():
        if each.level > least.level and each.factor != least.factor:
            if (value, ground) not in lowered:
                lowered[value, ground] = lower(evaluator, each, ground)
            found[value] = lowered[value, ground]
    return found
