"""What a tuning or a search is shown, and the fingerprint of all that its results depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tacit.data import Augmentation, Images, Normalisation, in_order, split
from tacit.data.folder import Folder
from tacit.tune.measure import rows_of


@dataclass(frozen=True, eq=False)
class Samples:
    """Training images, which a network is fitted to, and held-out ones that candidates are told by.

    Test images are never among them: what was chosen by a score is no longer measured by it.
    `augmentation` changes training images, for None not at all. `normalisation` is the network's
    own, or None for the one that the images came with.
    """

    train: Images
    held_out: Images
    augmentation: Augmentation | None = None
    normalisation: Normalisation | None = None

    @property
    def example(self) -> Tensor:
        """Two training images as a network takes them."""
        first = next(in_order(self.train, 2, normalisation=self.normalisation))
        return torch.from_numpy(first.x)

    def seen(self, count: int, seed: int) -> Images:
        """So many training images, of each class its share."""
        return self.train if count >= len(self.train) else split(self.train, count, seed)[1]

    def batches(self, images: Images) -> Iterator[Tensor]:
        """The images as a network takes them."""
        for batch in in_order(images, rows_of(images), normalisation=self.normalisation):
            yield torch.from_numpy(batch.x)


def fingerprint(model: nn.Module, samples: Samples, settings: str) -> str:
    """What is another one for any other model, images, labels or settings.

    Images in a folder are known by their files' names, not by what is in them.
    """
    augmentation = getattr(samples.augmentation, "__qualname__", repr(samples.augmentation))
    found = hashlib.sha256(f"{settings} {augmentation} {samples.normalisation}".encode())
    for name, tensor in model.state_dict().items():
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(flat.view(torch.uint8).numpy().tobytes())
    for images in (samples.train, samples.held_out):
        found.update(np.ascontiguousarray(images.y).tobytes())
        match images.x:
            case Folder() as folder:
                found.update(repr(folder).encode())
            case pixels:
                found.update(f"{pixels.dtype} {pixels.shape}".encode())
                found.update(np.ascontiguousarray(pixels).tobytes())
    return found.hexdigest()
