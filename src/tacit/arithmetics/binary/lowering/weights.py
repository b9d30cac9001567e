"""Weights as sums of signs: of one bit, ternary, or on any small grid, each output by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.binary.ops import SignArray
from tacit.grids import lattice
from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray

# What weights differ from the nearest points of their grid by, in steps: single precision, and what
# a batch norm that was folded into them adds.
TOLERANCE = 1e-5
# Weights of more bits are cheaper multiplied than counted.
MOST_BITS = 8


@dataclass(frozen=True, eq=False)
class Plane:
    """Signs of all weights, and by what their products count."""

    sign: SignArray
    coefficient: int


@dataclass(frozen=True, eq=False)
class Signs:
    """Weights as scale · Σ coefficient · sign, with a scale for each output."""

    planes: tuple[Plane, ...]
    scale: FloatArray

    @property
    def totals(self) -> IndexArray:
        """What each output's weights add up to, in steps."""
        each = [plane.coefficient * _row_sums(plane.sign) for plane in self.planes]
        total: IndexArray = np.sum(each, axis=0)
        return total


def signs_of(weight: FloatArray) -> Signs | None:
    """Weights (outputs, …) as signs; None where they are on no grid of few points.

    Outputs whose weights are all 0 have a scale of 0.
    """
    found = _whole(weight.reshape(len(weight), -1))
    if found is None:
        return None
    whole, step = found
    used = whole[step > 0.0]
    if not used.size or np.all(np.abs(used) == 1):
        sign = np.where(whole < 0, -1, 1)
        return Signs((Plane(_signs(sign, weight), 1),), step)
    if np.all(used % 2):
        return _odd(np.where(step[:, None] > 0.0, whole, 1), step, weight)
    return _any(whole, step, weight)


def _whole(rows: FloatArray) -> tuple[IndexArray, FloatArray] | None:
    """Every row as integers and a step; None where one has too many, or no step."""
    whole, steps = np.zeros(rows.shape, dtype=np.int64), np.zeros(len(rows))
    for place, row in enumerate(rows):
        if not row.any():
            continue
        step = _step(row)
        if step is None:
            return None
        steps[place] = step
        whole[place] = np.rint(row / step)
    return whole, steps


def _step(row: FloatArray) -> float | None:
    sizes = np.unique(np.abs(row))
    sizes = sizes[sizes > 0.0]
    if sizes.size == 1:
        # No average of equal numbers, which may be none of them.
        return float(sizes[0])
    if sizes.size > 1 << MOST_BITS or not np.all(np.isfinite(sizes)):
        return None
    step = lattice(row)
    if step is None or sizes[-1] >= (1 << MOST_BITS) * step:
        return None
    parts = row / step
    return step if np.all(np.abs(parts - np.rint(parts)) <= TOLERANCE) else None


def _odd(whole: IndexArray, step: FloatArray, weight: FloatArray) -> Signs:
    """Odd integers between -(2^k - 1) and 2^k - 1, as k signs with powers of two."""
    bits = int(np.abs(whole).max()).bit_length()
    digits = (whole + (1 << bits) - 1) >> 1
    planes = tuple(
        Plane(_signs(2 * (digits >> place & 1) - 1, weight), 1 << place) for place in range(bits)
    )
    return Signs(planes, step)


def _any(whole: IndexArray, step: FloatArray, weight: FloatArray) -> Signs:
    """Integers between -2^(k-1) and 2^(k-1) as halves of k + 1 signs with powers of two.

    The least power is there twice, so that 0 is a sum of signs too.
    """
    bits = int(np.abs(whole).max() - 1).bit_length() + 1
    digits = whole + (1 << (bits - 1))
    is_top = digits == 1 << bits
    rest = digits - is_top
    parts = [(is_top, 1), *((rest >> place & 1, 1 << place) for place in range(bits))]
    planes = tuple(Plane(_signs(2 * bit - 1, weight), count) for bit, count in parts)
    return Signs(planes, step / 2.0)


def _signs(sign: NDArray[np.integer], weight: FloatArray) -> SignArray:
    return sign.astype(np.int8).reshape(weight.shape)


def _row_sums(sign: SignArray) -> IndexArray:
    total: IndexArray = sign.sum(axis=tuple(range(1, sign.ndim)), dtype=np.int64)
    return total
