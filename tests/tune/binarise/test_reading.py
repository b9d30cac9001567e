from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tacit.ir.graph import Graph, evaluate
from tacit.ir.ops import FakeQuantise, Linear, Map, Pad
from tacit.read import read
from tacit.tune.binarise import (
    LSQ,
    QUANTISERS,
    DoReFa,
    DoReFaWeights,
    QuantConv1d,
    QuantConv2d,
    QuantLinear,
    SteHeaviside,
    SteSign,
    SteTern,
)

EDGES = torch.tensor([[0.0, -0.0, 1e-30, -1e-30, 0.05, -0.05], [0.5, 1.0, -1.0, 2.0, 1e30, -1e30]])


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "name", ["ste_sign", "approx_sign", "swish_sign", "ste_heaviside", "ste_tern", "dorefa"]
)
def test_what_was_read_quantises_edges_to_the_same(name: str) -> None:
    quantiser = QUANTISERS[name]().double().eval()
    # At 1/2 two points of dorefa's are equally near, of which a float step chooses the other.
    x = EDGES.double().where(EDGES != 0.5, 0.4)
    found = answers(read(quantiser, x), x)
    # A grid's step is a float there: a third is one only to its digits.
    np.testing.assert_allclose(found, quantiser(x).numpy(), rtol=1e-7, atol=0.0)


def test_a_sign_is_two_signs_and_a_step_is_one() -> None:
    signed, stepped = read(SteSign(), EDGES), read(SteHeaviside(), EDGES)
    assert functions(signed) == ["sign", "sign"]
    assert functions(stepped) == ["sign", "relu"]


@pytest.mark.parametrize("quantiser", [DoReFa(3), LSQ(3, step=0.25)])
def test_a_grid_is_one_node(quantiser: nn.Module) -> None:
    (grid,) = (node.op for node in read(quantiser, EDGES) if isinstance(node.op, FakeQuantise))
    assert (grid.low, grid.high) == (0, 7)


def functions(graph: Graph) -> list[str]:
    return [node.op.function.name for node in graph if isinstance(node.op, Map)]


def answers(graph: Graph, x: Tensor) -> NDArray[np.float64]:
    (found,) = evaluate(graph, {"input": x.numpy(), "x": x.numpy()}).values()
    return found


def network() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(
        QuantConv2d(nn.Conv2d(2, 6, 3, padding=1), kernel_quantiser=SteSign()),
        nn.BatchNorm2d(6),
        QuantConv2d(
            nn.Conv2d(6, 8, 3, padding=1),
            input_quantiser=SteSign(),
            kernel_quantiser=QUANTISERS["magnitude_aware_sign"](),
            pad_value=1.0,
        ),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(8),
        nn.Flatten(2),
        QuantConv1d(
            nn.Conv1d(8, 4, 2), input_quantiser=SteTern(0.3), kernel_quantiser=SteTern(None)
        ),
        nn.Flatten(),
        QuantLinear(
            nn.Linear(12, 8), input_quantiser=SteHeaviside(), kernel_quantiser=DoReFaWeights(2)
        ),
        QuantLinear(
            nn.Linear(8, 3),
            input_quantiser=LSQ(2, is_signed=True),
            kernel_quantiser=LSQ(2, of_weights=True),
        ),
    )
    model(drawn(1, 16, 2, 4, 4))
    return model.double().eval()


def test_a_network_that_was_read_answers_the_same() -> None:
    model, x = network(), drawn(2, 9, 2, 4, 4).double()
    graph = read(model, x)
    found = answers(graph, x)
    np.testing.assert_allclose(found, model(x).detach().numpy(), rtol=1e-9, atol=1e-12)
    (border,) = (node.op for node in graph if isinstance(node.op, Pad))
    assert border.value == 1.0


def test_the_weights_that_were_read_are_quantised() -> None:
    layer = QuantLinear(nn.Linear(6, 4), kernel_quantiser=SteSign())
    graph = read(layer, drawn(3, 2, 6))
    (op,) = (node.op for node in graph if isinstance(node.op, Linear))
    assert np.array_equal(np.unique(op.weight), [-1.0, 1.0])


@pytest.mark.parametrize("strict", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_programs_for_any_batch_hold_ops_of_torch_only(*, strict: bool) -> None:
    free = {0: torch.export.Dim("batch")}
    # torch by itself cannot trace a grid whose step is a tensor.
    model, x = network()[:-1], drawn(4, 5, 2, 4, 4).double()
    program = torch.export.export(model, (x,), dynamic_shapes=(free,), strict=strict)
    targets = (node.target for node in program.graph.nodes if node.op == "call_function")
    assert {target.namespace for target in targets} == {"aten"}
    more = drawn(5, 7, 2, 4, 4).double()
    torch.testing.assert_close(program.module()(more), model(more))
