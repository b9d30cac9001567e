import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from tacit import lattigo
from tacit.errors import EngineError
from tacit.lattigo import Ring, generate_primes
from tacit.lattigo.integers import (
    PLAINTEXT_MODULUS,
    Ciphertext,
    Context,
    Evaluator,
    Parameters,
    Scheme,
    ciphertext_bytes,
)
from tests.lattigo.integers.scene import Scene, Vector, centred

T = PLAINTEXT_MODULUS
values = hnp.arrays(np.int64, st.integers(0, 2048), elements=st.integers(1 - T, T - 1))
shared = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@shared
@given(values=values, level=st.integers(0, 1))
def test_decoding_undoes_encoding(scene: Scene, values: Vector, level: int) -> None:
    decoded = scene.context.decode(scene.context.encode(values, level=level))
    np.testing.assert_array_equal(decoded[: len(values)], centred(values))
    assert not decoded[len(values) :].any()


@shared
@given(values=values)
def test_both_kinds_of_keys_encrypt(scene: Scene, values: Vector) -> None:
    context = scene.context
    public = context.encrypt(context.encode(values, level=1), context.public_key(scene.secret))
    own = scene.unseal(scene.seal(values, level=1))
    np.testing.assert_array_equal(own[: len(values)], centred(values))
    np.testing.assert_array_equal(scene.unseal(public), own)


def test_encrypting_twice_gives_different_bytes(scene: Scene, x: Vector) -> None:
    assert scene.seal(x).to_bytes() != scene.seal(x).to_bytes()


def test_another_secret_decrypts_nothing_and_says_so(scene: Scene, x: Vector) -> None:
    stranger, sealed = scene.context.secret_key(), scene.seal(x)
    with pytest.raises(EngineError, match="not the one that it was made for"):
        scene.context.decrypt(sealed, stranger)
    assert scene.context.noise_budget(sealed, stranger) == 0.0


def decrypted(scene: Scene, ciphertext: Ciphertext) -> Vector | None:
    """The values, or None where decryption refuses."""
    try:
        return scene.unseal(ciphertext)
    except EngineError:
        return None


@pytest.mark.parametrize("doublings", range(24))
def test_decryption_is_exact_until_the_budget_is_used_up_and_then_refused(
    scene: Scene, x: Vector, doublings: int
) -> None:
    # The budget of a fresh ciphertext at the bottom is about 20 bits; each doubling takes one.
    bottom = scene.seal(x, level=0)
    result = functools.reduce(lambda a, _: scene.evaluator.add(a, a), range(doublings), bottom)
    budget, left = scene.budget(result), scene.budget(bottom) - doublings
    expected = None if budget == 0 else centred(x * 2**doublings)
    np.testing.assert_equal(decrypted(scene, result), expected)
    # Below one bit nothing is promised any more, and 0 is what is said then.
    assert budget == (pytest.approx(left, abs=1e-9) if left >= 1 else 0.0)


def test_noise_that_wrapped_around_is_never_decrypted(scene: Scene, x: Vector) -> None:
    evaluator, bottom = scene.evaluator, scene.seal(x, level=0)
    ruined = functools.reduce(lambda a, _: evaluator.multiply(a, a), range(3), bottom)
    with pytest.raises(EngineError, match="used up its modulus"):
        scene.unseal(ruined)
    assert scene.budget(ruined) == 0.0


def test_a_fresh_ciphertext_has_the_budget_that_its_modulus_gives(scene: Scene, x: Vector) -> None:
    modulus = float(np.log2(np.array(scene.context.parameters.q, dtype=np.float64)).sum())
    # t times an error of deviation 3.2, the largest of 2048 at 3 to 6 deviations.
    least, most = (modulus - 1 - np.log2(T * 3.2 * deviations) for deviations in (6.0, 3.0))
    assert least < scene.budget(scene.seal(x)) < most


@pytest.mark.parametrize("value", [T, -T, 2**62, -(2**63)])
def test_values_beyond_the_modulus_are_refused(scene: Scene, value: int) -> None:
    with pytest.raises(EngineError, match="value 1 is outside of -65536 to 65536"):
        scene.context.encode([0, value], level=1)


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 2), dtype=int), np.array([0.5]), np.array(["a"]), np.array([1j])]
)
def test_what_is_no_vector_of_integers_is_refused(scene: Scene, wrong: NDArray[np.generic]) -> None:
    with pytest.raises(EngineError, match="vector of integers"):
        scene.context.encode(wrong, level=0)


