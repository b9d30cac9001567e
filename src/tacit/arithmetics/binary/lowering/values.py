"""What a value can be while a graph is lowered: constants, numbers, bits, sums still to be made."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tacit.arithmetics.binary.lowering.chains import Chain
from tacit.arithmetics.binary.ops import Alphabet, BinaryProduct
from tacit.ir.affine import IndexArray
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Node, Op, Shape
from tacit.ir.ops import Pads, Pool


@dataclass(frozen=True, eq=False)
class Fixed:
    """A constant of the model."""

    value: FloatArray


@dataclass(frozen=True, eq=False)
class Reach:
    """The least and the largest integer of every channel."""

    low: IndexArray
    high: IndexArray


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers of a name, and what is still to be done to them, by channel along `axis`.

    With a reach they are integers. `axis` is 0 or -1, and -1 where there is one axis.
    """

    name: str
    chain: Chain
    axis: int
    reach: Reach | None = None


@dataclass(frozen=True, eq=False)
class Term:
    """A product of bits of a name, by what its integers count, and the layer that it is of."""

    product: BinaryProduct
    name: str
    coefficient: int
    layer: Node


@dataclass(frozen=True, eq=False)
class Sums:
    """Σ coefficient · product + constant, and what is still to be done to these integers.

    Between `before` and `after` the largest of each window may be taken.
    """

    terms: tuple[Term, ...]
    constant: IndexArray
    reach: Reach
    before: Chain
    axis: int
    pool: Pool | None = None
    after: Chain | None = None

    @property
    def chain(self) -> Chain:
        """What is done to an integer that is the largest of its window."""
        return self.before.then(*(() if self.after is None else self.after.steps))

    def then(self, chain: Chain) -> Sums:
        """The same with other steps at its end."""
        return replace(self, before=chain) if self.pool is None else replace(self, after=chain)

    @property
    def last(self) -> Chain:
        """The chain that grows."""
        return self.before if self.after is None else self.after


@dataclass(frozen=True)
class Digits:
    """Bits of a name, and by what they count; of several, the first counts 1, the next 2, 4, …."""

    name: str
    coefficient: int


@dataclass(frozen=True)
class Border:
    """What lies around a value: as wide as this, and this number."""

    widths: Pads
    value: float


@dataclass(frozen=True, eq=False)
class Coded:
    """The reals scale · (Σ coefficient · bits + offset), entries of few levels.

    `shape` is that within the border, if there is one. `quantiser` gives back the same of anything
    that is one of these levels already, if it is known.
    """

    planes: tuple[Digits, ...]
    alphabet: Alphabet
    offset: int
    scale: float
    shape: Shape
    quantiser: Op | None
    border: Border | None = None


Value = Fixed | Numbers | Sums | Coded


def axis_in(shape: Shape, axis: int) -> int:
    """How an axis of channels is written for a shape."""
    return -1 if len(shape) <= 1 else axis


def channels_of(shape: Shape, axis: int) -> int:
    """How many channels a shape has along an axis."""
    return shape[axis] if shape else 1


def reals(name: str, shape: Shape, axis: int = 0) -> Numbers:
    """Reals of a name to which nothing is to be done yet."""
    axis = axis_in(shape, axis)
    return Numbers(name, Chain(channels_of(shape, axis)), axis)


def by_channel(constant: FloatArray, shape: Shape, axis: int) -> FloatArray | None:
    """A constant as one number a channel, if it is that and makes the shape no larger."""
    if not shape or np.broadcast_shapes(constant.shape, shape) != shape:
        return None
    full = np.moveaxis(np.broadcast_to(constant, shape), axis, 0)
    flat = full.reshape(shape[axis], -1)
    return flat[:, 0] if np.array_equal(flat, np.broadcast_to(flat[:, :1], flat.shape)) else None
