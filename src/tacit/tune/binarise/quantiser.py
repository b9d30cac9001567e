"""What all quantisers are."""

from __future__ import annotations

from torch import Tensor, nn


class Quantiser(nn.Module):
    """A module that makes each value one of few; abstract.

    `bits` is what one of its values takes. Where it `reads_all`, a value depends on the whole
    tensor, which is only for weights: an input's row must not depend on what else is in the batch.
    """

    bits: int = 1
    reads_all: bool = False

    def forward(self, x: Tensor) -> Tensor:
        """The quantised values."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """The bits, for printing."""
        return f"bits={self.bits}"
