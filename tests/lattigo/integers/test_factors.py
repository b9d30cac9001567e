import numpy as np
import pytest

from tacit.approx.fixed import interpolate, plan_modulo
from tacit.approx.plans import Plan, Step
from tacit.errors import EngineError
from tacit.lattigo.integers import PLAINTEXT_MODULUS, Scheme, evaluate, parameters_for
from tacit.lattigo.integers.factors import Held, levels_of, sums_of
from tests.lattigo.integers.scene import Scene, Vector, centred

T = PLAINTEXT_MODULUS
SQUARE, CUBE = Step(products=((0, 0, 1),)), Step(products=((1, 0, 1),))


def test_values_are_made_as_low_as_their_uses_allow() -> None:
    late = Plan((SQUARE, Step(products=((1, 1, 1),)), SQUARE, Step(products=((2, 3, 1),))))
    assert levels_of(late, [5], Scheme.BGV) == [5, 4, 3, 3, 2]
    assert levels_of(late, [5], Scheme.BFV) == [5, 5, 5, 5, 5]


@pytest.mark.parametrize("size", [16, 33, 64, 256])
@pytest.mark.parametrize("scheme", list(Scheme))
def test_baby_and_giant_steps_need_no_lowering(size: int, scheme: Scheme) -> None:
    plan = interpolate([pow(3, i, T) for i in range(size)], T).plan
    parameters = parameters_for(plan.depth, log_n=13, scheme=scheme)
    given = [Held(parameters.max_level, 1)]
    assert sums_of(plan, given, parameters) is not None


def test_sums_of_products_without_constants_are_matched_by_lowering(
    scene: Scene, x: Vector
) -> None:
    plan = Plan((SQUARE, CUBE, Step(products=((1, 1, 1), (2, 0, -2)), terms=((0, 3),), constant=1)))
    given = [Held(scene.top, 1)]
    found = sums_of(plan, given, scene.context.parameters)
    assert (found is None) == scene.divides
    result = evaluate(scene.evaluator, plan, [scene.seal(x)])
    wanted = plan_modulo(plan, [x], T).astype(np.int64)
    np.testing.assert_array_equal(scene.unseal(result), centred(wanted))


def test_a_step_brings_all_that_it_sums_to_its_level_and_factor(
    scene: Scene, x: Vector, y: Vector
) -> None:
    evaluator, level = scene.evaluator, scene.top
    first, second = scene.seal(x), evaluator.multiply_constant(scene.seal(y), 1, factor=99)
    step = Step(products=((4, 7, 2), (4, 4, 1)), terms=((7, -5),), constant=10**30)
    made = evaluator.step(step, {4: first, 7: second}, level=level, factor=3)
    total = Step(terms=((4, -1), (7, 2)))
    added = evaluator.step(total, {4: first, 7: second}, level=0, factor=3)
    wanted = 2 * x * y + x * x - 5 * y + 10**30 % T
    np.testing.assert_array_equal(scene.unseal(made), centred(wanted))
    np.testing.assert_array_equal(scene.unseal(added), centred(2 * y - x))
    assert (made.level, added.level, added.factor) == (level - scene.divides, 0, 3)


def test_a_step_at_a_level_that_a_value_lacks_is_refused(scene: Scene, x: Vector) -> None:
    low = scene.evaluator.drop(scene.seal(x), 0)
    with pytest.raises(EngineError, match="value 0: a ciphertext at level 0"):
        scene.evaluator.step(Step(terms=((0, 1),)), {0: low}, level=1, factor=1)
    with pytest.raises(EngineError, match="a step of no values"):
        scene.evaluator.step(Step(constant=1), {}, level=0, factor=1)
