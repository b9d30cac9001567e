"""What all quantisers are."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Quantiser(nn.Module, ABC):
    """A module that makes each value one of few.

    `bits` is what one of its values takes. Where it `reads_all`, a value depends on the whole
    tensor, which is only for weights: an input's row must not depend on what else is in the batch.
    """

    bits: int = 1
    reads_all: bool = False

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """The quantised values."""

    def extra_repr(self) -> str:
        """The bits, for printing."""
        return f"bits={self.bits}"
