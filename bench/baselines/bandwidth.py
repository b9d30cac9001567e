"""How fast one core of this machine reads memory."""

from __future__ import annotations

import numpy as np
from baselines.timing import Work
from numba import njit
from numpy.typing import NDArray

# Far more than any cache of a core's holds.
BYTES = 512 * 2**20


@njit(cache=True)
def total(values: NDArray[np.int64]) -> int:
    """The sum, modulo 2^64."""
    found = 0
    for value in values:
        found += value
    return found


def reading() -> dict[str, Work]:
    """Ways to read `BYTES`; the faster one is the machine's."""
    values = np.ones(BYTES // 8, np.int64)
    total(values[:8])
    return {
        "read, compiled": Work(lambda _: total(values)),
        "read, numpy": Work(lambda _: values.sum()),
    }
