"""Frames: whatever bytes come, there is the frame that was said or a ProtocolError."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import ProtocolError
from tacit.serve.worker.frames import (
    HASH_BYTES,
    HEAD,
    KINDS,
    MOST_FRAME_BYTES,
    MOST_PARTS,
    NAME_BYTES,
    TOKEN_BYTES,
    Answered,
    Ask,
    Failed,
    Frame,
    Hello,
    Ready,
    Rejected,
    Way,
    Welcome,
    announced,
    decode,
    encode,
    expect,
    printable,
)

HASHES = st.binary(min_size=HASH_BYTES, max_size=HASH_BYTES)
NAMES = st.binary(min_size=NAME_BYTES, max_size=NAME_BYTES)
TOKENS = st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES)
SIZES = st.lists(st.integers(0, 2**40), min_size=1, max_size=8).map(tuple)
TEXTS = st.text().map(printable)
COUNTS = st.integers(0, 2**31 - 1)
FRAMES: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Hello, HASHES, st.sampled_from([each.value for each in Way])),
    st.builds(Welcome, HASHES, TOKENS, TEXTS, st.booleans(), COUNTS, COUNTS),
    st.builds(Ready),
    st.builds(Ask, NAMES, SIZES),
    st.builds(Answered, NAMES, SIZES),
    st.builds(Failed, NAMES, TEXTS),
    st.builds(Rejected),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.binary()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=8,
)


def understood(data: bytes) -> Frame:
    """The frame that bytes hold."""
    kind, length = announced(data[: HEAD.size])
    body = data[HEAD.size :]
    assert length == len(body)
    return decode(kind, body)


@given(FRAMES)
def test_what_was_said_is_understood(frame: Frame) -> None:
    assert understood(encode(frame)) == frame


@given(st.sampled_from(KINDS), ANYTHING)
def test_any_other_body_is_refused(kind: type[Frame], body: object) -> None:
    said = msgpack.packb(body, use_bin_type=True)

    with pytest.raises(ProtocolError):
        raise_unless_empty(decode(kind, said))


@given(FRAMES, st.binary(min_size=1, max_size=8))
def test_what_follows_a_body_is_refused(frame: Frame, more: bytes) -> None:
    body = encode(frame)[HEAD.size :]

    with pytest.raises(ProtocolError):
        decode(type(frame), body + more)


@given(FRAMES, st.data())
def test_a_body_that_is_cut_is_refused(frame: Frame, data: st.DataObject) -> None:
    body = encode(frame)[HEAD.size :]

    with pytest.raises(ProtocolError):
        decode(type(frame), body[: data.draw(st.integers(0, len(body) - 1))])


@given(st.binary(min_size=HEAD.size, max_size=HEAD.size))
def test_any_other_head_is_refused(head: bytes) -> None:
    with pytest.raises(ProtocolError):
        announced(head)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [(5, 2, "version 2"), (6, 0, "kind 0"), (6, 99, "kind 99"), (10, 255, "are allowed")],
)
def test_every_field_of_a_head_counts(place: int, value: int, told: str) -> None:
    head = bytearray(encode(Ready())[: HEAD.size])
    head[place] = value

    with pytest.raises(ProtocolError, match=told):
        announced(bytes(head))


def test_a_field_twice_is_refused() -> None:
    body = encode(Failed(bytes(NAME_BYTES), "no"))[HEAD.size :]
    twice = b"\x83" + body[1:] + msgpack.packb("reason") + msgpack.packb("no")

    with pytest.raises(ProtocolError, match="as it should be"):
        decode(Failed, twice)


@given(FRAMES)
def test_a_frame_out_of_turn_is_refused(frame: Frame) -> None:
    other = next(each for each in KINDS if each is not type(frame))

    assert expect(type(frame), frame) is frame
    with pytest.raises(ProtocolError, match="was due"):
        expect(other, frame)


def test_the_largest_frame_fits() -> None:
    largest = Ask(bytes(NAME_BYTES), (2**40,) * MOST_PARTS)

    assert len(encode(largest)) < MOST_FRAME_BYTES


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": ()},
        {"sizes": (-1,)},
        {"sizes": (True,)},
        {"sizes": (1.0,)},
        {"sizes": (2**40 + 1,)},
        {"sizes": (1,) * (MOST_PARTS + 1)},
        {"request": bytes(NAME_BYTES - 1)},
        {"request": "a name of 16 let"},
    ],
)
def test_fields_of_another_kind_are_refused(change: dict[str, Any]) -> None:
    asked = Ask(bytes(NAME_BYTES), (1,))

    with pytest.raises(ProtocolError):
        dataclasses.replace(asked, **change)


def test_a_strangers_words_do_no_harm() -> None:
    assert printable("\x1b[2Jgone\n" + "x" * 1000) == ("?[2Jgone?" + "x" * 1000)[:200]
    with pytest.raises(ProtocolError, match="printable"):
        Failed(bytes(NAME_BYTES), "\x1b[2J")


def raise_unless_empty(frame: Frame) -> None:
    """An empty map is the body of a frame without fields, and of no other."""
    if isinstance(frame, Ready | Rejected):
        raise ProtocolError("nothing was said")
