import functools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.approx.fixed import interpolate, plan_modulo
from tacit.approx.plans import Plan, Step
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.lattigo import live_handles, security
from tacit.lattigo.integers import (
    PLAINTEXT_MODULUS,
    Context,
    Evaluator,
    MapSlots,
    Multiply,
    Scheme,
    evaluate,
    parameters_for,
    plan_steps,
    secure_chain,
)
from tests.lattigo.integers.scene import Scene, Vector, centred

T = PLAINTEXT_MODULUS
shared = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
coefficients = st.lists(st.integers(-(T // 2), T // 2), min_size=16, max_size=16)


def by_powers(coefficients: list[int]) -> Plan:
    """All powers, each from two halves, and one sum of multiples: value k - 1 is the k-th power."""
    powers = [
        Step(products=(((power + 1) // 2 - 1, power // 2 - 1, 1),))
        for power in range(2, len(coefficients))
    ]
    terms = tuple((k, each) for k, each in enumerate(coefficients[1:]))
    return Plan((*powers, Step(terms=terms, constant=coefficients[0])))


def by_giants(c: list[int]) -> Plan:
    """Degree 15 as Paterson and Stockmeyer (1973) do: leaves of degree 3, and x⁴ and x⁸.

    Values: 0 x, 1 x², 2 x³, 3 x⁴, 4 x⁸, 5 to 7 leaves, 8 the upper half, 9 all.
    """

    def leaf(start: int) -> Step:
        terms = tuple((k, c[start + 1 + k]) for k in range(3))
        return Step(terms=terms, constant=c[start])

    return Plan(
        (
            Step(products=((0, 0, 1),)),
            Step(products=((0, 1, 1),)),
            Step(products=((1, 1, 1),)),
            Step(products=((3, 3, 1),)),
            leaf(4),
            leaf(8),
            leaf(12),
            Step(products=((7, 3, 1),), terms=((6, 1),)),
            Step(
                products=((8, 4, 1), (5, 3, 1)),
                terms=tuple((k, c[1 + k]) for k in range(3)),
                constant=c[0],
            ),
        )
    )


def horner(coefficients: list[int], x: Vector) -> Vector:
    """The polynomial's values modulo t, in Python's integers."""
    exact = [
        functools.reduce(lambda sofar, each: sofar * value + each, reversed(coefficients)) % T
        for value in x.tolist()
    ]
    return np.array(exact, dtype=np.int64)


@pytest.mark.parametrize("degree", [7, 8, 11, 15])
@shared
@given(coefficients=coefficients)
def test_a_polynomial_by_powers_is_exact(
    scene: Scene, degree: int, coefficients: list[int]
) -> None:
    chosen, x = coefficients[: degree + 1], scene.sample(degree)[0]
    result = evaluate(scene.evaluator, by_powers(chosen), [scene.seal(x)])
    np.testing.assert_array_equal(scene.unseal(result), centred(horner(chosen, x)))


@shared
@given(coefficients=coefficients)
def test_a_polynomial_by_giant_steps_is_exact(scene: Scene, coefficients: list[int]) -> None:
    x = scene.sample(6)[0]
    result = evaluate(scene.evaluator, by_giants(coefficients), [scene.seal(x)])
    np.testing.assert_array_equal(scene.unseal(result), centred(horner(coefficients, x)))


@shared
@given(table=st.lists(st.integers(-(T // 2), T // 2), min_size=16, max_size=16))
def test_a_table_of_sixteen_entries_is_looked_up_in_every_slot(
    scene: Scene, table: list[int]
) -> None:
    x = scene.sample(8)[0] % 16
    result = evaluate(scene.evaluator, interpolate(table, T).plan, [scene.seal(x)])
    np.testing.assert_array_equal(scene.unseal(result), np.array(table)[x])


def test_constants_of_any_size_count_modulo_t(scene: Scene, x: Vector, y: Vector) -> None:
    large = 10**400 + 7
    plan = Plan(
        (Step(products=((0, 1, 3),), terms=((1, large),), constant=-large), Step(terms=((2, 2),))),
        inputs=2,
    )
    result = evaluate(scene.evaluator, plan, [scene.seal(x), scene.seal(y)])
    np.testing.assert_array_equal(
        scene.unseal(result), centred(plan_modulo(plan, [x, y], T).astype(np.int64))
    )


@pytest.mark.parametrize("scheme", list(Scheme))
def test_a_polynomial_is_exact_at_128_bits(scheme: Scheme) -> None:
    parameters = parameters_for(3, log_n=13, scheme=scheme)
    security.check(128, 13, parameters.q, parameters.p)
    context = Context(parameters)
    secret, top = context.secret_key(), context.max_level
    keys = context.evaluation_keys(secret, relinearisation_level=top, rotations={})
    generator = np.random.default_rng(7)
    x = generator.integers(-32768, 32769, context.slots)
    chosen: list[int] = generator.integers(-32768, 32769, 8).tolist()
    sealed = context.encrypt(context.encode(x, level=top), secret)
    result = evaluate(Evaluator(context, keys), by_powers(chosen), [sealed])
    np.testing.assert_array_equal(context.decrypt(result, secret), centred(horner(chosen, x)))


def test_a_plan_of_several_inputs_and_weights_is_exact(scene: Scene, x: Vector, y: Vector) -> None:
    plan = Plan(
        (
            Step(products=((0, 1, 2), (0, 0, -3)), terms=((1, 5),), constant=-7),
            Step(products=((2, 0, 1),), terms=((2, 1.0), (1, 0))),
        ),
        inputs=2,
    )
    inner = (2 * x * y - 3 * x * x + 5 * y - 7) % T
    result = evaluate(scene.evaluator, plan, [scene.seal(x), scene.seal(y)])
    np.testing.assert_array_equal(scene.unseal(result), centred(inner * x + inner))


def test_inputs_of_different_levels_and_factors_are_exact(
    scene: Scene, x: Vector, y: Vector
) -> None:
    plan = Plan((Step(products=((0, 1, 1),), terms=((0, 3), (1, 4)), constant=5),), inputs=2)
    low = scene.evaluator.rescale(scene.seal(y))
    result = evaluate(scene.evaluator, plan, [scene.seal(x), low])
    np.testing.assert_array_equal(scene.unseal(result), centred(x * y + 3 * x + 4 * y + 5))


def test_a_plan_that_uses_nothing_is_its_constant(scene: Scene, x: Vector) -> None:
    result = evaluate(scene.evaluator, Plan((Step(constant=-3),)), [scene.seal(x)])
    assert (scene.unseal(result) == -3).all()


def test_bgv_takes_a_level_for_every_step_that_multiplies_and_bfv_none(
    scene: Scene, x: Vector
) -> None:
    plan = by_giants(list(range(1, 17)))
    result = evaluate(scene.evaluator, plan, [scene.seal(x)])
    assert result.level == scene.top - (plan.depth if scene.divides else 0)
    assert plan.depth == 4


def test_values_are_let_go_after_their_last_use(scene: Scene, x: Vector) -> None:
    sealed = scene.seal(x)
    before = live_handles()
    result = evaluate(scene.evaluator, by_giants(list(range(1, 17))), [sealed])
    assert live_handles() == before + 1
    assert result.degree == 1


@pytest.mark.parametrize(
    "step",
    [
        Step(terms=((0, 0.5),)),
        Step(products=((0, 0, 1),), constant=float("nan")),
        Step(products=((0, 0, 1),), terms=((0, float("inf")),)),
        Step(terms=((0, 1.0),), constant=1e-9),
    ],
)
def test_what_is_not_whole_is_refused(scene: Scene, x: Vector, step: Step) -> None:
    with pytest.raises(TypeMismatch, match=r"step 0 has the constant .* not a whole number"):
        evaluate(scene.evaluator, Plan((step,)), [scene.seal(x)])


def test_another_number_of_inputs_is_refused(scene: Scene, x: Vector) -> None:
    with pytest.raises(TypeMismatch, match="2 inputs were given for 1"):
        evaluate(scene.evaluator, Plan((Step(terms=((0, 2),)),)), [scene.seal(x), scene.seal(x)])


def test_a_plan_too_deep_is_refused_before_any_work() -> None:
    context = Context(parameters_for(2, log_n=11))
    secret = context.secret_key()
    keys = context.evaluation_keys(secret, relinearisation_level=None, rotations={})
    sealed = context.encrypt(context.encode([3], level=2), secret)
    with pytest.raises(DepthExceeded, match="takes 4 levels; the inputs have 2"):
        evaluate(Evaluator(context, keys), by_powers(list(range(16))), [sealed])


# Tables of these sizes end in a product, in a sum of multiples, have more than one join, and sum a
# product with powers that are as deep.
@pytest.mark.parametrize("size", [4, 8, 16, 17])
def test_the_steps_that_a_plan_states_are_enough_twice_in_a_row(size: int) -> None:
    generator = np.random.default_rng(size)
    tables: list[list[int]] = generator.integers(0, T, (2, size)).tolist()
    steps, left = plan_steps(interpolate(tables[0], T).plan)
    last = MapSlots(1, multiples=left)
    context = Context(secure_chain([*steps, last, *steps], last=last, plaintext_modulus_bits=16))
    secret, top = context.secret_key(), context.max_level
    keys = context.evaluation_keys(secret, relinearisation_level=top, rotations={})
    evaluator = Evaluator(context, keys)
    x, diagonal = generator.integers(0, T, (2, context.slots))
    made = context.linear_map({0: diagonal}, level=top, split={0: (0, 0)})
    first, second = (interpolate(table, T).plan for table in tables)
    sealed = context.encrypt(context.encode(x, level=top), secret)
    (middle,) = evaluator.linear_layer([evaluate(evaluator, first, [sealed])], [[made]])
    looked = evaluate(evaluator, second, [evaluator.rescale(middle)])
    (result,) = evaluator.linear_layer([looked], [[made]])
    inner = plan_modulo(first, [x], T) * diagonal % T
    wanted = plan_modulo(second, [inner], T) * diagonal % T
    assert result.level == top - 2 * len(steps) - 1
    np.testing.assert_array_equal(context.decrypt(result, secret) % T, wanted)
    assert context.noise_budget(result, secret) < 12


def test_a_plan_that_multiplies_sums_of_multiples_is_refused() -> None:
    total = Step(terms=((0, 3),))
    for_product = Plan((total, Step(products=((1, 1, 1),))))
    for_sum = Plan((total, Step(terms=((1, 3),))))
    with pytest.raises(TypeMismatch, match="step 1 combines sums of multiples"):
        plan_steps(for_product)
    with pytest.raises(TypeMismatch, match="step 1 combines sums of multiples"):
        plan_steps(for_sum)


def test_a_product_takes_the_multiples_of_its_factors() -> None:
    plan = Plan((Step(products=((0, 0, 1),)), Step(terms=((1, 3), (0, 2))), Step(((2, 1, 1),))))
    assert plan_steps(plan) == ((Multiply(), Multiply(multiples=2)), 0)
    assert plan_steps(Plan(plan.steps[:2])) == ((Multiply(),), 2)


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "special"), [(Scheme.BGV, 2), (Scheme.BFV, 2)])
def test_a_table_of_256_entries_is_looked_up_at_128_bits(scheme: Scheme, special: int) -> None:
    parameters = parameters_for(8, log_n=14, scheme=scheme, special_primes=special)
    security.check(128, 14, parameters.q, parameters.p)
    context = Context(parameters)
    secret, top = context.secret_key(), context.max_level
    keys = context.evaluation_keys(secret, relinearisation_level=top, rotations={})
    generator = np.random.default_rng(9)
    table, x = generator.integers(-32768, 32769, 256), generator.integers(0, 256, context.slots)
    sealed = context.encrypt(context.encode(x, level=top), secret)
    plan = interpolate(table.tolist(), T).plan
    result = evaluate(Evaluator(context, keys), plan, [sealed])
    np.testing.assert_array_equal(context.decrypt(result, secret), table[x])


def test_noise_of_multiples_is_left_to_the_last_prime_or_divided_before_it_is_summed() -> None:
    late, early = (interpolate([pow(3, i, T) for i in range(size)], T).plan for size in (64, 65))
    assert [each.multiples > 0 for each in plan_steps(late)[0]] == [*5 * [False], True]
    assert sum(each.multiples > 0 for each in plan_steps(early)[0]) == 2
