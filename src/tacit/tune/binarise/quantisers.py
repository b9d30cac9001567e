"""Quantisers as modules, for layers to hold and for networks to be made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from torch import Tensor

from tacit.tune.binarise.functions import (
    approx_sign,
    checked,
    dorefa,
    dorefa_weights,
    levels,
    magnitude_aware_sign,
    ste_heaviside,
    ste_sign,
    ste_tern,
    swish_sign,
)
from tacit.tune.binarise.lsq import LSQ
from tacit.tune.binarise.quantiser import Quantiser


class SteSign(Quantiser):
    """The sign, learning as the identity where |x| <= clip."""

    def __init__(self, clip: float = 1.0) -> None:
        super().__init__()
        self.clip = checked("clip", clip)

    def forward(self, x: Tensor) -> Tensor:
        """-1 or +1."""
        return ste_sign(x, self.clip)


class ApproxSign(Quantiser):
    """The sign, learning as a piecewise parabola."""

    def forward(self, x: Tensor) -> Tensor:
        """-1 or +1."""
        return approx_sign(x)


class SwishSign(Quantiser):
    """The sign, learning as a scaled SignSwish, the steeper the larger `beta`."""

    def __init__(self, beta: float = 5.0) -> None:
        super().__init__()
        self.beta = checked("beta", beta)

    def forward(self, x: Tensor) -> Tensor:
        """-1 or +1."""
        return swish_sign(x, self.beta)


class SteHeaviside(Quantiser):
    """The step from 0 to 1, learning as the identity where |x| <= clip."""

    def __init__(self, clip: float = 1.0) -> None:
        super().__init__()
        self.clip = checked("clip", clip)

    def forward(self, x: Tensor) -> Tensor:
        """0 or 1."""
        return ste_heaviside(x, self.clip)


class MagnitudeAwareSign(Quantiser):
    """The sign times the mean magnitude of each output's weights."""

    reads_all = True

    def __init__(self, clip: float = 1.0) -> None:
        super().__init__()
        self.clip = checked("clip", clip)

    def forward(self, x: Tensor) -> Tensor:
        """Minus or plus the magnitude of the output."""
        return magnitude_aware_sign(x, self.clip)


class SteTern(Quantiser):
    """-1, 0 or 1, by a threshold, or for None by that of ternary weight networks."""

    bits = 2

    def __init__(self, threshold: float | None = 0.05, clip: float = 1.0) -> None:
        super().__init__()
        self.threshold = threshold if threshold is None else checked("threshold", threshold)
        self.clip = checked("clip", clip)
        self.reads_all = threshold is None

    def forward(self, x: Tensor) -> Tensor:
        """-1, 0 or 1."""
        return ste_tern(x, self.threshold, self.clip)


class DoReFa(Quantiser):
    """Activations at 2^bits points of [0, 1]."""

    def __init__(self, bits: int = 2) -> None:
        super().__init__()
        levels(bits)
        self.bits = bits

    def forward(self, x: Tensor) -> Tensor:
        """The nearest points."""
        return dorefa(x, self.bits)


class DoReFaWeights(Quantiser):
    """Weights at 2^bits points of [-1, 1]."""

    reads_all = True

    def __init__(self, bits: int = 2) -> None:
        super().__init__()
        levels(bits)
        self.bits = bits

    def forward(self, x: Tensor) -> Tensor:
        """The nearest points."""
        return dorefa_weights(x, self.bits)


# What makes each quantiser with its usual knobs.
QUANTISERS: Mapping[str, Callable[[], Quantiser]] = MappingProxyType(
    {
        "ste_sign": SteSign,
        "approx_sign": ApproxSign,
        "swish_sign": SwishSign,
        "ste_heaviside": SteHeaviside,
        "magnitude_aware_sign": MagnitudeAwareSign,
        "ste_tern": SteTern,
        "ternary_weights": partial(SteTern, None),
        "dorefa": DoReFa,
        "dorefa_weights": DoReFaWeights,
        "lsq": LSQ,
        "lsq_weights": partial(LSQ, of_weights=True),
    }
)
