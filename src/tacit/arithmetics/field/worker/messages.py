"""How questions and answers lie in bytes; both parties read and write them here.

Every number is little-endian. Images have their channels last: what a convolution takes and gives,
and an input of three axes. Everything else lies as in the graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Convolution, Product
from tacit.errors import ProtocolError
from tacit.ir.graph import Shape

Numbers = NDArray[np.integer]
Kind = np.dtype[np.integer]

BYTES: Kind = np.dtype("<u1")
INTEGERS: Kind = np.dtype("<i4")
MASKED: Kind = np.dtype("<u4")
NUMBERS: Kind = np.dtype("<u2")


def is_image(shape: Shape) -> bool:
    """Whether an input has channels, which go last."""
    return len(shape) == 3


def input_shape(shape: Shape) -> Shape:
    """An input's shape in a message, without its rows.

    >>> input_shape((3, 32, 40)), input_shape((7,))
    ((32, 40, 3), (7,))
    """
    return (*shape[1:], shape[0]) if is_image(shape) else shape


def product_shape(product: Product, shape: Shape) -> Shape:
    """The shape in a message, without its rows, of what a product takes or gives."""
    return (*shape[1:], shape[0]) if isinstance(product, Convolution) else shape


def input_kind(low: int, high: int) -> Kind:
    """What an input's integers are sent as: bytes where they fit, 32 bits where they do not."""
    return BYTES if low >= 0 and high < 2**8 else INTEGERS


def written(values: Numbers, kind: Kind) -> bytes:
    """The numbers as a part of a message."""
    return np.ascontiguousarray(values, kind).tobytes()


def asked(numbers: Sequence[int], x: NDArray[np.uint32]) -> tuple[bytes, bytes]:
    """A private question: the products of these numbers, of one masked value."""
    return written(np.array(numbers), NUMBERS), written(x, MASKED)


def numbers_in(part: bytes, count: int) -> tuple[int, ...]:
    """The numbers of a private question, each of one of `count` products; or ProtocolError."""
    if not part or len(part) % NUMBERS.itemsize:
        raise ProtocolError(
            f"the numbers of the products are {len(part)} bytes long",
            hint="ask for one product at least, in two bytes each",
        )
    found = tuple(np.frombuffer(part, NUMBERS).tolist())
    if max(found) >= count or len(set(found)) < len(found):
        raise ProtocolError(
            f"the products {', '.join(map(str, found[:8]))} are asked for; there are {count}",
            hint="every product is asked for once, by its place among the worker's products",
        )
    return found


def rows_in(part: bytes, kind: Kind, shape: Shape, most: int) -> Numbers:
    """The rows of a part of a message, as many as it is long for; raises ProtocolError."""
    row = math.prod(shape) * kind.itemsize
    rows, rest = divmod(len(part), row)
    if rest or not rows:
        raise ProtocolError(
            f"a value of {len(part)} bytes was sent; a row has {row} bytes",
            hint=f"send whole rows of shape {shape}, one at least",
        )
    if rows > most:
        raise ProtocolError(f"{rows} rows were sent; {most} are taken", hint="send fewer at once")
    return np.frombuffer(part, kind).reshape(rows, *shape)


def answers_in(
    parts: Sequence[bytes | memoryview], kind: Kind, shapes: Sequence[Shape], rows: int
) -> tuple[Numbers, ...]:
    """The products that a worker answered for a batch of `rows`; raises ProtocolError."""
    if len(parts) != len(shapes):
        raise ProtocolError(
            f"the worker answered {len(parts)} products; {len(shapes)} were asked for",
            hint="its half is of another program or version",
        )
    for part, shape in zip(parts, shapes, strict=True):
        size = rows * math.prod(shape) * kind.itemsize
        if len(part) != size:
            raise ProtocolError(
                f"the worker answered {len(part)} bytes where {size} belong",
                hint="its half is of another program or version",
            )
    return tuple(
        np.frombuffer(part, kind).reshape(rows, *shape)
        for part, shape in zip(parts, shapes, strict=True)
    )
