"""Frames: whatever bytes come, there is the frame that was written or a ProtocolError."""

from __future__ import annotations

import hashlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import ProtocolError
from tacit.serve.wire import (
    HASH_BYTES,
    HEAD,
    KINDS,
    MAGIC,
    MOST_ROWS,
    NAME_BYTES,
    VERSION,
    Answer,
    Frame,
    Sealed,
    Secret,
    Stamp,
    decode,
    encode,
    require_key,
    require_program,
)

HASHES = st.binary(min_size=HASH_BYTES, max_size=HASH_BYTES)
NAMES = st.binary(min_size=NAME_BYTES, max_size=NAME_BYTES)
ROWS = st.integers(1, MOST_ROWS)
PARTS = st.lists(st.binary(max_size=64), min_size=1, max_size=4).map(tuple)
FRAMES: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Secret, HASHES, NAMES, st.binary(max_size=64)),
    st.builds(Stamp, HASHES, NAMES, HASHES),
    st.builds(Sealed, HASHES, NAMES, NAMES, ROWS, PARTS),
    st.builds(Answer, HASHES, NAMES, NAMES, ROWS, PARTS),
)
KIND = st.sampled_from(KINDS)
# Whatever msgpack can say; extension types and floats among it.
ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(),
        st.text(max_size=8),
        st.binary(max_size=40),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=8,
)


def framed(kind: type[Frame], body: bytes) -> bytes:
    """A frame with a right head and checksum around any body."""
    head = HEAD.pack(MAGIC, VERSION, KINDS.index(kind) + 1, len(body))
    return head + body + hashlib.sha256(head + body).digest()


@given(FRAMES)
def test_what_was_written_is_read(frame: Frame) -> None:
    assert decode(type(frame), encode(frame)) == frame


@given(FRAMES, st.data())
def test_truncated_bytes_are_refused(frame: Frame, data: st.DataObject) -> None:
    whole = encode(frame)
    length = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(ProtocolError):
        decode(type(frame), whole[:length])


@given(FRAMES, st.binary(min_size=1, max_size=64))
def test_trailing_bytes_are_refused(frame: Frame, more: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(type(frame), encode(frame) + more)


@given(FRAMES, st.data())
def test_a_flipped_bit_is_refused(frame: Frame, data: st.DataObject) -> None:
    bits = bytearray(encode(frame))
    place = data.draw(st.integers(0, 8 * len(bits) - 1))
    bits[place // 8] ^= 1 << (place % 8)

    with pytest.raises(ProtocolError):
        decode(type(frame), bytes(bits))


@given(KIND, st.binary(max_size=512))
def test_random_bytes_are_refused(kind: type[Frame], data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(kind, data)


@given(KIND, st.binary(max_size=256))
def test_random_bodies_with_a_right_checksum_are_refused(kind: type[Frame], body: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(kind, framed(kind, body))


@given(KIND, ANYTHING)
def test_any_value_with_a_right_checksum_is_refused(kind: type[Frame], value: object) -> None:
    with pytest.raises(ProtocolError):
        decode(kind, framed(kind, msgpack.packb(value)))


@given(
    FRAMES,
    st.sampled_from(["program", "key"]),
    ANYTHING.filter(lambda value: not isinstance(value, bytes)),
)
def test_a_field_of_another_type_is_refused(frame: Frame, field: str, value: object) -> None:
    values = {name: getattr(frame, name) for name in frame.__dataclass_fields__}

    with pytest.raises(ProtocolError):
        decode(type(frame), framed(type(frame), msgpack.packb(values | {field: value})))


@given(FRAMES, KIND)
def test_a_frame_of_another_kind_is_refused(frame: Frame, kind: type[Frame]) -> None:
    expected = kind if kind is not type(frame) else KINDS[KINDS.index(kind) - 1]

    with pytest.raises(ProtocolError, match="is expected"):
        decode(expected, encode(frame))


def test_a_frame_of_another_version_names_both_versions() -> None:
    data = bytearray(encode(Secret(bytes(32), bytes(16), b"")))
    data[len(MAGIC)] = VERSION + 1

    with pytest.raises(ProtocolError, match=f"version {VERSION + 1}; version {VERSION}"):
        decode(Secret, bytes(data))


def test_numbers_that_are_written_longer_than_needed_are_refused() -> None:
    sealed = Sealed(bytes(32), bytes(16), bytes(16), 1, (b"",))
    body = encode(sealed)[HEAD.size : -hashlib.sha256().digest_size]
    longer = body.replace(b"\xa4rows\x01", b"\xa4rows\xcd\x00\x01")

    with pytest.raises(ProtocolError, match="not written as it should be"):
        decode(Sealed, framed(Sealed, longer))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(ProtocolError):
        decode(Sealed, framed(Sealed, b"\x91" * 100_000))


def test_a_secret_does_not_show_its_content() -> None:
    content = b"nobody may read this"

    assert "nobody" not in repr(Secret(bytes(32), bytes(16), content))


@given(FRAMES)
def test_frames_of_others_are_refused(frame: Frame) -> None:
    require_program(frame, frame.program)
    require_key(frame, frame.key)

    with pytest.raises(ProtocolError, match="belongs to program"):
        require_program(frame, bytes(byte ^ 1 for byte in frame.program))
    with pytest.raises(ProtocolError, match="belongs to key"):
        require_key(frame, bytes(byte ^ 1 for byte in frame.key))
