"""Where a rising or falling function of integers, or of doubles, crosses: found by halving.

The function is computed as the graph computes it, so what is found cannot be off by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tacit.arithmetics.binary.ops import ALWAYS, NEVER, IntegerArray, TruthArray
from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray

# Whether a channel's value at a place, one for each channel, is high enough.
IsMet = Callable[[FloatArray], TruthArray]
_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class Crossing:
    """By channel: the first place where a comparison is met, or where `flip`, where it is no more.

    Before all places it is `always`, and behind all of them `never`.
    """

    first: IndexArray
    flip: TruthArray
    always: TruthArray
    never: TruthArray


def crossing(
    low: IndexArray, high: IndexArray, is_met: Callable[[IndexArray], TruthArray]
) -> Crossing:
    """The crossing between two places of a comparison that changes once at most."""
    at_low, at_high = is_met(low), is_met(high)
    below, above = low.copy(), high.copy()
    while np.any(below + 1 < above):
        # Half of a sum of two 64-bit places, which itself may be too wide.
        middle = (below >> 1) + (above >> 1) + (below & above & 1)
        is_before = is_met(middle) == at_low
        below, above = np.where(is_before, middle, below), np.where(is_before, above, middle)
    return Crossing(above, at_low & ~at_high, at_low & at_high, ~at_low & ~at_high)


def of_integers(
    low: IndexArray, high: IndexArray, is_met: IsMet
) -> tuple[IntegerArray, TruthArray]:
    """Thresholds of integers between `low` and `high`: it is met where (n >= threshold) != flip."""
    found = crossing(low, high, lambda places: is_met(places.astype(np.float64)))
    threshold = np.where(found.always, ALWAYS, np.where(found.never, NEVER, found.first))
    return threshold.astype(np.int32), found.flip


def of_doubles(channels: int, is_met: IsMet) -> tuple[FloatArray, FloatArray, TruthArray]:
    """The last double before a crossing, the first one behind it, and whether it is a fall."""
    ends = np.array([-_LARGEST, _LARGEST])
    low, high = (np.full(channels, place) for place in _places(ends))
    with np.errstate(all="ignore"):
        found = crossing(low, high, lambda places: is_met(_doubles(places)))
    last, first = _doubles(found.first - 1), _doubles(found.first)
    for each in (last, first):
        each[found.always] = -np.inf
        each[found.never] = np.inf
    return last, first, found.flip


def _places(x: FloatArray) -> IndexArray:
    """The number of each double in their order; both zeros have the same."""
    bits = np.ascontiguousarray(x, dtype=np.float64).view(np.int64)
    return np.where(bits >= 0, bits, -(bits & np.int64(0x7FFFFFFFFFFFFFFF)))


def _doubles(places: IndexArray) -> FloatArray:
    """The doubles of these numbers."""
    bits = np.where(places >= 0, places, (-places) | np.int64(-0x8000000000000000))
    return bits.view(np.float64).copy()
