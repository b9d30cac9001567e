"""Labelled images from a path, in whichever known format lies there."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from tacit.data import cifar
from tacit.data.classes import class_folders
from tacit.data.folder import STANDARD, Framing
from tacit.data.idx import IDX
from tacit.data.images import Images
from tacit.data.npz import NPZ
from tacit.data.reading import Layout, Split
from tacit.errors import ReadError, TypeMismatch

# The folders that official archives unpack to, and those that torchvision makes of them.
USUAL = (
    "cifar-10-batches-bin",
    "cifar-10-batches-py",
    "cifar-100-binary",
    "cifar-100-python",
    "MNIST/raw",
    "FashionMNIST/raw",
    "raw",
    "mnist",
    "fashion-mnist",
)


def load_images(path: Path | str, split: Split, *, framing: Framing = STANDARD) -> Images:
    """The images and labels of the training or of the test part at a path; nothing is downloaded.

    Known are MNIST's idx, CIFAR-10 and CIFAR-100 (binary and Python versions), .npz files, and
    folders of images by class, which stay in their files and are made square by `framing`. Files
    may be packed (.gz, .xz). Where a path holds none of them, the usual names of folders are looked
    for in it. Raises ReadError where nothing, or more than one data set, is found, and where files
    are missing, cut short or of wrong sizes, or a label is out of range.
    """
    if split not in get_args(Split):
        raise TypeMismatch(
            f"a data set has no part {split!r}", hint=f"parts are {', '.join(get_args(Split))}"
        )
    path = Path(path)
    if not path.exists():
        raise ReadError(f"there is nothing at {path}", hint="data are never downloaded")
    known = layouts(framing)
    candidates = _at(path, known)
    if not candidates and path.is_dir():
        candidates = [each for name in USUAL for each in _at(path / name, known)]
    match candidates:
        case [(place, layout)]:
            return layout.load(place, split)
        case []:
            raise ReadError(
                f"{path} holds no images that are known",
                hint=f"known are {'; '.join(each.title for each in known)}",
            )
        case _:
            listed = "; ".join(f"{layout.title} at {place}" for place, layout in candidates)
            raise ReadError(
                f"{path} holds more than one data set: {listed}", hint="name the folder of one"
            )


def layouts(framing: Framing) -> tuple[Layout, ...]:
    """All formats, as they are looked for."""
    return (
        IDX,
        cifar.BINARY_10.layout,
        cifar.BINARY_100.layout,
        cifar.PYTHON_10.layout,
        cifar.PYTHON_100.layout,
        NPZ,
        class_folders(framing),
    )


def _at(path: Path, known: tuple[Layout, ...]) -> list[tuple[Path, Layout]]:
    return [(path, layout) for layout in known if layout.lies_at(path)]
