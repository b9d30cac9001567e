"""Quantisers as functions: each value becomes one of few, and learns by a gradient of its own.

All are entry by entry and keep shape and type. A program that torch.export makes of them holds
nothing but ops of torch, exact ones: a sign is sign(sign(x) + 1/10), a step is relu(sign(x)), a
grid is torch's fake quantisation. What is no number counts as zero where it is made a sign.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from tacit.errors import TypeMismatch
from tacit.tune.binarise.gradients import inside, replaced

# Any number between 0 and 1 moves sign's value at zero, and no other one, to +1.
ABOVE_ZERO = 0.1
# Li et al. 2016 (arXiv 1605.04711), equation 6: the best threshold, by the mean magnitude.
OF_MEAN = 0.7
# Where e^-y vanishes in doubles, slopes do; beyond it is no number that could be multiplied by it.
VANISHED = 700.0
# Grids of more bits are no small integers.
MOST_BITS = 8


def sign(x: Tensor) -> Tensor:
    """-1 below zero, else +1: also at both zeros and for what is no number; has no gradient."""
    return torch.sign(torch.sign(x) + ABOVE_ZERO)


def heaviside(x: Tensor) -> Tensor:
    """1 above zero, else 0: also for what is no number; has no gradient."""
    return torch.relu(torch.sign(x))


def ste_sign(x: Tensor, clip: float = 1.0) -> Tensor:
    """The sign, with the gradient of the identity where |x| <= clip (arXiv 1602.02830)."""
    return replaced(x, sign, partial(inside, clip=clip))


def approx_sign(x: Tensor) -> Tensor:
    """The sign, with the gradient of a piecewise parabola, 2 (1 - |x|) (arXiv 1808.00278)."""
    return replaced(x, sign, _tent)


def swish_sign(x: Tensor, beta: float = 5.0) -> Tensor:
    """The sign, with the gradient of a scaled SignSwish (arXiv 1812.11800)."""
    return replaced(x, sign, partial(_swish_slope, beta=beta))


def ste_heaviside(x: Tensor, clip: float = 1.0) -> Tensor:
    """The step from 0 to 1, with the gradient of the identity where |x| <= clip."""
    return replaced(x, heaviside, partial(inside, clip=clip))


def magnitude_aware_sign(x: Tensor, clip: float = 1.0) -> Tensor:
    """The sign times the mean magnitude of an output's weights (arXiv 1808.00278).

    The first axis is the outputs'. The magnitude counts as a constant, also of the gradient.
    """
    rest = tuple(range(1, x.ndim))
    size = x.detach().abs().mean(dim=rest, keepdim=True) if rest else x.detach().abs()
    return size * ste_sign(x, clip)


def ste_tern(x: Tensor, threshold: float | None = 0.05, clip: float = 1.0) -> Tensor:
    """-1, 0 or 1: 0 closer to zero than the threshold; the gradient of the identity to `clip`.

    Without a threshold it is 0.7 times the mean magnitude, as in ternary weight networks.
    """
    border = OF_MEAN * x.detach().abs().mean() if threshold is None else threshold

    def ternary(x: Tensor) -> Tensor:
        return torch.sign(torch.sign(x + border) + torch.sign(x - border))

    return replaced(x, ternary, partial(inside, clip=clip))


def dorefa(x: Tensor, bits: int = 2) -> Tensor:
    """Activations at 2^bits equidistant points of [0, 1], by the gradient of a clamp to it.

    Zhou et al. 2016 (arXiv 1606.06160), equations 5 and 11.
    """
    steps = levels(bits)
    if torch.compiler.is_exporting():
        # One op that names the grid; values differ by half a unit in the last place at most.
        return torch.fake_quantize_per_tensor_affine(x, 1.0 / steps, 0, 0, steps)
    return replaced(x, lambda x: _rounded(x.clamp(0.0, 1.0), steps), _in_unit)


def dorefa_weights(x: Tensor, bits: int = 2) -> Tensor:
    """Weights at 2^bits equidistant points of [-1, 1], by the gradient of a scaled tanh.

    Zhou et al. 2016 (arXiv 1606.06160), equations 9 and 10; the scale counts as a constant.
    """
    steps = levels(bits)
    bent = torch.tanh(x)
    largest = bent.detach().abs().max()
    # Where all is zero, any scale will do.
    largest = torch.where(largest > 0.0, largest, torch.ones_like(largest))
    unit = bent / (2.0 * largest) + 0.5
    return 2.0 * replaced(unit, lambda x: _rounded(x, steps), torch.ones_like) - 1.0


def levels(bits: int) -> int:
    """The steps from the least to the largest of 2^bits points; TypeMismatch for too many bits."""
    if not 1 <= bits <= MOST_BITS:
        raise TypeMismatch(f"a quantiser of {bits} bits", hint=f"give it from 1 to {MOST_BITS}")
    return int((1 << bits) - 1)


def _rounded(x: Tensor, steps: int) -> Tensor:
    return torch.round(x * steps) / steps


def _in_unit(x: Tensor) -> Tensor:
    return ((x >= 0.0) & (x <= 1.0)).to(x.dtype)


def _tent(x: Tensor) -> Tensor:
    return torch.where(x.abs() <= 1.0, 2.0 * (1.0 - x.abs()), 0.0)


def _swish_slope(x: Tensor, beta: float) -> Tensor:
    """beta (2 - y tanh(y / 2)) / (1 + cosh y) at y = beta |x|, which is even."""
    y = (beta * x).abs().clamp(max=VANISHED)
    # 1 / (1 + cosh y) = 2 e / (1 + e)^2 for e = exp(-y), which never overflows.
    e = torch.exp(-y)
    return beta * (2.0 - y * torch.tanh(y / 2.0)) * 2.0 * e / (1.0 + e).square()


def checked(name: str, value: float, *, least: float = math.ulp(0.0)) -> float:
    """The knob's value; TypeMismatch where it is below the least that means anything."""
    if not value >= least:
        raise TypeMismatch(f"{name} is {value:g}", hint=f"give {name} above 0")
    return value
