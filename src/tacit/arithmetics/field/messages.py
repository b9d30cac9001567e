"""What a verifier says and hears of one plan; `worker.messages` says how it lies in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from tacit.arithmetics.field.layouts import Array, channels_of
from tacit.arithmetics.field.ops import Encode
from tacit.arithmetics.field.plan import Plan, Round
from tacit.arithmetics.field.worker.messages import (
    INTEGERS,
    MASKED,
    Numbers,
    answers_in,
    asked,
    input_shape,
    rows_in,
)
from tacit.ir.graph import Node, Shape

# A request that the client sealed by itself may be as long as it likes.
ANY_ROWS = 2**31


@dataclass(frozen=True, eq=False)
class Shapes:
    """The sizes of everything that travels for one plan, checked before anything is read."""

    plan: Plan

    @cached_property
    def images(self) -> dict[str, Shape]:
        """Every product's shape as an image."""
        return {node.name: product_image(node) for node in self.plan.products}

    def asked(self, tensor: bytes) -> Array:
        """The encoded batch of a request, stored; raises ProtocolError."""
        op = self.plan.encode.op
        assert isinstance(op, Encode), "the plan begins with the encoding"
        return rows_in(tensor, op.dtype, input_shape(self.plan.encode.type.shape), ANY_ROWS)

    def answered(self, answer: Sequence[bytes | memoryview], rows: int) -> dict[str, Array]:
        """All products of a batch by their names, as images; raises ProtocolError."""
        nodes = self.plan.products
        found = self._images(answer, nodes, INTEGERS, rows)
        return {node.name: each for node, each in zip(nodes, found, strict=True)}

    def sizes(self, nodes: Sequence[Node], rows: int) -> tuple[int, ...]:
        """The bytes of these products of so many rows, masked or not."""
        return tuple(rows * prod(self.images[node.name]) * INTEGERS.itemsize for node in nodes)

    def masked_question(self, turn: Round, masked: Array) -> tuple[bytes, ...]:
        """The question for the products of a masked image."""
        return asked([self.plan.products.index(node) for node in turn.products], masked)

    def masked_answer(
        self, turn: Round, answer: Sequence[bytes | memoryview], rows: int
    ) -> tuple[Array, ...]:
        """The products of a masked image, as images; raises ProtocolError."""
        return self._images(answer, turn.products, MASKED, rows)

    def _images(
        self,
        answer: Sequence[bytes | memoryview],
        nodes: Sequence[Node],
        kind: np.dtype[np.integer],
        rows: int,
    ) -> tuple[Numbers, ...]:
        return answers_in(answer, kind, [self.images[node.name] for node in nodes], rows)


def product_image(node: Node) -> Shape:
    """The shape of a product as an image: (height, width, channels)."""
    shape = node.type.shape
    axis = channels_of(node.op, shape)
    rest = shape[:-1] if axis == -1 else shape[1:]
    channels = shape[-1] if axis == -1 else shape[0]
    # A sequence is an image of one row; the vectors of a dense layer are rows.
    height = prod(rest) if axis == -1 else prod(rest[:-1])
    return height, prod(rest) // height, channels
