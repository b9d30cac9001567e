import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from tacit.approx import Polynomial
from tacit.approx.plans import Plan, Step, plan_of
from tacit.errors import EngineError
from tacit.lattigo import (
    Ciphertext,
    Context,
    Evaluator,
    LinearMap,
    Ring,
    SecretKey,
    live_handles,
)

Vector = NDArray[np.float64]
Seal = Callable[[Vector], Ciphertext]
Unseal = Callable[[Ciphertext], Vector]

SCALE = 2.0**40
# Rescaling rounds every coefficient: about N / (4 · scale) = 2.3e-10 in a slot, here with margin
# for several steps and for the widest slot.
CLOSE = 1e-7


def test_arithmetic_is_that_of_the_values(
    evaluator: Evaluator, seal: Seal, unseal: Unseal, x: Vector, y: Vector
) -> None:
    a, b = seal(x), seal(y)
    np.testing.assert_allclose(unseal(evaluator.add(a, b)), x + y, atol=CLOSE)
    np.testing.assert_allclose(unseal(evaluator.subtract(a, b)), x - y, atol=CLOSE)
    np.testing.assert_allclose(unseal(evaluator.negate(a)), -x, atol=CLOSE)
    np.testing.assert_allclose(unseal(evaluator.add_constant(a, 0.25)), x + 0.25, atol=CLOSE)
    np.testing.assert_allclose(unseal(evaluator.multiply(a, b)), x * y, atol=CLOSE)


def test_plaintexts_may_be_at_a_higher_level(
    context: Context, evaluator: Evaluator, seal: Seal, unseal: Unseal, x: Vector
) -> None:
    y = x[::-1]
    low = evaluator.drop(seal(x), 3)
    plain = context.encode(y, level=4, scale=SCALE)
    np.testing.assert_allclose(unseal(evaluator.add_plain(low, plain)), x + y, atol=CLOSE)
    np.testing.assert_allclose(unseal(evaluator.multiply_plain(low, plain)), x * y, atol=CLOSE)


def test_products_stay_of_degree_two_until_they_are_relinearised(
    evaluator: Evaluator, seal: Seal, unseal: Unseal, x: Vector, y: Vector
) -> None:
    product = evaluator.multiply(seal(x), seal(y), relinearise=False)
    linear = evaluator.relinearise(product)
    assert (product.degree, linear.degree) == (2, 1)
    np.testing.assert_allclose(unseal(product), unseal(linear), atol=CLOSE)


def test_rescaling_lowers_the_level_and_the_scale(
    context: Context, evaluator: Evaluator, seal: Seal, unseal: Unseal, x: Vector
) -> None:
    raised = evaluator.multiply_constant(seal(x), 0.5, scale=SCALE)
    rescaled = evaluator.rescale(raised)
    assert rescaled.level == raised.level - 1
    assert rescaled.scale == raised.scale / context.parameters.q[-1]
    np.testing.assert_allclose(unseal(rescaled), x / 2, atol=CLOSE)


@pytest.mark.parametrize("step", [0, 1, 3, 32, 3 - 1024, 3 + 1024])
def test_rotations_turn_left_and_wrap_around(
    context: Context, evaluator: Evaluator, seal: Seal, unseal: Unseal, step: int
) -> None:
    x = np.arange(context.slots) / context.slots
    np.testing.assert_allclose(
        unseal(evaluator.rotate(seal(x), step)), np.roll(x, -step), atol=CLOSE
    )


def test_hoisted_rotations_are_rotations(
    evaluator: Evaluator, seal: Seal, unseal: Unseal, x: Vector
) -> None:
    turned = evaluator.rotate_hoisted(seal(x), [3, 0, 16, 3])
    assert list(turned) == [3, 0, 16]
    np.testing.assert_allclose(unseal(turned[16]), np.roll(x, -16), atol=CLOSE)
    np.testing.assert_allclose(unseal(turned[0]), x, atol=CLOSE)


def test_a_rotation_sum_doubles_its_reach_with_every_step(
    evaluator: Evaluator, seal: Seal, unseal: Unseal, x: Vector
) -> None:
    wanted = sum(np.roll(x, -k) for k in range(4))
    np.testing.assert_allclose(unseal(evaluator.rotate_sum(seal(x), [1, 2])), wanted, atol=CLOSE)


