from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.errors import EngineError
from tacit.lattigo.integers import (
    PLAINTEXT_MODULUS,
    Ciphertext,
    Context,
    Evaluator,
    Parameters,
    Plaintext,
)
from tests.lattigo.integers.scene import Scene, Vector, centred

T = PLAINTEXT_MODULUS
shared = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32)
# Constants may be of any size; the corners of the range are where a sign slips.
constants = st.one_of(
    st.sampled_from([0, 1, -1, T // 2, -(T // 2), T // 2 + 1, T, -T]), st.integers(-(2**90), 2**90)
)


class Sealed(NamedTuple):
    """What a verb may work on."""

    a: Ciphertext
    b: Ciphertext
    plain: Plaintext
    k: int


class Clear(NamedTuple):
    """The same in the clear, all of it modulo t."""

    x: Vector
    y: Vector
    k: int


# Every verb, and what it means.
VERBS: dict[str, tuple[Callable[[Evaluator, Sealed], Ciphertext], Callable[[Clear], Vector]]] = {
    "add": (lambda e, s: e.add(s.a, s.b), lambda c: c.x + c.y),
    "subtract": (lambda e, s: e.subtract(s.a, s.b), lambda c: c.x - c.y),
    "negate": (lambda e, s: e.negate(s.a), lambda c: -c.x),
    "add_plain": (lambda e, s: e.add_plain(s.a, s.plain), lambda c: c.x + c.y),
    "add_constant": (lambda e, s: e.add_constant(s.a, s.k), lambda c: c.x + c.k),
    "multiply": (lambda e, s: e.multiply(s.a, s.b), lambda c: c.x * c.y),
    "square": (lambda e, s: e.multiply(s.a, s.a), lambda c: c.x * c.x),
    "lazy": (lambda e, s: e.multiply(s.a, s.b, relinearise=False), lambda c: c.x * c.y),
    "multiply_plain": (lambda e, s: e.multiply_plain(s.a, s.plain), lambda c: c.x * c.y),
    "multiply_constant": (lambda e, s: e.multiply_constant(s.a, s.k), lambda c: c.x * c.k),
    "factor": (lambda e, s: e.multiply_constant(s.a, s.k, factor=12345), lambda c: c.x * c.k),
    "rescale": (lambda e, s: e.rescale(s.a), lambda c: c.x),
    "rescaled_product": (lambda e, s: e.rescale(e.multiply(s.a, s.b)), lambda c: c.x * c.y),
    "drop": (lambda e, s: e.drop(s.a, 0), lambda c: c.x),
}


@pytest.mark.parametrize("verb", VERBS)
@shared
@given(seed=seeds, constant=constants)
def test_every_verb_is_exact_on_every_slot(
    scene: Scene, verb: str, seed: int, constant: int
) -> None:
    operate, meaning = VERBS[verb]
    x, y = scene.sample(seed)
    plain = scene.context.encode(y, level=scene.top)
    result = operate(scene.evaluator, Sealed(scene.seal(x), scene.seal(y), plain, constant))
    np.testing.assert_array_equal(scene.unseal(result), centred(meaning(Clear(x, y, constant % T))))


@pytest.mark.parametrize("verb", VERBS)
@shared
@given(seed=seeds, constant=constants)
def test_every_verb_is_exact_on_what_has_another_factor(
    scene: Scene, verb: str, seed: int, constant: int
) -> None:
    operate, meaning = VERBS[verb]
    x, y = scene.sample(seed)
    product = scene.evaluator.rescale(scene.evaluator.multiply(scene.seal(x), scene.seal(y)))
    other = scene.evaluator.drop(scene.seal(y), product.level)
    plain = scene.context.encode(y, level=scene.top)
    result = operate(scene.evaluator, Sealed(product, other, plain, constant))
    wanted = centred(meaning(Clear(centred(x * y), y, constant % T)))
    np.testing.assert_array_equal(scene.unseal(result), wanted)


@shared
@given(first=st.integers(1, T - 1), second=st.integers(1, T - 1))
def test_sums_of_different_factors_are_exact_and_cost_half_of_the_bits_of_the_modulus(
    scene: Scene, first: int, second: int
) -> None:
    x, y = scene.sample(first)
    left = scene.evaluator.multiply_constant(scene.seal(x), 1, factor=first)
    right = scene.evaluator.multiply_constant(scene.seal(y), 1, factor=second)
    total = scene.evaluator.add(left, right)
    before = min(scene.budget(left), scene.budget(right))
    assert (left.factor, right.factor) == (first, second)
    np.testing.assert_array_equal(scene.unseal(total), centred(x + y))
    # The smaller sum of such a pair is at most 2·sqrt(t), which is 9 bits (Thue's lemma).
    assert scene.budget(total) > before - 9 - 1


@pytest.mark.parametrize("step", [0, 1, 3, -1023, 1025])
def test_rotations_turn_both_rows_to_the_left(scene: Scene, x: Vector, step: int) -> None:
    turned = scene.unseal(scene.evaluator.rotate(scene.seal(x), step))
    np.testing.assert_array_equal(turned, np.roll(x.reshape(2, -1), -step, axis=1).ravel())


def test_hoisted_rotations_are_rotations(scene: Scene, x: Vector) -> None:
    turned = scene.evaluator.rotate_hoisted(scene.seal(x), [3, 0, 3])
    wanted = np.roll(x.reshape(2, -1), -3, axis=1).ravel()
    assert list(turned) == [3, 0]
    np.testing.assert_array_equal(scene.unseal(turned[0]), x)
    np.testing.assert_array_equal(scene.unseal(turned[3]), wanted)


def test_products_stay_of_degree_two_until_they_are_relinearised(
    scene: Scene, x: Vector, y: Vector
) -> None:
    product = scene.evaluator.multiply(scene.seal(x), scene.seal(y), relinearise=False)
    linear = scene.evaluator.relinearise(product)
    assert (product.degree, linear.degree) == (2, 1)
    np.testing.assert_array_equal(scene.unseal(product), scene.unseal(linear))


def test_rescaling_divides_the_factor_by_the_prime(scene: Scene, x: Vector) -> None:
    rescaled = scene.evaluator.rescale(scene.seal(x))
    assert rescaled.level == scene.top - 1
    assert rescaled.factor * scene.context.parameters.q[-1] % T == 1


def test_levels_that_differ_are_refused(scene: Scene, x: Vector) -> None:
    high, low = scene.seal(x), scene.seal(x, level=0)
    with pytest.raises(EngineError, match=f"levels {scene.top} and 0 differ"):
        scene.evaluator.add(high, low)
    with pytest.raises(EngineError, match=f"levels {scene.top} and 0 differ"):
        scene.evaluator.multiply(high, low)
    with pytest.raises(EngineError, match="level 0 cannot be rescaled"):
        scene.evaluator.rescale(low)


@pytest.mark.parametrize("factor", [0, T])
def test_a_factor_that_is_none_is_refused(scene: Scene, x: Vector, factor: int) -> None:
    with pytest.raises(EngineError, match=f"factor {factor} is not between 1 and 65536"):
        scene.evaluator.multiply_constant(scene.seal(x), 3, factor=factor)


@pytest.mark.parametrize("constant", [0.5, 2.0, "2", None])
def test_a_constant_that_is_no_integer_is_refused(scene: Scene, x: Vector, constant: Any) -> None:
    with pytest.raises(EngineError, match="was given where an integer is wanted"):
        scene.evaluator.add_constant(scene.seal(x), constant)
    with pytest.raises(EngineError, match="was given where an integer is wanted"):
        scene.evaluator.multiply_constant(scene.seal(x), constant)


def test_the_negative_of_zero_survives_its_bytes(scene: Scene, x: Vector) -> None:
    nothing = scene.evaluator.negate(scene.evaluator.multiply_constant(scene.seal(x), 0))
    assert not scene.unseal(scene.context.load_ciphertext(nothing.to_bytes())).any()


def test_a_missing_key_is_named(scene: Scene, x: Vector) -> None:
    with pytest.raises(EngineError, match="no key for the rotation by 7"):
        scene.evaluator.rotate(scene.seal(x), 7)


def test_a_product_is_not_multiplied_before_it_is_relinearised(scene: Scene, x: Vector) -> None:
    product = scene.evaluator.multiply(scene.seal(x), scene.seal(x), relinearise=False)
    with pytest.raises(EngineError, match="degree 2"):
        scene.evaluator.multiply(product, scene.seal(x))


def test_objects_of_another_context_are_refused(
    scene: Scene, parameters: Parameters, x: Vector
) -> None:
    stranger = Context(parameters)
    plaintext, secret = stranger.encode(x, level=scene.top), stranger.secret_key()
    foreign = stranger.encrypt(plaintext, secret)
    with pytest.raises(EngineError, match="another context"):
        stranger.encrypt(plaintext, scene.secret)
    with pytest.raises(EngineError, match="another context"):
        scene.evaluator.add_plain(scene.seal(x), plaintext)
    with pytest.raises(EngineError, match="another context"):
        scene.evaluator.multiply_plain(scene.seal(x), plaintext)
    with pytest.raises(EngineError, match="another context"):
        scene.evaluator.add(scene.seal(x), foreign)
    with pytest.raises(EngineError, match="another context"):
        scene.evaluator.multiply(scene.seal(x), foreign)
    with pytest.raises(EngineError, match="another context"):
        scene.evaluator.rotate(foreign, 1)
    with pytest.raises(EngineError, match="another context"):
        scene.unseal(foreign)
