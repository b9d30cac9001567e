"""Bop: weights that are signs themselves, and are flipped (Helwegen et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import overload

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tacit.errors import TypeMismatch
from tacit.tune.binarise.functions import sign


class Bop(Optimizer):
    """Flips a weight where its gradients have long agreed that it should have the other sign.

    Algorithm 1 of arXiv 1906.02107: m = (1 - gamma) m + gamma g, from m = 0, and w = -w where
    |m| > threshold and m has the sign of w. Weights that are given become their signs at once:
    there are no latent ones. All other weights need an optimiser of their own.
    """

    def __init__(
        self, weights: Iterable[nn.Parameter], threshold: float = 1e-8, gamma: float = 1e-4
    ) -> None:
        if not 0.0 <= threshold < math.inf or not 0.0 < gamma <= 1.0:
            raise TypeMismatch(
                f"Bop with threshold {threshold:g} and gamma {gamma:g}",
                hint="the threshold is 0 or more, gamma above 0 and at most 1",
            )
        super().__init__(weights, {"threshold": threshold, "gamma": gamma})
        with torch.no_grad():
            for group in self.param_groups:
                for weight in group["params"]:
                    weight.copy_(sign(weight))

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step by the gradients as they are, or as the closure makes them."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._flip(weight, group["threshold"], group["gamma"])
        return loss

    def _flip(self, weight: Tensor, threshold: float, gamma: float) -> None:
        state = self.state[weight]
        if not state:
            state["mean"] = torch.zeros_like(weight)
        assert weight.grad is not None
        mean: Tensor = state["mean"]
        mean.mul_(1.0 - gamma).add_(weight.grad, alpha=gamma)
        # For a sign w, w m > threshold says both: that m is large, and that it is of that sign.
        weight.copy_(torch.where(weight * mean > threshold, -weight, weight))
