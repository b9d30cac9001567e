"""Sums that provably fit: weights are lowered until no input can make a sum too large."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tacit.errors import WidthExceeded
from tacit.tune.qat.settings import Enforcement

# Just below the border between two integers, so that no rounding error lifts a weight over it.
BELOW_HALF = 0.499


@dataclass(frozen=True)
class Bound:
    """Sums of `bits` bits in two's complement, of products with integers from `low` to `high`."""

    bits: int
    low: int
    high: int
    enforcement: Enforcement = Enforcement.NORM

    @property
    def most(self) -> int:
        """The largest sum; the least is one further from zero."""
        return (1 << (self.bits - 1)) - 1

    @property
    def most_bias(self) -> int:
        """The largest bias: the other half of the room is the weights'."""
        return self.most // 2

    @property
    def factor(self) -> int:
        """The largest magnitude that a weight of 1 can contribute."""
        return max(self.high, -self.low)


def require_room(name: str, bound: Bound, weight_bits: int) -> None:
    """Raise WidthExceeded where not even one weight fits into the sums of a layer."""
    needed = (bound.factor + 1).bit_length() + 1
    if bound.enforcement is Enforcement.PRUNING and not kept(bound, weight_bits):
        needed = weight_bits + bound.factor.bit_length()
    if bound.bits < needed:
        raise WidthExceeded(
            f"{name}: sums of {bound.bits} bits cannot hold one product with an integer from "
            f"{bound.low} to {bound.high}",
            hint=f"give the accumulator at least {needed} bits, or its inputs fewer",
        )


def kept(bound: Bound, weight_bits: int) -> int:
    """How many weights of a neuron may differ from zero, where the others are pruned.

    floor((2^A - 1) / ((2^w - 1) (2^a - 1))), for sums, weights and activations of so many bits.
    """
    activation = bound.high - bound.low
    return ((1 << bound.bits) - 1) // (((1 << weight_bits) - 1) * activation)


def lowered(ratios: Tensor, biases: Tensor, bound: Bound, weight_bits: int) -> Tensor:
    """The nearest ratios of weights to their step whose integers make sums that fit.

    `ratios` is (neurons, inputs), `biases` (neurons,) are integers of at most `most_bias`.
    """
    most = (1 << (weight_bits - 1)) - 1
    size, sign = ratios.abs(), ratios.sign()
    if bound.enforcement is Enforcement.PRUNING:
        # The formula leaves biases out, so what is kept may still have to be lowered.
        size = _pruned(size, kept(bound, weight_bits))
    if bound.low < 0:
        room = (bound.most - biases.abs()).div(bound.factor, rounding_mode="floor")
        return sign * _reduced(size, room, most)
    # Inputs are never negative: positive weights alone make the largest sum, negative the least.
    above = (bound.most - biases).div(bound.factor, rounding_mode="floor")
    below = (bound.most + 1 + biases).div(bound.factor, rounding_mode="floor")
    both = torch.cat([size * (sign > 0), size * (sign < 0)])
    positive, negative = _reduced(both, torch.cat([above, below]), most).chunk(2)
    return positive - negative


def _reduced(size: Tensor, room: Tensor, most: int) -> Tensor:
    """The sizes lowered, where it takes least, until their integers add up to `room` at most.

    What remains are the rounded values of a projection onto the ball of the L1 norm, which lowers
    all sizes by the same threshold (Duchi et al. 2008).
    """
    integers = size.round().clamp(max=most)
    excess = integers.sum(1) - room
    rows = torch.nonzero(excess > 0).flatten()
    if not len(rows):
        return size
    chosen, whole = size[rows], integers[rows]
    levels = torch.arange(1, most + 1, device=size.device, dtype=size.dtype)
    # How far each size lies above the border at which its integer falls below a level.
    gaps = chosen[..., None] - (levels - 0.5)
    gaps = torch.where(levels <= whole[..., None], gaps, torch.inf)
    ordered = gaps.flatten(1).sort(dim=1).values
    threshold = ordered.gather(1, excess[rows].long()[:, None] - 1)[..., None]
    left = ((gaps > threshold) & gaps.isfinite()).sum(2)
    result = size.clone()
    result[rows] = torch.where(left < whole, torch.minimum(chosen, left + BELOW_HALF), chosen)
    return result


def _pruned(size: Tensor, count: int) -> Tensor:
    """The sizes, all but the largest `count` of each row lowered to where they round to zero."""
    if count >= size.shape[1]:
        return size
    order = size.argsort(dim=1, descending=True, stable=True)
    rest = torch.zeros_like(size, dtype=torch.bool).scatter(1, order[:, count:], value=True)
    return torch.where(rest, size.clamp(max=BELOW_HALF), size)


def reach(weights: Tensor, biases: Tensor, low: int, high: int) -> tuple[int, int]:
    """The least and the largest sum of integer weights (neurons, inputs) and biases."""
    positive, negative = weights.clamp(min=0).sum(1), weights.clamp(max=0).sum(1)
    least = low * positive + high * negative + biases
    largest = high * positive + low * negative + biases
    return int(least.min()), int(largest.max())
