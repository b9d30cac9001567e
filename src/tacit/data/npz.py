"""Images in numpy's .npz files."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.data.images import Images
from tacit.data.normalisation import Bytes, Floats, measured
from tacit.data.reading import Layout, Split, labels_of, numbered
from tacit.errors import ReadError

Arrays = dict[str, NDArray[Any]]

PARTS = ("train", "test")
# How many channels an axis may have to be taken for the channels.
CHANNELS = (1, 3)
# ImageNet-21k, the largest in use, has 21,841.
MOST_CLASSES = 100_000


def _lies_at(path: Path) -> bool:
    if path.is_file():
        return path.suffix == ".npz"
    return any((path / f"{part}.npz").is_file() for part in PARTS)


def _load(path: Path, part: Split) -> Images:
    parts = _parts(path)
    # The classes and the normalisation of a test part are those of its training part.
    missing = [each for each in ("train", part) if each not in parts]
    if missing:
        raise ReadError(
            f"{path} has no part {missing[0]!r}, only {', '.join(parts)}",
            hint="write train.npz and test.npz (x, y), or x_train, y_train, x_test, y_test",
        )
    raw, labels, where = parts[part]
    y = _labels(labels, where)
    if raw.shape[:1] != y.shape:
        raise ReadError(f"{where} has x of shape {raw.shape} and {len(y)} labels y")
    everybody = [_labels(each, file) for _, each, file in parts.values()]
    classes = 1 + max(int(each.max()) for each in everybody)
    if classes > MOST_CLASSES:
        raise ReadError(f"{path} has the label {classes - 1}", hint="labels count classes from 0")
    x = _pixels(raw, where)
    train, _, source = parts["train"]
    return Images(
        x,
        labels_of(y, classes, where),
        numbered(classes),
        measured(x if train is raw else _pixels(train, source)),
    )


def _parts(path: Path) -> dict[str, tuple[NDArray[Any], NDArray[Any], Path]]:
    """Pixels, labels and file of every part that is there."""
    if path.is_dir():
        files = {part: path / f"{part}.npz" for part in PARTS}
        return {
            part: (*_pair(_arrays(file), "x", "y", file), file)
            for part, file in files.items()
            if file.is_file()
        }
    arrays = _arrays(path)
    if "x" in arrays or "y" in arrays:
        return {"train": (*_pair(arrays, "x", "y", path), path)}
    named = [part for part in PARTS if f"x_{part}" in arrays]
    if not named:
        held = ", ".join(arrays) or "nothing"
        raise ReadError(
            f"{path} holds {held} and no x, y",
            hint="write it with numpy.savez(path, x=images, y=labels)",
        )
    return {part: (*_pair(arrays, f"x_{part}", f"y_{part}", path), path) for part in named}


def _pair(arrays: Arrays, x: str, y: str, path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    missing = [name for name in (x, y) if name not in arrays]
    if missing:
        raise ReadError(f"{path} lacks {', '.join(missing)}; it holds {', '.join(arrays)}")
    return arrays[x], arrays[y]


def _arrays(path: Path) -> Arrays:
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            named = None if isinstance(loaded, np.ndarray) else dict(loaded.items())
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as wrong:
        raise ReadError(
            f"{path} cannot be read: {wrong}", hint="write it with numpy.savez"
        ) from wrong
    if named is None:
        raise ReadError(f"{path} holds one array", hint="write it with numpy.savez")
    return named


def _labels(raw: NDArray[Any], path: Path) -> NDArray[np.int64]:
    if raw.dtype.kind not in "iu" or raw.size not in raw.shape[:1] or not raw.size:
        raise ReadError(
            f"{path} has labels y of {raw.dtype} and shape {raw.shape}",
            hint="y holds one whole number an image",
        )
    return raw.astype(np.int64).reshape(-1)


def _pixels(raw: NDArray[Any], path: Path) -> Bytes | Floats:
    """Images (images, channels, height, width) of grey ones, and of channels on axis 1 or 3."""
    match raw.shape:
        case (_, _, _):
            x = raw[:, None]
        case (_, channels, _, _) if channels in CHANNELS:
            x = raw
        case (_, _, _, channels) if channels in CHANNELS:
            x = raw.transpose(0, 3, 1, 2)
        case _:
            raise ReadError(
                f"{path} has images x of shape {raw.shape}",
                hint="x is (images, height, width), with 1 or 3 channels on axis 1 or 3 if any",
            )
    if x.dtype.kind == "f":
        # What is too large for float32 becomes infinite, and is refused as such.
        with np.errstate(over="ignore"):
            floats = np.ascontiguousarray(x, dtype=np.float32)
        if not np.isfinite(floats).all():
            raise ReadError(f"{path} has {np.count_nonzero(~np.isfinite(floats))} infinite pixels")
        return floats
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    raise ReadError(
        f"{path} has pixels of {x.dtype}", hint="give uint8 from 0 to 255, or floats as they are"
    )


NPZ = Layout(".npz files (train.npz and test.npz, or one file)", _lies_at, _load)
