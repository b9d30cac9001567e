"""Quantisers: which integers stand for which reals.

S is the scale and Z the zero point: q = clip(rint(x / S + Z)) stands for S (q - Z). All formulas
are those of uniform quantisation as Jacob et al. 2018 (arXiv 1712.05877, section 2.1) write them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import overload

import numpy as np

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

# More integers than these are no small ones: their tables have no engine.
MOST_BITS = 16
# What scales are searched among: from 30 % of the range that holds everything up to all of it.
SHARES = np.linspace(0.3, 1.0, 71)


@dataclass(frozen=True)
class Grid:
    """The reals scale · (q - zero_point) for integers from `low` to `high`."""

    scale: float
    zero_point: int
    low: int
    high: int

    def __post_init__(self) -> None:
        """Refuse what is no grid."""
        if not (math.isfinite(self.scale) and self.scale > 0.0 and self.low <= self.high):
            raise TypeMismatch(f"{self} is no grid")

    def integers(self, x: FloatArray) -> FloatArray:
        """The nearest integers, halves to even ones; what is outside goes to the border."""
        return np.clip(np.rint(x / self.scale + self.zero_point), self.low, self.high)

    def reals(self, q: FloatArray) -> FloatArray:
        """What integers stand for."""
        result: FloatArray = (q - self.zero_point) * self.scale
        return result

    def error(self, x: FloatArray) -> float:
        """The mean square of what rounding to the grid does to values."""
        return float(np.mean(np.square(self.reals(self.integers(x)) - x))) if x.size else 0.0


def uniform(low: float, high: float, bits: int, *, power_of_two: bool = False) -> Grid:
    """The affine grid of an interval: 2^bits integers from 0, and 0.0 is one of its reals.

    >>> uniform(-1.0, 2.0, 2)
    Grid(scale=1.0, zero_point=1, low=0, high=3)
    """
    _refuse_bits(bits)
    levels = (1 << bits) - 1
    # A range that is one number is stood for by that number itself.
    scale = (high - low) / levels if high > low else abs(low) or 1.0
    if power_of_two:
        scale = next_power(scale)
    # Beyond an interval far from zero the integers shift along, and fit all the same.
    return Grid(scale, round(-low / scale), 0, levels)


def symmetric(magnitude: float, bits: int, *, power_of_two: bool = False) -> Grid:
    """The signed grid with zero point 0, from -(2^(bits-1) - 1) to 2^(bits-1) - 1.

    >>> symmetric(3.0, 3)
    Grid(scale=1.0, zero_point=0, low=-3, high=3)
    """
    _refuse_bits(bits)
    most = max((1 << (bits - 1)) - 1, 1)
    scale = magnitude / most if magnitude > 0.0 else 1.0
    return Grid(next_power(scale) if power_of_two else scale, 0, -most, most)


def least_squares(values: FloatArray, bits: int, *, power_of_two: bool = False) -> Grid:
    """The symmetric grid with the least mean square error on these values."""
    magnitude = float(np.abs(values).max(initial=0.0))
    grids = (symmetric(magnitude * share, bits, power_of_two=power_of_two) for share in SHARES)
    return min(grids, key=lambda grid: grid.error(values))


@overload
def next_power(scale: float) -> float: ...
@overload
def next_power(scale: FloatArray) -> FloatArray: ...
def next_power(scale: float | FloatArray) -> float | FloatArray:
    """The least power of two that is not below a scale, so that rescaling is a shift."""
    # A scale that is a power itself but for rounding stays.
    exponent = np.ceil(np.log2(scale) - 1e-12)
    return np.exp2(exponent) if isinstance(scale, np.ndarray) else float(2.0**exponent)


def lattice(values: FloatArray) -> float | None:
    """The step of which all values are whole multiples, none too large, if there is one.

    Weights that training has put on a grid, or counts, are recognised so, and stay what they are.
    """
    sizes = np.unique(np.abs(values))
    # What is left of numbers that cancel is no multiple of anything.
    sizes = sizes[sizes > TOLERANCE * sizes.max(initial=0.0)]
    if not sizes.size:
        return 1.0
    for parts in range(1, MOST_PARTS + 1):
        step = float(sizes[0]) / parts
        multiples = sizes / step
        whole = np.rint(multiples)
        if whole[-1] <= MOST_MULTIPLE and np.all(np.abs(multiples - whole) <= TOLERANCE * whole):
            # Averaged over all of them, the step is as exact as they are.
            return float(sizes @ whole / (whole @ whole))
    return None


# The smallest value may be so many steps itself.
MOST_PARTS = 16
# Reals that need larger integers are not on a grid that anybody chose.
MOST_MULTIPLE = 1 << (MOST_BITS - 1)
# Steps come from single precision, whose unit is 6e-8, through a few products.
TOLERANCE = 1e-6


def _refuse_bits(bits: int) -> None:
    if not 1 <= bits <= MOST_BITS:
        raise TypeMismatch(f"{bits} bits were asked for; from 1 to {MOST_BITS} are possible")
