"""The file of keys that a client uploads: the engine's bytes, and a stamp behind them.

The stamp comes last because the engine writes its file by itself, and a file of keys may be
larger than memory should hold twice. It names the program and the keys and hashes the rest.
"""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path

from tacit.errors import ProtocolError
from tacit.serve import wire

STAMP_BYTES = len(
    wire.encode(wire.Stamp(bytes(wire.HASH_BYTES), bytes(wire.NAME_BYTES), bytes(wire.HASH_BYTES)))
)


def append_stamp(path: Path, *, program: bytes, key: bytes) -> None:
    """Put the stamp behind what the engine wrote."""
    with path.open("r+b") as file:
        content = hashlib.file_digest(file, "sha256").digest()
        file.write(wire.encode(wire.Stamp(program, key, content)))


def open_keys(path: Path, program: bytes) -> tuple[bytes, memoryview]:
    """The name of the keys in a file and the engine's bytes, checked, without reading them twice.

    The file is mapped into memory: it must not be cut while the engine reads it.
    """
    try:
        with path.open("rb") as file:
            mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (FileNotFoundError, IsADirectoryError) as absent:
        raise ProtocolError(f"there is no file of keys at {path}") from absent
    except ValueError as empty:
        raise ProtocolError(f"the file of keys at {path} is empty") from empty
    stamp = wire.decode(wire.Stamp, bytes(mapped[-STAMP_BYTES:]))
    wire.require_program(stamp, program)
    content = mapped[:-STAMP_BYTES]
    if hashlib.sha256(content).digest() != stamp.content:
        raise ProtocolError(f"the file of keys at {path} is damaged: its hash does not match")
    return stamp.key, content
