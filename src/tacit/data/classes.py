"""Folders of images, one folder a class, as ImageNet and most others are kept."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tacit.data.folder import Folder, Framing
from tacit.data.images import Images
from tacit.data.normalisation import IMAGENET
from tacit.data.reading import Layout, Split
from tacit.errors import ReadError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".webp", ".gif", ".tif", ".tiff")
# ImageNet's test labels are secret: what everybody tests on is its part `val`.
PARTS = {"train": ("train",), "test": ("test", "val")}


def class_folders(framing: Framing) -> Layout:
    """The layout train/CLASS/*.png and test/CLASS/*.png (or val/), its images framed like this."""
    return Layout(
        "folders of images (train/CLASS/*.jpg and val/CLASS/*.jpg)",
        _lies_at,
        lambda root, part: _load(root, part, framing),
    )


def _lies_at(path: Path) -> bool:
    return any(_part(path, part) for part in PARTS)


def _part(path: Path, part: str) -> Path | None:
    """The folder of a part, if it is there and has folders in it."""
    folders = (path / name for name in PARTS[part])
    return next((each for each in folders if each.is_dir() and _folders(each)), None)


def _load(root: Path, part: Split, framing: Framing) -> Images:
    folder = _part(root, part)
    if folder is None:
        raise ReadError(f"{root} has no folder {' or '.join(PARTS[part])} with class folders in it")
    classes = _folders(_part(root, "train") or folder)
    place = {name: label for label, name in enumerate(classes)}
    files: list[str] = []
    y: list[int] = []
    for name in _folders(folder):
        if name not in place:
            raise ReadError(
                f"{folder} has a class {name!r} that {root / 'train'} has not",
                hint=f"{len(classes)} classes are there: {', '.join(classes[:5])}, ...",
            )
        images = _images(folder / name)
        files += [f"{name}/{image}" for image in images]
        y += [place[name]] * len(images)
    x = Folder(folder, tuple(files), framing)
    return Images(x, np.array(y, dtype=np.int64), classes, IMAGENET)


def _folders(path: Path) -> tuple[str, ...]:
    """The names of the folders in a folder, sorted; hidden ones are not seen."""
    with os.scandir(path) as entries:
        names = [each.name for each in entries if each.is_dir() and each.name[0] != "."]
    return tuple(sorted(names))


def _images(path: Path) -> list[str]:
    """The names of the images in a folder, sorted; raises ReadError where there is none."""
    with os.scandir(path) as entries:
        names = [each.name for each in entries if each.name.lower().endswith(SUFFIXES)]
    if not names:
        raise ReadError(f"{path} holds no image", hint=f"known are {', '.join(SUFFIXES)}")
    return sorted(names)
