"""Messages and keys as bytes: versioned, bound to a program and a key, parsed strictly.

A frame is a head (magic, version, kind, the body's length), a body (a msgpack map whose fields
are exactly those of its kind, in their order), and a SHA-256 checksum of all before it. The
checksum guards against accident; who may change bytes on their way may also change it.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field, fields
from typing import TypeVar

import msgpack

from tacit.errors import ProtocolError

MAGIC = b"TACIT"
VERSION = 1
HEAD = struct.Struct("<5sBBQ")
CHECKSUM_BYTES = hashlib.sha256().digest_size
HASH_BYTES = 32
# Random names of keys and requests: 128 bits never meet by accident.
NAME_BYTES = 16
MOST_ROWS = 2**31 - 1


@dataclass(frozen=True)
class Secret:
    """A client's secret key, as it is kept in a file; `key` is the random name of the key pair."""

    program: bytes
    key: bytes
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no secret's fields."""
        _require_bytes("program", self.program, HASH_BYTES)
        _require_bytes("key", self.key, NAME_BYTES)
        _require_bytes("content", self.content)


@dataclass(frozen=True)
class Stamp:
    """What stands behind the engine's bytes in a file of keys: whose they are, and their hash."""

    program: bytes
    key: bytes
    content: bytes

    def __post_init__(self) -> None:
        """Refuse what is no stamp's fields."""
        _require_bytes("program", self.program, HASH_BYTES)
        _require_bytes("key", self.key, NAME_BYTES)
        _require_bytes("content", self.content, HASH_BYTES)


@dataclass(frozen=True)
class Sealed:
    """An encrypted batch of `rows` inputs; `request` is its random name."""

    program: bytes
    key: bytes
    request: bytes
    rows: int
    parts: tuple[bytes, ...] = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no sealed batch's fields."""
        _require_message(self)


@dataclass(frozen=True)
class Answer:
    """The encrypted results of a sealed batch, under that batch's names."""

    program: bytes
    key: bytes
    request: bytes
    rows: int
    parts: tuple[bytes, ...] = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no answer's fields."""
        _require_message(self)


Frame = Secret | Stamp | Sealed | Answer
AnyFrame = TypeVar("AnyFrame", bound=Frame)

# The number of a kind on the wire is its place here, from 1.
KINDS: tuple[type[Frame], ...] = (Secret, Stamp, Sealed, Answer)
TITLES = {
    Secret: "secret key",
    Stamp: "file of keys",
    Sealed: "sealed input",
    Answer: "answer",
}


def encode(frame: Frame) -> bytes:
    """The frame as bytes."""
    values = {each.name: getattr(frame, each.name) for each in fields(frame)}
    body: bytes = msgpack.packb(values, use_bin_type=True)
    head = HEAD.pack(MAGIC, VERSION, KINDS.index(type(frame)) + 1, len(body))
    return b"".join((head, body, hashlib.sha256(head + body).digest()))


def decode(kind: type[AnyFrame], data: bytes) -> AnyFrame:
    """The frame of a kind that the bytes hold; raises ProtocolError for any others."""
    title = TITLES[kind]
    if len(data) < HEAD.size + CHECKSUM_BYTES:
        raise ProtocolError(f"{len(data)} bytes are too few: {title} is expected")
    magic, version, number, length = HEAD.unpack_from(data)
    if magic != MAGIC:
        raise ProtocolError(f"these bytes are no {title}: they do not begin with {MAGIC.decode()}")
    if version != VERSION:
        raise ProtocolError(
            f"the {title} has version {version}; version {VERSION} is understood",
            hint="use one version of tacit on both machines",
        )
    if number != KINDS.index(kind) + 1:
        given = TITLES[KINDS[number - 1]] if 1 <= number <= len(KINDS) else f"number {number}"
        raise ProtocolError(f"these bytes are of kind {given}; {title} is expected")
    there = len(data) - HEAD.size - CHECKSUM_BYTES
    if length != there:
        what = "cut short" if length > there else "followed by other bytes"
        raise ProtocolError(f"the {title} is {what}: {length} bytes are announced, {there} there")
    if hashlib.sha256(data[:-CHECKSUM_BYTES]).digest() != data[-CHECKSUM_BYTES:]:
        raise ProtocolError(f"the {title} is damaged: its checksum does not match")
    return _opened(kind, data[HEAD.size : -CHECKSUM_BYTES])


def _opened(kind: type[AnyFrame], body: bytes) -> AnyFrame:
    """The frame of a body whose checksum is right, but whose writer may be anybody."""
    title = TITLES[kind]
    try:
        values = msgpack.unpackb(body, raw=False, strict_map_key=True, use_list=False)
    except (ValueError, RecursionError, msgpack.exceptions.UnpackException) as wrong:
        raise ProtocolError(f"the body of the {title} is no msgpack") from wrong
    expected = [each.name for each in fields(kind)]
    if not isinstance(values, dict) or list(values) != expected:
        raise ProtocolError(f"the body of the {title} has not the fields {', '.join(expected)}")
    frame = kind(**values)
    # There is one way to write a frame: numbers written longer, or a field twice, are refused.
    if encode(frame)[HEAD.size : -CHECKSUM_BYTES] != body:
        raise ProtocolError(f"the body of the {title} is not written as it should be")
    return frame


def _require_message(message: Sealed | Answer) -> None:
    _require_bytes("program", message.program, HASH_BYTES)
    _require_bytes("key", message.key, NAME_BYTES)
    _require_bytes("request", message.request, NAME_BYTES)
    rows, parts = message.rows, message.parts
    if type(rows) is not int or not 1 <= rows <= MOST_ROWS:
        raise ProtocolError("the field rows is no number of inputs")
    if type(parts) is not tuple or not parts:
        raise ProtocolError("the field parts is no list of ciphertexts")
    for part in parts:
        _require_bytes("parts", part)


def _require_bytes(name: str, value: object, length: int | None = None) -> None:
    if type(value) is not bytes or (length is not None and len(value) != length):
        size = "bytes" if length is None else f"{length} bytes"
        raise ProtocolError(f"the field {name} does not hold {size}")


def require_program(frame: Frame, program: bytes) -> None:
    """Refuse a frame that belongs to another program."""
    if frame.program != program:
        raise ProtocolError(
            f"the {TITLES[type(frame)]} belongs to program {frame.program.hex()[:12]}; "
            f"this is {program.hex()[:12]}",
            hint="use parts, keys and messages of one bundle",
        )


def require_key(frame: Frame, key: bytes) -> None:
    """Refuse a frame that belongs to another pair of keys."""
    if frame.key != key:
        raise ProtocolError(
            f"the {TITLES[type(frame)]} belongs to key {frame.key.hex()[:12]}; "
            f"this is {key.hex()[:12]}",
            hint="use the secret and the keys that were made together",
        )
