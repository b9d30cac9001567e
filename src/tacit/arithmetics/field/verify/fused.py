"""The pass over a worker's answer as compiled code."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from tacit.arithmetics.field.ops import Rescale
from tacit.arithmetics.field.verify.lanes import (
    NARROW_LIMBS,
    NARROW_SUMS,
    STEP,
    WIDE_STEPS,
    WIDE_SUMS,
)
from tacit.arithmetics.field.verify.modular import Numbers, plus, times
from tacit.arithmetics.field.verify.rescaling import rescaled
from tacit.arithmetics.field.verify.rows import narrow_row, wide_value
from tacit.arithmetics.field.verify.windows import Windows, pool_row

# A rescaling's multipliers and offset; the sources' largest absolute values; the bits to shift
# left by and those to shift right by beyond HALF, low, high, and a period of whole channels and
# whole steps.
Numerals = tuple[Numbers, Numbers, tuple[int, ...], tuple[int, int, int, int, int]]
# The upper halves of numbers of 64 bits are their quotients by 2^32: a shift by 32 costs nothing,
# a larger one has its rest done in 32 bits, and for a smaller one all is multiplied before.
HALF = 32
BYTE = 255
# So many bits more keep a byte a positive number of 32 bits.
MOST_RAISED = 22


def numerals(rescale: Rescale, bounds: tuple[int, ...]) -> Numerals:
    """A rescaling as compiled code takes it."""
    beyond = rescale.shift - HALF
    period = math.lcm(len(rescale.offset), STEP)
    rest = (max(0, -beyond), max(0, beyond), int(rescale.low), int(rescale.high), period)
    return rescale.multipliers, rescale.offset, bounds, rest


@njit(nogil=True, cache=True)
def scaling(numerals: Numerals) -> Any:
    """Whether `rescaled` can do it, and the multipliers and offsets of a period."""
    multipliers, offset, bounds, (more, _, low, high, period) = numerals
    sources, channels = multipliers.shape
    scales = np.empty(sources * period, np.int64)
    offsets = np.empty(period, np.int64)
    fits = low >= 0 and high <= BYTE and more <= MOST_RAISED
    for c in range(channels):
        # In units of 2^8, rounded up, so that nothing overflows here.
        fits &= abs(offset[c]) < 1 << (62 - more)
        reach = (abs(offset[c]) >> 8) + 1
        for source in range(sources):
            size = abs(multipliers[source, c])
            # Bytes have room for the shift themselves.
            fits &= size < 1 << (31 if bounds[source] <= BYTE else 31 - more)
            reach += (min(size, 1 << 31) * bounds[source] >> 8) + 1
        # Without a further shift, sums may wrap as those of `run` do.
        fits &= more == 0 or reach < 1 << (63 - more - 8)
    for at in range(period if fits else 0):
        c = at % channels
        # Of eight, the even come first.
        group, within = at // 8 * 8, at % 8
        goal = group + within // 2 + 4 * (within % 2)
        offsets[goal] = offset[c] << more
        for source in range(sources):
            raised = 0 if bounds[source] <= BYTE else more
            scales[source * period + goal] = multipliers[source, c] << raised
    return fits, scales, offsets


@njit(nogil=True, cache=True)
def run(  # noqa: PLR0913, PLR0917 (one pass does everything)
    sources: Any,
    tables: Any,
    powers: Any,
    scaling: Any,
    windows: Windows,
    sizes: tuple[int, int, int, int],
    consumers: Any,
    field: Numbers,
) -> Any:
    """The bytes, the sources' check sums (images, sources), two consumers'.

    Sources are flat, with STEP entries more where a row is no whole number of steps; `tables` holds
    a table or None for each, and `powers` those of the rows. Consumers are table, powers, types of
    rows, and the table's shape.
    """
    images, height, width, channels = sizes
    count, rows = width * channels, windows[8]
    length = windows[9] * channels
    is_pooled = windows[:8] != (1, 1, 0, 1, 1, 1, 0, 1)
    stride = count + STEP
    slots = min(height, (windows[0] - 1) * windows[3] + 1) if is_pooled else 0
    ring, pooled = np.zeros(slots * stride, np.uint8), np.zeros(stride, np.uint8)
    result = np.empty(images * rows * length + STEP, np.uint8)
    sums = np.zeros(len(sources) * WIDE_SUMS, np.int64)
    room = (np.zeros(NARROW_SUMS, np.int64), np.zeros(STEP, np.uint8))
    lefts = np.zeros((images, len(sources)), np.int64)
    first, second = consumers
    rights = (
        np.zeros((images, len(first[1])), np.int64),
        np.zeros((images, len(second[1])), np.int64),
    )
    for image in range(images):
        done = 0
        for h in range(height):
            entry = (image * height + h) * count
            if is_pooled:
                target, goal = ring, h % slots * stride
            else:
                target, goal = result, entry
            _row(sources, tables, (entry, goal, count), scaling, (target, sums))
            for source in range(len(sources)):
                value = wide_value(sums, source * WIDE_SUMS, 0, field)
                term = times(value, powers[source][h], field)
                lefts[image, source] = plus(lefts[image, source], term, field)
            while done < rows and (_last(done, windows, height) <= h):
                place = (image * rows + done) * length
                if is_pooled:
                    sizes_ = (height, width, channels, slots, stride)
                    pool_row(ring, pooled, sizes_, (result, place, done), windows)
                row = (result, place, length)
                _next(row, done, first, (rights[0][image], room), field)
                _next(row, done, second, (rights[1][image], room), field)
                done += 1
    return result[: images * rows * length], lefts, rights


@njit(nogil=True, cache=True)
def _last(row: int, windows: Windows, height: int) -> Any:
    """The last row that a row of the pooling needs."""
    return min(height - 1, row * windows[1] - windows[2] + windows[3] * (windows[0] - 1))


@njit(nogil=True, cache=True)
def _row(sources: Any, tables: Any, place: Any, scaling: Any, target: Any) -> None:
    """Rescale and check one row: the entries from which on sources and target are, its length."""
    entry, goal, count = place
    steps = (count + STEP - 1) // STEP
    stride, position = steps * STEP, 0
    for begin in range(0, steps, WIDE_STEPS):
        at = begin * STEP
        spots = (entry + at, goal + at, at, stride, position, min(WIDE_STEPS, steps - begin))
        position = rescaled(sources, tables, spots, scaling, target)


@njit(nogil=True, cache=True)
def _next(row: Any, number: int, consumer: Any, sums: Any, field: Numbers) -> None:
    """Add a row of what comes out to the check sums of a product that will take it."""
    table, powers, kinds, (types, words, width) = consumer
    rights, room = sums
    if len(powers) == 0 or kinds[number] < 0:
        return
    for repetition in range(len(powers)):
        at = (repetition * types + kinds[number]) * words * NARROW_LIMBS * width
        value = narrow_row(row, (table, at, words), room, field)
        term = times(value, powers[repetition, number], field)
        rights[repetition] = plus(rights[repetition], term, field)
