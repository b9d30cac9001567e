import functools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.errors import DepthExceeded, EngineError
from tacit.lattigo.integers import (
    PLAINTEXT_MODULUS,
    Context,
    Evaluator,
    each_depth,
    each_steps,
    encode_tables,
    evaluate_each,
    evaluate_tables,
    parameters_for,
    secure_chain,
)
from tests.lattigo.integers.scene import Scene, Vector, centred

T = PLAINTEXT_MODULUS
shared = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def horner(coefficients: Vector, x: Vector, modulus: int = T) -> Vector:
    """Every slot's polynomial modulo t."""
    start = np.zeros_like(x)
    return functools.reduce(
        lambda total, row: (total * x + row) % modulus, coefficients[::-1], start
    )


def random_tables(terms: int, slots: int, seed: int) -> Vector:
    return np.random.default_rng(seed).integers(-(2**40), 2**40, (terms, slots))


# The scene has four levels.
@shared
@given(terms=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_every_slot_has_a_polynomial_of_its_own(scene: Scene, terms: int, seed: int) -> None:
    x, coefficients = scene.sample(seed)[0], random_tables(terms, scene.context.slots, seed)
    result = evaluate_each(scene.evaluator, coefficients, scene.seal(x))
    assert result.level == scene.top - (each_depth(terms) if scene.divides else 0)
    np.testing.assert_array_equal(scene.unseal(result), centred(horner(coefficients, x)))


def test_tables_are_encoded_once_for_inputs_of_any_level_and_factor(scene: Scene) -> None:
    x, coefficients = scene.sample(3)[0], random_tables(3, scene.context.slots, 3)
    tables = encode_tables(scene.context, coefficients, level=scene.top)
    below = scene.evaluator.drop(scene.seal(x), scene.top - 1)
    other = scene.evaluator.multiply_constant(below, 1, factor=777)
    results = [evaluate_tables(scene.evaluator, tables, each) for each in (below, other)]
    wanted = centred(horner(coefficients, x))
    np.testing.assert_array_equal(scene.unseal(results[0]), wanted)
    np.testing.assert_array_equal(scene.unseal(results[1]), wanted)


@given(terms=st.integers(2, 2**12))
def test_the_depth_is_that_of_products_and_one_of_plaintexts(terms: int) -> None:
    least = math.ceil(math.log2(terms))
    assert least <= each_depth(terms) <= least + 1
    assert len(each_steps(terms)) == each_depth(terms)


# Each of these is another shape: a constant, one inner sum, two, an odd one, four, and more.
@pytest.mark.parametrize("terms", [1, 2, 3, 5, 9, 16])
def test_the_steps_that_a_table_states_are_enough_and_not_too_many(terms: int) -> None:
    parameters = secure_chain(each_steps(terms), last=None, plaintext_modulus_bits=16)
    context = Context(parameters)
    secret, top = context.secret_key(), context.max_level
    keys = context.evaluation_keys(secret, relinearisation_level=top, rotations={})
    x = np.random.default_rng(terms).integers(0, T, context.slots)
    coefficients = random_tables(terms, context.slots, terms)
    sealed = context.encrypt(context.encode(x, level=top), secret)
    result = evaluate_each(Evaluator(context, keys), coefficients, sealed)
    assert top == each_depth(terms)
    assert result.level == 0
    np.testing.assert_array_equal(context.decrypt(result, secret), centred(horner(coefficients, x)))
    assert context.noise_budget(result, secret) < 12


def test_too_few_levels_are_refused() -> None:
    context = Context(parameters_for(2, log_n=11))
    secret = context.secret_key()
    keys = context.evaluation_keys(secret, relinearisation_level=2, rotations={})
    evaluator, coefficients = Evaluator(context, keys), random_tables(5, context.slots, 1)
    sealed = context.encrypt(context.encode([3], level=2), secret)
    tables = encode_tables(context, coefficients[:3], level=2)
    with pytest.raises(DepthExceeded, match="5 terms takes 4 levels; there are 2"):
        evaluate_each(evaluator, coefficients, sealed)
    with pytest.raises(DepthExceeded, match="3 terms takes 2 levels; there are 1"):
        evaluate_tables(evaluator, tables, evaluator.drop(sealed, 1))


def test_a_ciphertext_above_its_tables_is_refused(scene: Scene, x: Vector) -> None:
    tables = encode_tables(
        scene.context, random_tables(1, scene.context.slots, 1), level=scene.top - 1
    )
    with pytest.raises(EngineError, match="tables are encoded for level") as refusal:
        evaluate_tables(scene.evaluator, tables, scene.seal(x))
    assert refusal.value.hint is not None


@pytest.mark.parametrize("shape", [(2048,), (2, 2047), (0, 2048), (2, 1, 2048)])
def test_coefficients_of_another_shape_are_refused(
    scene: Scene, x: Vector, shape: tuple[int, ...]
) -> None:
    with pytest.raises(EngineError, match="terms"):
        evaluate_each(scene.evaluator, np.zeros(shape, dtype=np.int64), scene.seal(x))
