"""Where a vector's entries lie in the slots of ciphertexts.

A layout is periodic: the arrangement of one period (a power of two) repeats until the slots are
full, so a rotation modulo the period is a rotation of the ciphertext. A period longer than a
ciphertext spans several. Tensors of channels × rows × columns lie on a grid; after a strided
layer the grid has gaps, and the gaps hold further channels (multiplexed packing, Lee et al. 2022,
eprint 2021/1688, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tacit.errors import TypeMismatch
from tacit.ir.affine import IndexArray

# What a slot holds: a double, or a whole number.
Number = TypeVar("Number", np.float64, np.int64)


def power_of_two(least: int) -> int:
    """The least power of two that is not below `least`."""
    return 1 << max(0, least - 1).bit_length()


@dataclass(frozen=True)
class Grid:
    """Rows of `pitch` slots in blocks of `block` slots, every `gap`-th slot and row used first."""

    pitch: int
    block: int
    gap: int


@dataclass(frozen=True, eq=False)
class Layout:
    """`position[i]`, below `period`, is where entry i lies; the rest of a period holds zero.

    `slots` counts the slots that one input has in a ciphertext. Where `skew` is not zero, the
    r-th repetition of the period is rotated by r · skew: only a client can pack so.
    """

    slots: int
    period: int
    position: IndexArray
    grid: Grid | None = None
    skew: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no arrangement."""
        powers = all(n == power_of_two(n) for n in (self.slots, self.period))
        inside = self.position.size == 0 or (
            int(self.position.min()) >= 0 and int(self.position.max()) < self.period
        )
        apart = np.unique(self.position).size == self.position.size
        if not (powers and inside and apart):
            raise TypeMismatch(f"no layout of {self.size} entries in a period of {self.period}")

    @property
    def size(self) -> int:
        """How many entries the vector has."""
        return self.position.size

    @property
    def ciphertexts(self) -> int:
        """How many ciphertexts the vector takes."""
        return max(1, self.period // self.slots)

    @property
    def copies(self) -> int:
        """How often the period fits into a ciphertext."""
        return max(1, self.slots // self.period)

    @cached_property
    def entry(self) -> IndexArray:
        """(ciphertexts, slots): the entry in every slot, -1 where there is none."""
        period = np.full(self.period, -1, dtype=np.int64)
        period[self.position] = np.arange(self.size)
        if self.period >= self.slots:
            return period.reshape(self.ciphertexts, self.slots)
        turns = [np.roll(period, -copy * self.skew) for copy in range(self.copies)]
        return np.concatenate(turns)[None]

    def pack(self, rows: NDArray[Number]) -> NDArray[Number]:
        """(batch, entries) to (batch, ciphertexts, slots), zero where no entry lies."""
        widened = np.concatenate([rows, np.zeros((len(rows), 1), dtype=rows.dtype)], axis=1)
        packed: NDArray[Number] = widened[:, self.entry]
        return packed

    def unpack(self, slots: NDArray[Number]) -> NDArray[Number]:
        """(batch, ciphertexts, slots) to (batch, entries), from the first copy."""
        flat = slots.reshape(len(slots), -1)
        found: NDArray[Number] = flat[:, self.position]
        return found

    def same_as(self, other: Layout) -> bool:
        """Whether both put every entry into the same slots."""
        here = (self.slots, self.period, self.skew)
        there = (other.slots, other.period, other.skew)
        return here == there and np.array_equal(self.position, other.position)


def flat(size: int, slots: int) -> Layout:
    """One entry after the other."""
    return Layout(slots, power_of_two(size), np.arange(size, dtype=np.int64))


def on_grid(shape: tuple[int, ...], slots: int, grid: Grid) -> Layout | None:
    """A tensor (channels, rows, columns) on a grid, or None where it does not fit there."""
    channels, rows, columns = shape
    gap = grid.gap
    if columns * gap > grid.pitch or rows * gap * grid.pitch > grid.block:
        return None
    blocks = -(-channels // gap**2)
    channel, row, column = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    block, inner = np.divmod(channel, gap**2)
    down, right = np.divmod(inner, gap)
    place = block * grid.block + (row * gap + down) * grid.pitch + column * gap + right
    period = power_of_two(blocks) * grid.block
    return Layout(slots, period, place.reshape(-1).astype(np.int64), grid)


def compact(shape: tuple[int, ...]) -> Grid:
    """The grid without gaps for a tensor."""
    _, rows, columns = shape
    pitch = power_of_two(columns)
    return Grid(pitch, power_of_two(rows) * pitch, 1)


def as_image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """A tensor's shape seen as (channels, rows, columns)."""
    match shape:
        case (channels, length):
            return (channels, 1, length)
        case (*lead, rows, columns) if lead:
            return (math.prod(lead), rows, columns)
        case _:
            return (1, 1, math.prod(shape))


def candidates(shape: tuple[int, ...], slots: int, near: tuple[Layout, ...]) -> Iterator[Layout]:
    """Layouts worth trying for a tensor that is computed from tensors in the layouts `near`."""
    yield flat(math.prod(shape), slots)
    if len(shape) < 2:
        return
    image = as_image(shape)
    base = compact(image)
    grids = {base} | {layout.grid for layout in near if layout.grid is not None}
    tried: set[Grid] = set()
    for grid in sorted(grids, key=lambda each: (each.pitch, each.block, each.gap)):
        for gap in (1, 2, 4, 8, 16, 32):
            chosen = Grid(grid.pitch, grid.block, gap)
            found = None if chosen in tried else on_grid(image, slots, chosen)
            tried.add(chosen)
            if found is not None:
                yield found


def phases(shape: tuple[int, ...], slots: int, step: int) -> Layout | None:
    """An image split into step × step coarser images, for a client to pack for a strided layer."""
    channels, rows, columns = as_image(shape)
    if channels > 1 and step > 1 and rows == 1:
        return None
    coarse = compact((channels, -(-rows // step), -(-columns // step)))
    channel, row, column = np.meshgrid(
        np.arange(channels), np.arange(rows), np.arange(columns), indexing="ij"
    )
    block = (channel * step + row % step) * step + column % step
    place = block * coarse.block + (row // step) * coarse.pitch + column // step
    period = power_of_two(channels * step * step) * coarse.block
    return Layout(slots, period, place.reshape(-1).astype(np.int64), coarse)


def interleaved(packed: NDArray[Number], batch: int) -> NDArray[Number]:
    """(inputs, ciphertexts, slots) as ciphertexts in which inputs take turns slot by slot."""
    full = np.zeros((batch, *packed.shape[1:]), dtype=packed.dtype)
    full[: len(packed)] = packed
    return np.moveaxis(full, 0, -1).reshape(packed.shape[1], -1)


def separated(slots: NDArray[Number], batch: int) -> NDArray[Number]:
    """The inverse of `interleaved`: (ciphertexts, all slots) to (inputs, ciphertexts, slots)."""
    return np.moveaxis(slots.reshape(slots.shape[0], -1, batch), -1, 0)
