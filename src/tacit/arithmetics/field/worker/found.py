"""Which back ends this host has, whether each is exact, and which of them is the quickest."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Convolution, Dense, Product
from tacit.arithmetics.field.worker.host_products import HostProducts
from tacit.arithmetics.field.worker.layers import BYTE, WORD, Layer, layer_of
from tacit.arithmetics.field.worker.words import BackEnd, Host
from tacit.errors import EngineError
from tacit.ir.graph import Shape
from tacit.ir.ops import Pads
from tacit.program import Json

# Whichever arrays it computes with.
Products: TypeAlias = BackEnd[Any]

NONE: Pads = ((0, 0), (0, 0))
AROUND: Pads = ((1, 1), (1, 1))
# Weights that are on average as large as those of trained layers.
MIDDLING = 60
# A layer in the middle of a ResNet, and how often it is timed at most, and for how long.
TIMED: Shape = (128, 28, 28)
REPEATS = 20
PATIENCE = 0.2


@dataclass(frozen=True)
class Candidate:
    """What was found out of a back end; one that is not exact has no time, for it is not used."""

    name: str
    exact: bool
    seconds: float = math.inf

    @property
    def facts(self) -> dict[str, Json]:
        """Its part of the facts."""
        if not self.exact:
            return {"exact": False, "used": False}
        return {"exact": True, "milliseconds": round(self.seconds * 1e3, 3)}


@dataclass(frozen=True, eq=False)
class Found:
    """The quickest exact back end, and what was found out of every one."""

    products: Products
    candidates: tuple[Candidate, ...]

    @property
    def facts(self) -> dict[str, Json]:
        """What a worker says of itself."""
        return {
            "back_end": self.products.name,
            "candidates": {each.name: each.facts for each in self.candidates},
        }


@cache
def found(threads: int | None = None) -> Products:
    """The quickest of this host's exact back ends, each tested and timed when first asked for.

    `threads` are for torch, in the whole process; NumPy's BLAS is told before it starts.
    """
    return looked_for(threads).products


def looked_for(threads: int | None = None) -> Found:
    """The same, with what was found out of every back end."""
    return quickest(back_ends(threads))


def back_ends(threads: int | None = None) -> tuple[Products, ...]:
    """All back ends of this host; those of torch where it is installed."""
    if importlib.util.find_spec("torch") is None:
        return (HostProducts(),)
    # A second is spent on opening torch, and a host without it has a worker all the same.
    from tacit.arithmetics.field.worker import torch_products  # noqa: PLC0415

    if threads is not None:
        torch_products.use_threads(threads)
    return (*torch_products.back_ends(), HostProducts())


def quickest(known: tuple[Products, ...]) -> Found:
    """The back end that takes the least time of those that are exact."""
    seen = []
    for each in known:
        exact = is_exact(each)
        seen.append(Candidate(each.name, exact, seconds(each) if exact else math.inf))
    best = min(range(len(seen)), key=lambda place: seen[place].seconds, default=None)
    if best is None or not seen[best].exact:
        raise EngineError(
            "no back end of this host computes integer products exactly",
            hint="a floating-point library that rounds small integers is broken; install another",
        )
    return Found(known[best], tuple(seen))


def is_exact(products: Products) -> bool:
    """Whether a back end gives what 64-bit integers give, on layers of every kind.

    A back end that cannot compute them at all is not exact either.
    """
    try:
        return all(_agrees(products, *trial) for trial in trials())
    except (RuntimeError, NotImplementedError, ValueError):
        # What a library lacks on this host, it says in one of these.
        return False


def seconds(products: Products) -> float:
    """The least time of a middling convolution, weights loaded before."""
    weight = _numbers("weights", (128, 128, 3, 3), -MIDDLING, MIDDLING).astype(np.int16)
    prepared = products.prepare(Convolution(weight, (1, 1), AROUND, (1, 1)), TIMED)
    x = _numbers("activations", (1, *TIMED[1:], TIMED[0]), 0, BYTE).astype(np.uint8)
    products.product(prepared, x)
    best, spent = math.inf, 0.0
    for _ in range(REPEATS):
        begin = time.perf_counter()
        products.product(prepared, x)
        taken = time.perf_counter() - begin
        best, spent = min(best, taken), spent + taken
        if spent > PATIENCE:
            break
    return best


def trials() -> Iterator[tuple[Product, Shape, int, Host]]:
    """Products with the shape and the bound of what they are given, and that, channels last."""
    for name, product, shape in _products():
        layer = layer_of(product, shape, WORD)
        whole = (2, *shape[1:], shape[0]) if isinstance(product, Convolution) else (2, *shape)
        assert math.prod(whole) % math.prod(layer.image) == 0, "a trial has the layer's shape"
        for bound, low, high in (
            (BYTE, 0, BYTE),
            (2**20, -(2**20), 2**20),
            (WORD, -WORD, WORD - 1),
        ):
            kind = np.uint8 if bound == BYTE else np.int32
            yield product, shape, bound, _numbers(name, whole, low, high).astype(kind)
        yield product, shape, BYTE, np.full(whole, BYTE, np.uint8)


def _products() -> Iterator[tuple[str, Product, Shape]]:
    def weight(*shape: int, most: int = 127) -> NDArray[np.int16]:
        return _numbers(f"weight {shape}", shape, -most, most).astype(np.int16)

    def extreme(*shape: int) -> NDArray[np.int16]:
        signs = _numbers(f"signs {shape}", (shape[0], *(1,) * (len(shape) - 1)), 0, 1)
        return np.broadcast_to(np.where(signs == 0, -127, 127), shape).astype(np.int16)

    one, two = (1, 1), (2, 2)
    yield "dense", Dense(weight(10, 27)), (27,)
    yield "dense, tokens", Dense(weight(8, 64)), (5, 64)
    # As large as sums of 32 bits can be: 255 · 127 · 66,300 is just below 2^31.
    yield "dense, extreme", Dense(extreme(2, 66_300)), (66_300,)
    yield "dense, wide weights", Dense(weight(9, 40, most=2**15 - 1)), (40,)
    yield "image", Convolution(weight(16, 3, 3, 3), one, AROUND, one), (3, 9, 8)
    yield "stride", Convolution(weight(8, 3, 7, 7), two, ((3, 3), (3, 3)), one), (3, 17, 16)
    yield "extreme", Convolution(extreme(4, 512, 3, 3), one, AROUND, one), (512, 5, 5)
    yield "uneven", Convolution(weight(8, 5, 2, 3), (1, 2), ((0, 1), (2, 1)), one), (5, 7, 9)
    yield "dilation", Convolution(weight(8, 4, 3, 3), one, ((2, 2), (2, 2)), two), (4, 8, 9)
    yield "pixels", Convolution(weight(24, 16, 1, 1), one, NONE, one), (16, 6, 6)
    yield "stride, pixels", Convolution(weight(8, 16, 1, 1), two, NONE, one), (16, 6, 7)
    yield "groups", Convolution(weight(12, 4, 3, 3), one, AROUND, one, 3), (12, 6, 6)
    yield "depthwise", Convolution(weight(16, 1, 3, 3), two, AROUND, one, 16), (16, 9, 9)
    yield "multiplied", Convolution(weight(12, 1, 3, 3), one, AROUND, one, 6), (6, 6, 5)
    yield "line", Convolution(weight(8, 4, 5), (2,), ((2, 2),), (1,)), (4, 19)


def _agrees(products: Products, product: Product, shape: Shape, bound: int, x: Host) -> bool:
    prepared = products.prepare(product, shape, bound)
    given = products.product(prepared, x)
    return bool(np.array_equal(given, by_definition(prepared.layer, x)))


def by_definition(layer: Layer, x: Host) -> NDArray[np.int32]:
    """W x mod 2^32 in 64-bit integers, place by place of the kernel."""
    batch = len(x)
    images = x.reshape(-1, *layer.image).astype(np.int64)
    padded = np.pad(images, ((0, 0), *layer.padding, (0, 0)))
    inner, outer = layer.channels // layer.groups, layer.outputs // layer.groups
    total = np.zeros((len(images), *layer.spots, layer.outputs), np.int64)
    for (i, j), (rows, columns) in layer.offsets():
        seen = padded[:, rows, columns]
        for group in range(layer.groups):
            own = slice(group * outer, (group + 1) * outer)
            weight = layer.weight[own, i, j].astype(np.int64)
            part = seen[..., group * inner : (group + 1) * inner]
            total[..., own] += part @ weight.T
    return total.astype(np.int32).reshape(batch, *layer.result)


def _numbers(name: str, shape: Shape, low: int, high: int) -> NDArray[np.int64]:
    """Integers from `low` to `high` that look random and are the same at every start."""
    count = math.prod(shape)
    stream = hashlib.shake_128(name.encode()).digest(8 * count)
    whole = np.frombuffer(stream, "<u8") >> np.uint64(32)
    return (whole % np.uint64(high - low + 1)).astype(np.int64).reshape(shape) + low
