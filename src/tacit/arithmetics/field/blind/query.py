"""One query's masks and factors, each of which is given out once."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

from tacit.arithmetics.field.blind.layers import Layer
from tacit.arithmetics.field.blind.masks import MaskArray, Masks
from tacit.arithmetics.field.blind.secret import Hidden
from tacit.errors import ProtocolError


class Readable(Protocol):
    """What knows one index's factors: a file, or who computes them."""

    def read(self, layer: Layer) -> MaskArray:
        """A layer's factor, in memory of its own."""

    def close(self) -> None:
        """Let go of what they are read from."""


class Query(Hidden):
    """The masks and factors of one index; use it in a `with`, whose end overwrites them.

    Several threads may ask at once, each for a layer of its own.
    """

    __slots__ = ("_factors", "_factors_left", "_given", "_layers", "_masks", "_masks_left", "index")

    def __init__(
        self, index: int, layers: Mapping[int, Layer], masks: Masks, factors: Readable
    ) -> None:
        self.index = index
        self._layers = layers
        self._masks = masks
        self._factors = factors
        self._masks_left = dict(layers)
        self._factors_left = dict(layers)
        self._given: list[MaskArray] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def mask(self, number: int) -> MaskArray:
        """The mask of a layer's input; ProtocolError if it was given out before."""
        return self._kept(self._masks.mask(self.index, self._once(self._masks_left, number)))

    def factor(self, number: int) -> MaskArray:
        """What that mask becomes under the layer's product; ProtocolError if given out before.

        ProtocolError too where its file was changed.
        """
        return self._kept(self._factors.read(self._once(self._factors_left, number)))

    def close(self) -> None:
        """Give nothing out any more, and overwrite with zeros all that was given out."""
        self._masks_left.clear()
        self._factors_left.clear()
        while self._given:
            self._given.pop().fill(0)
        self._factors.close()

    def _once(self, left: dict[int, Layer], number: int) -> Layer:
        """A layer that is asked for the first time; one step, so that of two threads one is it."""
        layer = left.pop(number, None)
        if layer is not None:
            return layer
        if number not in self._layers:
            raise ProtocolError(f"there is no layer {number} to blind")
        raise ProtocolError(
            f"reuse of a mask: that of layer {number} for query {self.index} was given out, "
            "or the query is closed",
            hint="take another query",
        )

    def _kept(self, array: MaskArray) -> MaskArray:
        """An array to be overwritten at the end."""
        self._given.append(array)
        return array
