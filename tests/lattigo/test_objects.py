import copy
import hashlib
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tacit.errors import EngineError
from tacit.lattigo import Ciphertext, Context, EvaluationKeys, Evaluator, SecretKey

Vector = NDArray[np.float64]
Load = Callable[[bytes], object]

HEAD_BYTES, CHECKSUM_BYTES = 48, 32
garbage = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="session")
def frame(context: Context, secret: SecretKey) -> bytes:
    values = np.linspace(-1, 1, 100)
    return context.encrypt(context.encode(values, level=1, scale=2.0**40), secret).to_bytes()


@pytest.fixture(
    params=["load_secret_key", "load_public_key", "load_evaluation_keys", "load_ciphertext"]
)
def load(context: Context, request: pytest.FixtureRequest) -> Load:
    loaded: Load = getattr(context, request.param)
    return loaded


@garbage
@given(data=st.binary(max_size=300))
def test_random_bytes_are_refused(load: Load, data: bytes) -> None:
    with pytest.raises(EngineError):
        load(data)


@garbage
@given(body=st.binary(max_size=300), kind=st.integers(0, 6))
def test_hostile_bodies_with_a_right_checksum_are_refused(
    load: Load, frame: bytes, body: bytes, kind: int
) -> None:
    head = frame[:6] + struct.pack("<H", kind) + frame[8:40] + struct.pack("<Q", len(body))
    # An empty set of keys is a set of keys, and a body this short can be nothing else.
    assert body != bytes(4)
    with pytest.raises(EngineError):
        load(head + body + hashlib.sha256(head + body).digest())


@garbage
@given(cut=st.floats(0, 1, exclude_max=True))
def test_truncated_frames_are_refused(context: Context, frame: bytes, cut: float) -> None:
    with pytest.raises(EngineError):
        context.load_ciphertext(frame[: int(cut * len(frame))])


@garbage
@given(more=st.binary(min_size=1, max_size=20))
def test_trailing_bytes_are_refused(context: Context, frame: bytes, more: bytes) -> None:
    with pytest.raises(EngineError):
        context.load_ciphertext(frame + more)


@garbage
@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_changed_bytes_are_refused(
    context: Context, frame: bytes, place: float, change: int
) -> None:
    changed = bytearray(frame)
    changed[int(place * len(frame))] ^= change
    with pytest.raises(EngineError):
        context.load_ciphertext(bytes(changed))


def test_a_ciphertext_survives_its_bytes(context: Context, secret: SecretKey, frame: bytes) -> None:
    loaded = context.load_ciphertext(frame)
    assert loaded.to_bytes() == frame
    np.testing.assert_allclose(
        context.decrypt(loaded, secret)[:100], np.linspace(-1, 1, 100), atol=1e-7
    )


def test_keys_survive_their_bytes(
    context: Context, secret: SecretKey, keys: EvaluationKeys, x: Vector
) -> None:
    own = context.load_secret_key(secret.to_bytes())
    public = context.load_public_key(context.public_key(secret).to_bytes())
    evaluator = Evaluator(context, context.load_evaluation_keys(keys.to_bytes()))
    sealed = context.encrypt(context.encode(x, level=3, scale=2.0**40), public)
    turned = evaluator.rotate(evaluator.multiply(sealed, sealed), 3)
    np.testing.assert_allclose(context.decrypt(turned, own), np.roll(x * x, -3), atol=1e-7)


def test_evaluation_keys_travel_through_a_file(
    context: Context, keys: EvaluationKeys, tmp_path: Path
) -> None:
    path = tmp_path / "keys äß"
    keys.write(path)
    assert path.read_bytes() == keys.to_bytes()
    assert context.read_evaluation_keys(path).levels() == keys.levels()


def test_a_file_that_is_not_there_or_not_complete_is_refused(
    context: Context, keys: EvaluationKeys, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    with pytest.raises(EngineError, match="no such file"):
        context.read_evaluation_keys(path)
    path.write_bytes(keys.to_bytes()[:-1])
    with pytest.raises(EngineError, match="announces"):
        context.read_evaluation_keys(path)
    with pytest.raises(EngineError, match="no such file"):
        keys.write(tmp_path / "nowhere" / "keys")


def test_frames_of_other_parameters_are_refused(context: Context, frame: bytes) -> None:
    changed = frame[:8] + bytes(32) + frame[40:]
    with pytest.raises(EngineError, match="other parameters"):
        context.load_ciphertext(changed)


def test_evaluation_keys_do_not_hold_the_secret(
    context: Context, secret: SecretKey, keys: EvaluationKeys
) -> None:
    held = secret.to_bytes()[HEAD_BYTES:-CHECKSUM_BYTES]
    assert held not in keys.to_bytes()
    assert held not in context.public_key(secret).to_bytes()


def test_secrets_do_not_show_themselves(secret: SecretKey) -> None:
    assert repr(secret) == object.__repr__(secret)
    assert secret != copy.copy(object())
    with pytest.raises(EngineError, match="pickled"):
        pickle.dumps(secret)


def test_ciphertexts_show_level_degree_and_scale(
    seal: Callable[[Vector], Ciphertext], x: Vector
) -> None:
    assert repr(seal(x)) == "Ciphertext(level=5, degree=1, scale=2**40.000)"


def test_a_copy_is_the_same_object(secret: SecretKey) -> None:
    assert copy.copy(secret) is secret
