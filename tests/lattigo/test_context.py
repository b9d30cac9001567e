from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from tacit.errors import EngineError
from tacit.lattigo import (
    Ciphertext,
    Context,
    Parameters,
    SecretKey,
    ciphertext_bytes,
    key_bytes,
)
from tacit.lattigo.home import Progress

Vector = NDArray[np.float64]
SCALE = 2.0**40

values = hnp.arrays(np.float64, st.integers(0, 512), elements=st.floats(-1000, 1000))


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=values, level=st.integers(0, 5))
def test_decoding_undoes_encoding(context: Context, values: Vector, level: int) -> None:
    decoded = context.decode(context.encode(values, level=level, scale=SCALE))
    # Rounding moves every one of N coefficients by at most 1/2.
    allowed = 2 * context.slots / SCALE
    np.testing.assert_allclose(decoded[: len(values)], values, atol=allowed)
    np.testing.assert_allclose(decoded[len(values) :], 0, atol=allowed)


def test_both_kinds_of_keys_encrypt_and_the_secret_key_with_less_noise(
    context: Context, secret: SecretKey, x: Vector
) -> None:
    plaintext = context.encode(x, level=2, scale=SCALE)
    own = context.decrypt(context.encrypt(plaintext, secret), secret)
    public = context.decrypt(context.encrypt(plaintext, context.public_key(secret)), secret)
    np.testing.assert_allclose(public, x, atol=1e-7)
    assert np.std(own - x) < np.std(public - x)


def test_another_secret_decrypts_nothing(context: Context, secret: SecretKey, x: Vector) -> None:
    sealed = context.encrypt(context.encode(x, level=1, scale=SCALE), secret)
    assert np.std(context.decrypt(sealed, context.secret_key())) > 1e3


def test_encrypting_twice_gives_different_bytes(
    context: Context, secret: SecretKey, x: Vector
) -> None:
    plaintext = context.encode(x, level=1, scale=SCALE)
    first, second = (context.encrypt(plaintext, secret).to_bytes() for _ in range(2))
    assert first != second


def test_flooding_adds_noise_of_the_wanted_size(context: Context, secret: SecretKey) -> None:
    sealed = context.encrypt(context.encode([], level=1, scale=SCALE), secret)
    flooded = context.decrypt(sealed, secret, flood=0.125)
    # The deviation of 512 samples has itself a relative deviation of 3 %.
    assert 0.1 < np.std(flooded) < 0.15


@pytest.mark.parametrize("flood", [-1.0, float("nan"), float("inf")])
def test_flooding_with_nonsense_is_refused(
    context: Context, secret: SecretKey, flood: float
) -> None:
    sealed = context.encrypt(context.encode([], level=1, scale=SCALE), secret)
    with pytest.raises(EngineError, match="flooding"):
        context.decrypt(sealed, secret, flood=flood)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_values_that_cannot_be_encoded_are_refused(context: Context, value: float) -> None:
    with pytest.raises(EngineError, match=r"finite|modulus"):
        context.encode([0.0, value], level=1, scale=SCALE)


@pytest.mark.parametrize("level", [-1, 6, 10**6, 2**62])
def test_levels_that_do_not_exist_are_refused(context: Context, level: int) -> None:
    with pytest.raises(EngineError, match="does not exist"):
        context.encode([1.0], level=level, scale=SCALE)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), 2.0**60])
def test_scales_that_do_not_fit_are_refused(context: Context, scale: float) -> None:
    with pytest.raises(EngineError, match="scale"):
        context.encode([1.0], level=0, scale=scale)


def test_too_many_values_are_refused(context: Context) -> None:
    with pytest.raises(EngineError, match="1025 values do not fit"):
        context.encode(np.zeros(1025), level=0, scale=SCALE)


@pytest.mark.parametrize("wrong", [np.zeros((2, 2)), np.array([1j]), np.array(["a"])])
def test_what_is_no_real_vector_is_refused(context: Context, wrong: NDArray[np.generic]) -> None:
    with pytest.raises(EngineError, match="vector of real numbers"):
        context.encode(wrong, level=0, scale=SCALE)


