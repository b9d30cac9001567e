"""Proofs that no integer outgrows its bits, nor what a float holds exactly.

They are of the worst case: every input that the grid before a layer allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tacit.arithmetics.field.ops import IntegerArray, WeightArray
from tacit.errors import WidthExceeded

# What an accumulator of 32 bits holds on either side of 0.
MOST_SUM = 2**31 - 1
# Slalom's field (Tramèr and Boneh 2019, section 3.1), whose numbers single precision holds.
SLALOM_PRIME = 2**23 + 2**21 + 7
MOST_RESIDUE = (SLALOM_PRIME - 1) // 2
# Single precision holds every integer below this one, whatever the order of a sum's terms.
EXACT = 2**24
LOWER_BITS = "lower the bits of activations or weights"
LOWER_FRACTION = "lower `fraction`, or use the format int8"


@dataclass(frozen=True, eq=False)
class Reach:
    """The least and the largest integer of every channel."""

    low: IntegerArray
    high: IntegerArray

    @property
    def magnitude(self) -> IntegerArray:
        """The largest absolute value of every channel."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def reach_of(weight: WeightArray, low: int, high: int) -> Reach:
    """What W x can be, channel by channel, for entries of x from `low` to `high`.

    >>> found = reach_of(np.array([[2, -1]], dtype=np.int16), 0, 255)
    >>> found.low.tolist(), found.high.tolist()
    ([-255], [510])
    """
    axes = tuple(range(1, weight.ndim))
    up = np.maximum(weight, 0).sum(axis=axes, dtype=np.int64)
    down = np.minimum(weight, 0).sum(axis=axes, dtype=np.int64)
    return Reach(up * low + down * high, up * high + down * low)


def require_accumulator(where: str, reach: Reach) -> None:
    """Refuse sums of more than 32 bits; raises WidthExceeded naming the layer and the channel."""
    _require(where, reach, MOST_SUM, f"32 bits are there: {LOWER_BITS}")


def require_field(where: str, reach: Reach) -> None:
    """Refuse sums that Slalom's field would wrap; raises WidthExceeded."""
    _require(where, reach, MOST_RESIDUE, LOWER_FRACTION)


def require_exact_floats(where: str, weight: WeightArray, magnitude: int) -> None:
    """Refuse a product of entries up to a magnitude that Slalom's worker would round.

    Every partial sum of W x1 and of W x2 is at most ||W_j||_1 times the largest entry. What the
    field holds for both signs of x is exact as it is; masked entries, which are up to
    `MOST_RESIDUE`, need the split.
    """
    norm = _norms(weight) * _largest_part(split_of(weight, magnitude), magnitude)
    _require(where, Reach(-norm, norm), EXACT - 1, LOWER_FRACTION)


def split_of(weight: WeightArray, magnitude: int) -> int:
    """The q with which a worker splits x into x1 + q x2, so that two float products are exact.

    Slalom's own is about sqrt(p / 2). Where the weights are too large for that, it is the one
    whose larger part is the least.
    """
    usual = round(math.sqrt(SLALOM_PRIME / 2))
    most = int(_norms(weight).max(initial=0)) * _largest_part(usual, magnitude)
    return usual if most < EXACT else max(round(math.sqrt(2 * magnitude)), 2)


def split(x: IntegerArray, q: int) -> tuple[IntegerArray, IntegerArray]:
    """(x1, x2) with x = x1 + q x2 and |x1| <= q / 2.

    >>> split(np.array([7, -7, 2]), 5)
    (array([ 2, -2,  2]), array([ 1, -1,  0]))
    """
    high = (x + q // 2) // q
    return x - q * high, high


def _largest_part(q: int, magnitude: int) -> int:
    """The largest entry of either part of numbers up to a magnitude."""
    return max(min(q // 2, magnitude), (magnitude + q // 2) // q)


def _norms(weight: WeightArray) -> IntegerArray:
    found: IntegerArray = (
        np.abs(weight.astype(np.int32)).reshape(len(weight), -1).sum(axis=1, dtype=np.int64)
    )
    return found


def _require(where: str, reach: Reach, most: int, hint: str) -> None:
    channel = int(reach.magnitude.argmax())
    worst = int(reach.magnitude[channel])
    if worst <= most:
        return
    bits = worst.bit_length() + 1
    raise WidthExceeded(
        f"{where}: channel {channel} may reach {worst}, which needs {bits} bits with its sign; "
        f"up to {most} is exact",
        hint=hint,
    )
