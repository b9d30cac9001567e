"""What the worker does with arrays, wherever they lie: products, and the words between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Inner, Product, Rescale, Table
from tacit.arithmetics.field.worker.layers import BYTE, WORD, Layer, layer_of
from tacit.errors import ProtocolError
from tacit.ir.graph import Shape

# An array as a back end has it: NumPy's, or a device's.
Value = TypeVar("Value")
Host = NDArray[np.integer]
Slices = tuple[slice, ...]


class Words(ABC, Generic[Value]):
    """Integer arrays of one back end, exactly; axes and shapes count the batch."""

    @abstractmethod
    def given(self, x: Host) -> Value:
        """An array of uint8 or int32 from the host."""

    @abstractmethod
    def taken(self, values: Sequence[Value]) -> list[Host]:
        """Arrays back on the host."""

    @abstractmethod
    def extent(self, x: Value) -> Shape:
        """The shape."""

    @abstractmethod
    def reshaped(self, x: Value, shape: Shape) -> Value:
        """The same entries under another shape."""

    @abstractmethod
    def moved(self, x: Value, order: Sequence[int]) -> Value:
        """The axes in another order."""

    @abstractmethod
    def cut(self, x: Value, parts: Slices) -> Value:
        """The entries kept."""

    @abstractmethod
    def joined(self, values: Sequence[Value], axis: int) -> Value:
        """Values one behind the other."""

    @abstractmethod
    def bordered(self, x: Value, widths: Sequence[tuple[int, int]], value: int | None) -> Value:
        """The value with a border of a number, or of the smallest that its kind can hold."""

    @abstractmethod
    def summed(self, x: Value, axes: Sequence[int], *, keep: bool) -> Value:
        """The sum along axes."""

    @abstractmethod
    def rescaled(self, op: Rescale, values: Sequence[Value], axis: int) -> Value:
        """A rescaling, its channels along this axis."""

    @abstractmethod
    def looked_up(self, op: Table, x: Value) -> Value:
        """The entries of a table."""

    @abstractmethod
    def largest(self, x: Value, parts: Sequence[Slices]) -> Value:
        """The largest entry among parts of one shape."""

    @abstractmethod
    def total(self, x: Value, parts: Sequence[Slices]) -> Value:
        """The sum of parts of one shape."""

    @abstractmethod
    def inner(self, op: Inner, first: Value, second: Value) -> Value:
        """The matrix product of two activations."""

    @abstractmethod
    def entrywise(self, zero_points: tuple[int, int], first: Value, second: Value) -> Value:
        """The product of two activations, entry by entry."""


class BackEnd(ABC, Generic[Value]):
    """Computes W x mod 2^32 exactly, as quickly as some library can."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in facts."""

    @property
    @abstractmethod
    def words(self) -> Words[Value]:
        """The arrays that it computes with."""

    @abstractmethod
    def load(self, layer: Layer) -> Callable[[Value], Value]:
        """What computes a layer of images (batch, height, width, channels) as int32 images."""

    def prepare(self, product: Product, shape: Shape, magnitude: int = BYTE) -> Prepared[Value]:
        """A product on values of this shape, as in the graph, with no entry over `magnitude`."""
        return Prepared(layer_of(product, shape, magnitude), self.load)

    def apply(self, prepared: Prepared[Value], x: Value) -> Value:
        """W x of a batch that lies where the back end has it; channels are last."""
        return self._applied(prepared.plain, prepared.layer, x)

    def product(self, prepared: Prepared[Value], x: Host) -> NDArray[np.int32]:
        """W x of uint8 or int32, channels last; raises ProtocolError for an entry too large."""
        if not prepared.layer.inside(x):
            raise ProtocolError(
                f"an entry is larger than {prepared.layer.magnitude}",
                hint="no product beyond what was proven is exact; send what the program makes",
            )
        (found,) = self.words.taken([self.apply(prepared, self.words.given(x))])
        return found.astype(np.int32, copy=False)

    def masked(self, prepared: Prepared[Value], x: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """W x mod 2^32 of any 32-bit numbers, channels last."""
        given = self.words.given(x.astype(np.uint32, copy=False).view(np.int32))
        (found,) = self.words.taken([self._applied(prepared.masked, prepared.layer, given)])
        return found.astype(np.int32, copy=False).view(np.uint32)

    def _applied(self, compute: Callable[[Value], Value], layer: Layer, x: Value) -> Value:
        rows = self.words.extent(x)[0]
        found = compute(self.words.reshaped(x, (-1, *layer.image)))
        return self.words.reshaped(found, (rows, *layer.result))


@dataclass(frozen=True, eq=False)
class Prepared(Generic[Value]):
    """A product whose weights lie where a back end wants them, once it is first computed."""

    layer: Layer
    load: Callable[[Layer], Callable[[Value], Value]]

    @cached_property
    def plain(self) -> Callable[[Value], Value]:
        """What computes it for numbers as large as the layer says."""
        return self.load(self.layer)

    @cached_property
    def masked(self) -> Callable[[Value], Value]:
        """What computes it for any 32-bit numbers."""
        return self.load(replace(self.layer, magnitude=WORD))
