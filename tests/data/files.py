"""Small files in the standard formats, written for tests."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.uint8]


def pixels(count: int, *shape: int, seed: int = 0) -> Array:
    """Random pixels of shape (count, *shape)."""
    return np.random.default_rng(seed).integers(0, 256, size=(count, *shape), dtype=np.uint8)


def idx(array: Array) -> bytes:
    """An idx file of unsigned bytes."""
    return (
        bytes((0, 0, 8, array.ndim))
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


def write_idx(folder: Path, x: Array, y: Array, *, part: str = "train", mark: str = "-") -> None:
    """The two files of a part of an idx data set; `mark` stands before idx3 and idx1."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part}-images{mark}idx3-ubyte").write_bytes(idx(x))
    (folder / f"{part}-labels{mark}idx1-ubyte").write_bytes(idx(y))


def records(x: Array, *labels: Array) -> bytes:
    """CIFAR's binary format: the labels' columns, then the pixels of (images, 3, 32, 32)."""
    return np.concatenate([*(each[:, None] for each in labels), x.reshape(len(x), -1)], 1).tobytes()


def write_binary(folder: Path, x: Array, y: Array) -> None:
    """CIFAR-10's five batches, of equal parts of x and y, and a test batch of the first part."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = list(zip(np.split(x, 5), np.split(y, 5), strict=True))
    for number, (some, labels) in enumerate(parts, start=1):
        (folder / f"data_batch_{number}.bin").write_bytes(records(some, labels))
    (folder / "test_batch.bin").write_bytes(records(*parts[0]))


class Pickler:
    """Writes what Python 2's cPickle wrote for CIFAR, in protocol 2, memory and all."""

    def __init__(self) -> None:
        self.kept = 0

    def dictionary(self, items: dict[str, Any]) -> bytes:
        pairs = (self.text(key.encode()) + self.value(value) for key, value in items.items())
        return b"\x80\x02}" + self.keep() + b"(" + b"".join(pairs) + b"u."

    def value(self, value: Any) -> bytes:
        match value:
            case bytes():
                return self.text(value)
            case int():
                return self.number(value)
            case list():
                start = b"]" + self.keep() + b"("
                return start + b"".join(self.value(each) for each in value) + b"e"
            case _:
                return self.array(value)

    def keep(self) -> bytes:
        self.kept += 1
        small = self.kept < 256
        return b"q" + bytes((self.kept,)) if small else b"r" + struct.pack("<I", self.kept)

    def text(self, text: bytes) -> bytes:
        short = len(text) < 256
        head = b"U" + bytes((len(text),)) if short else b"T" + struct.pack("<I", len(text))
        return head + text + self.keep()

    def number(self, number: int) -> bytes:
        if 0 <= number < 256:
            return b"K" + bytes((number,))
        if 0 <= number < 65536:
            return b"M" + struct.pack("<H", number)
        return b"J" + struct.pack("<i", number)

    def array(self, array: Array) -> bytes:
        made = b"cnumpy.core.multiarray\n_reconstruct\n" + self.keep()
        made += b"cnumpy\nndarray\n" + self.keep() + b"K\x00\x85" + self.keep()
        made += self.text(b"b") + b"\x87" + self.keep() + b"R" + self.keep()
        shape = b"".join(self.number(each) for each in array.shape) + b"\x86" + self.keep()
        kind = b"cnumpy\ndtype\n" + self.keep() + self.text(b"u1") + b"K\x00K\x01\x87"
        kind += self.keep() + b"R" + self.keep()
        kind += b"(K\x03" + self.text(b"|") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\x00t"
        kind += self.keep() + b"b"
        return made + b"(K\x01" + shape + kind + b"\x89" + self.text(array.tobytes()) + b"tb"


def python_batch(x: Array, y: list[int], *, key: str = "labels") -> bytes:
    """A batch of CIFAR's Python version; x has the shape (images, 3, 32, 32)."""
    names = [f"image_{place:05}.png".encode() for place in range(len(x))]
    items = {"batch_label": b"testing batch 1 of 1", key: y}
    return Pickler().dictionary({**items, "data": x.reshape(len(x), -1), "filenames": names})


def write_python(folder: Path, x: Array, y: Array) -> None:
    """CIFAR-10's five pickled batches, of equal parts of x and y, its test batch, and its names."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        python_batch(some, labels.tolist())
        for some, labels in zip(np.split(x, 5), np.split(y, 5), strict=True)
    ]
    for number, part in enumerate(parts, start=1):
        (folder / f"data_batch_{number}").write_bytes(part)
    (folder / "test_batch").write_bytes(parts[0])
    names = [f"kind {label}".encode() for label in range(10)]
    meta = {"num_cases_per_batch": len(x) // 5, "label_names": names, "num_vis": 3072}
    (folder / "batches.meta").write_bytes(Pickler().dictionary(meta))
