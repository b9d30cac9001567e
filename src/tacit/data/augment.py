"""Images slightly changed, so that a network sees new ones each epoch: pure but for a Generator.

All take and give arrays of shape (images, channels, height, width), of any type.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tacit.errors import TypeMismatch

Pixel = TypeVar("Pixel", bound=np.generic)

# He et al. 2016, section 4.2: 4 pixels on each side of CIFAR's 32.
PADDING = 4


def flipped(x: NDArray[Pixel], generator: np.random.Generator) -> NDArray[Pixel]:
    """The images, each mirrored left to right with chance 1/2."""
    is_mirrored = generator.integers(2, size=(len(x), 1, 1, 1)).astype(np.bool_)
    return np.where(is_mirrored, x[..., ::-1], x)


def cropped(
    x: NDArray[Pixel], generator: np.random.Generator, *, padding: int = PADDING
) -> NDArray[Pixel]:
    """The images, each shifted up to `padding` pixels each way, zeros moving in at the border.

    A zero is black before normalisation, and the mean after it.
    """
    if padding < 0:
        raise TypeMismatch(f"{padding} pixels of padding", hint="padding is 0 or more")
    border = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, border), x.shape[2:], axis=(2, 3))
    tops, lefts = generator.integers(2 * padding + 1, size=(2, len(x)))
    shifted: NDArray[Pixel] = windows[np.arange(len(x)), :, tops, lefts]
    return shifted


def cropped_and_flipped(x: NDArray[Pixel], generator: np.random.Generator) -> NDArray[Pixel]:
    """The images shifted, then mirrored: the usual augmentation of CIFAR (He et al. 2016, 4.2)."""
    return flipped(cropped(x, generator), generator)
