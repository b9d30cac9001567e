"""Where a private client's masks come from: a store filled ahead, or as they are wanted."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import count
from typing import Protocol

import numpy as np

from tacit.arithmetics.field.blind import Layer, MaskArray, Query, Secret
from tacit.arithmetics.field.blind import Masks as Stream
from tacit.arithmetics.field.blind.secret import PROGRAM_BYTES, SECRET_BYTES, SERIES_BYTES
from tacit.arithmetics.field.plan import Plan, product_of
from tacit.arithmetics.field.verify.geometry import image_shape
from tacit.arithmetics.field.worker import Products
from tacit.arithmetics.field.worker.messages import product_shape
from tacit.errors import ProtocolError
from tacit.ir.graph import Node, Shape

# What a round's products make of a mask, by the round's number.
Factors = Callable[[int, MaskArray], MaskArray]


class Masks(Protocol):
    """Gives what hides one row, once."""

    def take(self) -> Query:
        """The next masks and unblinding factors; they are used up by it."""


class NoMasks:
    """The masks of who was given none."""

    def take(self) -> Query:
        """None at all: raises ProtocolError."""
        raise ProtocolError(
            "a private question needs masks, and there are none",
            hint="make some ahead (tacit mask) and say where they are (--masks)",
        )


class OnDemand:
    """Masks that are made when they are wanted, for a pair of parties in one process."""

    def __init__(self, plan: Plan, products: Products) -> None:
        self._layers = {layer.number: layer for layer in layers_of(plan)}
        self._products = factors(plan, products)
        secret = Secret(secrets.token_bytes(SECRET_BYTES), secrets.token_bytes(PROGRAM_BYTES))
        self._stream = Stream(secret, secrets.token_bytes(SERIES_BYTES))
        self._indices = count()

    def take(self) -> Query:
        """The next masks; their factors are computed when they are asked for."""
        index = next(self._indices)
        read = _Computed(self._products, self._stream, index)
        return Query(index, self._layers, self._stream, read)


class _Computed:
    """One query's factors, computed from its masks."""

    def __init__(self, products: Factors, stream: Stream, index: int) -> None:
        self._products = products
        self._stream = stream
        self._index = index

    def read(self, layer: Layer) -> MaskArray:
        """What the layer's products make of its mask."""
        return self._products(layer.number, self._stream.mask(self._index, layer))

    def close(self) -> None:
        """Nothing is held."""


def layers_of(plan: Plan) -> tuple[Layer, ...]:
    """A layer for every round: the value that is masked, and all products of it, one by one."""
    return tuple(
        Layer(
            number,
            _operand(plan, each.products[0]),
            (sum(node.type.size for node in each.products),),
        )
        for number, each in enumerate(plan.rounds)
    )


def factors(plan: Plan, products: Products) -> Factors:
    """What the products of a round make of a mask, modulo 2^32, one behind the other."""
    prepared = [
        [
            (products.prepare(product_of(node), shape), product_shape(product_of(node), shape))
            for node in each.products
        ]
        for each in plan.rounds
        for shape in [plan.nodes[each.value].type.shape]
    ]

    def made(number: int, mask: MaskArray) -> MaskArray:
        parts = [
            products.masked(each, mask.reshape(1, *shape)).reshape(-1)
            for each, shape in prepared[number]
        ]
        return np.concatenate(parts)

    return made


def _operand(plan: Plan, node: Node) -> Shape:
    return image_shape(product_of(node), plan.nodes[node.args[0]].type.shape)