def test_progress_ends_where_it_should(context: Context, secret: SecretKey) -> None:
    seen: list[tuple[int, int]] = []
    progress: Progress = lambda done, total: seen.append((done, total))  # noqa: E731
    context.evaluation_keys(
        secret, relinearisation_level=1, rotations=dict.fromkeys(range(1, 9), 0), progress=progress
    )
    assert seen[0] == (0, 9)
    assert seen[-1] == (9, 9)
    assert seen == sorted(seen)


def test_sizes_are_predicted_exactly(
    context: Context, secret: SecretKey, x: Vector, seal: Callable[[Vector], Ciphertext]
) -> None:
    parameters, fresh = context.parameters, seal(x)
    public = context.encrypt(context.encode(x, level=2, scale=SCALE), context.public_key(secret))
    keys = context.evaluation_keys(secret, relinearisation_level=3, rotations={1: 2, 5: 5})
    predicted = sum(key_bytes(parameters, level) for level in (3, 2, 5))
    assert fresh.nbytes == ciphertext_bytes(parameters, 5, fresh=True)
    assert public.nbytes == ciphertext_bytes(parameters, 2, fresh=False)
    assert keys.nbytes == 80 + 4 + predicted
    assert keys.rotations == {1: 2, 5: 5}
    assert keys.relinearisation_level == 3


def test_keys_that_cannot_be_made_are_refused(context: Context, secret: SecretKey) -> None:
    with pytest.raises(EngineError, match="rotation by 0"):
        context.evaluation_keys(secret, relinearisation_level=None, rotations={0: 1})
    with pytest.raises(EngineError, match="level 6 does not exist"):
        context.evaluation_keys(secret, relinearisation_level=6, rotations={})


def test_a_split_that_does_not_fit_is_refused(context: Context, x: Vector) -> None:
    with pytest.raises(EngineError, match="do not add up to 3"):
        context.linear_map({3: x}, level=1, scale=SCALE, split={3: (1, 1)})
    with pytest.raises(EngineError, match="says nothing about the offset 3"):
        context.linear_map({3: x}, level=1, scale=SCALE, split={})


def test_a_diagonal_of_the_wrong_length_is_refused(context: Context, x: Vector) -> None:
    with pytest.raises(EngineError, match="a diagonal has"):
        context.linear_map({3: x[1:]}, level=1, scale=SCALE, split={3: (0, 3)})


def test_a_sparse_secret_has_its_weight(parameters: Parameters, x: Vector) -> None:
    context = Context(replace(parameters, secret_weight=64))
    secret = context.secret_key()
    sealed = context.encrypt(context.encode(x, level=0, scale=SCALE), secret)
    # Two bits a coefficient, behind the head of the frame and before its checksum.
    bits = np.frombuffer(secret.to_bytes()[48:-32], dtype=np.uint8)
    assert np.unpackbits(bits).sum() == 64
    np.testing.assert_allclose(context.decrypt(sealed, secret), x, atol=1e-7)


@pytest.mark.parametrize(
    "change",
    [
        {"log_n": 3},
        {"log_n": 40},
        {"q": ()},
        {"p": ()},
        {"q": (15,)},
        {"q": (0,)},
        {"q": (-5,)},
        {"q": (1 << 70,)},
        {"log_scale": 0},
        {"secret_weight": 0},
        {"secret_weight": 5000},
    ],
)
def test_parameters_that_make_no_scheme_are_refused(
    parameters: Parameters, change: dict[str, object]
) -> None:
    with pytest.raises(EngineError):
        Context(Parameters(**{**vars(parameters), **change}))


def test_measuring_gives_seconds(context: Context) -> None:
    found = context.measure(3)
    assert set(found) == {"ntt", "multiply_accumulate", "extend", "permute", "encode_fft"}
    assert all(0 < seconds < 1 for seconds in found.values())
