"""A whole network on a back end: the products that the worker answers, and all between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import (
    PRODUCTS,
    Convolution,
    Dense,
    Encode,
    Entrywise,
    Inner,
    Rescale,
    Table,
    Totals,
)
from tacit.arithmetics.field.worker.half import magnitudes, source
from tacit.arithmetics.field.worker.layers import WORD
from tacit.arithmetics.field.worker.messages import is_image
from tacit.arithmetics.field.worker.words import BackEnd, Host, Prepared, Slices, Value
from tacit.errors import LoweringError, WidthExceeded
from tacit.ir import ops
from tacit.ir.graph import Graph, Input, Node, Shape, carried_out
from tacit.ir.ops import positions
from tacit.program import Progress


@dataclass(frozen=True, eq=False)
class Held(Generic[Value]):
    """A batch of a node's values; of an `image`, the first axis of the graph's shape lies last."""

    value: Value
    image: bool

    def axis(self, axis: int, rank: int) -> int:
        """Where an axis of the graph's shape lies, the batch counted."""
        if not self.image:
            return axis % rank + 1
        return rank if axis % rank == 0 else axis % rank


@dataclass(frozen=True, eq=False)
class Network(Generic[Value]):
    """A graph of the field's words, from its one encoded input on."""

    graph: Graph
    products: BackEnd[Value]

    @cached_property
    def prepared(self) -> dict[str, Prepared[Value]]:
        """Every product, its weights where the back end wants them."""
        sizes = magnitudes(self.graph)
        wide = [n.where for n in self._multiplied if sizes[n.args[0]] > WORD]
        if wide:
            raise WidthExceeded(f"{wide[0]} is given more than 32 bits", hint="rescale before it")
        shapes = self._shapes
        return {
            node.name: self.products.prepare(node.op, shapes[node.args[0]], sizes[node.args[0]])
            for node in self._multiplied
            if isinstance(node.op, Dense | Convolution)
        }

    def load(self) -> None:
        """Bring all weights where the back end wants them, before they are needed."""
        for each in self.prepared.values():
            _ = each.plain

    @property
    def _multiplied(self) -> list[Node]:
        return [node for node in self.graph if isinstance(node.op, PRODUCTS)]

    def __call__(
        self, x: Host, *, progress: Progress | None = None
    ) -> tuple[NDArray[np.int32], ...]:
        """The graph's results for an input as messages hold it, in the graph's order."""
        words = self.products.words
        first = Held(words.given(x), is_image(source(self.graph).type.shape))
        found: dict[str, Value] = {}

        def computed(node: Node, args: list[Held[Value]]) -> Held[Value]:
            return first if isinstance(node.op, Input | Encode) else self._computed(node, args)

        for name, held in carried_out(self.graph, computed):
            if name in self.graph.outputs:
                found[name] = held.value
                if progress:
                    progress(len(found), len(self.graph.outputs))
        arrays = words.taken([found[name] for name in self.graph.outputs])
        return tuple(array.astype(np.int32, copy=False) for array in arrays)

    def _computed(self, node: Node, args: list[Held[Value]]) -> Held[Value]:
        (held, *_) = args
        words, rank = self.products.words, len(self._shape(node, 0))
        match node.op:
            case Dense() | Convolution():
                image = isinstance(node.op, Convolution)
                given = self._placed(node, held, image=image)
                return Held(self.products.apply(self.prepared[node.name], given.value), image)
            case Rescale() as op:
                same = self._alike(node, args, image=any(a.image for a in args) and rank > 1)
                axis = same[0].axis(op.axis, rank)
                return Held(words.rescaled(op, [a.value for a in same], axis), same[0].image)
            case Table() as op:
                return Held(words.looked_up(op, held.value), held.image)
            case Totals(kernel, stride, padding):
                dilation = (1,) * len(kernel)
                window = ops.Pool(ops.PoolKind.AVERAGE, kernel, stride, padding, dilation)
                return self._pooled(node, window, held)
            case ops.Pool(kind=ops.PoolKind.MAXIMUM) as op:
                return self._pooled(node, op, held)
            case Inner() as op:
                first, second = self._alike(node, args, image=False)
                return Held(words.inner(op, first.value, second.value), image=False)
            case Entrywise(zero_points):
                return self._entrywise(node, zero_points, args)
            case _:
                return self._arranged(node, args)

    def _arranged(self, node: Node, args: list[Held[Value]]) -> Held[Value]:
        """What only moves or adds entries."""
        (held, *_) = args
        words, rank = self.products.words, len(self._shape(node, 0))
        match node.op:
            case ops.Reshape(to):
                flat = self._placed(node, held, image=False)
                return Held(words.reshaped(flat.value, (-1, *to)), image=False)
            case ops.Permute(order):
                flat = self._placed(node, held, image=False)
                axes = (0, *(axis + 1 for axis in order))
                return Held(words.moved(flat.value, axes), image=False)
            case ops.Slice(axis, start, stop, step):
                parts = [slice(None)] * (rank + 1)
                parts[held.axis(axis, rank)] = slice(start, stop, step)
                return Held(words.cut(held.value, tuple(parts)), held.image)
            case ops.Concat(axis):
                same = self._alike(node, args, image=any(a.image for a in args))
                joined = words.joined([a.value for a in same], same[0].axis(axis, rank))
                return Held(joined, same[0].image)
            case ops.Pad(widths, value):
                sides = [(0, 0)] * (rank + 1)
                for axis, width in enumerate(widths):
                    sides[held.axis(axis, rank)] = width
                return Held(words.bordered(held.value, sides, round(value)), held.image)
            case ops.Reduce(ops.ReduceKind.SUM, axes, keep):
                # Without its first axis, what is left lies as in the graph.
                flat = self._placed(node, held, image=held.image and 0 not in axes)
                places = [flat.axis(axis, rank) for axis in axes]
                left = rank if keep else rank - len(axes)
                return Held(words.summed(flat.value, places, keep=keep), flat.image and left > 1)
            case _:
                raise LoweringError(
                    f"{node.where}: a worker has no word {type(node.op).__name__}",
                    hint="its half is of another version",
                )

    def _pooled(self, node: Node, op: ops.Pool, held: Held[Value]) -> Held[Value]:
        """The largest or the sum of every window, as parts of the image that are shifted."""
        words, shape = self.products.words, self._shape(node, 0)
        most = op.kind is ops.PoolKind.MAXIMUM
        reach = tuple(d * (k - 1) + 1 for k, d in zip(op.kernel, op.dilation, strict=True))
        spots = positions(shape[1:], reach, op.stride, op.padding, ceil=op.ceil)
        over = op.overhang(shape[1:])
        sides = [(b, a + more) for (b, a), more in zip(op.padding, over, strict=True)]
        x = self._placed(node, held, image=True).value
        if any(map(sum, sides)):
            x = words.bordered(x, [(0, 0), *sides, (0, 0)], None if most else 0)
        parts = [
            (slice(None), *_shifted(place, spots, op), slice(None))
            for place in np.ndindex(*op.kernel)
        ]
        return Held(words.largest(x, parts) if most else words.total(x, parts), image=True)

    def _entrywise(
        self, node: Node, zero_points: tuple[int, int], args: list[Held[Value]]
    ) -> Held[Value]:
        words = self.products.words
        shapes = [self._shape(node, place) for place in range(2)]
        rank = max(map(len, shapes))
        image = all(a.image for a in args) and len(shapes[0]) == len(shapes[1])
        values = []
        for held, shape in zip(self._alike(node, args, image=image), shapes, strict=True):
            rows = words.extent(held.value)[0]
            ones = (1,) * (rank - len(shape))
            # Fewer axes are aligned at the last one, behind the batch.
            wide = words.reshaped(held.value, (rows, *ones, *shape)) if ones else held.value
            values.append(wide)
        return Held(words.entrywise(zero_points, *values), image)

    def _alike(self, node: Node, args: list[Held[Value]], *, image: bool) -> list[Held[Value]]:
        return [self._placed(node, a, image=image, at=place) for place, a in enumerate(args)]

    def _placed(self, node: Node, held: Held[Value], *, image: bool, at: int = 0) -> Held[Value]:
        """A node's argument with its channels last, or as in the graph."""
        rank = len(self._shape(node, at))
        if held.image == image or rank < 2:
            return Held(held.value, image)
        order = (0, *range(2, rank + 1), 1) if image else (0, rank, *range(1, rank))
        words = self.products.words
        if _is_flat(self._shape(node, at)):
            extent = words.extent(held.value)
            return Held(words.reshaped(held.value, tuple(extent[axis] for axis in order)), image)
        return Held(words.moved(held.value, order), image)

    def _shape(self, node: Node, place: int) -> Shape:
        return self._shapes[node.args[place]]

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        return {node.name: node.type.shape for node in self.graph}


def _is_flat(shape: Shape) -> bool:
    """Whether an image has one channel or one position, so that moving axes moves nothing."""
    return shape[0] == 1 or math.prod(shape[1:]) == 1


def _shifted(place: Sequence[int], spots: Shape, op: ops.Pool) -> Slices:
    """The part of a bordered image that meets one place of the window."""
    return tuple(
        slice(i * d, i * d + (count - 1) * s + 1, s)
        for i, count, s, d in zip(place, spots, op.stride, op.dilation, strict=True)
    )
