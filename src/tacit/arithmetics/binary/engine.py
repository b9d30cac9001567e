"""The engine: a lowered graph, its weights packed, computed by kernels on packed bits.

Between layers of bits values stay in words. What stays real, and moves of single bits, are computed
by the ops' own `run`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tacit.arithmetics.binary.kernels import Kernels, Packed
from tacit.arithmetics.binary.kernels.seam import NumberArray
from tacit.arithmetics.binary.ops import (
    Alphabet,
    BinaryProduct,
    BitPool,
    Bits,
    Clamps,
    Reals,
    Thresholds,
)
from tacit.arithmetics.binary.packing import (
    WORD_BITS,
    WordArray,
    bits_of,
    packed,
    unpacked,
    values_of,
)
from tacit.arithmetics.binary.prepare import prepared, prepared_pool
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Input, Node, Shape, carried_out


@dataclass(frozen=True, eq=False)
class Words:
    """Packed bits (rows, height, width, words) of a value whose channels are along `axis`."""

    bits: WordArray
    alphabet: Alphabet
    shape: Shape
    axis: int
    groups: int = 1

    @property
    def channels(self) -> int:
        """How many bits a pixel has."""
        return self.shape[self.axis]


@dataclass(frozen=True, eq=False)
class Image:
    """Numbers (rows, height, width, channels) of a value whose channels are along `axis`."""

    numbers: NumberArray
    shape: Shape
    axis: int


# An array is a value in the graph's own layout.
Value = FloatArray | Words | Image


class Network:
    """A graph in words of bits, ready to compute."""

    def __init__(self, graph: Graph, kernels: Kernels) -> None:
        self._graph = graph
        self._kernels = kernels
        self._layers: dict[str, Packed] = {}
        nodes = graph.by_name
        for node in graph:
            if isinstance(node.op, BinaryProduct):
                self._layers[node.name] = prepared(node.op, nodes[node.args[0]].type.shape)

    def __call__(self, x: FloatArray) -> FloatArray:
        """The results of a batch."""

        def computed(node: Node, args: list[Value]) -> Value:
            return x if isinstance(node.op, Input) else self._value(node, args)

        (name,) = self._graph.outputs
        results = [value for each, value in carried_out(self._graph, computed) if each == name]
        return plain(results[0])

    def _value(self, node: Node, args: list[Value]) -> Value:
        match node.op:
            case BinaryProduct() as op:
                return self._product(node, op, args[0])
            case Bits() as op:
                return self._packed(node, op, args[0])
            case BitPool() as op if isinstance(args[0], Words) and args[0].axis != -1:
                return self._pooled(node, op, args[0])
            case _:
                found: FloatArray = node.op.run(*(plain(each) for each in args))
                return found

    def _product(self, node: Node, op: BinaryProduct, value: Value) -> Value:
        layer = self._layers[node.name]
        bits = words_for(value, op)
        found = self._kernels.product(bits, layer, op.transform)
        shape = node.type.shape
        axis = op.axis if len(shape) > 1 else -1
        match op.transform:
            case Thresholds(alphabet=alphabet):
                return Words(found.astype(np.uint32, copy=False), alphabet, shape, axis)
            case Clamps():
                return Image(found.astype(np.int32, copy=False), shape, axis)
            case Reals():
                return Image(found.astype(np.float32, copy=False), shape, axis)

    def _packed(self, node: Node, op: Bits, value: Value) -> Words:
        shape = node.type.shape
        axis = op.axis if len(shape) > 1 else -1
        numbers = value.numbers if isinstance(value, Image) and value.axis == axis else None
        image = image_of(plain(value), axis) if numbers is None else numbers
        bits = self._kernels.pack(image, op.alphabet, op.threshold, op.flip)
        return Words(bits, op.alphabet, shape, axis)

    def _pooled(self, node: Node, op: BitPool, value: Words) -> Words:
        bits = self._kernels.pool(value.bits, prepared_pool(op, value.shape, value.alphabet))
        return Words(bits, value.alphabet, node.type.shape, value.axis)


def plain(value: Value) -> FloatArray:
    """A value in the graph's layout, as doubles."""
    match value:
        case Words(bits=bits, alphabet=alphabet, shape=shape, axis=axis):
            numbers = values_of(unpacked(bits, value.channels, value.groups), alphabet)
            return _graph_layout(numbers.astype(np.float64), shape, axis)
        case Image(numbers=numbers, shape=shape, axis=axis):
            return _graph_layout(numbers.astype(np.float64), shape, axis)
        case _:
            return value


def words_for(value: Value, op: BinaryProduct) -> WordArray:
    """A value's bits as a product takes them."""
    groups = 1 if op.window is None else op.window.groups
    if isinstance(value, Words) and _is_aligned(value, op.axis, groups):
        return value.bits
    image = image_of(plain(value), op.axis)
    return packed(bits_of(image, op.alphabet), groups)


def _is_aligned(value: Words, axis: int, groups: int) -> bool:
    """Whether words lie as a product over this axis and these groups takes them."""
    is_whole = value.groups == groups or value.channels % (groups * WORD_BITS) == 0
    return value.axis == axis and is_whole


def image_of(value: FloatArray, axis: int) -> FloatArray:
    """A batch in the graph's layout as (rows, height, width, channels)."""
    last = value if axis == -1 else np.moveaxis(value, 1, -1)
    rest = last.shape[1:-1]
    height = rest[0] if axis == 0 and len(rest) > 1 else 1
    return np.ascontiguousarray(last).reshape(len(last), height, -1, last.shape[-1])


def _graph_layout(image: FloatArray, shape: Shape, axis: int) -> FloatArray:
    """The batch of a value of this shape that an image is."""
    rest = shape[:-1] if axis == -1 else shape[1:]
    last = image.reshape(len(image), *rest, image.shape[-1])
    return last if axis == -1 else np.moveaxis(last, -1, 1)
