"""Chains of Chebyshev series and their derivatives, fused: one pass over memory, compiled.

Entries go through all stages in blocks that stay in a core's first cache, a loop over a block for
each coefficient, which the compiler turns into vector instructions. Blocks are summed in a fixed
order, so that results do not depend on how many threads there are.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]

# The backward pass holds this many floats some ten times: they fill a first cache of 32 KiB.
BLOCK = 512
# Entries for which it pays to wake a thread.
LEAST_A_THREAD = 2**15


@dataclass(frozen=True, eq=False)
class Flat:
    """A chain as arrays: all coefficients, where each stage's begin, widths, and parities.

    The first stage reads x times `inverse`, moved into [-limit, limit]. `form` holds constant,
    step, slope and bend. All numbers have the type of the entries.
    """

    inverse: Any
    limit: Any
    coefficients: Array
    starts: NDArray[np.int64]
    widths: Array
    is_odd: NDArray[np.bool_]
    form: Array

    @property
    def fields(self) -> tuple[Any, ...]:
        """All of it, in order."""
        return tuple(getattr(self, each.name) for each in fields(self))


def values(x: Array, chain: Flat, threads: int) -> Array:
    """The chain's values at the entries of `x`, of shape (n,)."""
    result = np.empty_like(x)
    _each(_parts(len(x), threads), lambda a, b: _values(x[a:b], result[a:b], *chain.fields))
    return result


