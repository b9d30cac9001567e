"""What integer matrices make of vectors at most: proven from the numbers, never sampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tacit.ir.affine import IndexArray, Matrix
from tacit.ir.functions import FloatArray


@dataclass(frozen=True, eq=False)
class Reach:
    """What the entries of a vector may be.

    Each lies between `low` and `high`, all independent of one another. But the steps of one number
    (see `Encode`) fall from 1 to 0 only once: `chain` gives for every entry the number it is a
    step of, ascending; it is empty for vectors without steps.
    """

    low: FloatArray
    high: FloatArray
    chain: IndexArray

    @property
    def size(self) -> int:
        """How many entries there are."""
        return int(self.low.size)


def box(low: FloatArray, high: FloatArray) -> Reach:
    """Independent entries."""
    return Reach(low, high, np.zeros(0, dtype=np.int64))


def chains(numbers: IndexArray) -> Reach:
    """Steps of numbers, the number of each step ascending."""
    return Reach(np.zeros(numbers.size), np.ones(numbers.size), numbers)


def bounds(matrix: Matrix, reach: Reach) -> tuple[FloatArray, FloatArray]:
    """The least and the largest that every row can become, and both are reached."""
    if reach.chain.size:
        return _prefixes(matrix, reach.chain)
    positive, negative = matrix.maximum(0), matrix.minimum(0)
    low = positive @ reach.low + negative @ reach.high
    high = positive @ reach.high + negative @ reach.low
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def _prefixes(matrix: Matrix, chain: IndexArray) -> tuple[FloatArray, FloatArray]:
    """Of every chain some first steps are 1: the extremes of the sums of first weights."""
    ordered = sparse.csr_array(matrix, copy=True)
    ordered.sort_indices()
    rows = np.repeat(np.arange(ordered.shape[0]), np.diff(ordered.indptr))
    if not rows.size:
        return np.zeros(ordered.shape[0]), np.zeros(ordered.shape[0])
    sums = np.cumsum(ordered.data)
    part = np.flatnonzero(np.diff(rows, prepend=-1) | np.diff(chain[ordered.indices], prepend=-1))
    # Sums within a chain of a row start anew: what came before is taken off.
    lengths = np.diff(part, append=rows.size)
    before = np.repeat(sums[part] - ordered.data[part], lengths)
    within = sums - before
    least = np.minimum(np.minimum.reduceat(within, part), 0.0)
    most = np.maximum(np.maximum.reduceat(within, part), 0.0)
    low, high = np.zeros(ordered.shape[0]), np.zeros(ordered.shape[0])
    np.add.at(low, rows[part], least)
    np.add.at(high, rows[part], most)
    return low, high
