"""What a network learns from: rows of numbers with classes or values, or images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tacit.data import Batches
from tacit.data.draws import Purpose, generator
from tacit.errors import TypeMismatch
from tacit.tune.samples import Samples, fingerprint

# Rows looked at together where a network is measured.
LOOKED_AT = 1000


@dataclass(frozen=True, eq=False)
class Rows:
    """Inputs `x`, their first axis the rows, and for each row a class or values.

    `y` holds whole numbers, classes counted from 0, or real ones, of shape (rows,) or (rows,
    outputs), that are to be met in the mean square.
    """

    x: NDArray[Any]
    y: NDArray[Any]

    def __post_init__(self) -> None:
        """Refuse what does not fit together, and what is not finite."""
        if self.x.ndim < 2 or len(self.x) != len(self.y) or not len(self.y) or self.y.ndim > 2:
            raise TypeMismatch(
                f"inputs of shape {self.x.shape} and targets of shape {self.y.shape} do not fit",
                hint="the first axis of both is the rows",
            )
        if not (np.isfinite(self.x).all() and np.isfinite(self.y).all()):
            raise TypeMismatch("an input or a target is not finite")
        if self.is_classes and (self.y.ndim != 1 or self.y.min() < 0):
            raise TypeMismatch("classes are whole numbers from 0, one for each row")

    def __len__(self) -> int:
        return len(self.y)

    @property
    def is_classes(self) -> bool:
        """Whether the targets are classes."""
        return bool(np.issubdtype(self.y.dtype, np.integer))

    def at(self, places: NDArray[np.int64] | slice) -> tuple[Tensor, Tensor]:
        """The inputs and targets of some rows as a network takes them."""
        kind = np.int64 if self.is_classes else np.float32
        # Copies: torch takes no arrays that can only be read.
        x, y = self.x[places].astype(np.float32), self.y[places].astype(kind)
        return torch.from_numpy(x), torch.from_numpy(y)


class Stream(Protocol):
    """Batches without end, any of which can be had without those before it."""

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""

    def epoch(self, number: int, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch from the step `first` on."""


@dataclass(frozen=True)
class RowStream:
    """Shuffled batches of rows; the last of an epoch may be smaller."""

    rows: Rows
    size: int
    seed: int

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.rows) // self.size)

    def epoch(self, number: int, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch from the step `first` on."""
        drawn = generator(self.seed, Purpose.ORDER, number)
        order = drawn.permutation(len(self.rows)).astype(np.int64)
        for step in range(first, self.steps):
            yield self.rows.at(order[step * self.size : (step + 1) * self.size])


@dataclass(frozen=True)
class ImageStream:
    """Shuffled batches of images, changed and normalised."""

    batches: Batches

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return self.batches.steps

    def epoch(self, number: int, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch from the step `first` on."""
        for batch in self.batches.epoch(number, first=first):
            yield torch.tensor(batch.x), torch.tensor(batch.y)


def stream(data: Rows | Samples, size: int, seed: int) -> Stream:
    """The batches to train on."""
    match data:
        case Rows():
            return RowStream(data, size, seed)
        case Samples():
            changes = data.augmentation, data.normalisation
            return ImageStream(Batches(data.train, size, seed, *changes))


def mark(model: nn.Module, data: Rows | Samples, held_out: Rows | None, settings: str) -> str:
    """What is another one for any other model, data or settings."""
    if isinstance(data, Samples):
        return fingerprint(model, data, settings)
    found = hashlib.sha256(settings.encode())
    for name, tensor in model.state_dict().items():
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(flat.view(torch.uint8).numpy().tobytes())
    for array in (each for rows in (data, held_out) if rows for each in (rows.x, rows.y)):
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
