"""The loops around tiles, compiled: what goes over images, blocks of entries and of channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from tacit.arithmetics.binary.kernels.finish import below, copied, finished
from tacit.arithmetics.binary.kernels.progress import DONE, TAKEN, increased
from tacit.arithmetics.binary.kernels.tiles import tile

# Entries of an image at a time: their totals stay in a core's first cache.
ENTRIES = 32
# A tile takes so many of them at most, and may take the last one more than once.
MOST_TOGETHER = 8


@njit(nogil=True, cache=True)
def border(bits: Any, sides: Any, pixel: Any, found: Any) -> None:
    """Images (rows, height, width, words) with pixels around them, into an array."""
    (top, _), (left, _) = sides
    rows, height, width, words = bits.shape
    target = found.reshape(-1)
    images, pixels = (bits.reshape(-1), target), (pixel, target)
    line, inside = found.shape[2] * words, width * words
    first = left * words
    goal = 0
    for row in range(rows):
        for y in range(found.shape[1]):
            end = line
            if top <= y < top + height:
                copied(images, ((row * height + y - top) * inside, goal + first), inside)
                for k in range(first + inside, line, words):
                    copied(pixels, (0, goal + k), words)
                end = first
            for k in range(0, end, words):
                copied(pixels, (0, goal + k), words)
            goal += line


@njit(nogil=True, cache=True)
def pair(words: Any, apart: Any, found: Any) -> None:
    """Bytes of four bits of a word and of the word that is `apart` behind it.

    Of (rows, words), for every distance, (rows, distances, words): the lower halves of a word's
    four bytes, and then the upper ones.
    """
    rows, count = words.shape
    low, high = np.uint32(0x0F0F0F0F), np.uint32(0xF0F0F0F0)
    four, half = np.uint32(4), np.uint64(32)
    for row in range(rows):
        for k in range(len(apart)):
            both = max(count - apart[k], 0)
            first, second, target = words[row], words[row, count - both :], found[row, k]
            for i in range(both):
                a, b = first[i], second[i]
                lower = (a & low) | ((b << four) & high)
                upper = ((a >> four) & low) | (b & high)
                target[i] = np.uint64(lower) | (np.uint64(upper) << half)
            for i in range(both, count):
                a = first[i]
                target[i] = np.uint64(a & low) | (np.uint64((a >> four) & low) << half)


@njit(nogil=True, cache=True)
def count(sources: Any, plan: Any, items: Any, finish: Any, shape: Any) -> None:
    """Some items of a layer, each a block of channels times a block of entries.

    `sources` are image, weights, table of counts or None, and the bytes of an image; `plan` pieces,
    segments, places, pixels and cases; `items` the progress and the number of items, the blocks of
    channels, the number of images and room for totals; `finish` results, tables, slope and the
    lanes in all.
    """
    image, weights, table, size = sources
    pieces, segments, places, pixels, cases = plan
    progress, items_in_all, blocks, rows, totals = items
    results, tables, slope, all_lanes = finish
    each, together, lanes = len(places), len(shape[1]), 32 * len(shape[0])
    apart = pixels.shape[1] * lanes
    parts = (rows * each + ENTRIES - 1) // ENTRIES
    here = np.empty(ENTRIES + MOST_TOGETHER, dtype=np.int64)
    # Tuples made in a loop would have their arrays' owners counted there.
    arrays, ends = (image, weights, pieces, totals, here, table), (totals, results)
    item = increased(progress, TAKEN)
    while item < items_in_all:
        block = item // parts
        offset, weight, lane = blocks[block, 0], blocks[block, 1], blocks[block, 2]
        begin = item % parts * ENTRIES
        many = min(ENTRIES, rows * each - begin)
        row, place = divmod(begin, each)
        for e in range(many):
            here[e] = row * size + places[place] + offset
            place += 1
            if place == each:
                row, place = row + 1, 0
        here[many : many + together] = here[many - 1]
        totals[:] = 0
        for s in range(len(segments)):
            piece, many_pieces, steps = segments[s, 0], segments[s, 1], segments[s, 2]
            for e in range(0, many, together):
                spots = (e, e * apart, lanes, weight + steps * lanes, piece, many_pieces)
                tile(arrays, spots, shape)
        row, place = divmod(begin, each)
        for e in range(many):
            for k in range(pixels.shape[1]):
                pixel = pixels[place, k]
                if pixel >= 0:
                    spot = row * len(cases) + pixel
                    channels = (
                        e * apart + k * lanes,
                        spot * all_lanes + lane,
                        cases[pixel] * all_lanes + lane,
                        lane,
                        slope,
                    )
                    finished(ends, tables, channels, shape[0])
            place += 1
            if place == each:
                row, place = row + 1, 0
        increased(progress, DONE)
        item = increased(progress, TAKEN)


@njit(nogil=True, cache=True)
def pack(numbers: Any, tables: Any, found: Any, progress: Any, parts: int) -> None:
    """Bits of (pixels, channels) as (pixels, words): of numbers times ±1 below a threshold.

    `tables` are (2, channels): the thresholds and the signs.
    """
    pixels = len(numbers)
    part = increased(progress, TAKEN)
    while part < parts:
        first, end = pixels * part // parts, pixels * (part + 1) // parts
        pack_pixels(numbers, tables, found, (first, end))
        increased(progress, DONE)
        part = increased(progress, TAKEN)


@njit(nogil=True, cache=True)
def pack_pixels(numbers: Any, tables: Any, found: Any, ends: tuple[int, int]) -> None:
    """Some pixels of `pack`."""
    channels = numbers.shape[1]
    thresholds, signs = tables[0], tables[1]
    arrays = (numbers.reshape(-1), thresholds, signs)
    whole = channels // 32
    for pixel in range(ends[0], ends[1]):
        for word in range(whole):
            spots = (pixel * channels + 32 * word, 32 * word, 32 * word)
            found[pixel, word] = below(arrays, spots)
        if channels > 32 * whole:
            bits = np.uint32(0)
            for channel in range(32 * whole, channels):
                is_below = numbers[pixel, channel] * signs[channel] < thresholds[channel]
                bits |= np.uint32(is_below) << np.uint32(channel - 32 * whole)
            found[pixel, whole] = bits


@njit(nogil=True, cache=True)
def pool(images: Any, window: Any, ones: Any, progress: Any, parts: int) -> None:
    """The AND of windows, of the opposites of `ones`, of images into another array of them.

    Both are (rows, height, width, words). `window` are kernel, stride, padding before and dilation,
    of rows and of columns.
    """
    bits, found = images
    lines = found.shape[0] * found.shape[1]
    part = increased(progress, TAKEN)
    while part < parts:
        for line in range(lines * part // parts, lines * (part + 1) // parts):
            row, y = line // found.shape[1], line % found.shape[1]
            for x in range(found.shape[2]):
                pool_pixel((bits[row], found[row, y, x]), window, ones, (y, x))
        increased(progress, DONE)
        part = increased(progress, TAKEN)


@njit(nogil=True, cache=True)
def pool_pixel(ends: Any, window: Any, ones: Any, place: Any) -> None:
    """One pixel of `pool`, of one image."""
    bits, target = ends
    kernel, stride, padding, dilation = window
    height, width, words = bits.shape
    target[:] = np.uint32(0xFFFFFFFF)
    for tap in range(kernel[0]):
        h = place[0] * stride[0] - padding[0] + tap * dilation[0]
        if h < 0 or h >= height:
            continue
        for side in range(kernel[1]):
            w = place[1] * stride[1] - padding[1] + side * dilation[1]
            if 0 <= w < width:
                for word in range(words):
                    target[word] &= bits[h, w, word] ^ ones[word]
    for word in range(words):
        target[word] ^= ones[word]
