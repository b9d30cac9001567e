"""Activations that lie on grids: each value is moved to the nearest point of small integers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tacit.tune.qat.grids import at_rest, fake_quantise, gradient_factor, starting_step


class QuantIdentity(nn.Module):
    """Its input, moved to the nearest point step · q of a grid, `low` <= q <= `high`.

    The step is learned; as its logarithm (Jain et al. 2019, arXiv 1903.08066), so that one rate
    suits all and none becomes negative. Zero is a point of every grid, and stands for itself.
    """

    def __init__(self, low: int, high: int, step: float = 1.0) -> None:
        super().__init__()
        assert low <= 0 <= high, "zero is a point of every grid"
        self.low, self.high = low, high
        self.logarithm = nn.Parameter(torch.tensor(math.log(step)))

    @property
    def step(self) -> Tensor:
        """The distance of two points, of shape ()."""
        return self.logarithm.exp()

    def forward(self, x: Tensor) -> Tensor:
        """The nearest points."""
        if not self.training:
            return at_rest(x, self.step, self.low, self.high)
        factor = gradient_factor(x[0].numel(), self.low, self.high)
        return fake_quantise(x, self.step, self.low, self.high, factor=factor)

    def extra_repr(self) -> str:
        """The integers, for printing."""
        return f"low={self.low}, high={self.high}"


class QuantActivation(nn.Module):
    """A scalar function, and the grid that its values are moved to."""

    def __init__(self, function: nn.Module, grid: QuantIdentity) -> None:
        super().__init__()
        self.function, self.grid = function, grid

    def forward(self, x: Tensor) -> Tensor:
        """The function's values on the grid."""
        result: Tensor = self.grid(self.function(x))
        return result


def fitted(values: Tensor, bits: int, *, whole: bool = False) -> QuantIdentity:
    """A grid for values such as these: from zero on where none is negative, else of both signs.

    It reaches from the least to the largest value where there are both signs or it is to hold the
    `whole` range; otherwise its step is the one that learned steps begin with.
    """
    levels = (1 << bits) - 1
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if low == high:
        return QuantIdentity(0, levels)
    if low == 0.0 and not whole:
        return QuantIdentity(0, levels, float(starting_step(values.flatten(), levels)))
    step = (high - low) / levels
    below = round(-low / step)
    return QuantIdentity(-below, levels - below, step)
