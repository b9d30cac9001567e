"""The tables of a challenge, made ahead of the answer: what its secrets give every entry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tacit.arithmetics.field.verify.geometry import Geometry, Indices
from tacit.arithmetics.field.verify.lanes import (
    BLOCK,
    EIGHT,
    NARROW,
    NARROW_LIMBS,
    WIDE,
    WIDE_LIMBS,
)
from tacit.arithmetics.field.verify.modular import POWER, Numbers, plus, powers, times
from tacit.arithmetics.field.verify.rows import padded
from tacit.arithmetics.field.verify.sums import weighted


@dataclass(frozen=True, eq=False, repr=False)
class Tables:
    """What a challenge's secrets give the entries, the first axis the repetitions.

    `result` is (repetitions, words, limbs, a row's entries), `given` is (repetitions, types of
    rows, words, limbs, a row's entries); the powers are those of the rows.
    """

    result: NDArray[np.uint32]
    result_powers: Numbers
    given: NDArray[np.int16]
    given_powers: Numbers


def empty(layer: Geometry, repetitions: int, words: int) -> Tables:
    """Tables without any secrets."""
    height, width, outputs = layer.result
    rows, columns, channels = layer.image
    types = len(layer.rows.distance)
    result = (repetitions, words, WIDE_LIMBS, padded(width * outputs))
    given = (repetitions, types, words, NARROW_LIMBS, padded(columns * channels))
    return Tables(
        aligned(result, np.uint32),
        np.zeros((repetitions, height), np.int64),
        aligned(given, np.int16),
        np.zeros((repetitions, rows), np.int64),
    )


def aligned(shape: tuple[int, ...], kind: type[np.generic]) -> NDArray[Any]:
    """Zeros, so placed that no vector crosses two lines of the cache."""
    line = 64
    size = math.prod(shape) * np.dtype(kind).itemsize
    room = np.zeros(size + line, np.uint8)
    begin = -room.ctypes.data % line
    return room[begin : begin + size].view(kind).reshape(shape)


def prepare(
    layer: Geometry, secrets: Numbers, field: Numbers, tables: Tables, repetition: int
) -> None:
    """Fill the tables of one repetition; the secrets are alpha, beta and s.

    A row of the result weighs beta^w s_o; one of the input what the transposed product makes of
    it, by the row's type. A row as a whole weighs a power of alpha.
    """
    height, width, _ = layer.result
    words = tables.result.shape[1]
    rows, columns = powers(secrets[0], height, field), powers(secrets[1], width, field)
    _fill_result(columns, secrets[2:], tables.result[repetition], field)
    flat = layer.weight.reshape(len(layer.weight), -1)
    size = flat.shape[1]
    if size % EIGHT:
        flat = np.pad(flat, ((0, 0), (0, -size % EIGHT)))
    summed = _transposed(flat, secrets[2:], (layer.groups, words, size), field)
    taps = summed.reshape(layer.image[2], *layer.weight.shape[2:])
    by_row = _along(taps, layer.rows.distance, rows, field)
    by_both = np.ascontiguousarray(
        np.moveaxis(_along(by_row, layer.columns.distance, columns, field), 0, -1)
    )
    spots = (layer.columns.kind, layer.columns.reference)
    _fill_given(by_both, spots, columns, tables.given[repetition], field)
    tables.result_powers[repetition] = rows
    tables.given_powers[repetition] = np.where(layer.rows.kind >= 0, rows[layer.rows.reference], 0)


@njit(nogil=True, cache=True)
def _fill_result(columns: Numbers, outputs: Numbers, table: Any, field: Numbers) -> None:
    """Limbs of beta^w s_o."""
    words, limbs, _ = table.shape
    count = len(outputs)
    values = np.empty(count, np.int64)
    for w in range(len(columns)):
        for o in range(count):
            values[o] = times(columns[w], outputs[o], field)
        for word in range(words):
            for limb in range(limbs):
                goal = table[word, limb, w * count : (w + 1) * count]
                _cut(values, goal, WIDE, word * limbs + limb)


@njit(nogil=True, cache=True)
def _fill_given(
    sums: Numbers, spots: tuple[Indices, Indices], columns: Numbers, table: Any, field: Numbers
) -> None:
    """Limbs of beta^w times the sums (row types, column types, channels) of a column's type."""
    kind, reference = spots
    types, _, channels = sums.shape
    _, words, limbs, _ = table.shape
    values = np.empty(channels, np.int64)
    for row in range(types):
        for w in range(len(kind)):
            if kind[w] < 0:
                continue
            power = columns[reference[w]]
            for c in range(channels):
                values[c] = times(power, sums[row, kind[w], c], field)
            for word in range(words):
                for limb in range(limbs):
                    goal = table[row, word, limb, w * channels : (w + 1) * channels]
                    _cut(values, goal, NARROW, word * limbs + limb)


@njit(nogil=True, cache=True)
def _cut(values: Numbers, goal: Any, bits: int, index: int) -> None:
    """One limb of numbers below 2^63."""
    shift, mask = min(bits * index, 63), (1 << bits) - 1
    for k in range(len(values)):
        goal[k] = (values[k] >> shift) & mask


def _along(taps: Numbers, distance: Indices, powers: Numbers, field: Numbers) -> Numbers:
    """Taps of the middle axis summed by type; the types become the last axis."""
    middle = np.ascontiguousarray(np.moveaxis(taps, 1, -1))
    found: Numbers = _by_type(middle, distance, powers, field)
    return found


@njit(nogil=True, cache=True)
def _by_type(taps: Numbers, distance: Indices, powers: Numbers, field: Numbers) -> Any:
    """Σ of a type's taps (last axis), each times the power of its distance."""
    first, second, count = taps.shape
    result = np.zeros((first, second, len(distance)), np.int64)
    for x in range(first):
        for y in range(second):
            for kind in range(len(distance)):
                total = 0
                for tap in range(count):
                    if distance[kind, tap] >= 0:
                        term = times(taps[x, y, tap], powers[distance[kind, tap]], field)
                        total = plus(total, term, field)
                result[x, y, kind] = total
    return result


@njit(nogil=True, cache=True)
def _transposed(
    weight: NDArray[np.int16], outputs: Numbers, sizes: tuple[int, int, int], field: Numbers
) -> Any:
    """Σ_o s_o W[o, n] for each group, n over a group's channels and taps.

    A row of weights is a multiple of EIGHT; sizes are groups, words and the entries that count.
    """
    groups, words, size = sizes
    count, row = weight.shape
    per = count // groups
    result = np.zeros((groups, size), np.int64)
    flat, sums = weight.reshape(-1), np.zeros(WIDE_LIMBS * BLOCK, np.int64)
    scales = np.zeros(4 * WIDE_LIMBS * EIGHT, np.int32)
    for group in range(groups):
        last = (group + 1) * per - 1
        for begin in range(0, row, BLOCK):
            steps = min(BLOCK, row - begin) // EIGHT
            for word in range(words):
                sums[:] = 0
                for o in range(group * per, last + 1, 4):
                    # The last ones may be fewer than four: others count for nothing.
                    for k in range(4):
                        some = outputs[min(o + k, last)] if o + k <= last else 0
                        _spread(scales[k * WIDE_LIMBS * EIGHT :], some >> (2 * WIDE * word))
                    at = o * row + begin
                    b = min(o + 1, last) * row + begin
                    c = min(o + 2, last) * row + begin
                    d = min(o + 3, last) * row + begin
                    weighted((flat, scales, sums), (at, b, c, d, 4 * row), steps)
                for n in range(begin, min(begin + BLOCK, size)):
                    # Of eight sums the even come first.
                    at = (n - begin) // 8 * 8 + n % 8 // 2 + 4 * (n % 2)
                    for limb in range(WIDE_LIMBS):
                        power = field[POWER + WIDE * (WIDE_LIMBS * word + limb)]
                        term = times(sums[limb * BLOCK + at] % field[0], power, field)
                        result[group, n] = plus(result[group, n], term, field)
    return result


@njit(nogil=True, cache=True)
def _spread(scales: NDArray[np.int32], value: int) -> None:
    """Both limbs of a number, each EIGHT times."""
    for limb in range(WIDE_LIMBS):
        for k in range(EIGHT):
            scales[limb * EIGHT + k] = (value >> (WIDE * limb)) & ((1 << WIDE) - 1)
