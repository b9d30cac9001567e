"""CIFAR-10 and CIFAR-100, in their binary and in their Python format.

Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images"; the formats are those of
the data sets' own page: 32 by 32 pixels, the red plane first, then green, then blue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tacit.data.images import Images, Labels
from tacit.data.normalisation import CIFAR10, CIFAR100, Bytes, Normalisation
from tacit.data.pickled import Value, read_batch
from tacit.data.reading import Layout, Split, find, found, labels_of, numbered, unpacked
from tacit.errors import ReadError

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
# CIFAR-100's training part is 155 MB; a byte of another pickle can become many in memory.
MOST_PICKLED = 2**28


@dataclass(frozen=True)
class Format:
    """One of the four formats: its files, what names its classes, how a file is read."""

    title: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    classes: int
    normalisation: Normalisation
    names: Callable[[Path, int], tuple[str, ...]]
    batch: Callable[[Path], tuple[Bytes, NDArray[np.integer]]]

    @property
    def layout(self) -> Layout:
        """This format as one that can be recognised and loaded."""
        return Layout(self.title, self.lies_at, self.load)

    def lies_at(self, path: Path) -> bool:
        """Whether any of its files is there."""
        return any(find(path, name) for name in self.train + self.test)

    def load(self, folder: Path, part: Split) -> Images:
        """The images of a part, in the order of the files."""
        names = self.train if part == "train" else self.test
        files = found(folder, [(name,) for name in names])
        batches = [self._checked(path) for path in files]
        sizes = [len(y) for _, y in batches]
        if len(set(sizes)) > 1:
            listed = ", ".join(
                f"{path.name}: {size}" for path, size in zip(files, sizes, strict=True)
            )
            raise ReadError(
                f"the batches in {folder} have different numbers of images ({listed})",
                hint="a short one was cut off: fetch it again",
            )
        x = np.concatenate([x for x, _ in batches]).reshape(-1, *SHAPE)
        y = np.concatenate([y for _, y in batches])
        return Images(x, y, self.names(folder, self.classes), self.normalisation)

    def _checked(self, path: Path) -> tuple[Bytes, Labels]:
        x, raw = self.batch(path)
        return x, labels_of(raw, self.classes, path)


def _records(label_bytes: int) -> Callable[[Path], tuple[Bytes, NDArray[np.integer]]]:
    """A reader of records: the label, last of so many label bytes, then the pixels."""
    size = label_bytes + PIXELS

    def read(path: Path) -> tuple[Bytes, NDArray[np.integer]]:
        content = unpacked(path)
        if not content or len(content) % size:
            raise ReadError(
                f"{path} has {len(content)} bytes, which are no whole records of {size} bytes",
                hint="it was cut short, or is another format",
            )
        records = np.frombuffer(content, dtype=np.uint8).reshape(-1, size)
        return records[:, label_bytes:], records[:, label_bytes - 1]

    return read


def _pickled(key: str) -> Callable[[Path], tuple[Bytes, NDArray[np.integer]]]:
    """A reader of pickled batches whose labels are called `key`."""

    def read(path: Path) -> tuple[Bytes, NDArray[np.integer]]:
        match _dictionary(path):
            case {"data": np.ndarray() as x, **rest} if x.shape[1] == PIXELS:
                labels = rest.get(key)
            case _:
                raise ReadError(f"{path} has no array 'data' of rows of {PIXELS} bytes")
        if not isinstance(labels, list) or not all(isinstance(each, int) for each in labels):
            raise ReadError(
                f"{path} has no list {key!r} of numbers", hint="is it another data set?"
            )
        if len(labels) != len(x):
            raise ReadError(f"{path} has {len(x)} images and {len(labels)} labels")
        return x, np.array(labels, dtype=np.int64)

    return read


def _names_in_lines(file: str) -> Callable[[Path, int], tuple[str, ...]]:
    """A reader of class names, one a line; numbers where there is no such file."""

    def read(folder: Path, classes: int) -> tuple[str, ...]:
        path = find(folder, file)
        if path is None:
            return numbered(classes)
        lines = unpacked(path).decode("utf-8", errors="replace").split("\n")
        return _complete([line.strip() for line in lines if line.strip()], classes, path)

    return read


def _names_in_pickle(file: str, key: str) -> Callable[[Path, int], tuple[str, ...]]:
    """A reader of class names in a pickled dictionary; numbers where there is no such file."""

    def read(folder: Path, classes: int) -> tuple[str, ...]:
        path = find(folder, file)
        if path is None:
            return numbered(classes)
        listed = _dictionary(path).get(key)
        words = listed if isinstance(listed, list) else []
        names = [
            each.decode("utf-8", errors="replace") for each in words if isinstance(each, bytes)
        ]
        return _complete(names, classes, path)

    return read


def _dictionary(path: Path) -> dict[str, Value]:
    return read_batch(unpacked(path, at_most=MOST_PICKLED), str(path))


def _complete(names: list[str], classes: int, path: Path) -> tuple[str, ...]:
    if len(names) != classes or len(set(names)) != classes:
        raise ReadError(f"{path} names {len(set(names))} classes; there are {classes}")
    return tuple(names)


_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))

BINARY_10 = Format(
    "CIFAR-10's binary version (data_batch_1.bin, ...)",
    tuple(f"{name}.bin" for name in _BATCHES),
    ("test_batch.bin",),
    10,
    CIFAR10,
    _names_in_lines("batches.meta.txt"),
    _records(1),
)
BINARY_100 = Format(
    "CIFAR-100's binary version (train.bin, test.bin)",
    ("train.bin",),
    ("test.bin",),
    100,
    CIFAR100,
    _names_in_lines("fine_label_names.txt"),
    # The coarse label comes first; the fine one is the class.
    _records(2),
)
PYTHON_10 = Format(
    "CIFAR-10's Python version (data_batch_1, ...)",
    _BATCHES,
    ("test_batch",),
    10,
    CIFAR10,
    _names_in_pickle("batches.meta", "label_names"),
    _pickled("labels"),
)
PYTHON_100 = Format(
    "CIFAR-100's Python version (train, test)",
    ("train",),
    ("test",),
    100,
    CIFAR100,
    _names_in_pickle("meta", "fine_label_names"),
    _pickled("fine_labels"),
)