def gradients(
    x: Array, outer: Array, chain: Flat, threads: int
) -> tuple[Array, NDArray[np.float64]]:
    """`outer` times the derivatives: by each entry, of shape (n,), and by each coefficient."""
    by_x = np.empty_like(x)
    sums = np.zeros((-(-len(x) // BLOCK), len(chain.coefficients)))

    def part(a: int, b: int) -> None:
        rows = sums[a // BLOCK : -(-b // BLOCK)]
        _gradients(x[a:b], outer[a:b], by_x[a:b], rows, *chain.fields)

    _each(_parts(len(x), threads), part)
    return by_x, sums.sum(axis=0)


def _parts(count: int, threads: int) -> list[tuple[int, int]]:
    """Ranges of whole blocks, one for each thread that is worth waking."""
    workers = max(1, min(threads, count // LEAST_A_THREAD))
    blocks = -(-count // BLOCK)
    ends = [blocks * k // workers * BLOCK for k in range(workers + 1)]
    return [(a, min(b, count)) for a, b in pairwise(ends)]


def _each(parts: list[tuple[int, int]], work: Callable[[int, int], None]) -> None:
    """The work on every part, the first one in this thread."""
    first, *others = parts
    waiting = [_pool(len(others)).submit(work, *each) for each in others]
    work(*first)
    for each in waiting:
        each.result()


@cache  # Threads that sleep between calls, not results.
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="tacit-chain")


_compiled: Callable[..., Any] = njit(
    cache=True, nogil=True, fastmath={"contract", "reassoc"}, error_model="numpy"
)


# Where in the room of a thread which block lies. One array with fixed distances: the compiler sees
# that the blocks do not overlap, which it could not tell of several arrays.
T, INWARD, DOUBLE, BEFORE, NOW, RISE_BEFORE, RISE, SLOPE = (BLOCK * k for k in range(8))
ROOM = 8 * BLOCK


@_compiled
def _series(room: Array, count: int, coefficients: Array, is_odd: bool) -> None:
    """The series at T, put there in its place, by Clenshaw's recurrence."""
    # A literal would turn single precision into double.
    two = room.dtype.type(2)
    last = len(coefficients) - 1
    highest = coefficients[last]
    for i in range(count):
        t = room[T + i]
        room[DOUBLE + i] = two * two * t * t - two if is_odd else two * t
        room[NOW + i] = highest
        room[BEFORE + i] = two - two
    for k in range(last - 1, -1, -1):
        each = coefficients[k]
        for i in range(count):
            now = room[NOW + i]
            room[NOW + i] = each + room[DOUBLE + i] * now - room[BEFORE + i]
            room[BEFORE + i] = now
    for i in range(count):
        t, now, before = room[T + i], room[NOW + i], room[BEFORE + i]
        room[T + i] = t * (now - before) if is_odd else now - t * before


@_compiled
def _slopes(
    room: Array,
    count: int,
    coefficients: Array,
    is_odd: bool,
    sums: NDArray[np.float64],
) -> None:
    """INWARD times the series' derivatives at T: summed by each coefficient, and put there.

    Basis functions and their derivatives go up by one recurrence.
    """
    one = room.dtype.type(1)
    two, eight = one + one, room.dtype.type(8)
    for i in range(count):
        t = room[T + i]
        room[DOUBLE + i] = two * two * t * t - two if is_odd else two * t
        # T_1 stands before T_1 among the odd ones, and before T_0, as T_-1, among all.
        room[BEFORE + i] = t
        room[RISE_BEFORE + i] = one
        room[NOW + i] = t if is_odd else one
        room[RISE + i] = one if is_odd else one - one
        room[SLOPE + i] = one - one
    for k in range(len(coefficients)):
        each = coefficients[k]
        total = one - one
        for i in range(count):
            total += room[INWARD + i] * room[NOW + i]
        sums[k] = total
        for i in range(count):
            now, rise, double = room[NOW + i], room[RISE + i], room[DOUBLE + i]
            room[SLOPE + i] += each * rise
            steepness = eight * room[T + i] if is_odd else two
            room[RISE + i] = steepness * now + double * rise - room[RISE_BEFORE + i]
            room[RISE_BEFORE + i] = rise
            room[NOW + i] = double * now - room[BEFORE + i]
            room[BEFORE + i] = now
    for i in range(count):
        room[INWARD + i] *= room[SLOPE + i]


@_compiled
def _values(
    x: Array,
    result: Array,
    inverse: float,
    limit: float,
    coefficients: Array,
    starts: NDArray[np.int64],
    widths: Array,
    is_odd: NDArray[np.bool_],
    form: Array,
) -> None:
    one, room = x.dtype.type(1), np.empty(ROOM, x.dtype)
    constant, step, slope, bend = form[0], form[1], form[2], form[3]
    for low in range(0, len(x), BLOCK):
        count = min(BLOCK, len(x) - low)
        for i in range(count):
            room[T + i] = min(max(x[low + i] * inverse, -limit), limit)
        for k in range(len(widths)):
            shrink = one / widths[k]
            for i in range(count):
                room[T + i] *= shrink
            _series(room, count, coefficients[starts[k] : starts[k + 1]], is_odd[k])
        for i in range(count):
            sign = room[T + i]
            result[low + i] = constant + step * sign + x[low + i] * (slope + bend * sign)


@_compiled
def _gradients(
    x: Array,
    outer: Array,
    by_x: Array,
    sums: NDArray[np.float64],
    inverse: float,
    limit: float,
    coefficients: Array,
    starts: NDArray[np.int64],
    widths: Array,
    is_odd: NDArray[np.bool_],
    form: Array,
) -> None:
    one, zero, room = x.dtype.type(1), x.dtype.type(0), np.empty(ROOM, x.dtype)
    step, slope, bend = form[1], form[2], form[3]
    stages = len(widths)
    inputs = np.empty((stages, BLOCK), x.dtype)
    for block in range(len(sums)):
        low = block * BLOCK
        count = min(BLOCK, len(x) - low)
        for i in range(count):
            room[T + i] = min(max(x[low + i] * inverse, -limit), limit)
        for k in range(stages):
            shrink = one / widths[k]
            for i in range(count):
                room[T + i] *= shrink
                inputs[k, i] = room[T + i]
            _series(room, count, coefficients[starts[k] : starts[k + 1]], is_odd[k])
        for i in range(count):
            by_x[low + i] = outer[low + i] * (slope + bend * room[T + i])
            room[INWARD + i] = outer[low + i] * (step + bend * x[low + i])
        for k in range(stages - 1, -1, -1):
            shrink = one / widths[k]
            for i in range(count):
                room[T + i] = inputs[k, i]
            own, into = coefficients[starts[k] : starts[k + 1]], sums[block, starts[k] :]
            _slopes(room, count, own, is_odd[k], into)
            for i in range(count):
                room[INWARD + i] *= shrink
        for i in range(count):
            is_inside = -limit <= x[low + i] * inverse <= limit
            by_x[low + i] += room[INWARD + i] * inverse if is_inside else zero
