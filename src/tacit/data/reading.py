"""What every format needs: files that are found, unpacked and checked."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tacit.data.images import Images
from tacit.errors import ReadError

Split = Literal["train", "test"]

PACKINGS = ("", ".gz", ".xz")
# The largest file of these formats, EMNIST's images by class, unpacks to 547 MB.
MOST_BYTES = 2**30
# Bytes read at once: their number costs no time, and they fit into any memory.
PIECE = 2**20


class Reads(Protocol):
    """An open file of bytes."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, so many or, at the end, fewer."""


@dataclass(frozen=True)
class Layout:
    """A format on disk: what it is called, whether it lies somewhere, and how it is loaded."""

    title: str
    lies_at: Callable[[Path], bool]
    load: Callable[[Path, Split], Images]


def find(folder: Path, *names: str) -> Path | None:
    """The first file of these names that is there, plain or packed."""
    candidates = (folder / f"{name}{packing}" for name in names for packing in PACKINGS)
    return next((each for each in candidates if each.is_file()), None)


def found(folder: Path, wanted: Iterable[tuple[str, ...]]) -> list[Path]:
    """The file of each tuple of names; raises ReadError that lists all that are missing."""
    files = [(names[0], find(folder, *names)) for names in wanted]
    missing = [name for name, file in files if file is None]
    if missing:
        raise ReadError(
            f"{folder} lacks {', '.join(missing)}",
            hint="each may be plain or packed (.gz, .xz); nothing is ever downloaded",
        )
    return [file for _, file in files if file is not None]


def unpacked(path: Path, *, at_most: int = MOST_BYTES) -> bytes:
    """A file's bytes, unpacked if it is a .gz or .xz.

    Raises ReadError where it is damaged, cut short, or has more than `at_most` bytes.
    """
    try:
        match path.suffix:
            case ".gz":
                with gzip.open(path) as file:
                    content = _read(file, at_most + 1)
            case ".xz":
                with lzma.open(path) as file:
                    content = _read(file, at_most + 1)
            case _:
                with path.open("rb") as file:
                    content = _read(file, at_most + 1)
    except EOFError as cut:
        raise ReadError(f"{path} is cut short", hint="fetch it again") from cut
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError) as damaged:
        raise ReadError(f"{path} is damaged: {damaged}", hint="fetch it again") from damaged
    if len(content) > at_most:
        raise ReadError(f"{path} unpacks to more than the {at_most} bytes that are read")
    return content


def _read(file: Reads, at_most: int) -> bytes:
    """Up to so many bytes, in pieces: room for all of them is never taken beforehand."""
    content = bytearray()
    while piece := file.read(min(PIECE, at_most - len(content))):
        content += piece
    return bytes(content)


def labels_of(raw: NDArray[np.integer], classes: int, path: Path) -> NDArray[np.int64]:
    """The labels as int64; raises ReadError with the first one that is no class."""
    labels = raw.astype(np.int64)
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise ReadError(
            f"{path} gives image {wrong[0]} the label {labels[wrong[0]]}; "
            f"labels run from 0 to {classes - 1}",
            hint=f"{wrong.size} of {labels.size} labels are no class: is it another data set?",
        )
    return labels


def numbered(classes: int) -> tuple[str, ...]:
    """Names for classes that have none: their numbers."""
    return tuple(str(label) for label in range(classes))