def test_unsigned_values_that_do_not_fit_are_refused(scene: Scene) -> None:
    with pytest.raises(EngineError, match="63 bits"):
        scene.context.encode(np.array([2**63], dtype=np.uint64), level=0)


def test_too_many_values_and_levels_that_do_not_exist_are_refused(scene: Scene) -> None:
    with pytest.raises(EngineError, match="2049 values do not fit in 2048 slots"):
        scene.context.encode(np.zeros(2049, dtype=int), level=0)
    with pytest.raises(EngineError, match="does not exist"):
        scene.context.encode([1], level=scene.top + 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # A prime that is not 1 modulo 2N, and then 53·541, which is 1 modulo 2N and no prime.
        ({"plaintext_modulus": 65539}, "1 modulo 4096"),
        ({"plaintext_modulus": 28673}, "1 modulo 4096"),
        ({"plaintext_modulus": 2}, "1 modulo 4096"),
        ({"plaintext_modulus": 257}, "1 modulo 4096"),
        ({"plaintext_modulus": 0}, "63 bits"),
        ({"plaintext_modulus": -65537}, "63 bits"),
        ({"plaintext_modulus": 2**61 - 1}, r"2\^50"),
        ({"log_n": 3}, "log_n"),
        ({"q": ()}, "q has 0 primes"),
        ({"p": ()}, "p has 0 primes"),
        ({"q": (15,)}, "not a prime"),
        ({"q": (0,)}, "63 bits"),
    ],
)
def test_parameters_that_make_no_scheme_are_refused(
    parameters: Parameters, change: dict[str, object], said: str
) -> None:
    with pytest.raises(EngineError, match=said):
        Context(Parameters(**{**vars(parameters), **change}))


def test_a_modulus_that_is_not_below_the_primes_is_refused(parameters: Parameters) -> None:
    q, _ = generate_primes(11, Ring.STANDARD, [40, 39, 38], [])
    with pytest.raises(EngineError, match="not below the smallest prime"):
        Context(replace(parameters, q=q, plaintext_modulus=q[2]))


@pytest.mark.parametrize("bits", [14, 20, 36, 49])
@pytest.mark.parametrize("scheme", list(Scheme))
def test_other_moduli_are_exact_too(bits: int, scheme: Scheme) -> None:
    (modulus,), _ = generate_primes(11, Ring.STANDARD, [bits], [])
    q, p = generate_primes(11, Ring.STANDARD, [60, 60, 60, 60], [60])
    context = Context(Parameters(11, q, p, modulus, scheme))
    secret = context.secret_key()
    keys = context.evaluation_keys(secret, relinearisation_level=3, rotations={})
    x = np.random.default_rng(3).integers(-(modulus // 2), modulus // 2 + 1, context.slots)
    sealed = context.encrypt(context.encode(x, level=3), secret)
    square = context.decrypt(Evaluator(context, keys).multiply(sealed, sealed), secret)
    assert ((square.astype(object) - x.astype(object) ** 2) % modulus == 0).all()
    assert np.abs(square).max() <= modulus // 2


def test_sizes_are_predicted_exactly(scene: Scene, x: Vector) -> None:
    context = scene.context
    public = context.encrypt(context.encode(x, level=1), context.public_key(scene.secret))
    assert scene.seal(x).nbytes == ciphertext_bytes(context.parameters, scene.top, fresh=True)
    assert public.nbytes == ciphertext_bytes(context.parameters, 1, fresh=False)


def test_schemes_do_not_mix(scene: Scene, parameters: Parameters, x: Vector) -> None:
    ring = lattigo.Parameters(11, parameters.q, parameters.p, Ring.STANDARD, 30)
    stranger = lattigo.Context(ring).secret_key()
    with pytest.raises(EngineError, match="another context"):
        scene.context.encrypt(scene.context.encode(x, level=1), stranger)
    with pytest.raises(EngineError, match="other parameters"):
        scene.context.load_secret_key(stranger.to_bytes())
