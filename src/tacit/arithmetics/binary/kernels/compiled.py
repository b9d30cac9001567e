"""Kernels compiled for this host: vector code by tiles, over as many threads as asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any, TypeAlias, final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.binary.kernels import loops
from tacit.arithmetics.binary.kernels.forms import LANES, MOST_SHORT, Form
from tacit.arithmetics.binary.kernels.memory import aligned, room
from tacit.arithmetics.binary.kernels.plan import Plan, counts_of_fours, most_sum, planned
from tacit.arithmetics.binary.kernels.reference import Reference, transformed
from tacit.arithmetics.binary.kernels.seam import Kernels, NumberArray, Packed, Pair, PoolWindow
from tacit.arithmetics.binary.kernels.tables import WHOLE, Tables, cases_of, tables_of
from tacit.arithmetics.binary.kernels.team import Progress, Team
from tacit.arithmetics.binary.ops import Alphabet, Clamps, Reals, Thresholds, Transform, TruthArray
from tacit.arithmetics.binary.packing import WORD_BITS, WordArray, word_count
from tacit.ir.functions import FloatArray

# With less work than this for each, threads take longer to be woken than they save.
LEAST_PRODUCTS = 1 << 25
LEAST_NUMBERS = 1 << 17
# Compiled code is made for a tuple's length, whatever is in it.
Zeros: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Ready:
    """A layer's plan, as compiled code takes it, and the tables of transforms seen so far."""

    plan: Plan
    is_point: bool
    # Whether lanes are the channels, one after the other, and whether nothing is behind them.
    is_straight: bool
    is_full: bool
    size: Pair
    products: int
    # What every call of `count` takes, and the blocks, their shape and the totals they need.
    where: tuple[NDArray[np.int64], ...]
    tiles: tuple[tuple[NDArray[np.int64], tuple[Zeros, Zeros], int], ...]
    kind: np.dtype[np.signedinteger[Any]]
    tables: WeakKeyDictionary[Transform, Tables]


