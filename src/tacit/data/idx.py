"""MNIST's format, idx, and the data sets that come in it."""

from __future__ import annotations

import hashlib
import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tacit.data.images import Images
from tacit.data.normalisation import FASHION_MNIST, MNIST, Normalisation, measured
from tacit.data.reading import Layout, Split, find, found, labels_of, numbered, unpacked
from tacit.errors import ReadError

# LeCun, Cortes, Burges: the MNIST database, "file formats": two zeros, a type, a number of axes.
UNSIGNED_BYTE = 0x08
PREFIXES = {"train": "train", "test": "t10k"}
DIGITS = numbered(10)
# Xiao, Rasul, Vollgraf 2017, table 2.
FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
# The format does not say which data set it holds, but the labels do: SHA-256 of the label bytes.
KNOWN: dict[str, tuple[tuple[str, ...], Normalisation]] = {
    "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13": (DIGITS, MNIST),
    "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5": (DIGITS, MNIST),
    "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7": (FASHION, FASHION_MNIST),
    "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9": (FASHION, FASHION_MNIST),
}


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """The array of unsigned bytes of so many axes in an idx file, plain or packed.

    Raises ReadError where the file is of another kind, or longer or shorter than it says.
    """
    content = unpacked(path)
    head = 4 + 4 * axes
    if len(content) < head or content[:4] != bytes((0, 0, UNSIGNED_BYTE, axes)):
        raise ReadError(
            f"{path} is no idx file of unsigned bytes on {axes} axes: "
            f"it begins with {content[:4].hex() or 'nothing'}",
            hint=f"it should begin with 000008{axes:02x}",
        )
    shape = struct.unpack_from(f">{axes}I", content, 4)
    announced = math.prod(shape)
    if len(content) - head != announced:
        what = "cut short" if len(content) - head < announced else "followed by other bytes"
        raise ReadError(
            f"{path} is {what}: shape {shape} is announced, {len(content) - head} bytes are there"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(shape)


def _names(prefix: str, what: str, axes: int) -> tuple[str, str]:
    return f"{prefix}-{what}-idx{axes}-ubyte", f"{prefix}-{what}.idx{axes}-ubyte"


def _files(part: str) -> tuple[tuple[str, str], tuple[str, str]]:
    prefix = PREFIXES[part]
    return _names(prefix, "images", 3), _names(prefix, "labels", 1)


def _lies_at(path: Path) -> bool:
    return any(find(path, *names) for part in PREFIXES for names in _files(part))


def _load(folder: Path, part: Split) -> Images:
    image_file, label_file = found(folder, _files(part))
    x, raw = read_idx(image_file, 3), read_idx(label_file, 1)
    if len(x) != len(raw) or not x.size:
        raise ReadError(f"{folder} has {len(x)} images and {len(raw)} labels of part {part!r}")
    y = labels_of(raw, len(DIGITS), label_file)
    known = KNOWN.get(hashlib.sha256(raw.tobytes()).hexdigest())
    if known is not None:
        classes, normalisation = known
    else:
        train = x if part == "train" else read_idx(found(folder, _files("train"))[0], 3)
        classes, normalisation = DIGITS, measured(train[:, None])
    return Images(x[:, None], y, classes, normalisation)


IDX = Layout("MNIST's idx (train-images-idx3-ubyte, ...)", _lies_at, _load)
