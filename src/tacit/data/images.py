"""What a set of labelled images is, and its held-out part."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tacit.data.draws import Purpose, generator
from tacit.data.folder import Folder
from tacit.data.normalisation import Bytes, Floats, Indices, Normalisation, Pixels
from tacit.errors import TypeMismatch

Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Images:
    """Images and the class of each.

    `x` has the shape (images, channels, height, width): uint8 from 0 to 255, or float32, in memory
    or in a folder; `y` holds each image's place in `classes`, the names of the classes.
    `normalisation` is the customary one of the data set, or that of its training part.
    """

    x: Pixels
    y: Labels
    classes: tuple[str, ...]
    normalisation: Normalisation

    def __post_init__(self) -> None:
        """Refuse what does not fit together; what is in memory can only be read from now on."""
        if self.x.ndim != 4 or self.y.ndim != 1 or len(self.x) != len(self.y) or not len(self.y):
            raise TypeMismatch(
                f"images of shape {self.x.shape} and labels of shape {self.y.shape} do not fit",
                hint="x is (images, channels, height, width), y has one label an image",
            )
        low, high = int(self.y.min()), int(self.y.max())
        if low < 0 or high >= len(self.classes):
            raise TypeMismatch(
                f"labels run from {low} to {high}, and there are {len(self.classes)} classes",
                hint="a label is a class's place, counted from 0",
            )
        channels = len(self.normalisation.mean)
        if channels != self.x.shape[1]:
            raise TypeMismatch(
                f"images of {self.x.shape[1]} channels are not normalised by {channels} means"
            )
        object.__setattr__(self, "y", _read_only(self.y))
        if isinstance(self.x, np.ndarray):
            object.__setattr__(self, "x", _checked(self.x))

    def __len__(self) -> int:
        return len(self.y)

    def only(self, indices: Indices) -> Images:
        """The images at `indices`, in their order; those of a folder are not decoded for it."""
        x = self.x.only(indices) if isinstance(self.x, Folder) else self.x[indices]
        return replace(self, x=x, y=self.y[indices])

    def pixels(self) -> Bytes | Floats:
        """All of `x` in memory; the images of a folder are decoded for it."""
        return self.x[np.arange(len(self))] if isinstance(self.x, Folder) else self.x

    @property
    def counts(self) -> tuple[int, ...]:
        """How many images each class has."""
        return tuple(np.bincount(self.y, minlength=len(self.classes)).tolist())


def split(images: Images, held_out: int, seed: int) -> tuple[Images, Images]:
    """The images without, and the images of, a held-out part of `held_out` images.

    Each class gives as many as is its share, up to rounding; which ones depends on `seed` and on
    the images' order alone. Both parts keep that order. Raises TypeMismatch where one is empty.
    """
    total = len(images)
    if not 0 < held_out < total:
        raise TypeMismatch(
            f"{held_out} of {total} images cannot be held out",
            hint="hold out at least one image and leave at least one",
        )
    drawn = generator(seed, Purpose.SPLIT)
    is_held = np.zeros(total, dtype=np.bool_)
    for label, quota in enumerate(_quotas(images.counts, held_out)):
        members = np.flatnonzero(images.y == label)
        is_held[drawn.permutation(members)[:quota]] = True
    kept, held = np.flatnonzero(~is_held), np.flatnonzero(is_held)
    return images.only(kept.astype(np.int64)), images.only(held.astype(np.int64))


def _quotas(counts: tuple[int, ...], held_out: int) -> list[int]:
    """Shares of `held_out` in proportion to `counts`, rounded by the largest remainders."""
    total = sum(counts)
    quotas = [held_out * count // total for count in counts]
    remainders = [held_out * count % total for count in counts]
    by_need = sorted(range(len(counts)), key=lambda label: -remainders[label])
    for label in by_need[: held_out - sum(quotas)]:
        quotas[label] += 1
    return quotas


def _checked(x: Bytes | Floats) -> Bytes | Floats:
    if x.dtype not in (np.uint8, np.float32):
        raise TypeMismatch(
            f"pixels are {x.dtype}", hint="give uint8 from 0 to 255, or float32 as they are"
        )
    if x.dtype == np.float32 and not np.isfinite(x).all():
        raise TypeMismatch(f"{np.count_nonzero(~np.isfinite(x))} pixels are not finite")
    view = x.view()
    view.flags.writeable = False
    return view


def _read_only(y: Labels) -> Labels:
    view = y.view()
    view.flags.writeable = False
    return view
