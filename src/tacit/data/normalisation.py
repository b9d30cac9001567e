"""What pixels become before a network sees them: shifted and scaled, channel by channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.data.folder import Folder
from tacit.errors import TypeMismatch

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Pixels = Bytes | Floats | Folder

# Images measured at once: bounds the memory, not the result.
ROWS = 1000


@dataclass(frozen=True)
class Normalisation:
    """Each channel's value x becomes (x - mean) / deviation.

    Both are in units of the whole range of a byte: uint8 pixels are divided by 255 first.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse lengths that differ, deviations that are not above 0, what is not finite."""
        if not self.mean or len(self.mean) != len(self.deviation):
            raise TypeMismatch(
                f"{len(self.mean)} means and {len(self.deviation)} deviations normalise no image",
                hint="give one of each for every channel",
            )
        for channel, (mean, deviation) in enumerate(zip(self.mean, self.deviation, strict=True)):
            if not (math.isfinite(mean) and 0.0 < deviation < math.inf):
                raise TypeMismatch(
                    f"channel {channel} has mean {mean:g} and deviation {deviation:g}",
                    hint="means are finite, deviations above 0: leave out channels of one value",
                )

    def __call__(self, x: Bytes | Floats) -> Floats:
        """The normalised images, float32, of shape (images, channels, height, width) like `x`."""
        if x.ndim != 4 or x.shape[1] != len(self.mean):
            raise TypeMismatch(
                f"images of shape {x.shape} have not {len(self.mean)} channels on their axis 1",
                hint="their shape is (images, channels, height, width)",
            )
        mean, deviation = (_channels(each) for each in (self.mean, self.deviation))
        return (_unit(x) - mean) / deviation


# Mean and deviation of all pixels of the training parts, to the digits that people quote.
MNIST = Normalisation((0.1307,), (0.3081,))
FASHION_MNIST = Normalisation((0.2860,), (0.3530,))
CIFAR10 = Normalisation((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
CIFAR100 = Normalisation((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))
# What torchvision's weights for ImageNet were trained with; others took it over for CIFAR.
IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def measured(x: Pixels) -> Normalisation:
    """The mean and the deviation of each channel of images (images, channels, height, width).

    Images of a folder are decoded twice for it. Raises TypeMismatch where a channel is constant.
    """
    mean = _average(x, np.zeros(x.shape[1]), power=1)
    variance = _average(x, mean, power=2)
    return Normalisation(tuple(mean.tolist()), tuple(np.sqrt(variance).tolist()))


def _average(x: Pixels, centre: NDArray[np.float64], *, power: int) -> NDArray[np.float64]:
    """The average over all pixels of a channel of (value - centre) ** power."""
    total = np.zeros(x.shape[1])
    for start in range(0, len(x), ROWS):
        rows = x[np.arange(start, min(start + ROWS, len(x)))]
        deviations = _unit(rows).astype(np.float64) - centre[:, None, None]
        total += np.sum(deviations**power, axis=(0, 2, 3))
    return total / (len(x) * math.prod(x.shape[2:]))


def _channels(values: tuple[float, ...]) -> Floats:
    return np.array(values, dtype=np.float32)[:, None, None]


def _unit(x: NDArray[Any]) -> Floats:
    """Values in units of the whole range of a byte; floats are in them already."""
    floats: Floats = x.astype(np.float32)
    return floats / np.float32(255) if x.dtype == np.uint8 else floats
