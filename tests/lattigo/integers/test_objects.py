import hashlib
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.errors import EngineError
from tacit.lattigo.integers import Evaluator
from tests.lattigo.integers.scene import Scene, Vector

# Where a frame's body begins, and the places in it of its factor and its scale.
HEAD_BYTES, CHECKSUM_BYTES = 48, 32
garbage = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
def frame(scene: Scene) -> bytes:
    return scene.seal(np.arange(100), level=0).to_bytes()


def forged(frame: bytes, body: bytes) -> bytes:
    """A frame with another body and a right checksum."""
    head = frame[:40] + struct.pack("<Q", len(body))
    return head + body + hashlib.sha256(head + body).digest()


@garbage
@given(cut=st.floats(0, 1, exclude_max=True), more=st.binary(min_size=1, max_size=20))
def test_truncated_and_longer_frames_are_refused(
    scene: Scene, frame: bytes, cut: float, more: bytes
) -> None:
    with pytest.raises(EngineError):
        scene.context.load_ciphertext(frame[: int(cut * len(frame))])
    with pytest.raises(EngineError):
        scene.context.load_ciphertext(frame + more)


@garbage
@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_changed_bytes_are_refused(scene: Scene, frame: bytes, place: float, change: int) -> None:
    changed = bytearray(frame)
    changed[int(place * len(frame))] ^= change
    with pytest.raises(EngineError):
        scene.context.load_ciphertext(bytes(changed))


@garbage
@given(body=st.binary(max_size=300))
def test_hostile_bodies_with_a_right_checksum_are_refused(
    scene: Scene, frame: bytes, body: bytes
) -> None:
    with pytest.raises(EngineError):
        scene.context.load_ciphertext(forged(frame, body))


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, struct.pack("<Q", 0), "factor 0"),
        (0, struct.pack("<Q", 65537), "factor 65537"),
        (0, struct.pack("<Q", 2**64 - 1), "factor"),
        (8, b"\x03", "degree 3"),
        (9, b"\x02", "flag 2"),
        (10, b"\xff\x00", "level 255"),
        (12, struct.pack("<d", 2.0), "scale 2"),
        (12, struct.pack("<d", float("nan")), "scale NaN"),
    ],
)
def test_a_head_that_says_nonsense_is_refused(
    scene: Scene, frame: bytes, place: int, value: bytes, said: str
) -> None:
    body = bytearray(frame[HEAD_BYTES:-CHECKSUM_BYTES])
    body[place : place + len(value)] = value
    with pytest.raises(EngineError, match=said):
        scene.context.load_ciphertext(forged(frame, bytes(body)))


def test_a_ciphertext_survives_its_bytes(scene: Scene, frame: bytes) -> None:
    loaded = scene.context.load_ciphertext(frame)
    assert loaded.to_bytes() == frame
    np.testing.assert_array_equal(scene.unseal(loaded)[:100], np.arange(100))


def test_a_factor_and_a_degree_survive_their_bytes(scene: Scene, x: Vector, y: Vector) -> None:
    low = scene.evaluator.rescale(scene.evaluator.multiply(scene.seal(x), scene.seal(y)))
    product = scene.evaluator.multiply(low, low, relinearise=False)
    loaded = scene.context.load_ciphertext(product.to_bytes())
    assert repr(loaded) == repr(product)
    np.testing.assert_array_equal(scene.unseal(loaded), scene.unseal(product))


def test_keys_survive_their_bytes(scene: Scene, x: Vector) -> None:
    context, keys, small = scene.context, scene.evaluator.keys, x % 100
    own = context.load_secret_key(scene.secret.to_bytes())
    public = context.load_public_key(context.public_key(scene.secret).to_bytes())
    loaded = context.load_evaluation_keys(keys.to_bytes())
    sealed = context.encrypt(context.encode(small, level=scene.top), public)
    evaluator = Evaluator(context, loaded)
    turned = evaluator.rotate(evaluator.multiply(sealed, sealed), 3)
    wanted = np.roll((small * small).reshape(2, -1), -3, axis=1).ravel()
    assert loaded.rotations == keys.rotations
    assert loaded.relinearisation_level == scene.top
    np.testing.assert_array_equal(context.decrypt(turned, own), wanted)


def test_frames_of_other_kinds_and_parameters_are_refused(scene: Scene, frame: bytes) -> None:
    with pytest.raises(EngineError, match="other parameters"):
        scene.context.load_ciphertext(frame[:8] + bytes(32) + frame[40:])
    with pytest.raises(EngineError, match="a secret key, not a ciphertext of integers"):
        scene.context.load_ciphertext(scene.secret.to_bytes())
    with pytest.raises(EngineError, match="a ciphertext of integers, not a secret key"):
        scene.context.load_secret_key(frame)


def test_a_ciphertext_of_reals_does_not_exist_among_integers(scene: Scene, frame: bytes) -> None:
    body = frame[HEAD_BYTES + 8 : -CHECKSUM_BYTES]
    real = forged(frame[:6] + struct.pack("<H", 4) + frame[8:], body)
    with pytest.raises(EngineError, match="not a ciphertext of integers"):
        scene.context.load_ciphertext(real)


def test_ciphertexts_show_level_degree_and_factor(scene: Scene, x: Vector) -> None:
    assert repr(scene.seal(x)) == f"Ciphertext(level={scene.top}, degree=1, factor=1)"


def test_plaintexts_have_degree_zero(scene: Scene, x: Vector) -> None:
    assert repr(scene.context.encode(x, level=1)) == "Plaintext(level=1, degree=0, factor=1)"
