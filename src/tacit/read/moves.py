"""Layers that only move entries and that both frameworks know, made of the source operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tacit.ir.graph import Shape
from tacit.ir.ops import Add, Concat, Pad, Pads, Permute, Reshape, Slice
from tacit.read import layers
from tacit.read.shared import Held, Operand, Site


def reshape(site: Site, x: Held, shape: Shape) -> Held:
    """The value under the shape (without the batch), or itself where it has it already."""
    return x if site.shape(x) == shape else site.put(Reshape(shape), x)


def permute(site: Site, x: Held, order: Sequence[int]) -> Held:
    """The value with its axes, the batch first, in the order."""
    rank = len(site.shape(x)) + 1
    full = [axis % rank for axis in order]
    if full[0] != 0:
        raise site.refusal("it moves the batch", hint="the batch must stay the first axis")
    return x if full == sorted(full) else site.put(Permute(tuple(i - 1 for i in full[1:])), x)


def swap(site: Site, x: Held, first: int, second: int) -> Held:
    """The value with two axes exchanged."""
    rank = len(site.shape(x)) + 1
    order = list(range(rank))
    order[first % rank], order[second % rank] = second % rank, first % rank
    return permute(site, x, order)


def rearrange(site: Site, x: Held, parts: Shape, order: tuple[int, ...], to: Shape) -> Held:
    """The value split into axes of these parts, those put into the order, then joined again."""
    apart = site.step("parts", Reshape(parts), x)
    return site.put(Reshape(to), site.step("moved", Permute(order), apart))


def pixel_shuffle(site: Site, x: Held, factor: int) -> Held:
    """Groups of factor² channels become squares of pixels."""
    channels, height, width = site.shape(x)
    few = channels // factor**2
    to = (few, height * factor, width * factor)
    return rearrange(site, x, (few, factor, factor, height, width), (0, 3, 1, 4, 2), to)


def pixel_unshuffle(site: Site, x: Held, factor: int) -> Held:
    """Squares of pixels become groups of factor² channels."""
    channels, height, width = site.shape(x)
    few, low, narrow = channels * factor**2, height // factor, width // factor
    parts = (channels, low, factor, narrow, factor)
    return rearrange(site, x, parts, (0, 2, 4, 1, 3), (few, low, narrow))


def channel_shuffle(site: Site, x: Held, groups: int) -> Held:
    """The channels of all groups dealt out in turn."""
    channels, *rest = site.shape(x)
    parts = (groups, channels // groups, *rest)
    order = (1, 0, *range(2, len(parts)))
    return rearrange(site, x, parts, order, site.shape(x))


def concat(site: Site, values: Sequence[Operand], axis: int) -> Held:
    """The values one behind the other along the axis."""
    first = next(each for each in values if isinstance(each, Held))
    along = site.axis(first, axis)
    return site.put(Concat(along), *layers.lined_up(site, *values))


def cut(site: Site, x: Held, axis: int, piece: slice) -> Held:
    """The piece of the value along the axis, or itself where that is all of it."""
    rank = len(site.shape(x)) + 1
    if axis % rank == 0 and piece.indices(2**31)[::2] == (0, 1) and _reaches_end(piece):
        return x
    along = site.axis(x, axis)
    size = site.shape(x)[along]
    start, stop, step = piece.indices(size)
    if (start, stop, step) == (0, size, 1):
        return x
    return site.put(Slice(along, start, stop, step), x)


def _reaches_end(piece: slice) -> bool:
    return piece.stop is None or piece.stop >= 2**31 - 1


def select(site: Site, x: Held, axis: int, index: int) -> Held:
    """The entry at the index along the axis, which goes."""
    along = site.axis(x, axis)
    shape = site.shape(x)
    start = index % shape[along]
    entry = site.step("entry", Slice(along, start, start + 1), x)
    return site.put(Reshape(shape[:along] + shape[along + 1 :]), entry)


def split(site: Site, x: Held, sizes: Sequence[int], axis: int) -> tuple[Held, ...]:
    """The pieces of these sizes along the axis."""
    ends = np.cumsum(sizes).tolist()
    return tuple(
        cut(site, x, axis, slice(end - size, end)) for size, end in zip(sizes, ends, strict=True)
    )


def even(size: int, piece: int) -> tuple[int, ...]:
    """Sizes of pieces of `size`, all of `piece` but the last."""
    return tuple(min(piece, size - start) for start in range(0, size, piece))


def pad(site: Site, x: Held, widths: Pads, value: float) -> Held:
    """The value with a border; negative widths cut."""
    for axis, ((before, after), size) in enumerate(zip(widths, site.shape(x), strict=True)):
        x = cut(site, x, axis + 1, slice(max(0, -before), size - max(0, -after)))
    border = tuple((max(0, before), max(0, after)) for before, after in widths)
    return site.put(Pad(border, value), x) if any(map(any, border)) else x


def expand(site: Site, x: Held, shape: Shape) -> Held:
    """The value repeated along axes of extent 1 until it has the shape."""
    if site.shape(x) == shape:
        return x
    return site.put(Add(), x, site.constant(np.zeros(shape)))