@final
class Compiled(Kernels):
    """Vector code; results depend neither on the form nor on the number of threads."""

    def __init__(self, form: Form, threads: int = 1) -> None:
        self._form = form
        self._team = Team(threads)
        self._counts = aligned(counts_of_fours())
        self._ready: WeakKeyDictionary[Packed, Ready] = WeakKeyDictionary()

    def pack(
        self,
        x: FloatArray | NumberArray,
        alphabet: Alphabet,
        threshold: FloatArray,
        flip: TruthArray,
    ) -> WordArray:
        """The bits of (…, channels)."""
        channels = x.shape[-1]
        numbers = np.ascontiguousarray(x).reshape(-1, channels)
        is_above = flip ^ (alphabet is Alphabet.UNIPOLAR)
        sign: FloatArray = np.where(is_above, -1.0, 1.0)
        is_single = x.dtype == np.float32
        bound = _least_not_below(threshold * sign) if is_single else threshold * sign
        tables = np.empty((2, channels), dtype=bound.dtype)
        tables[0], tables[1] = bound, sign
        found = np.empty((len(numbers), word_count(channels)), dtype=np.uint32)

        def work(progress: Progress, parts: int) -> None:
            loops.pack(numbers, tables, found, progress, parts)

        worth = numbers.size // LEAST_NUMBERS
        self._team.share(max(1, worth), worth, work)
        return found.reshape(*x.shape[:-1], -1)

    def product(
        self, bits: WordArray, layer: Packed, transform: Transform
    ) -> NumberArray | WordArray:
        """What a layer makes of images, block by block of channels and of pixels."""
        if not bits.size:
            return Reference().product(bits, layer, transform)
        ready = self._ready.get(layer)
        if ready is None:
            ready = self._ready[layer] = _made(layer, bits.shape[1:3], self._form)
        is_split = isinstance(transform, Thresholds) and not ready.is_straight
        asked = WHOLE if is_split else transform
        work = self._points if ready.is_point else self._images
        found = work(bits, layer, ready, asked)
        if isinstance(asked, Thresholds):
            return found
        numbers = found if ready.is_full else np.take(found, ready.plan.lanes, axis=-1)
        if is_split:
            return transformed(numbers.astype(np.int32, copy=False), transform)
        if isinstance(asked, Clamps):
            return numbers.astype(np.int32, copy=False)
        return numbers.astype(np.float32, copy=False)

    def pool(self, bits: WordArray, window: PoolWindow) -> WordArray:
        """The pooling of images."""
        found = np.empty((len(bits), *window.size, bits.shape[-1]), dtype=np.uint32)
        before = (window.padding[0][0], window.padding[1][0])
        numbers = (window.kernel, window.stride, before, window.dilation)
        given = np.ascontiguousarray(bits)

        def work(progress: Progress, parts: int) -> None:
            loops.pool((given, found), numbers, window.ones, progress, parts)

        worth = found.size * prod(window.kernel) // LEAST_NUMBERS
        self._team.share(max(1, worth), worth, work)
        return found

    def _points(
        self, bits: WordArray, layer: Packed, ready: Ready, transform: Transform
    ) -> NumberArray | WordArray:
        """A product without a window: pixels side by side, whichever image they are of."""
        points = bits.reshape(-1, bits.shape[-1])
        many, pixels = len(points), ready.size[1]
        if many % pixels:
            points = np.concatenate([points, points[-1:]])
        images = points.reshape(-1, 1, pixels, points.shape[-1])
        found = self._images(images, layer, ready, transform)
        return found.reshape(len(points), -1)[:many].reshape(*bits.shape[:3], -1)

    def _images(
        self, bits: WordArray, layer: Packed, ready: Ready, transform: Transform
    ) -> NumberArray | WordArray:
        plan, rows = ready.plan, len(bits)
        image = self._image(bits, layer, plan)
        tables = ready.tables.get(transform)
        if tables is None:
            tables = ready.tables[transform] = tables_of(layer, plan, transform)
        lanes = plan.all_lanes
        results = _results((rows, *ready.size, lanes), transform)
        table = self._counts if plan.form is Form.LOOK_UP else None
        sources = (image.reshape(-1), plan.weights, table, image.nbytes // max(rows, 1))
        finish = (results.reshape(-1), tables, layer.slope, lanes)
        parts = -(-rows * len(plan.places) // loops.ENTRIES)
        for blocks, tile, size in ready.tiles:

            def work(
                progress: Progress,
                parts: int,
                blocks: NDArray[np.int64] = blocks,
                tile: tuple[Zeros, Zeros] = tile,
                size: int = size,
            ) -> None:
                items = (progress, parts, blocks, rows, room((size,), ready.kind))
                loops.count(sources, ready.where, items, finish, tile)

            self._team.share(parts * len(blocks), rows * ready.products // LEAST_PRODUCTS, work)
        return results

    def _image(self, bits: WordArray, layer: Packed, plan: Plan) -> NDArray[np.uint32 | np.uint64]:
        """The images as tiles read them."""
        given = np.ascontiguousarray(bits)
        bordered = given
        if bits.shape[1:3] != plan.size:
            bordered = np.empty((len(bits), *plan.size, bits.shape[-1]), dtype=np.uint32)
            loops.border(given, layer.padding, layer.border, bordered)
        if plan.form is not Form.LOOK_UP:
            return bordered
        words = bordered.reshape(len(bits), -1)
        found = np.empty((len(bits), len(plan.apart), words.shape[1]), dtype=np.uint64)
        loops.pair(words, plan.apart, found)
        return found


def _least_not_below(thresholds: FloatArray) -> NDArray[np.float32]:
    """The least singles that are not below doubles: singles below them are below the doubles."""
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    is_below = near < thresholds
    if is_below.any():
        np.nextafter(near, np.float32(np.inf), out=near, where=is_below)
    return near


def _results(shape: tuple[int, ...], transform: Transform) -> NumberArray | WordArray:
    """Room for what a transform makes of so many lanes."""
    match transform:
        case Thresholds():
            return np.empty((*shape[:-1], shape[-1] // LANES), dtype=np.uint32)
        case Clamps():
            return np.empty(shape, dtype=np.int32)
        case Reals():
            return np.empty(shape, dtype=np.float32)


def _made(layer: Packed, image: Pair, form: Form) -> Ready:
    """A layer made ready for images of a height and a width."""
    sum_fits = most_sum(layer) <= MOST_SHORT or form.value.total_bits == WORD_BITS
    form = form if sum_fits else Form.WORDS
    is_point = _is_point(layer)
    if is_point:
        # Points are all alike: they are taken as images that are one entry each.
        image = (1, form.value.pixels)
        cases = np.zeros(image[1], dtype=np.intp)
        layer = replace(layer, row_cases=cases[:1], column_cases=cases)
    plan = planned(layer, form, image)
    is_straight = bool(plan.lanes[-1] == len(plan.lanes) - 1)
    tiles = (
        (
            blocks.spots,
            ((0,) * blocks.vectors, (0,) * blocks.together),
            loops.ENTRIES * form.value.pixels * blocks.vectors * LANES,
        )
        for blocks in plan.blocks
    )
    return Ready(
        plan=plan,
        is_point=is_point,
        is_straight=is_straight,
        is_full=is_straight and plan.all_lanes == len(plan.lanes),
        size=layer.size,
        products=prod(layer.size) * len(plan.lanes) * most_sum(layer),
        where=(plan.pieces, plan.segments, plan.places, plan.pixels, cases_of(layer)),
        tiles=tuple(tiles),
        kind=np.dtype(f"int{form.value.total_bits}"),
        tables=WeakKeyDictionary(),
    )


def _is_point(layer: Packed) -> bool:
    """Whether a layer has no window."""
    no_border = layer.padding == ((0, 0), (0, 0)) and not layer.corrections.size
    return layer.weight.shape[1:3] == (1, 1) and layer.stride == (1, 1) and no_border
