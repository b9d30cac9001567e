"""Bytes between the parties: which circuit they belong to, and whether they are whole.

concrete-python ends the process where keys or a value belong to another circuit, so nothing is
handed to it that was not framed for this one. The frame guards against mistakes, not malice.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
from collections.abc import Iterator

from tacit.errors import ProtocolError

MAGIC = b"tacit tfhe 1 "
DIGEST_BYTES = hashlib.sha256().digest_size


class Content(enum.Enum):
    """What a frame holds."""

    SECRET = b"s"
    KEYS = b"k"
    VALUE = b"v"


def framed(content: Content, circuit: bytes, data: bytes) -> bytes:
    """The data behind its kind, its circuit's digest and its own."""
    return head(content, circuit, hashlib.sha256(data).digest()) + data


def head(content: Content, circuit: bytes, digest: bytes) -> bytes:
    """What stands before data."""
    return MAGIC + content.value + circuit + digest


def unframed(content: Content, circuit: bytes, data: memoryview | bytes) -> bytes:
    """The data; raises ProtocolError where they are of another kind or circuit, or damaged."""
    start = len(MAGIC) + 1 + 2 * DIGEST_BYTES
    given, inner = bytes(data[:start]), bytes(data[start:])
    what = content.name.lower()
    if len(given) < start or not given.startswith(MAGIC + content.value):
        raise ProtocolError(f"this is no {what} of the engine tfhe")
    if given[len(MAGIC) + 1 : start - DIGEST_BYTES] != circuit:
        raise ProtocolError(
            f"the {what} belongs to another circuit",
            hint="make it with this program's client part",
        )
    if given[start - DIGEST_BYTES :] != hashlib.sha256(inner).digest():
        raise ProtocolError(f"the {what} is damaged: its hash does not match")
    return inner


@contextlib.contextmanager
def foreign(what: str) -> Iterator[None]:
    """Bytes of another party are being read: what concrete refuses is a ProtocolError."""
    try:
        yield
    except (RuntimeError, ValueError, TypeError) as wrong:
        line = str(wrong).partition("\n")[0]
        raise ProtocolError(f"{what} is refused: {line}") from wrong
