from __future__ import annotations

import numpy as np
import pytest
import torch

from tacit.arithmetics.field.ops import Dense
from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.worker.found import Products
from tacit.arithmetics.field.worker.half import worker_graph
from tacit.arithmetics.field.worker.host_products import HostProducts
from tacit.arithmetics.field.worker.network import Network
from tacit.arithmetics.field.worker.torch_products import Bytes, Convolutions
from tacit.errors import LoweringError, WidthExceeded
from tacit.ir import ops
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tests.arithmetics.field.worker.scene import (
    attention,
    encode,
    encoded,
    expected,
    line,
    placed,
    residual,
    slalom,
    weights,
)

BACK_ENDS = [HostProducts(), Convolutions(), Bytes(torch.device("cpu"))]
GRAPHS = [residual(), attention(), line(), slalom()]


@pytest.mark.parametrize("products", BACK_ENDS, ids=lambda each: each.name)
@pytest.mark.parametrize("graph", GRAPHS, ids=["residual", "attention", "line", "slalom"])
def test_every_product_is_that_of_the_graph(graph: Graph, products: Products) -> None:
    x = encoded(graph, seed=5)
    images = np.moveaxis(x, 1, -1) if x.ndim == 4 else x
    network = Network(worker_graph(graph, Mode.INTEGRITY), products)
    kind = np.uint8 if images.min() >= 0 else np.int32

    found = network(np.ascontiguousarray(images).astype(kind))

    wanted = expected(graph, x)
    assert [each.shape for each in found] == [each.shape for each in wanted]
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
    assert {each.dtype for each in found} == {np.dtype(np.int32)}


def test_progress_counts_the_products() -> None:
    seen: list[tuple[int, int]] = []
    network = Network(worker_graph(line(), Mode.INTEGRITY), HostProducts())

    network(encoded(line(), 1).astype(np.uint8), progress=lambda *each: seen.append(each))

    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_word_of_another_arithmetic_is_refused_by_name() -> None:
    b = Builder()
    x = b.put("bent", ops.Softmax(0), b.put("code", encode((4,)), b.input("x", (4,))))
    graph = placed(b.graph(b.put("last", Dense(weights(1, 2, 4)), x)))
    network = Network(worker_graph(graph, Mode.INTEGRITY), HostProducts())

    with pytest.raises(LoweringError, match="bent: a worker has no word Softmax"):
        network(np.zeros((1, 4), np.uint8))


def test_what_may_be_wider_than_32_bits_is_refused_when_it_is_loaded() -> None:
    b = Builder()
    x = b.put("code", encode((4,)), b.input("x", (4,)))
    first = b.put("first", Dense(weights(1, 4, 4)), x)
    sums = b.put("sums", ops.Reduce(ops.ReduceKind.SUM, (0,), keep=True), first)
    graph = placed(b.graph(b.put("last", Dense(weights(1, 2, 1)), sums)))

    with pytest.raises(WidthExceeded, match="last is given more than 32 bits"):
        Network(worker_graph(graph, Mode.INTEGRITY), HostProducts()).load()
