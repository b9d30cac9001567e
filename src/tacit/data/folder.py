"""Images that stay in their files until they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tacit.errors import ReadError, TypeMismatch

COLOURS = 3


@dataclass(frozen=True)
class Framing:
    """How images of any size become square ones, in pixels.

    The shorter side is resized to `shorter`, then the centre of `size` by `size` is cut out.
    (He et al. 2016, section 3.4: 224 out of 256.)
    """

    shorter: int = 256
    size: int = 224

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit into each other."""
        if not 1 <= self.size <= self.shorter:
            raise TypeMismatch(
                f"{self.size} pixels cannot be cut out of {self.shorter}",
                hint="size is at least 1 and at most shorter",
            )


STANDARD = Framing()


@dataclass(frozen=True)
class Folder:
    """Images in files: an array of shape (images, 3, size, size), uint8, that is never in memory.

    `files` are relative to `root`. Indexing decodes, by Pillow, what is asked for and no more.
    """

    root: Path
    files: tuple[str, ...]
    framing: Framing = STANDARD

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape that the array of all images would have."""
        return len(self.files), COLOURS, self.framing.size, self.framing.size

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images at `indices`, of shape (indices, 3, size, size).

        Raises ReadError for a file that is no whole image, and where Pillow is not installed.
        """
        # Pillow's door opens when the first image is decoded, not when a folder is named.
        try:
            from tacit.data import pictures
        except ModuleNotFoundError as absent:
            raise ReadError(
                "decoding images needs Pillow, which is not installed",
                hint="pip install 'tacit[images]'",
            ) from absent
        x = np.empty((len(indices), *self.shape[1:]), dtype=np.uint8)
        for place, index in enumerate(indices.tolist()):
            path = self.root / self.files[index]
            x[place] = pictures.decoded(path, self.framing.shorter, self.framing.size)
        return x

    def only(self, indices: NDArray[np.int64]) -> Folder:
        """The folder with the files at `indices` alone; nothing is decoded."""
        return replace(self, files=tuple(self.files[index] for index in indices.tolist()))
