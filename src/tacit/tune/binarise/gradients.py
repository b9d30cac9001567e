"""Steps learn by the slopes of something smoother: what stands in for their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Entrywise = Callable[[Tensor], Tensor]


class _Replaced(torch.autograd.Function):
    """The values of one function, with another one for its derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Entrywise, slope: Entrywise) -> Tensor:
        ctx.save_for_backward(x)
        ctx.slope = slope
        return value(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        (x,), (given,) = ctx.saved_tensors, outer
        return given * ctx.slope(x), None, None


_replaced: Callable[..., Tensor] = _Replaced.apply


def replaced(x: Tensor, value: Entrywise, slope: Entrywise) -> Tensor:
    """The entries' `value`, where what comes back is multiplied by the entries' `slope`."""
    # A program holds the ops of torch that the value is made of, and no gradient.
    return value(x) if torch.compiler.is_exporting() else _replaced(x, value, slope)


def inside(x: Tensor, clip: float) -> Tensor:
    """1 where |x| <= clip, else 0; also 0 for what is no number."""
    return (x.abs() <= clip).to(x.dtype)