giants, babies = st.sampled_from([0, 1, 16, 32]), st.sampled_from([0, 1, 2, 3, 16])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(splits=st.lists(st.tuples(giants, babies), min_size=1, max_size=12, unique_by=sum))
def test_a_linear_map_is_its_matrix(
    context: Context,
    evaluator: Evaluator,
    seal: Seal,
    unseal: Unseal,
    splits: list[tuple[int, int]],
) -> None:
    x, diagonals = sample(context, len(splits))
    offsets = {sum(split): split for split in splits}
    by_offset = dict(zip(offsets, diagonals, strict=True))
    made = context.linear_map(by_offset, level=4, scale=SCALE, split=offsets)
    result = evaluator.rescale(evaluator.linear_map(evaluator.drop(seal(x), 3), made))
    assert made.rotations == {step for split in splits for step in split} - {0}
    np.testing.assert_allclose(unseal(result), applied(by_offset, x), atol=CLOSE)


def sample(context: Context, count: int) -> tuple[Vector, Vector]:
    generator = np.random.default_rng(count)
    return (
        generator.uniform(-1, 1, context.slots),
        generator.uniform(-1, 1, (count, context.slots)),
    )


def applied(diagonals: dict[int, Vector], x: Vector) -> Vector:
    total = np.zeros(len(x))
    for offset, diagonal in diagonals.items():
        total = total + diagonal * np.roll(x, -offset)
    return total


@pytest.fixture(scope="session")
def two_maps(context: Context) -> tuple[LinearMap, LinearMap, dict[int, Vector], dict[int, Vector]]:
    _, rows = sample(context, 4)
    first, second = {0: rows[0], 17: rows[1]}, {3: rows[2], 32: rows[3]}
    top = context.max_level
    return (
        context.linear_map(first, level=top, scale=SCALE, split={0: (0, 0), 17: (16, 1)}),
        context.linear_map(second, level=top, scale=SCALE, split={3: (0, 3), 32: (32, 0)}),
        first,
        second,
    )


def test_linear_maps_of_several_ciphertexts_are_summed(
    evaluator: Evaluator,
    seal: Seal,
    unseal: Unseal,
    two_maps: tuple[LinearMap, LinearMap, dict[int, Vector], dict[int, Vector]],
    x: Vector,
) -> None:
    one, two, first, second = two_maps
    y = x[::-1]
    result = evaluator.rescale(evaluator.linear_maps([seal(x), seal(y)], [one, two]))
    np.testing.assert_allclose(unseal(result), applied(first, x) + applied(second, y), atol=CLOSE)


def test_a_layer_gives_one_ciphertext_for_every_row(
    evaluator: Evaluator,
    seal: Seal,
    unseal: Unseal,
    two_maps: tuple[LinearMap, LinearMap, dict[int, Vector], dict[int, Vector]],
    x: Vector,
) -> None:
    one, two, first, second = two_maps
    y = x[::-1]
    made = evaluator.linear_layer([seal(x), seal(y)], [[one, None], [two, one]])
    upper, lower = (unseal(evaluator.rescale(row)) for row in made)
    np.testing.assert_allclose(upper, applied(first, x), atol=CLOSE)
    np.testing.assert_allclose(lower, applied(second, x) + applied(first, y), atol=CLOSE)


@pytest.mark.parametrize("parity", [None, 0, 1], ids=["any", "odd", "even"])
@pytest.mark.parametrize("degree", [1, 2, 3, 5, 8, 15, 16, 27, 31])
def test_polynomials_take_the_least_depth_and_give_the_exact_scale(
    evaluator: Evaluator, seal: Seal, unseal: Unseal, degree: int, parity: int | None
) -> None:
    coefficients = np.random.default_rng(degree).uniform(0.1, 1, degree + 1)
    coefficients[slice(parity, None, 2) if parity is not None else slice(0, 0)] = 0
    coefficients[degree] = 1
    x = np.linspace(-1, 1, 512)
    plan = plan_of(Polynomial(tuple(coefficients.tolist())))
    made = evaluator.evaluate(plan, [seal(x)], target_scale=2.0**39)
    # T_n has slope n² at the ends, by which it magnifies the noise of its argument.
    allowed = CLOSE * (1 + degree**2)
    assert made.level == evaluator.context.max_level - degree.bit_length()
    assert made.scale == 2.0**39
    np.testing.assert_allclose(unseal(made)[:512], chebyshev.chebval(x, coefficients), atol=allowed)


