"""A product as the back ends see it: always a convolution of images whose channels are last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Convolution, Dense, Product, WeightArray
from tacit.ir.graph import Shape
from tacit.ir.ops import positions

Pair: TypeAlias = tuple[int, int]
Block: TypeAlias = tuple[slice, slice]
Number = TypeVar("Number")

# What an activation of one byte can be, and what any 32-bit number can be: a masked one, too.
BYTE = 2**8 - 1
WORD = 2**31


@dataclass(frozen=True, eq=False)
class Layer:
    """W x mod 2^32 for images of `size`; `weight` is (outputs, height, width, inputs / groups).

    No entry of x is larger than `magnitude`. `result` is the shape of what comes out, without the
    batch. A dense layer sees every vector as an image of one pixel.
    """

    weight: WeightArray
    size: Pair
    stride: Pair
    padding: tuple[Pair, Pair]
    dilation: Pair
    groups: int
    result: Shape
    magnitude: int

    @property
    def kernel(self) -> Pair:
        """The kernel's height and width."""
        _, height, width, _ = self.weight.shape
        return height, width

    @property
    def channels(self) -> int:
        """How many channels come in."""
        return int(self.weight.shape[3]) * self.groups

    @property
    def outputs(self) -> int:
        """How many channels come out."""
        return len(self.weight)

    @property
    def spots(self) -> Pair:
        """The height and width of what comes out."""
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        reach = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
        height, width = positions(self.size, reach, self.stride, self.padding)
        return height, width

    @property
    def padded(self) -> Pair:
        """The height and width with the border."""
        (height, width), (rows, columns) = self.size, self.padding
        return height + sum(rows), width + sum(columns)

    @property
    def image(self) -> tuple[int, int, int]:
        """Height, width and channels of what comes in."""
        return (*self.size, self.channels)

    @property
    def is_plain(self) -> bool:
        """Whether a window is a pixel, so that the image is its own matrix."""
        bare = self.padding == ((0, 0), (0, 0))
        return bare and self.kernel == (1, 1) and self.stride == (1, 1)

    @property
    def is_depthwise(self) -> bool:
        """Whether every output depends on one channel alone."""
        return self.weight.shape[3] == 1 and self.groups > 1

    @property
    def matrix(self) -> WeightArray:
        """(outputs, height · width · inputs / groups)."""
        return self.weight.reshape(self.outputs, -1)

    def inside(self, x: NDArray[np.integer]) -> bool:
        """Whether every entry is small enough for what was proven."""
        if x.dtype == np.uint8:
            return self.magnitude >= BYTE or int(x.max(initial=0)) <= self.magnitude
        return -self.magnitude <= int(x.min(initial=0)) and int(x.max(initial=0)) <= self.magnitude

    def offsets(self) -> list[tuple[Pair, Block]]:
        """Each place of the kernel, with the part of a padded image that meets it."""
        (kh, kw), (sh, sw), (dh, dw), (height, width) = (
            self.kernel,
            self.stride,
            self.dilation,
            self.spots,
        )
        return [
            (
                (i, j),
                (
                    slice(i * dh, i * dh + (height - 1) * sh + 1, sh),
                    slice(j * dw, j * dw + (width - 1) * sw + 1, sw),
                ),
            )
            for i in range(kh)
            for j in range(kw)
        ]


def layer_of(product: Product, shape: Shape, magnitude: int) -> Layer:
    """The layer of a product on a value of this shape, which is as in the graph.

    >>> import numpy as np
    >>> from tacit.arithmetics.field.ops import Dense
    >>> layer_of(Dense(np.ones((3, 4), np.int16)), (7, 4), BYTE).result
    (7, 3)
    """
    shaped = product.shape(shape)
    one, none = (1, 1), ((0, 0), (0, 0))
    match product:
        case Dense(weight):
            flat = weight.reshape(len(weight), 1, 1, -1)
            return Layer(flat, one, one, none, one, 1, shaped, magnitude)
        case Convolution():
            lines = len(shape) == 2
            weight = product.weight[:, :, None, :] if lines else product.weight
            return Layer(
                weight=np.ascontiguousarray(weight.transpose(0, 2, 3, 1)),
                size=_pair(shape[1:], 1),
                stride=_pair(product.stride, 1),
                padding=_pair(product.padding, (0, 0)),
                dilation=_pair(product.dilation, 1),
                groups=product.groups,
                result=(*shaped[1:], shaped[0]),
                magnitude=magnitude,
            )


def _pair(values: tuple[Number, ...], one: Number) -> tuple[Number, Number]:
    """Two values, the first of which a line does not have."""
    return (one, *values) if len(values) == 1 else (values[0], values[1])
