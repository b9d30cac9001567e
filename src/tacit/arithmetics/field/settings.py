"""How a graph is to be quantised for the field: what the lowering asks of the knobs."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from tacit.errors import TypeMismatch

# One bit would leave weights no sign; a worker's products take bytes.
LEAST_BITS, MOST_BITS = 2, 8
# Weights up to 8 in absolute value still fit in 16 bits then.
MOST_FRACTION = 12


class Format(enum.Enum):
    """Which integers stand for reals.

    INT8 has bytes on affine grids; SLALOM has fixed point numbers with one scale for all
    (Tramèr and Boneh 2019, arXiv 1806.03287).
    """

    INT8 = "int8"
    SLALOM = "slalom"


class Search(enum.Enum):
    """How the scale of weights is chosen: it holds them all, or has the least mean square error."""

    MINMAX = "minmax"
    MSE = "mse"


class Depthwise(enum.Enum):
    """Who computes convolutions of single channels; checking them saves little."""

    LOCAL = "local"
    WORKER = "worker"


@dataclass(frozen=True)
class Settings:
    """Bits, scales and format of the numbers, and who computes depthwise convolutions.

    `activations`, `weights`, `power_of_two`, `search` and `per_channel` are of the format INT8;
    `fraction`, the bits behind the point, is of SLALOM. With `power_of_two` all scales are powers
    of two, and so are the multipliers of every rescaling but those that divide an average by
    another number, or hold a constant or a batch norm that was not folded.
    """

    activations: int = 8
    weights: int = 8
    power_of_two: bool = False
    search: Search = Search.MINMAX
    per_channel: bool = True
    format: Format = Format.INT8
    fraction: int = 8
    depthwise: Depthwise = Depthwise.LOCAL

    def __post_init__(self) -> None:
        """Refuse knobs that mean nothing."""
        for name, bits in (("activations", self.activations), ("weights", self.weights)):
            if not LEAST_BITS <= bits <= MOST_BITS:
                raise TypeMismatch(f"{name} {bits} is not between {LEAST_BITS} and {MOST_BITS}")
        if not 1 <= self.fraction <= MOST_FRACTION:
            raise TypeMismatch(f"fraction {self.fraction} is not between 1 and {MOST_FRACTION}")

    @property
    def step(self) -> float:
        """The distance of neighbouring numbers in Slalom's format."""
        return float(2.0**-self.fraction)
