"""Files of factors: what the masks of one query become under the network's products, sealed.

A file is a head, a table of its layers, and each layer's factor under AES-256-GCM with that
layer's own key. A nonce is the index and the layer; a key serves one series, whose name is fresh,
so that no nonce meets a key twice with different contents. The associated data names the version,
the program, the series, the index, the layer and its shapes: a factor opens in its own place only.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tacit.arithmetics.field.blind.layers import Layer
from tacit.arithmetics.field.blind.ledger import Turn
from tacit.arithmetics.field.blind.masks import WORD, MaskArray
from tacit.arithmetics.field.blind.secret import (
    PROGRAM_BYTES,
    SERIES_BYTES,
    VERSION,
    Hidden,
    Purpose,
    Secret,
)
from tacit.errors import ProtocolError, TypeMismatch

MAGIC = b"tacitblf"
# Magic, version, program, series, index.
HEAD = struct.Struct(f">8sH{PROGRAM_BYTES}s{SERIES_BYTES}sQ")
COUNT = struct.Struct(">I")
# A layer's number, and how many bytes are sealed for it.
ENTRY = struct.Struct(">IQ")
TAG_BYTES = 16


@dataclass(frozen=True, eq=False, repr=False)
class Place(Hidden):
    """Where a factor belongs: the secret (and so the program), the series and the index."""

    secret: Secret
    turn: Turn

    @property
    def head(self) -> bytes:
        """What a file begins with, and what every factor in it is bound to."""
        turn = self.turn
        return HEAD.pack(MAGIC, VERSION, self.secret.program, turn.series.name, turn.index)

    def key(self, layer: Layer) -> bytes:
        """A layer's key; of another shape, another: a series may go on with other layers."""
        return self.secret.key(Purpose.FACTORS, self.turn.series.name, layer.described)

    def nonce(self, layer: Layer) -> bytes:
        """A layer's nonce: 12 bytes that no other factor under its key has."""
        return struct.pack(">QI", self.turn.index, layer.number)

    def bound(self, layer: Layer) -> bytes:
        """What a layer's factor is bound to."""
        return self.head + layer.described


def file_bytes(layers: Iterable[Layer]) -> int:
    """How large the file of one query is."""
    listed = tuple(layers)
    table = HEAD.size + COUNT.size + ENTRY.size * len(listed)
    return table + sum(layer.output_bytes + TAG_BYTES for layer in listed)


def table(layers: Iterable[Layer]) -> bytes:
    """The table of a file's layers."""
    entries = [ENTRY.pack(each.number, each.output_bytes + TAG_BYTES) for each in layers]
    return COUNT.pack(len(entries)) + b"".join(entries)


def sealed(factor: MaskArray, layer: Layer, place: Place) -> bytes:
    """A layer's factor as its file holds it; TypeMismatch for another shape or type."""
    if factor.shape != layer.output or factor.dtype != np.uint32:
        raise TypeMismatch(
            f"the product of layer {layer.number} gave {factor.dtype} of {factor.shape}; "
            f"uint32 of {layer.output} was expected"
        )
    content = np.ascontiguousarray(factor, WORD).reshape(-1).data.cast("B")
    return AESGCM(place.key(layer)).encrypt(place.nonce(layer), content, place.bound(layer))


class Factors(Hidden):
    """An opened file of factors, whose head and size are right; each factor is checked when read.

    ProtocolError is raised for whatever is not what was sealed for this place and these layers.
    """

    __slots__ = ("_file", "_offsets", "_place")

    def __init__(self, path: Path, place: Place, layers: Iterable[Layer]) -> None:
        listed = tuple(layers)
        self._place = place
        self._file = _opened(path)
        try:
            _require_head(self._file, place, listed)
        except BaseException:
            self._file.close()
            raise
        self._offsets: dict[int, int] = {}
        offset = self._file.tell()
        for layer in listed:
            self._offsets[layer.number] = offset
            offset += layer.output_bytes + TAG_BYTES

    def read(self, layer: Layer) -> MaskArray:
        """A layer's factor, in memory of its own."""
        room = np.empty(layer.output_bytes + TAG_BYTES, np.uint8)
        # The file may lie with an adversary: it is copied once and never looked at again.
        self._copy(room.data, self._offsets[layer.number])
        content, tag = room[:-TAG_BYTES], room[-TAG_BYTES:].tobytes()
        place = self._place
        way = modes.GCM(place.nonce(layer), tag)
        opening = Cipher(algorithms.AES(place.key(layer)), way).decryptor()
        opening.authenticate_additional_data(place.bound(layer))
        opening.update_into(content.data, content.data)
        try:
            opening.finalize()
        except InvalidTag as false:
            room.fill(0)
            raise ProtocolError(
                f"the factor of layer {layer.number} for query {place.turn.index} was changed"
            ) from false
        return content.view(WORD).reshape(layer.output)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def _copy(self, room: memoryview, offset: int) -> None:
        """Fill memory from the file, whoever else reads it meanwhile."""
        while room:
            count = os.preadv(self._file.fileno(), [room], offset)
            if not count:
                raise ProtocolError("a file of factors was cut short while it was read")
            room, offset = room[count:], offset + count


def _opened(path: Path) -> BinaryIO:
    """A plain file, opened; a link or a pipe in its place is refused and nothing waits for it."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as absent:
        raise ProtocolError(f"there are no factors at {path}: {absent.strerror}") from absent
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ProtocolError(f"what lies at {path} is no file")
    return os.fdopen(number, "rb")


def _require_head(file: BinaryIO, place: Place, layers: tuple[Layer, ...]) -> None:
    """Refuse a file of something else, of somewhere else, or of another size."""
    turn = place.turn
    found = file.read(HEAD.size)
    if len(found) < HEAD.size or found[: len(MAGIC)] != MAGIC:
        raise ProtocolError(f"what lies in the place of query {turn.index} holds no factors")
    _, version, program, series, index = HEAD.unpack(found)
    if version != VERSION:
        raise ProtocolError(f"the factors have version {version}; {VERSION} is known")
    if program != place.secret.program:
        raise ProtocolError(f"the factors of query {turn.index} are of another program")
    if (series, index) != (turn.series.name, turn.index):
        raise ProtocolError(f"factors of another query lie in the place of query {turn.index}")
    expected = table(layers)
    if file.read(len(expected)) != expected:
        raise ProtocolError(f"the factors of query {turn.index} are not those of these layers")
    size, right = os.fstat(file.fileno()).st_size, file_bytes(layers)
    if size != right:
        raise ProtocolError(
            f"the factors of query {turn.index} have {size} bytes; {right} were written"
        )
