"""What a verifier and a worker say to each other, beside the tensors themselves.

A frame is a head (magic, version, kind, the body's length) and a body: a msgpack map whose fields
are exactly those of its kind, in their order, written in the one way that msgpack writes them.
Nothing that a frame announces is believed before it is compared with what may be.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass, fields
from typing import TypeAlias, TypeVar

import msgpack

from tacit.errors import ProtocolError

MAGIC = b"TWORK"
VERSION = 1
HEAD = struct.Struct("<5sBBI")
HASH_BYTES = 32
NAME_BYTES = 16
TOKEN_BYTES = 32
# A frame never holds a tensor: the largest one lists the sizes of all parts, nine bytes each.
MOST_FRAME_BYTES = 2**16
MOST_PARTS = 2**12
MOST_PART_BYTES = 2**40
MOST_LETTERS = 200
MOST_COUNT = 2**31 - 1


class Way(enum.Enum):
    """How tensors travel: in shared memory, in the clear over TCP, or through TLS."""

    SHARED = "shared"
    PLAIN = "plain"
    ENCRYPTED = "encrypted"


@dataclass(frozen=True)
class Hello:
    """The verifier's first words: the hash of its program, and how tensors are to travel."""

    program: bytes
    way: str

    def __post_init__(self) -> None:
        """Refuse what is no greeting."""
        _require_bytes("program", self.program, HASH_BYTES)
        if self.way not in {each.value for each in Way}:
            raise ProtocolError("the field way names no way for tensors")


@dataclass(frozen=True)
class Welcome:
    """The worker's first words: its program's hash, a token, and facts that nobody has to believe.

    `token` opens the connection for tensors. `exact` is whether its back end passed the self-test,
    `rows` the largest batch that it takes, 0 for any.
    """

    program: bytes
    token: bytes
    backend: str
    exact: bool
    threads: int
    rows: int

    def __post_init__(self) -> None:
        """Refuse what is no greeting."""
        _require_bytes("program", self.program, HASH_BYTES)
        _require_bytes("token", self.token, TOKEN_BYTES)
        _require_text("backend", self.backend)
        if type(self.exact) is not bool:
            raise ProtocolError("the field exact is neither true nor false")
        _require_count("threads", self.threads)
        _require_count("rows", self.rows)


@dataclass(frozen=True)
class Ready:
    """The worker has the connection for tensors; from here on it may be asked."""


@dataclass(frozen=True)
class Ask:
    """A question of this random name, whose parts are so many bytes each."""

    request: bytes
    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what is no question."""
        _require_bytes("request", self.request, NAME_BYTES)
        _require_sizes(self.sizes)


@dataclass(frozen=True)
class Answered:
    """The answer to the question of this name, whose parts are so many bytes each."""

    request: bytes
    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what is no answer."""
        _require_bytes("request", self.request, NAME_BYTES)
        _require_sizes(self.sizes)


@dataclass(frozen=True)
class Failed:
    """The worker cannot answer the question of this name, and says why."""

    request: bytes
    reason: str

    def __post_init__(self) -> None:
        """Refuse what is no excuse."""
        _require_bytes("request", self.request, NAME_BYTES)
        _require_text("reason", self.reason)


@dataclass(frozen=True)
class Rejected:
    """All that a worker ever learns of a verdict: this one word."""


Frame: TypeAlias = Hello | Welcome | Ready | Ask | Answered | Failed | Rejected
AnyFrame = TypeVar("AnyFrame", bound=Frame)

# The number of a kind on the wire is its place here, from 1.
KINDS: tuple[type[Frame], ...] = (Hello, Welcome, Ready, Ask, Answered, Failed, Rejected)


def encode(frame: Frame) -> bytes:
    """The frame as bytes."""
    body = _body(frame)
    return HEAD.pack(MAGIC, VERSION, KINDS.index(type(frame)) + 1, len(body)) + body


def announced(head: bytes) -> tuple[type[Frame], int]:
    """The kind and the body's length that a head announces; raises ProtocolError."""
    magic, version, number, length = HEAD.unpack(head)
    if magic != MAGIC:
        raise ProtocolError("the other side does not speak as verifiers and workers do")
    if version != VERSION:
        raise ProtocolError(
            f"the other side speaks version {version}; version {VERSION} is understood",
            hint="use one version of tacit on both machines",
        )
    if not 1 <= number <= len(KINDS):
        raise ProtocolError(f"a frame is of kind {number}, which is not known")
    if length > MOST_FRAME_BYTES:
        raise ProtocolError(f"a frame announces {length} bytes; {MOST_FRAME_BYTES} are allowed")
    return KINDS[number - 1], length


def decode(kind: type[AnyFrame], body: bytes) -> AnyFrame:
    """The frame of a body whose writer may be anybody; raises ProtocolError."""
    title = kind.__name__.lower()
    try:
        values = msgpack.unpackb(body, raw=False, strict_map_key=True, use_list=False)
    except (ValueError, RecursionError, msgpack.exceptions.UnpackException) as wrong:
        raise ProtocolError(f"the body of the frame {title} is no msgpack") from wrong
    expected = [each.name for each in fields(kind)]
    if not isinstance(values, dict) or list(values) != expected:
        raise ProtocolError(f"the frame {title} has not the fields {', '.join(expected)}")
    frame = kind(**values)
    if _body(frame) != body:
        raise ProtocolError(f"the frame {title} is not written as it should be")
    return frame


def expect(kind: type[AnyFrame], frame: Frame) -> AnyFrame:
    """The frame, if it is of the kind whose turn it is."""
    if not isinstance(frame, kind):
        given = type(frame).__name__.lower()
        raise ProtocolError(f"a frame {given} came where {kind.__name__.lower()} was due")
    return frame


def printable(text: str) -> str:
    """A stranger's words as far as they can be shown without harm."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:MOST_LETTERS]


def _body(frame: Frame) -> bytes:
    values = {each.name: getattr(frame, each.name) for each in fields(frame)}
    body: bytes = msgpack.packb(values, use_bin_type=True)
    return body


def _require_bytes(name: str, value: object, length: int) -> None:
    if type(value) is not bytes or len(value) != length:
        raise ProtocolError(f"the field {name} does not hold {length} bytes")


def _require_text(name: str, value: object) -> None:
    if type(value) is not str or value != printable(value):
        raise ProtocolError(f"the field {name} is no short printable text")


def _require_count(name: str, value: object) -> None:
    if type(value) is not int or not 0 <= value <= MOST_COUNT:
        raise ProtocolError(f"the field {name} is no count")


def _require_sizes(sizes: object) -> None:
    if type(sizes) is not tuple or not 1 <= len(sizes) <= MOST_PARTS:
        raise ProtocolError("the field sizes is no list of sizes")
    for size in sizes:
        if type(size) is not int or not 0 <= size <= MOST_PART_BYTES:
            raise ProtocolError("the field sizes holds something that is no size")
