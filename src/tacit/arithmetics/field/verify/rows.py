"""The check sums of whole rows, for compiled code.

A row's table holds, for each word of 52 bits of its weights, their limbs, each followed by zeros
up to a whole number of steps. What is left of a row behind its last whole step goes through the
same code with zeros behind it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from tacit.arithmetics.field.verify.lanes import (
    NARROW,
    NARROW_LIMBS,
    NARROW_STEPS,
    NARROW_SUMS,
    STEP,
    WIDE,
    WIDE_LIMBS,
    WIDE_STEPS,
    WIDE_SUMS,
)
from tacit.arithmetics.field.verify.modular import POWER, Numbers, plus, times
from tacit.arithmetics.field.verify.sums import narrow_products, wide_products


def padded(entries: int) -> int:
    """Entries up to the next whole step."""
    return -(-entries // STEP) * STEP


@njit(nogil=True, cache=True)
def wide_value(sums: Numbers, first: int, word: int, field: Numbers) -> Any:
    """The number that a word's sums stand for, those from `first` on; they become zero."""
    total = 0
    for limb in range(WIDE_LIMBS):
        for part in range(2):
            at = first + 8 * limb + 4 * part
            value = (sums[at] + sums[at + 1] + sums[at + 2] + sums[at + 3]) % field[0]
            power = field[POWER + (word * WIDE_LIMBS + limb) * WIDE + 32 * part]
            total = plus(total, times(value, power, field), field)
            sums[at : at + 4] = 0
    return total


@njit(nogil=True, cache=True)
def narrow_value(sums: Numbers, word: int, field: Numbers) -> Any:
    """The number that a word's sums against bytes stand for; they become zero."""
    total = 0
    for limb in range(NARROW_LIMBS):
        at = 4 * limb
        value = (sums[at] + sums[at + 1] + sums[at + 2] + sums[at + 3]) % field[0]
        power = field[POWER + (word * NARROW_LIMBS + limb) * NARROW]
        total = plus(total, times(value, power, field), field)
        sums[at : at + 4] = 0
    return total


@njit(nogil=True, cache=True)
def wide_row(row: Any, weights: Any, room: Any, field: Numbers) -> Any:
    """Σ weight · value over a row of int32: the entries, where it begins, and its length.

    `weights` are a table, where it begins, and its words; `room` is for sums, all zero, and a tail.
    """
    (values, entry, count), (table, at, words), (sums, tail) = row, weights, room
    width = (count + STEP - 1) // STEP * STEP
    whole = count // STEP
    fill(tail, values, entry + whole * STEP, count - whole * STEP)
    total = 0
    for word in range(words):
        base = at + word * WIDE_LIMBS * width
        for begin in range(0, whole, WIDE_STEPS):
            here = begin * STEP
            steps = min(WIDE_STEPS, whole - begin)
            wide_products((values, table, sums), (entry + here, base + here, width, steps))
        if width > count:
            wide_products((tail, table, sums), (0, base + whole * STEP, width, 1))
        total = plus(total, wide_value(sums, 0, word, field), field)
    return total


@njit(nogil=True, cache=True)
def narrow_row(row: Any, weights: Any, room: Any, field: Numbers) -> Any:
    """Σ weight · value over a row of bytes, as `wide_row`."""
    (values, entry, count), (table, at, words), (sums, tail) = row, weights, room
    width = (count + STEP - 1) // STEP * STEP
    whole = count // STEP
    fill(tail, values, entry + whole * STEP, count - whole * STEP)
    total = 0
    for word in range(words):
        base = at + word * NARROW_LIMBS * width
        for begin in range(0, whole, NARROW_STEPS):
            here = begin * STEP
            steps = min(NARROW_STEPS, whole - begin)
            narrow_products((values, table, sums), (entry + here, base + here, width, steps))
        if width > count:
            narrow_products((tail, table, sums), (0, base + whole * STEP, width, 1))
        total = plus(total, narrow_value(sums, word, field), field)
    return total


@njit(nogil=True, cache=True)
def fill(tail: Any, values: Any, begin: int, count: int) -> None:
    """Copy what is left of a row; zeros behind it."""
    for k in range(count):
        tail[k] = values[begin + k]
    tail[count:] = 0


@njit(nogil=True, cache=True)
def wide_images(rows: Any, weights: Any, field: Numbers) -> Any:
    """The check sums (images, repetitions) of int32 rows (images, height, entries).

    `weights` are tables (repetitions, types, words, limbs, entries), powers (repetitions, height)
    and each row's type, -1 for one that does not count.
    """
    tables, powers, kinds = weights
    images, height, count = rows.shape
    repetitions, types, words, limbs, width = tables.shape
    result = np.zeros((images, repetitions), np.int64)
    values, table = rows.reshape(-1), tables.reshape(-1)
    room = (np.zeros(WIDE_SUMS, np.int64), np.zeros(STEP, np.int32))
    for at in range(images * height):
        image, h = at // height, at % height
        for repetition in range(repetitions if kinds[h] >= 0 else 0):
            begin = (repetition * types + kinds[h]) * words * limbs * width
            sum_ = wide_row((values, at * count, count), (table, begin, words), room, field)
            term = times(sum_, powers[repetition, h], field)
            result[image, repetition] = plus(result[image, repetition], term, field)
    return result.view(np.uint64)


@njit(nogil=True, cache=True)
def narrow_images(rows: Any, weights: Any, field: Numbers) -> Any:
    """The check sums (images, repetitions) of rows of bytes, as `wide_images`."""
    tables, powers, kinds = weights
    images, height, count = rows.shape
    repetitions, types, words, limbs, width = tables.shape
    result = np.zeros((images, repetitions), np.int64)
    values, table = rows.reshape(-1), tables.reshape(-1)
    room = (np.zeros(NARROW_SUMS, np.int64), np.zeros(STEP, np.uint8))
    for at in range(images * height):
        image, h = at // height, at % height
        for repetition in range(repetitions if kinds[h] >= 0 else 0):
            begin = (repetition * types + kinds[h]) * words * limbs * width
            sum_ = narrow_row((values, at * count, count), (table, begin, words), room, field)
            term = times(sum_, powers[repetition, h], field)
            result[image, repetition] = plus(result[image, repetition], term, field)
    return result.view(np.uint64)
