"""Learned step size quantisation (Esser et al. 2020, arXiv 1902.08153), as its paper has it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tacit.errors import NotCalibrated, TypeMismatch
from tacit.tune.binarise.functions import levels
from tacit.tune.binarise.quantiser import Quantiser
from tacit.tune.qat.grids import at_rest, fake_quantise, starting_step


def lsq(x: Tensor, step: Tensor, low: int, high: int, *, factor: float | None = None) -> Tensor:
    """The nearest step · q with `low` <= q <= `high`, with equations 3 and 5 for gradients.

    The step's is multiplied by the factor, for None by 1 / sqrt(n · high) for the n entries of `x`.
    """
    if factor is None:
        factor = 1.0 / math.sqrt(x.numel() * high)
    return fake_quantise(x, step, low, high, factor=factor)


class LSQ(Quantiser):
    """Values at step · q, of which the step is learned; q from 0 on, or of both signs.

    Weights have both signs unless it is said otherwise, and activations have not. A step of 0 is
    none yet: the first tensor that is seen in training gives it, 2 · mean |x| / sqrt(high).
    """

    def __init__(
        self,
        bits: int = 2,
        *,
        of_weights: bool = False,
        is_signed: bool | None = None,
        step: float = 0.0,
    ) -> None:
        super().__init__()
        most, self.bits, self.of_weights = levels(bits), bits, of_weights
        if is_signed is None:
            is_signed = of_weights
        if is_signed and bits == 1:
            raise TypeMismatch(
                "one bit of both signs has no step to learn", hint="use ste_sign, or two bits"
            )
        self.low, self.high = (-(most // 2) - 1, most // 2) if is_signed else (0, most)
        self.step = nn.Parameter(torch.tensor(step))
        # Known beside the step, because asking a step on a GPU would wait for it.
        self._is_started = False

    def forward(self, x: Tensor) -> Tensor:
        """The nearest points; a step and its negative mean the same ones."""
        if torch.compiler.is_exporting():
            return at_rest(x, self.step.abs(), self.low, self.high)
        if not self._is_started:
            self._start(x)
        if not self.training:
            return at_rest(x, self.step.abs(), self.low, self.high)
        entries = x.numel() if self.of_weights else x[0].numel()
        factor = 1.0 / math.sqrt(max(entries, 1) * self.high)
        return lsq(x, self.step.abs(), self.low, self.high, factor=factor)

    @torch.no_grad()
    def _start(self, x: Tensor) -> None:
        """Take the first step from these values, where there is none yet."""
        if not float(self.step.detach()):
            if not self.training:
                raise NotCalibrated(
                    "no values were seen that a step could be taken from",
                    hint="call it once with typical ones while it trains, or give a step",
                )
            self.step.copy_(starting_step(x.flatten(), self.high))
        self._is_started = True

    def extra_repr(self) -> str:
        """The integers, for printing."""
        return f"low={self.low}, high={self.high}"
