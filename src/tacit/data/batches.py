"""Images in batches, whose order and changes depend on a seed, an epoch and a step alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.data.draws import Purpose, generator
from tacit.data.images import Images, Labels
from tacit.data.normalisation import Floats, Indices, Normalisation
from tacit.errors import TypeMismatch

Augmentation = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Batch:
    """Normalised images `x` (images, channels, height, width), their labels, and where they are."""

    x: Floats
    y: Labels
    epoch: int
    step: int


@dataclass(frozen=True, eq=False)
class Batches:
    """Shuffled batches of `size` images for training, the same for the same seed.

    Any batch can be had without those before it: training that stopped goes on at (epoch, step).
    `augmentation` changes pixels before they are normalised, by `normalisation` or, for None, by
    the images' own. The last batch of an epoch may be smaller, unless `whole` leaves it out.
    """

    images: Images
    size: int
    seed: int
    augmentation: Augmentation | None = None
    normalisation: Normalisation | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        """Refuse sizes that make no batch."""
        most = len(self.images)
        if self.size < 1 or (self.whole and self.size > most):
            raise TypeMismatch(
                f"batches of {self.size} images cannot be made of {most}",
                hint="a batch has at least one image, a whole one no more than there are",
            )

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        total = len(self.images)
        return total // self.size if self.whole else -(-total // self.size)

    def order(self, epoch: int) -> Indices:
        """The places of the images in an epoch's order."""
        drawn = generator(self.seed, Purpose.ORDER, epoch)
        return drawn.permutation(len(self.images)).astype(np.int64)

    def epoch(self, epoch: int, *, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from the step `first` on; none if it is the number of steps."""
        if epoch < 0 or not 0 <= first <= self.steps:
            raise TypeMismatch(
                f"epoch {epoch} has no step {first}", hint=f"an epoch has {self.steps} steps"
            )
        order = self.order(epoch)
        return (self._batch(order, epoch, step) for step in range(first, self.steps))

    def _batch(self, order: NDArray[np.int64], epoch: int, step: int) -> Batch:
        places = order[step * self.size : (step + 1) * self.size]
        x: NDArray[Any] = self.images.x[places]
        if self.augmentation is not None:
            x = self.augmentation(x, generator(self.seed, Purpose.AUGMENTATION, epoch, step))
        normalise = self.normalisation or self.images.normalisation
        return Batch(normalise(x), self.images.y[places], epoch, step)


def in_order(
    images: Images, size: int, *, normalisation: Normalisation | None = None
) -> Iterator[Batch]:
    """The images as they are, in batches of `size`, for measuring; the last may be smaller."""
    if size < 1:
        raise TypeMismatch(f"batches of {size} images", hint="a batch has at least one image")
    normalise = normalisation or images.normalisation
    for step, start in enumerate(range(0, len(images), size)):
        places = np.arange(start, min(start + size, len(images)))
        yield Batch(normalise(images.x[places]), images.y[places], 0, step)
