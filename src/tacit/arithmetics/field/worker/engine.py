"""The worker: answers questions for products, plain or masked, and holds no secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.arithmetics.field.ops import Convolution, Dense
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.worker.found import Products, found
from tacit.arithmetics.field.worker.half import limits, source
from tacit.arithmetics.field.worker.messages import (
    INTEGERS,
    MASKED,
    Numbers,
    input_kind,
    input_shape,
    numbers_in,
    product_shape,
    rows_in,
    written,
)
from tacit.arithmetics.field.worker.network import Network
from tacit.arithmetics.field.worker.words import Prepared
from tacit.errors import ProtocolError
from tacit.ir.graph import Graph, Shape
from tacit.program import Json, Progress, ServerEngine

# Under VGG-16 an image of 224 x 224 takes some 60 MiB on its way through the worker.
MOST_ROWS = 64


class Worker(ServerEngine):
    """A worker's graph (`worker_graph`) on a back end, all weights loaded.

    It refuses messages of more than `rows` rows, which is what limits its memory.
    """

    def __init__(
        self,
        graph: Graph,
        mode: Mode,
        *,
        rows: int = MOST_ROWS,
        products: Products | None = None,
    ) -> None:
        self._graph = graph
        self._mode = mode
        self._rows = rows
        self.products = found() if products is None else products
        match mode:
            case Mode.INTEGRITY:
                self._network = Network(graph, self.products)
                self._network.load()
            case Mode.PRIVATE:
                self._masked = _loaded(graph, self.products)

    @property
    def facts(self) -> dict[str, Json]:
        """What it says of itself: a back end that is not exact is never used."""
        return {"back_end": self.products.name, "exact": True}

    def answer(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[bytes, ...]:
        """The products asked for, as `messages` lays them out; raises ProtocolError."""
        kind = INTEGERS if self._mode is Mode.INTEGRITY else MASKED
        return tuple(written(each, kind) for each in self.arrays(message, progress=progress))

    def arrays(
        self, message: Sequence[bytes], *, progress: Progress | None = None
    ) -> tuple[Numbers, ...]:
        """The answer as arrays, for who shares memory with the client."""
        match self._mode, message:
            # A tag behind the input is the client's own, by which it knows its request again.
            case Mode.INTEGRITY, [x] | [x, _]:
                return self._network(self._plain(x), progress=progress)
            case Mode.PRIVATE, [numbers, x]:
                return self._answered(numbers, x, progress)
        raise ProtocolError(
            f"a message of {len(message)} parts was sent",
            hint=f"a worker in {self._mode.value} mode expects "
            + ("an input" if self._mode is Mode.INTEGRITY else "numbers and a masked value"),
        )

    def _plain(self, part: bytes) -> Numbers:
        """The input of the network, every entry in its range."""
        node = source(self._graph)
        low, high = limits(node)
        x = rows_in(part, input_kind(low, high), input_shape(node.type.shape), self._rows)
        if int(x.min()) < low or int(x.max()) > high:
            raise ProtocolError(
                f"an entry of the input is outside of {low} to {high}",
                hint="send what the encoding of this program makes",
            )
        return x

    def _answered(
        self, numbers: bytes, part: bytes, progress: Progress | None
    ) -> tuple[Numbers, ...]:
        """The products of a masked value."""
        chosen = [self._masked[number] for number in numbers_in(numbers, len(self._masked))]
        (shape, _), *others = chosen
        if any(other != shape for other, _ in others):
            raise ProtocolError(
                "products of values of several shapes are asked for at once",
                hint="ask together only for what takes the same value",
            )
        x = rows_in(part, MASKED, shape, self._rows).astype(np.uint32, copy=False)
        answers: list[Numbers] = []
        for _, prepared in chosen:
            answers.append(self.products.masked(prepared, x))
            if progress:
                progress(len(answers), len(chosen))
        return tuple(answers)


def _loaded(graph: Graph, products: Products) -> tuple[tuple[Shape, Prepared[Any]], ...]:
    """Every product with the shape that it takes in a message, for any 32-bit number."""
    by_name = graph.by_name
    made = []
    for name in graph.outputs:
        node = by_name[name]
        assert isinstance(node.op, Dense | Convolution), "a worker is asked for products alone"
        shape = by_name[node.args[0]].type.shape
        prepared = products.prepare(node.op, shape)
        _ = prepared.masked
        made.append((product_shape(node.op, shape), prepared))
    return tuple(made)
