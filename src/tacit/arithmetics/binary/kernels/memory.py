"""Arrays that begin where a line of a cache begins, so that no vector of theirs lies on two."""

from __future__ import annotations

from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Entry = TypeVar("Entry", bound=np.generic)

# Bytes of a line, on all machines that LLVM's vectors are for.
LINE = 64


def room(shape: tuple[int, ...], kind: np.dtype[Entry]) -> NDArray[Entry]:
    """An array whose entries are not set."""
    size = prod(shape) * kind.itemsize
    octets = np.empty(size + LINE, dtype=np.uint8)
    start = -octets.__array_interface__["data"][0] % LINE
    return octets[start : start + size].view(kind).reshape(shape)


def aligned(values: NDArray[Entry]) -> NDArray[Entry]:
    """The same entries."""
    found = room(values.shape, values.dtype)
    found[...] = values
    return found
