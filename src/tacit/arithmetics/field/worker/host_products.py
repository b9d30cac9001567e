"""The back end that is always there: NumPy's BLAS, where it is proven exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tacit.arithmetics.field.worker.host_words import HostWords
from tacit.arithmetics.field.worker.layers import Layer
from tacit.arithmetics.field.worker.matrices import by_numpy
from tacit.arithmetics.field.worker.words import BackEnd, Host, Words


@dataclass(frozen=True)
class HostProducts(BackEnd[Host]):
    """NumPy's matrix products in singles or doubles, and shifted sums for depthwise layers."""

    @property
    def name(self) -> str:
        """What it is called in facts."""
        return "numpy"

    @property
    def words(self) -> Words[Host]:
        """NumPy's arrays."""
        return HostWords()

    def load(self, layer: Layer) -> Callable[[Host], Host]:
        """The layer in NumPy's words."""
        return by_numpy(layer)