SQUARE = Step(products=((0, 0, 1),))

numbers = st.floats(-2, 2, allow_subnormal=False)
values = st.integers(0, 1)
weighted = st.tuples(values, values, st.integers(-4, 4).filter(bool))
# One term is always there: a step of a constant alone is refused.
sums = st.builds(
    lambda products, terms, constant: Step(tuple(products), ((0, 0.5), *terms), constant),
    st.lists(weighted, max_size=4),
    st.lists(st.tuples(values, numbers), max_size=4),
    numbers,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(step=sums)
def test_a_step_is_its_sum_in_the_clear(
    evaluator: Evaluator, seal: Seal, unseal: Unseal, step: Step
) -> None:
    x, (y, *_) = sample(evaluator.context, 1)
    scale = SCALE**2 / evaluator.context.parameters.q[4]
    made = evaluator.step(step, {0: seal(x), 1: seal(y)}, level=3, scale=scale)
    assert (made.level, made.degree, made.scale) == (3, 1, scale)
    # Four products and four terms, of which each magnifies the noise of its values at most by 8.
    np.testing.assert_allclose(unseal(made), Plan((step,), inputs=2)(x, y), atol=64 * CLOSE)


def test_a_step_that_only_adds_takes_no_level(
    evaluator: Evaluator, seal: Seal, unseal: Unseal, x: Vector, y: Vector
) -> None:
    step = Step(terms=((0, 2), (1, -3)), constant=0.5)
    made = evaluator.step(step, {0: seal(x), 1: seal(y)}, level=5, scale=SCALE)
    assert (made.level, made.scale) == (5, SCALE)
    np.testing.assert_allclose(unseal(made), 2 * x - 3 * y + 0.5, atol=10 * CLOSE)


@pytest.mark.parametrize("constant", [0.0, -1.25, 3])
def test_a_plan_of_nothing_but_a_constant_is_it(
    evaluator: Evaluator, seal: Seal, unseal: Unseal, x: Vector, constant: float
) -> None:
    made = evaluator.evaluate(Plan((Step(constant=constant),)), [seal(x)], target_scale=2.0**39)
    assert (made.level, made.scale) == (5, 2.0**39)
    np.testing.assert_allclose(unseal(made), constant, atol=CLOSE)


def test_a_plan_of_two_inputs_starts_at_the_lower_one(
    evaluator: Evaluator, seal: Seal, unseal: Unseal, x: Vector, y: Vector
) -> None:
    plan = Plan((Step(products=((0, 1, 1),)), Step(terms=((2, 0.5),), constant=0.25)), inputs=2)
    made = evaluator.evaluate(plan, [seal(x), evaluator.drop(seal(y), 4)], target_scale=SCALE)
    assert (made.level, made.scale) == (2, SCALE)
    np.testing.assert_allclose(unseal(made), x * y / 2 + 0.25, atol=CLOSE)


def test_a_plan_keeps_nothing_but_its_result(evaluator: Evaluator, seal: Seal, x: Vector) -> None:
    sealed = seal(x)
    gc.collect()
    before = live_handles()
    made = evaluator.evaluate(plan_of(Polynomial((1.0,) * 16)), [sealed], target_scale=SCALE)
    assert (made.degree, live_handles()) == (1, before + 1)


def test_scales_that_differ_are_refused(evaluator: Evaluator, seal: Seal, x: Vector) -> None:
    raised = evaluator.multiply_constant(seal(x), 1, scale=1.001 * 2**20)
    other = evaluator.multiply_constant(seal(x), 1, scale=2**20)
    with pytest.raises(EngineError, match=r"scales .* differ") as refusal:
        evaluator.add(raised, other)
    assert refusal.value.hint is not None


def test_levels_that_differ_are_refused(evaluator: Evaluator, seal: Seal, x: Vector) -> None:
    with pytest.raises(EngineError, match="levels 5 and 4 differ"):
        evaluator.add(seal(x), evaluator.drop(seal(x), 4))


def test_nothing_is_multiplied_or_rescaled_at_level_zero(
    evaluator: Evaluator, seal: Seal, x: Vector
) -> None:
    bottom = evaluator.drop(seal(x), 0)
    with pytest.raises(EngineError, match="does not fit in the modulus of level 0"):
        evaluator.multiply(bottom, bottom)
    with pytest.raises(EngineError, match="level 0 cannot be rescaled"):
        evaluator.rescale(bottom)


def test_a_missing_key_is_named(evaluator: Evaluator, seal: Seal, x: Vector) -> None:
    with pytest.raises(EngineError, match="no key for the rotation by 7"):
        evaluator.rotate(seal(x), 7)


def test_a_key_below_the_ciphertext_is_named(evaluator: Evaluator, seal: Seal, x: Vector) -> None:
    with pytest.raises(EngineError, match=r"rotation by 64 reaches level 2.* level 5"):
        evaluator.rotate(seal(x), 64)


def test_a_plan_too_deep_says_how_deep(evaluator: Evaluator, seal: Seal, x: Vector) -> None:
    plan = plan_of(Polynomial((1.0,) * 5))
    with pytest.raises(EngineError, match="needs 3 levels; the ciphertext has 2"):
        evaluator.evaluate(plan, [evaluator.drop(seal(x), 2)], target_scale=SCALE)


def test_a_plan_wants_as_many_ciphertexts_as_it_has_inputs(evaluator: Evaluator) -> None:
    with pytest.raises(EngineError, match="0 ciphertexts were given; the plan takes 1"):
        evaluator.evaluate(plan_of(Polynomial((0.0, 0.5))), [], target_scale=SCALE)


def test_a_step_refuses_scales_that_do_not_fit_and_names_the_product(
    evaluator: Evaluator, seal: Seal, x: Vector
) -> None:
    with pytest.raises(EngineError, match=r"product 0: the scales .* differ") as refusal:
        evaluator.step(SQUARE, {0: seal(x)}, level=3, scale=1.01 * SCALE)
    assert refusal.value.hint is not None


def test_a_step_with_products_names_a_missing_key(
    context: Context, secret: SecretKey, seal: Seal, x: Vector
) -> None:
    keys = context.evaluation_keys(secret, relinearisation_level=None, rotations={})
    scale = SCALE**2 / context.parameters.q[4]
    with pytest.raises(EngineError, match="no relinearisation key"):
        Evaluator(context, keys).step(SQUARE, {0: seal(x)}, level=3, scale=scale)


@pytest.mark.parametrize(
    "step",
    [
        Step(terms=((0, 10**400),)),
        Step(products=((0, 0, 2**63),)),
        Step(terms=((0, 0.5),), constant=-(10**400)),
    ],
)
def test_a_step_refuses_numbers_beyond_a_word(
    evaluator: Evaluator, seal: Seal, x: Vector, step: Step
) -> None:
    with pytest.raises(EngineError, match="was given"):
        evaluator.step(step, {0: seal(x)}, level=3, scale=SCALE)


def test_rotations_by_parts_of_a_slot_are_refused(
    evaluator: Evaluator, seal: Seal, x: Vector
) -> None:
    half: Any = 1.5
    with pytest.raises(EngineError, match=r"1\.5 was given where an integer is wanted"):
        evaluator.rotate(seal(x), half)
    with pytest.raises(EngineError, match=r"1\.5 was given where an integer is wanted"):
        evaluator.rotate_sum(seal(x), [1, half])


def test_objects_of_another_context_are_refused(
    context: Context, evaluator: Evaluator, secret: SecretKey, seal: Seal, x: Vector
) -> None:
    stranger = Context(context.parameters)
    plaintext = stranger.encode(x, level=1, scale=SCALE)
    with pytest.raises(EngineError, match="another context"):
        stranger.encrypt(plaintext, secret)
    with pytest.raises(EngineError, match="another context"):
        evaluator.add_plain(seal(x), plaintext)


def test_rows_of_the_wrong_length_are_refused(evaluator: Evaluator, seal: Seal, x: Vector) -> None:
    with pytest.raises(EngineError, match="0 maps for 1 ciphertexts"):
        evaluator.linear_layer([seal(x)], [[]])
    with pytest.raises(EngineError, match="needs an input"):
        evaluator.linear_layer([], [])


def test_rings_have_their_slots(context: Context) -> None:
    conjugate = context.parameters.ring is Ring.CONJUGATE_INVARIANT
    assert context.slots == (1024 if conjugate else 512)
