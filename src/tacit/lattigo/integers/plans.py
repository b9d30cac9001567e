"""A plan of whole numbers carried out on encrypted integers, exactly modulo t.

Every step is one sum, relinearised once and in BGV divided by a prime once. What it sums is dropped
to one level, which costs nothing, and brought to one factor by its constants (see `factors`). Where
that is not enough, for sums of products whose values have no such constants, a value from a higher
level takes on the factor by an integer of up to t/2, just before a last division, which takes the
noise of it away again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tacit.errors import DepthExceeded, TypeMismatch
from tacit.lattigo.integers.chains import Multiply
from tacit.lattigo.integers.evaluator import Evaluator
from tacit.lattigo.integers.factors import levels_of, sums_of
from tacit.lattigo.integers.lowering import evaluate_lowering, held
from tacit.lattigo.integers.objects import Ciphertext
from tacit.lattigo.integers.parameters import Scheme

if TYPE_CHECKING:
    from tacit.approx.plans import Plan, Step


def evaluate(evaluator: Evaluator, plan: Plan, inputs: Sequence[Ciphertext]) -> Ciphertext:
    """The result of a plan for encrypted inputs, which are best at one level, fresh or rescaled.

    A step is relinearised once, and in BGV rescaled once if it multiplies, which takes a level; so
    the result is `plan.depth` levels below the inputs, or fewer, where all constants are whole.
    Raises TypeMismatch where one is not, DepthExceeded where levels do not suffice.
    """
    check_inputs(plan, inputs)
    check_whole(plan)
    check_depth(evaluator, plan, inputs)
    sums = sums_of(plan, [held(each) for each in inputs], evaluator.context.parameters)
    if sums is None:
        return evaluate_lowering(evaluator, plan, inputs)
    known = dict(enumerate(inputs))
    for place, (step, total) in enumerate(zip(plan.steps, sums, strict=True)):
        used = {value: known[value] for value in step.uses or (0,)}
        known[plan.inputs + place] = evaluator.step(
            step, used, level=total.level, factor=total.factor
        )
        known = still_used(plan, known, place)
    return known[plan.inputs + len(plan.steps) - 1]


def still_used(plan: Plan, known: dict[int, Ciphertext], place: int) -> dict[int, Ciphertext]:
    """The values that are used after a step, with its own."""
    # A step of nothing is made from the first input.
    kept = {0, plan.inputs + place}
    return {
        value: each
        for value, each in known.items()
        if plan.last_uses[value] > place or value in kept
    }


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
    given = [each.level for each in inputs]
    levels = levels_of(plan, given, evaluator.context.parameters.scheme)
    if min(levels) < 0:
        raise DepthExceeded(
            f"the plan takes {min(given) - min(levels)} levels; the inputs have {min(given)}",
            hint="choose more primes, or a plan of less depth",
        )


def plan_steps(plan: Plan) -> tuple[tuple[Multiply, ...], int]:
    """The levels that a plan takes, as `chain_for` takes them, and the multiples in its result.

    A step that only adds is not rescaled. The product that uses it next divides that noise away
    too, or leaves it to the plan's last prime if the one that uses the product may; or it is left
    to whatever follows the plan, where that step is its last. Raises TypeMismatch where such sums
    are multiplied or summed with one another.
    """
    check_whole(plan)
    try:
        return noise_of(plan, leaving=True)
    except TypeMismatch:
        return noise_of(plan, leaving=False)


def noise_of(plan: Plan, *, leaving: bool) -> tuple[tuple[Multiply, ...], int]:
    """What `plan_steps` gives, if products may leave noise to those after them, or if none may."""
    levels = levels_of(plan, plan.inputs * [0], Scheme.BGV)
    uses = Counter(value for step in plan.steps for value in step.uses)
    summed = {value for step in plan.steps for value, _ in step.terms}
    multiples, primes = plan.inputs * [0], -levels[-1] * [0]
    for place, step in enumerate(plan.steps, start=plan.inputs):
        if stacked(step, multiples):
            raise TypeMismatch(
                f"step {place - plan.inputs} combines sums of multiples, which are not rescaled",
                hint="put a product in between",
            )
        if not step.products:
            multiples.append(len(step.terms))
            continue
        noise = max(multiples[value] for each in step.products for value in each[:2])
        leaves = leaving and uses[place] == 1 and place not in summed
        if not leaves:
            depth = -levels[place] - 1
            primes[depth] = max(primes[depth], noise)
        multiples.append(noise if leaves else 0)
    return tuple(map(Multiply, primes)), multiples[-1]


def stacked(step: Step, multiples: Sequence[int]) -> bool:
    """Whether a step multiplies, or sums, what are sums of multiples already."""
    doubled = any(multiples[first] and multiples[second] for first, second, _ in step.products)
    return doubled or any(multiples[value] for value, _ in step.terms)
