"""A layer laid out for tiles: its weights in lanes, and where a window's bits are."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.binary.kernels.forms import LANES, THREE, UNROLLED, Form
from tacit.arithmetics.binary.kernels.memory import aligned
from tacit.arithmetics.binary.kernels.seam import Packed, Pair
from tacit.arithmetics.binary.packing import WORD_BITS, WordArray, count_ones

Numbers = NDArray[np.int64]
# Weights, a number for each step: octets, or words.
Steps = NDArray[np.unsignedinteger[Any]]
# Bytes on even places count first of 16 bits.
HALF = LANES // 2
FOURS = 16


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of channels that tiles of one shape count."""

    vectors: int
    together: int
    # (blocks, 3): a group's first byte in a pixel, the first weight, the first lane.
    spots: Numbers


@dataclass(frozen=True, eq=False)
class Plan:
    """A layer for images of one size."""

    form: Form
    # The image with its borders, in pixels.
    size: Pair
    # Words between the two pixels of an entry; one for each way in which pixels are paired.
    apart: Numbers
    weights: Steps
    blocks: tuple[Blocks, ...]
    # (pieces, 3): of a window, see `tiles`; (segments, 3): first piece, pieces, first step.
    pieces: Numbers
    segments: Numbers
    # (entries,): bytes from an image's begin; (entries, pixels): which they are, or -1.
    places: Numbers
    pixels: Numbers
    # (outputs,): the lane of each output; and how many lanes there are.
    lanes: Numbers
    all_lanes: int


def planned(layer: Packed, form: Form, image: Pair) -> Plan:
    """A layer's plan for images of this height and width; its counts must fit a form's totals."""
    outputs, *_, words = layer.weight.shape
    height, width = (n + sum(pads) for n, pads in zip(image, layer.padding, strict=True))
    pixel = words * layer.groups
    apart = [layer.stride[1] * pixel, layer.stride[0] * width * pixel]
    places, pixels = _entries(layer, form, (height * width * pixel, width * pixel, pixel))
    pieces, segments = _pieces(layer, form, width)
    blocks, weights, lanes = _lanes(layer, form)
    # The second way to pair pixels is for columns that have no neighbour.
    ways = 1 if layer.size[1] % 2 == 0 or layer.size[0] == 1 else 2
    assert outputs == len(lanes)
    return Plan(
        form,
        (height, width),
        np.array(apart[:ways], dtype=np.int64),
        weights,
        blocks,
        pieces,
        segments,
        places,
        pixels,
        lanes,
        LANES * sum(each.vectors * len(each.spots) for each in blocks),
    )


def most_sum(layer: Packed) -> int:
    """No count is larger."""
    return prod(layer.weight.shape[1:]) * WORD_BITS


def counts_of_fours() -> NDArray[np.uint8]:
    """(256 · 16,): for two fours of bits, in how many a third differs from each: l + 16h."""
    ones = np.bitwise_xor.outer(np.arange(FOURS), np.arange(FOURS))
    counts = count_ones(ones.astype(np.uint32))
    table = counts[None, :, :] + FOURS * counts[:, None, :]
    return table.astype(np.uint8).reshape(-1)


def _entries(layer: Packed, form: Form, words: tuple[int, int, int]) -> tuple[Numbers, Numbers]:
    """Where entries are and which pixels they are; `words` of an image, of a row, of a pixel."""
    (height, width), (whole, row, pixel) = layer.size, words
    y, x = np.mgrid[:height, :width]
    places = (y * (layer.stride[0] * row) + x * (layer.stride[1] * pixel)) * form.value.word_bytes
    numbers = y * width + x
    if form.value.pixels == 1:
        return places.reshape(-1), numbers.reshape(-1, 1)
    even = width - width % 2
    found = [(places[:, :even:2], numbers[:, :even:2], numbers[:, 1::2])]
    if width % 2:
        second = height - height % 2
        column, which = places[:, -1] + whole * form.value.word_bytes, numbers[:, -1]
        found.append((column[:second:2], which[:second:2], which[1:second:2]))
        if height % 2:
            found.append((places[-1:, -1], which[-1:], np.array([-1])))
    joined = [np.concatenate([each[k].reshape(-1) for each in found]) for k in range(3)]
    return joined[0], np.ascontiguousarray(np.stack(joined[1:], axis=1))


