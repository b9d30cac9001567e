"""A plan of whole numbers carried out on encrypted integers, exactly modulo t.

In BGV every step that multiplies is divided by a prime, once. What then lies at one level has one
factor, if the inputs had: sums of products need no matching. A value from a higher level takes on
that factor, by an integer of up to t/2, just before its last division, which takes the noise of it
away again. Plain terms take on the factor of what they are added to with their own constant.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tacit.errors import DepthExceeded, TypeMismatch
from tacit.lattigo.integers.chains import Multiply
from tacit.lattigo.integers.evaluator import Evaluator
from tacit.lattigo.integers.objects import Ciphertext
from tacit.lattigo.integers.parameters import Scheme

if TYPE_CHECKING:
    from tacit.approx.plans import Plan, Step


def evaluate(evaluator: Evaluator, plan: Plan, inputs: Sequence[Ciphertext]) -> Ciphertext:
    """The result of a plan for encrypted inputs, which are best at one level and fresh.

    A step is relinearised once, and in BGV rescaled once if it multiplies, which takes a level; so
    the result is `plan.depth` levels below the inputs, or fewer, where all constants are whole.
    Raises TypeMismatch where one is not, DepthExceeded where levels do not suffice.
    """
    check_inputs(plan, inputs)
    check_whole(plan)
    check_depth(evaluator, plan, inputs)
    known = dict(enumerate(inputs))
    result = plan.inputs + len(plan.steps) - 1
    for place, step in enumerate(plan.steps):
        known[plan.inputs + place] = carried_out(evaluator, step, known, spare=inputs[0])
        done = [value for value in known if plan.last_uses[value] <= place and value != result]
        for value in done:
            del known[value]
    return known[result]


def check_inputs(plan: Plan, inputs: Sequence[Ciphertext]) -> None:
    """Refuses another number of inputs than the plan has."""
    if len(inputs) != plan.inputs:
        raise TypeMismatch(f"{len(inputs)} inputs were given for {plan.inputs}")


def check_whole(plan: Plan) -> None:
    """Refuses constants that are not whole."""
    for place, step in enumerate(plan.steps):
        numbers = [weight for _, _, weight in step.products] + [each for _, each in step.terms]
        for number in (*numbers, step.constant):
            if not (isinstance(number, int) or number.is_integer()):
                raise TypeMismatch(
                    f"step {place} has the constant {number}, which is not a whole number",
                    hint="fit the polynomial with integer coefficients",
                )


def check_depth(evaluator: Evaluator, plan: Plan, inputs: Sequence[Ciphertext]) -> None:
    """Refuses a plan in which products follow one another more often than there are levels."""
    levels = [each.level for each in inputs]
    lowest, divides = min(levels), evaluator.context.parameters.scheme is Scheme.BGV
    for step in plan.steps:
        above = min((levels[value] for value in step.uses), default=levels[0])
        levels.append(above - (1 if divides and step.products else 0))
    if min(levels) < 0:
        raise DepthExceeded(
            f"the plan takes {lowest - min(levels)} levels; the inputs have {lowest}",
            hint="choose more primes, or a plan of less depth",
        )


def carried_out(
    evaluator: Evaluator, step: Step, known: Mapping[int, Ciphertext], *, spare: Ciphertext
) -> Ciphertext:
    """The value of one step; a step that uses nothing is made from the spare ciphertext."""
    total = summed(evaluator, step, known, spare)
    if total.degree == 2:
        total = evaluator.relinearise(total)
    if step.constant:
        total = evaluator.add_constant(total, int(step.constant))
    if step.products and evaluator.context.parameters.scheme is Scheme.BGV:
        total = evaluator.rescale(total)
    return total


def summed(
    evaluator: Evaluator, step: Step, known: Mapping[int, Ciphertext], spare: Ciphertext
) -> Ciphertext:
    """The sum of a step's products and terms, neither relinearised nor rescaled."""
    if not step.uses:
        return evaluator.multiply_constant(spare, 0)
    ground = min((known[value] for value in step.uses), key=lambda each: each.level)
    multiplied = {value for first, second, _ in step.products for value in (first, second)}
    near = multiplied if step.products else step.uses
    lowered = {value: lower(evaluator, known[value], ground) for value in near}
    if not step.products:
        return added(
            evaluator,
            (evaluator.multiply_constant(lowered[value], int(each)) for value, each in step.terms),
        )
    products = added(
        evaluator,
        (
            weighted(evaluator, lowered[first], lowered[second], weight)
            for first, second, weight in step.products
        ),
    )
    terms = (
        evaluator.multiply_constant(
            evaluator.drop(known[value], ground.level), int(each), factor=products.factor
        )
        for value, each in step.terms
    )
    return added(evaluator, (products, *terms))


def weighted(
    evaluator: Evaluator, first: Ciphertext, second: Ciphertext, weight: int
) -> Ciphertext:
    """The product of two values and a small whole number, not relinearised."""
    product = evaluator.multiply(first, second, relinearise=False)
    return product if weight == 1 else evaluator.multiply_constant(product, weight)


def added(evaluator: Evaluator, parts: Iterable[Ciphertext]) -> Ciphertext:
    """The sum of ciphertexts."""
    return functools.reduce(evaluator.add, parts)


def lower(evaluator: Evaluator, value: Ciphertext, ground: Ciphertext) -> Ciphertext:
    """A value at another's level, and in BGV with its factor."""
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


def plan_steps(plan: Plan) -> tuple[tuple[Multiply, ...], int]:
    """The levels that a plan takes, as `chain_for` takes them, and the multiples in its result.

    A step that only adds is not rescaled: the product that uses it next divides that noise away
    too, or whatever follows the plan, where that step is its last. Raises TypeMismatch where such
    sums are multiplied or summed with one another.
    """
    depths, multiples = plan.inputs * [0], plan.inputs * [0]
    levels: dict[int, int] = {}
    for place, step in enumerate(plan.steps):
        depth = max((depths[value] for value in step.uses), default=0)
        if stacked(step, multiples):
            raise TypeMismatch(
                f"step {place} combines sums of multiples, which are not rescaled",
                hint="put a product in between",
            )
        for value in {value for first, second, _ in step.products for value in (first, second)}:
            # Its own prime divides it, either in the product or when it is brought down to it.
            levels[depths[value]] = max(levels.get(depths[value], 0), multiples[value])
        depths.append(depth + (1 if step.products else 0))
        multiples.append(0 if step.products else len(step.terms))
    return tuple(Multiply(levels.get(depth, 0)) for depth in range(max(depths))), multiples[-1]


def stacked(step: Step, multiples: Sequence[int]) -> bool:
    """Whether a step multiplies, or sums without a product, what are sums of multiples already."""
    doubled = any(multiples[first] and multiples[second] for first, second, _ in step.products)
    return doubled or any(multiples[value] for value, _ in step.terms)
