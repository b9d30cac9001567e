"""Rounding to the points of a grid, with gradients for what is rounded and for the step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class _Rounding(torch.autograd.Function):
    """Learned step size quantisation (Esser et al. 2020, arXiv 1902.08153), equations 1 to 3."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, step: Tensor, ends: tuple[int, int], factor: float) -> Tensor:
        # Multiplied, not divided, as torch.fake_quantize does: both round to the same points.
        ratio = x * step.reciprocal()
        ctx.save_for_backward(ratio, step)
        ctx.ends, ctx.factor = ends, factor
        return ratio.round().clamp(*ends) * step

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        ratio, step = ctx.saved_tensors
        (given,) = outer
        low, high = ctx.ends
        is_inside = (ratio > low) & (ratio < high)
        by_x = given * is_inside
        by_step = given * (ratio.round().clamp(low, high) - ratio * is_inside)
        return by_x, ctx.factor * by_step.sum_to_size(step.shape), None, None


_rounded: Callable[..., Tensor] = _Rounding.apply


def fake_quantise(
    x: Tensor, step: Tensor, low: int, high: int, *, factor: float | None = None
) -> Tensor:
    """Each entry moved to the nearest step · q with `low` <= q <= `high`, halves to the even q.

    What comes back to `x` passes where it was inside, and what comes back to `step` is multiplied
    by the factor, for None by 1 / sqrt(n · high), n entries having one step.
    """
    if factor is None:
        factor = gradient_factor(x.numel() // step.numel(), low, high)
    return _rounded(x, step, (low, high), factor)


def gradient_factor(entries: int, low: int, high: int) -> float:
    """What a step's gradient is multiplied by: section 2.2 of arXiv 1902.08153."""
    return 1.0 / math.sqrt(max(entries, 1) * max(high, -low))


def starting_step(x: Tensor, high: int) -> Tensor:
    """The step that training begins with, 2 · mean |x| / sqrt(high): the same section.

    Along the first axis there may be one for each entry: then `x` has two axes.
    """
    mean = x.detach().abs().mean(dim=-1)
    # Where all is zero, any step will do.
    return torch.where(mean > 0.0, 2.0 * mean / math.sqrt(high), torch.ones_like(mean))


def at_rest(x: Tensor, step: Tensor, low: int, high: int) -> Tensor:
    """The same points as an op of torch's own; a step for each entry of the first axis, or one."""
    step = step.detach()
    zero_point = torch.zeros_like(step, dtype=torch.int32)
    if step.ndim:
        return torch.fake_quantize_per_channel_affine(x, step, zero_point, 0, low, high)
    return torch.fake_quantize_per_tensor_affine(x, step, zero_point, low, high)
