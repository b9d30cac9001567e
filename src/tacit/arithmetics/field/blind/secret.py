"""The client's secret, and the keys that come of it."""

from __future__ import annotations

import enum
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tacit.errors import ProtocolError, TacitError

SECRET_BYTES = 32
PROGRAM_BYTES = 32
SERIES_BYTES = 16
# AES-256, and as much for HMAC-SHA256.
KEY_BYTES = 32
# A new meaning of any key is a new version: a key never serves two formats.
VERSION = 1


class Purpose(enum.Enum):
    """What a key is for; no two purposes share one."""

    MASKS = b"masks"
    FACTORS = b"factors"
    LEDGER = b"ledger"


class Hidden:
    """What holds a secret: it shows nothing, equals only itself and is never pickled or copied."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TacitError(
            f"a {type(self).__name__} holds a secret and is neither pickled nor copied"
        )


class Secret(Hidden):
    """32 bytes that only the client knows, bound to the program whose hash is given.

    Python keeps them, and the keys derived from them, until their memory is used again: they are
    not wiped.
    """

    __slots__ = ("_bytes", "program")

    def __init__(self, secret: bytes, program: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ProtocolError(f"the secret is not {SECRET_BYTES} bytes long")
        if len(program) != PROGRAM_BYTES:
            raise ProtocolError(f"a program's hash has {PROGRAM_BYTES} bytes, not {len(program)}")
        self._bytes = secret
        self.program = program

    def key(self, purpose: Purpose, series: bytes = b"", layer: bytes = b"") -> bytes:
        """The key for this purpose, this program, this series and this layer alone."""
        # No two lists of parts give the same bytes: no purpose is a prefix of another, and for one
        # purpose every part has a fixed length but the last, whose own parts can be told apart.
        info = b"".join(
            (
                b"tacit/field/blind/",
                VERSION.to_bytes(2, "big"),
                purpose.value,
                self.program,
                series,
                layer,
            )
        )
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(self._bytes)