def _pieces(layer: Packed, form: Form, width: int) -> tuple[Numbers, Numbers]:
    """The pieces of a window, and the segments that are counted before totals are touched."""
    shape = form.value
    step = shape.word_bytes // shape.word_steps
    by = THREE if form is Form.LOOK_UP else 1
    pieces: list[tuple[int, int, int, int]] = []
    segments: list[list[int]] = []
    done, left = 0, 0
    for offset, words in _runs(layer, width):
        start, steps = offset * shape.word_bytes, words * shape.word_steps
        # Equal parts: loops of always the same length are foreseen by a processor.
        parts = -(-steps // shape.most_steps)
        part = -(-steps // (parts * by)) * by
        while steps:
            take = min(part, steps)
            if take > left:
                segments.append([len(pieces), 0, done])
                left = shape.most_steps
            pieces.append((start, *_turns(take, form)))
            segments[-1][1] += 1
            start, steps = start + take * step, steps - take
            done, left = done + take, left - take
    return np.array(pieces, dtype=np.int64), np.array(segments, dtype=np.int64)


def _turns(steps: int, form: Form) -> tuple[int, int, int]:
    """Steps by as many as are unrolled, by threes, and what is left."""
    if form is not Form.LOOK_UP:
        return 0, 0, steps
    unrolled, left = divmod(steps, UNROLLED * THREE)
    return unrolled, *divmod(left, THREE)


def _runs(layer: Packed, width: int) -> list[tuple[int, int]]:
    """Words of a window that follow each other: where they begin, and how many they are."""
    _, rows, columns, words = layer.weight.shape
    pixel = words * layer.groups
    joins = layer.groups == 1 and layer.dilation[1] == 1
    ends = (
        [(0, columns * words)]
        if joins
        else [(k * layer.dilation[1] * pixel, words) for k in range(columns)]
    )
    return [
        (row * layer.dilation[0] * width * pixel + offset, many)
        for row in range(rows)
        for offset, many in ends
    ]


def _lanes(layer: Packed, form: Form) -> tuple[tuple[Blocks, ...], Steps, Numbers]:
    """The blocks of channels, their weights as tiles read them, and the lane of each output."""
    steps = _steps(layer.weight, form)
    each = len(steps) // layer.groups
    pixel_bytes = layer.weight.shape[-1] * form.value.word_bytes
    blocks: list[Blocks] = []
    parts: list[Steps] = []
    lanes = np.empty(len(steps), dtype=np.int64)
    lane = weight = 0
    for vectors, together, firsts in _cuts(each, form):
        spots = []
        for group in range(layer.groups):
            for first in firsts:
                outputs = np.arange(first, min(first + vectors * LANES, each)) + group * each
                part = _side_by_side(steps[outputs], vectors, form)
                spots.append((group * pixel_bytes, weight, lane))
                lanes[outputs] = lane + np.arange(len(outputs))
                parts.append(part)
                lane, weight = lane + vectors * LANES, weight + part.size
        blocks.append(Blocks(vectors, together, np.array(spots, dtype=np.int64)))
    return tuple(blocks), aligned(np.concatenate(parts, dtype=steps.dtype)), lanes


def _cuts(channels: int, form: Form) -> list[tuple[int, int, range]]:
    """The tiles that channels are cut into: vectors, entries, and the first channels."""
    found, done = [], 0
    vectors_left = -(-channels // LANES)
    for vectors, together in form.value.tiles:
        many, vectors_left = divmod(vectors_left, vectors)
        if many:
            end = done + many * vectors * LANES
            found.append((vectors, together, range(done, end, vectors * LANES)))
            done = end
    return found


def _steps(weight: WordArray, form: Form) -> Steps:
    """(outputs, steps): the weights, a number for each step."""
    words = weight.reshape(len(weight), -1)
    octets = np.ascontiguousarray(words, dtype="<u4").view(np.uint8)
    match form:
        case Form.LOOK_UP:
            fours = octets.reshape(*words.shape, 1, 4)
            both = np.concatenate([fours & np.uint8(15), fours >> np.uint8(4)], axis=2)
            return both.reshape(len(words), -1)
        case Form.BYTES:
            return octets
        case Form.WIDE_WORDS | Form.WORDS:
            return words


def _side_by_side(steps: Steps, vectors: int, form: Form) -> Steps:
    """The weights of a block of channels, step after step, with zeros for what has no channel."""
    whole = np.zeros((vectors * LANES, steps.shape[1]), dtype=steps.dtype)
    whole[: len(steps)] = steps
    if form is Form.LOOK_UP:
        # A lane of 16 bits holds a channel of the first half and one of the second.
        whole = whole.reshape(vectors, 2, HALF, -1).swapaxes(1, 2).reshape(vectors * LANES, -1)
    return np.ascontiguousarray(whole.T).reshape(-1)
