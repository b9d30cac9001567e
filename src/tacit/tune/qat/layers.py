"""Layers whose weights are small integers times a learned step, and whose sums provably fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacit.errors import ReadError
from tacit.tune.qat.activations import QuantIdentity
from tacit.tune.qat.bounds import Bound, lowered, reach, require_room
from tacit.tune.qat.grids import at_rest, fake_quantise, starting_step
from tacit.tune.qat.settings import MOST_SUMMED, Enforcement

# By what the first step of weights is multiplied where sums would not fit.
WIDER = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)


@dataclass(frozen=True)
class Sums:
    """How small a layer's weights and sums are to be; `name` is what errors call the layer."""

    weights: int = 3
    accumulator: int = MOST_SUMMED
    enforcement: Enforcement = Enforcement.NORM
    per_channel: bool = False
    name: str = "a layer"

    def bound(self, grid: QuantIdentity) -> Bound:
        """What sums must fit into, where the layer's inputs lie on that grid."""
        return Bound(self.accumulator, grid.low, grid.high, self.enforcement)


class Quantised(nn.Module):
    """What quantised layers share; abstract.

    `weight` and `bias` are what is learned; weights count as `step` times integers, biases as
    integers times that and the step of `grid`, on which the layer's inputs lie.
    """

    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(self, layer: nn.Linear | nn.Conv2d, grid: QuantIdentity, knobs: Sums) -> None:
        super().__init__()
        require_room(knobs.name, knobs.bound(grid), knobs.weights)
        # In a tuple it is no part of this module: it has its own place in the network.
        self._grid, self.knobs = (grid,), knobs
        self.high = (1 << (knobs.weights - 1)) - 1
        self.weight = nn.Parameter(layer.weight.detach().clone())
        bias = torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias
        self.bias = nn.Parameter(bias.detach().clone())
        flat = self.weight.flatten(1) if knobs.per_channel else self.weight.flatten()
        self.logarithm = nn.Parameter(starting_step(flat, self.high).log())
        self._widen()
        self.limit()

    @property
    def grid(self) -> QuantIdentity:
        """The grid that the inputs lie on."""
        return self._grid[0]

    @property
    def step(self) -> Tensor:
        """The step of all weights, of shape (), or of each output's, of shape (outputs,)."""
        return self.logarithm.exp()

    @property
    def bound(self) -> Bound:
        """What the layer's sums must fit into."""
        return self.knobs.bound(self.grid)

    def rounded(self) -> tuple[Tensor, Tensor]:
        """Weights and biases on their grids."""
        step, most = self.step, self.bound.most
        unit = step * self.grid.step
        if not self.training:
            weight = at_rest(self.weight, step, -self.high, self.high)
            return weight, at_rest(self.bias, unit, -most, most)
        broad = _broad(step, self.weight)
        weight = fake_quantise(self.weight, broad, -self.high, self.high)
        # Biases learn as if they were not rounded, and take no part in what steps learn.
        bias = at_rest(self.bias.detach(), unit, -most, most)
        return weight, self.bias + (bias - self.bias).detach()

    @torch.no_grad()
    def integers(self) -> tuple[Tensor, Tensor]:
        """Weights (outputs, inputs) and biases (outputs,) as the integers that they stand for."""
        scale = _broad(self.step, self.weight).reciprocal()
        weight = (self.weight * scale).round().clamp(-self.high, self.high)
        unit = (self.step * self.grid.step).reciprocal()
        bias = (self.bias * unit).round().clamp(-self.bound.most, self.bound.most)
        return weight.flatten(1).long(), bias.long()

    @torch.no_grad()
    def _widen(self) -> None:
        """Choose the step, from the one that learning begins with on, at which limits cost least.

        Larger steps make smaller integers, of which more fit into a sum.
        """
        start, given = self.logarithm.clone(), (self.weight.clone(), self.bias.clone())
        errors = {}
        for factor in WIDER:
            self.logarithm.copy_(start + math.log(factor))
            if not self.limit() and factor == 1.0:
                return
            errors[factor] = float((self.rounded()[0] - given[0]).square().sum())
            self.weight.copy_(given[0])
            self.bias.copy_(given[1])
        self.logarithm.copy_(start + math.log(min(errors, key=errors.__getitem__)))

    @torch.no_grad()
    def limit(self) -> bool:
        """Move the weights, as little as it takes, to where all sums fit; whether any had to."""
        bound, unit = self.bound, self.step * self.grid.step
        border = bound.most_bias * unit
        self.bias.copy_(torch.minimum(torch.maximum(self.bias, -border), border))
        _, biases = self.integers()
        step = _broad(self.step, self.weight)
        ratios = (self.weight * step.reciprocal()).flatten(1)
        found = lowered(ratios, biases, bound, self.knobs.weights)
        changed = (found != ratios).reshape(self.weight.shape)
        moved = found.reshape(self.weight.shape) * step
        self.weight.copy_(torch.where(changed, moved, self.weight))
        return bool(changed.any())

    def reach(self) -> tuple[int, int]:
        """The least and the largest sum that any input can make, as integers."""
        weight, bias = self.integers()
        return reach(weight, bias, self.grid.low, self.grid.high)


class QuantLinear(Quantised):
    """A linear layer with weights and biases on grids, made of one of real numbers."""

    def __init__(self, layer: nn.Linear, grid: QuantIdentity, knobs: Sums | None = None) -> None:
        super().__init__(layer, grid, knobs or Sums())

    def forward(self, x: Tensor) -> Tensor:
        """W x + b."""
        weight, bias = self.rounded()
        return functional.linear(x, weight, bias)


class QuantConv2d(Quantised):
    """A convolution with weights and biases on grids, made of one of real numbers."""

    def __init__(self, layer: nn.Conv2d, grid: QuantIdentity, knobs: Sums | None = None) -> None:
        super().__init__(layer, grid, knobs or Sums())
        if layer.padding_mode != "zeros":
            raise ReadError(
                f"{self.knobs.name} pads with {layer.padding_mode}", hint="pad with zeros"
            )
        self.stride, self.padding = layer.stride, layer.padding
        self.dilation, self.groups = layer.dilation, layer.groups

    def forward(self, x: Tensor) -> Tensor:
        """Each position's window times the weights, and the bias."""
        weight, bias = self.rounded()
        return functional.conv2d(
            x, weight, bias, self.stride, self.padding, self.dilation, self.groups
        )


def limit(model: nn.Module) -> None:
    """Move every layer's weights to where all its sums fit, in place: after each step of one's own.

    Integers that fit already stay as they are.
    """
    for each in model.modules():
        if isinstance(each, Quantised):
            each.limit()


def accumulator_bits(model: nn.Module) -> dict[str, int]:
    """How many bits the sums of each quantised layer have, by path; proven from its integers.

    Whatever a layer is given, its sums are at most 2^bits consecutive integers.
    """
    found = {}
    for name, each in model.named_modules():
        if isinstance(each, Quantised):
            low, high = each.reach()
            found[name] = (high - low).bit_length()
    return found


def _broad(step: Tensor, weight: Tensor) -> Tensor:
    """The steps with as many axes as the weights have."""
    return step.reshape(-1, *(1 for _ in weight.shape[1:])) if step.ndim else step
