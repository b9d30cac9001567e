"""Maximum pooling of images NHWC."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tacit.arithmetics.field.verify.channels import larger
from tacit.ir.ops import Pool, PoolKind

# Kernel, stride, padding before and dilation of rows, the same of columns, rows and columns out.
Windows = tuple[int, int, int, int, int, int, int, int, int, int]
NO_POOLING = (1, 1, 0, 1)


def windows(pool: Pool | None, height: int, width: int) -> Windows:
    """A maximum pooling of images (or of sequences, which have one row) as numbers."""
    if pool is None:
        return (*NO_POOLING, *NO_POOLING, height, width)
    assert pool.kind is PoolKind.MAXIMUM
    size = (height, width)[-len(pool.kernel) :]
    found = pool.shape((1, *size))[1:]
    before = tuple(pads[0] for pads in pool.padding)
    axes = list(zip(pool.kernel, pool.stride, before, pool.dilation, strict=True))
    down, across = (NO_POOLING, *axes)[-2:]
    rows, columns = (height, *found)[-2:]
    return (*down, *across, rows, columns)


@njit(nogil=True, cache=True)
def pool_row(
    ring: NDArray[np.uint8], room: NDArray[np.uint8], sizes: Any, place: Any, windows: Windows
) -> None:
    """One row of the maxima of bytes, written into an array from an entry on.

    `ring` holds the last rows, each in the slot of its number modulo `slots` times `stride`;
    `sizes` are height, width, channels, slots and stride, `place` array, entry and row.
    """
    height, width, channels, slots, stride = sizes
    result, entry, row = place
    count, step, before, apart = windows[:4]
    first = -1
    for tap in range(count):
        h = row * step - before + apart * tap
        if 0 <= h < height:
            at = h % slots * stride
            if first < 0:
                first = at
            elif first < slots * stride:
                larger((room, ring, ring), (0, first, at), (width * channels, 1, 0, 0, 0))
                first = slots * stride
            else:
                larger((room, room, ring), (0, 0, at), (width * channels, 1, 0, 0, 0))
    if first < 0:
        result[entry : entry + windows[9] * channels] = 0
        return
    if first < slots * stride:
        _across((ring, first), (result, entry), (width, channels), windows)
    else:
        _across((room, 0), (result, entry), (width, channels), windows)


@njit(nogil=True, cache=True)
def _across(source: Any, target: Any, sizes: Any, windows: Windows) -> None:
    """The maxima of the windows of one row; source and target are arrays and first entries."""
    (values, base), (result, entry), (width, channels) = source, target, sizes
    count, step, before, apart = windows[4:8]
    # The first and the last window that lie inside, and all between them at once.
    inner = min((before + step - 1) // step, windows[9])
    outer = max(inner, min(windows[9], (width - 1 - apart * (count - 1) + before) // step + 1))
    if outer > inner:
        goal, at = entry + inner * channels, base + (inner * step - before) * channels
        further = apart * channels
        following = at + (further if count > 1 else 0)
        sizes = (channels, outer - inner, channels, step * channels, step * channels)
        larger((result, values, values), (goal, at, following), sizes)
        sizes = (channels, outer - inner, channels, channels, step * channels)
        for tap in range(2, count):
            larger((result, result, values), (goal, goal, at + tap * further), sizes)
    one = (channels, 1, 0, 0, 0)
    for w in range(windows[9]):
        if inner <= w < outer:
            continue
        goal, begin = entry + w * channels, w * step - before
        # The taps that are inside: those before and behind are padding.
        skipped = (max(0, -begin) + apart - 1) // apart
        end = min(count, (width - begin + apart - 1) // apart)
        result[goal : goal + channels] = 0
        for tap in range(skipped, end):
            at = base + (begin + apart * tap) * channels
            larger((result, result, values), (goal, goal, at), one)
