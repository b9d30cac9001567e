"""Real factors as multipliers and a shift, as large as 64-bit integers allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tacit.arithmetics.field.lowering.values import Sum
from tacit.arithmetics.field.ops import IntegerArray
from tacit.errors import WidthExceeded
from tacit.grids import Grid
from tacit.ir.functions import FloatArray

# A double holds what is below 2^53, so that multipliers are as exact as their factors.
MOST_SHIFT = 52
MOST_MULTIPLIER = 2**31 - 1
# One bit less than an int64 has for its magnitude, so that no sum of two halves wraps.
MOST_TOTAL = 2**62 - 1


@dataclass(frozen=True, eq=False)
class Scaling:
    """The numbers of a Rescale: multipliers (values, channels), offset (channels,), shift."""

    multipliers: IntegerArray
    offset: IntegerArray
    shift: int


def scaling_of(value: Sum, grid: Grid, where: str) -> Scaling:
    """What moves a sum to a grid, halves upwards.

    With ratios that are powers of two, the least shift that makes integers of all is taken, and
    rounding is exact. Otherwise it is the largest for which |Σ m v + b| < 2^62 whatever the
    integers are. Raises WidthExceeded, naming the layer, where there is none.
    """
    ratios = np.stack([term.factor for term in value.terms]) / grid.scale
    offset = value.shift / grid.scale + grid.zero_point
    most = np.stack([term.reach.magnitude for term in value.terms])
    # What is always 0 needs no multiplier, and must not bound those of others.
    ratios = np.where(most > 0, ratios, 0.0)
    for shift in range(_first(ratios), -1, -1):
        found = Scaling(*_integers(ratios, offset, shift), shift)
        if _fits(found, most):
            return found
    raise WidthExceeded(
        f"{where}: a factor of {np.abs(ratios).max():.6g} and an offset of "
        f"{np.abs(offset).max():.6g} grid steps do not fit in a rescaling of 64 bits",
        hint="its calibrated range is far narrower than what it is computed of; show more data",
    )


def _first(ratios: FloatArray) -> int:
    """The shift to begin with: the least that makes powers of two whole, else the largest."""
    mantissas, exponents = np.frexp(ratios[ratios != 0.0])
    if not mantissas.size:
        return MOST_SHIFT
    powers = bool(np.all(np.abs(mantissas) == 0.5))
    wanted = 1 - exponents.min() if powers else MOST_MULTIPLIER.bit_length() - exponents.max()
    return min(max(int(wanted), 0), MOST_SHIFT)


def _integers(
    ratios: FloatArray, offset: FloatArray, shift: int
) -> tuple[IntegerArray, IntegerArray]:
    """Multipliers and the offset with a half in it, all of them of a size that int64 holds."""
    multipliers = np.rint(np.ldexp(ratios, shift))
    # Rounded down, it changes no result: floor((n + b) / 2^s) is that with floor(b) for whole n.
    moved = np.floor(np.ldexp(offset + 0.5, shift))
    bound = float(MOST_TOTAL)
    return (
        multipliers.clip(-bound, bound).astype(np.int64),
        moved.clip(-bound, bound).astype(np.int64),
    )


def _fits(found: Scaling, most: IntegerArray) -> bool:
    """Whether no multiplier and no total is too large, in integers without bounds."""
    if np.abs(found.multipliers).max(initial=0) > MOST_MULTIPLIER:
        return False
    products = np.abs(found.multipliers).astype(object) * most.astype(object)
    totals = products.sum(axis=0) + np.abs(found.offset).astype(object)
    return bool(max(totals) <= MOST_TOTAL)
