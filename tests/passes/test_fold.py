from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tacit.ir import ops
from tacit.ir.graph import Graph, Op
from tacit.ir.rewrite import Builder
from tacit.passes import fold
from tests.networks import conv, linear, networks, norm, pool, residual, rows, square

RANDOM = np.random.default_rng(3)
NORM = ops.Affine(RANDOM.normal(size=4), RANDOM.normal(size=4))
LAYERS: dict[str, tuple[tuple[int, ...], Op]] = {
    "linear": ((3,), ops.Linear(RANDOM.normal(size=(4, 3)), RANDOM.normal(size=4))),
    "conv1d": (
        (2, 5),
        ops.Conv(RANDOM.normal(size=(4, 2, 3)), RANDOM.normal(size=4), (1,), ((0, 0),), (1,)),
    ),
    "grouped conv": (
        (2, 5),
        ops.Conv(RANDOM.normal(size=(4, 1, 3)), RANDOM.normal(size=4), (1,), ((0, 0),), (1,), 2),
    ),
}


def normed(shape: tuple[int, ...], layer: Op, *, times: int = 1) -> Graph:
    """A layer and batch norms behind it."""
    builder = Builder()
    name = builder.put("layer", layer, builder.input("x", shape))
    for number in range(times):
        name = builder.put(f"norm{number}", NORM, name)
    return builder.graph(name)


@given(networks((conv, linear, norm, norm, pool, residual, square)))
def test_folding_keeps_the_meaning(graph: Graph) -> None:
    x = rows(graph, 3)

    found = fold(graph)

    # Sums are made in another order: a few units in the last place of the largest value.
    assert np.allclose(found(x), graph(x), rtol=1e-9, atol=1e-12 * max(1.0, np.abs(graph(x)).max()))
    assert found.outputs == graph.outputs
    assert all(node.type == graph[node.name].type for node in found)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("times", [1, 2])
def test_a_batch_norm_behind_a_layer_disappears(name: str, times: int) -> None:
    graph = normed(*LAYERS[name], times=times)
    x = rows(graph, 3)

    found = fold(graph)

    assert len(found) == 2
    assert np.allclose(found(x), graph(x))


def test_a_layer_that_something_else_uses_keeps_its_batch_norm() -> None:
    builder = Builder()
    shape, op = LAYERS["linear"]
    layer = builder.put("layer", op, builder.input("x", shape))
    name = builder.put("sum", ops.Add(), builder.put("norm", NORM, layer), layer)
    graph = builder.graph(name)

    assert fold(graph).nodes == graph.nodes


def test_a_layer_that_is_a_result_keeps_its_batch_norm() -> None:
    builder = Builder()
    shape, op = LAYERS["linear"]
    layer = builder.put("layer", op, builder.input("x", shape))
    graph = builder.graph(layer, builder.put("norm", NORM, layer))

    assert fold(graph).nodes == graph.nodes


def test_a_linear_layer_over_the_last_of_two_axes_keeps_its_batch_norm() -> None:
    # The layer's outputs are the last axis, a batch norm's channels the first.
    _, op = LAYERS["linear"]
    graph = normed((4, 3), op)

    assert fold(graph).nodes == graph.nodes
