"""What a GPU computes; the same words of torch are tested on the processor everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from tacit.arithmetics.field.promises import Mode
from tacit.arithmetics.field.worker.found import back_ends, is_exact, looked_for
from tacit.arithmetics.field.worker.half import worker_graph
from tacit.arithmetics.field.worker.network import Network
from tacit.arithmetics.field.worker.torch_products import Bytes
from tacit.ir.graph import Graph
from tests.arithmetics.field.worker.scene import (
    Case,
    attention,
    cases,
    encoded,
    expected,
    last,
    line,
    residual,
    slalom,
    truth,
)

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch finds no GPU on this machine"
)
GPU = Bytes(torch.device("cuda"))


def test_a_gpu_is_found_exact_and_quickest() -> None:
    found = looked_for()

    assert "torch-int8-cuda" in [each.name for each in back_ends()]
    assert is_exact(GPU)
    assert found.products.name == "torch-int8-cuda", found.facts


@settings(max_examples=100, deadline=None)
@given(case=cases(most=2**15 - 1))
def test_masked_values_are_multiplied_modulo_32_bits(case: Case) -> None:
    x = case.values(0, 2**32 - 1)
    prepared = GPU.prepare(case.product, case.shape)

    found = GPU.masked(prepared, last(case.product, x).astype(np.uint32))

    assert np.array_equal(found, last(case.product, truth(case.product, x) % 2**32))


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_bytes_are_multiplied_exactly(case: Case) -> None:
    x = case.values(0, 255)
    prepared = GPU.prepare(case.product, case.shape)

    found = GPU.product(prepared, last(case.product, x).astype(np.uint8))

    assert np.array_equal(found, last(case.product, truth(case.product, x)))


@pytest.mark.parametrize(
    "graph",
    [residual(), attention(), line(), slalom()],
    ids=["residual", "attention", "line", "slalom"],
)
def test_every_product_is_that_of_the_graph(graph: Graph) -> None:
    x = encoded(graph, seed=5)
    images = np.moveaxis(x, 1, -1) if x.ndim == 4 else x
    network = Network(worker_graph(graph, Mode.INTEGRITY), GPU)
    kind = np.uint8 if images.min() >= 0 else np.int32

    found = network(np.ascontiguousarray(images).astype(kind))

    wanted = expected(graph, x)
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
