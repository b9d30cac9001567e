"""Where floating point computes a layer exactly: every partial sum is an integer that it holds.

In whichever order a kernel adds the products of one output, no partial sum is larger than
|x|_max · ||W_j||_1. Floats of t bits hold all integers up to 2^t, so with that below 2^t nothing is
ever rounded, with fused additions or without. Kernels that add otherwise (Winograd, Fourier) are
not covered; the self-test refuses a back end that uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Spans: TypeAlias = tuple[tuple[int, int], ...]

# The bits of a significand (IEEE 754), the one that is not stored included.
BITS = {np.float32: 24, np.float64: 53}
# Doubles take about twice as long as singles.
PRICE = {np.float32: 1, np.float64: 2}
# More parts than this never pay.
MOST_LIMBS = 4
# Products of fewer columns than this run well below a matrix product's speed.
NARROW = 32


@dataclass(frozen=True)
class Limbs:
    """x = Σ_k 2^(bits · k) · x_k: all but the last part are unsigned."""

    count: int
    bits: int

    def of(self, x: NDArray[np.integer]) -> list[NDArray[np.integer]]:
        """The parts, the lowest first."""
        if self.count == 1:
            return [x]
        wide = x.astype(np.int32, copy=False)
        low = np.int32((1 << self.bits) - 1)
        parts: list[NDArray[np.integer]] = []
        for k in range(self.count):
            shifted = wide >> np.int32(self.bits * k)
            parts.append(shifted if k == self.count - 1 else shifted & low)
        return parts

    def magnitude(self, whole: int) -> int:
        """The largest entry of any part of numbers up to `whole`."""
        if self.count == 1:
            return whole
        # The highest part is signed, and a negative one is rounded away from zero.
        return max((1 << self.bits) - 1, (whole >> (self.bits * (self.count - 1))) + 1)


@dataclass(frozen=True)
class Plan:
    """How a layer is computed exactly: the kind of float, the parts of x, and spans of columns."""

    kind: type[np.float32 | np.float64]
    limbs: Limbs
    spans: Spans

    @property
    def price(self) -> int:
        """About how long it takes, in single-precision products of the layer."""
        return PRICE[self.kind] * self.limbs.count


def plan(norms: NDArray[np.int64], magnitude: int, columns: int) -> Plan:
    """The cheapest exact way for ||W_j||_1 by (output, block of columns), `columns` in all."""
    plans = [
        Plan(kind, limbs, spans)
        for count in range(1, MOST_LIMBS + 1)
        for limbs in [Limbs(count, -(-magnitude.bit_length() // count))]
        for kind in (np.float32, np.float64)
        for spans in [exact_spans(norms, limbs.magnitude(magnitude), 2 ** BITS[kind])]
        if len(spans) == 1 or len(spans) * NARROW <= columns
        if spans
    ]
    assert plans, "16 bits of a weight times 32 of a number are below 2^53"
    # Of two that cost the same, singles: they go through convolutions, too.
    return min(plans, key=lambda each: (each.price, BITS[each.kind]))


def exact_spans(norms: NDArray[np.int64], magnitude: int, limit: int) -> Spans:
    """Runs of blocks, each exact by itself; none at all where a block alone is not.

    >>> import numpy as np
    >>> exact_spans(np.full((1, 64), 4), magnitude=2, limit=260)
    ((0, 32), (32, 64))
    """
    blocks = norms.shape[1]
    sums = np.concatenate([np.zeros((len(norms), 1), np.int64), norms.cumsum(axis=1)], axis=1)
    most = (limit - 1) // magnitude
    spans: list[tuple[int, int]] = []
    start = 0
    while start < blocks:
        reach = np.max(sums[:, start + 1 :] - sums[:, start : start + 1], axis=0)
        # The sums grow along the blocks, so those that are small enough come first.
        fitting = int(np.searchsorted(reach, most, side="right"))
        if not fitting:
            return ()
        spans.append((start, start + fitting))
        start += fitting
    return tuple(spans)


def block_norms(matrix: NDArray[np.int16], width: int) -> NDArray[np.int64]:
    """||·||_1 of every row's runs of `width` columns."""
    starts = range(0, matrix.shape[1], width)
    # One block at a time: the largest layers have 10^8 weights.
    parts = [np.abs(matrix[:, a : a + width].astype(np.int64)).sum(axis=1) for a in starts]
    return np.stack(parts, axis=1)
