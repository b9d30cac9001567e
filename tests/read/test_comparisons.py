"""Comparisons with constants are steps and signs, from either door."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from torch import Tensor, nn

from tacit.errors import ReadError
from tacit.ir.graph import Graph
from tacit.ir.ops import Map
from tacit.passes import fuse
from tacit.read import read

X = torch.tensor([[0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -0.5]])
SIGNS = [
    lambda x: torch.where(x >= 0, 1.0, -1.0),
    lambda x: torch.where(x < 0, -1.0, 1.0),
    lambda x: 2.0 * (x >= 0).float() - 1.0,
    lambda x: torch.sign(torch.sign(x) + 0.1),
]
STEPS = [
    lambda x: (x > 0).float(),
    lambda x: torch.relu(torch.sign(x)),
    lambda x: torch.where(x > 0, 1.0, 0.0),
    lambda x: torch.where(x <= 0, 0.0, 1.0),
]
OTHERS = [
    lambda x: torch.where(x > 0.5, 3.0, -2.0),
    lambda x: (x <= 0.5) * 1.0,
    lambda x: torch.where(x >= 0.5, 0.25, 0.0),
    lambda x: (x < torch.full((7,), 0.5)).float(),
]


class Entrywise(nn.Module):
    """A module of one function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """The function."""
        return self.function(x)


def functions(graph: Graph) -> list[str]:
    return [node.op.function.name for node in fuse(graph) if isinstance(node.op, Map)]


@pytest.mark.parametrize("function", [*SIGNS, *STEPS, *OTHERS])
def test_what_is_read_compares_as_torch(function: Callable[[Tensor], Tensor]) -> None:
    graph = read(Entrywise(function), X)
    x = X.double().numpy()

    np.testing.assert_array_equal(graph(x), function(X).numpy())
    np.testing.assert_array_equal(fuse(graph)(x), function(X).numpy())


@pytest.mark.parametrize("function", SIGNS)
def test_every_way_to_write_a_sign_is_one_function(function: Callable[[Tensor], Tensor]) -> None:
    assert functions(read(Entrywise(function), X)) == ["bipolar"]


@pytest.mark.parametrize("function", STEPS[:3])
def test_every_way_to_write_a_step_is_one_function(function: Callable[[Tensor], Tensor]) -> None:
    assert functions(read(Entrywise(function), X)) == ["heaviside"]


def test_what_is_chosen_must_be_constants() -> None:
    with pytest.raises(ReadError, match="secret"):
        read(Entrywise(lambda x: torch.where(x > 0, x, 0.0)), X)


def in_onnx(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    given = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 7])]
    result = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 7])]
    numbers = {"zero": 0.0, "one": 1.0, "minus": -1.0, "half": 0.5, "tenth": 0.1}
    constants = [
        helper.make_tensor(name, onnx.TensorProto.FLOAT, [], [each])
        for name, each in numbers.items()
    ]
    graph = helper.make_graph(list(nodes), "signs", given, result, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


@pytest.mark.parametrize(
    ("name", "order", "inputs", "expected"),
    [
        ("GreaterOrEqual", ("one", "minus"), ("x", "zero"), "bipolar"),
        ("Less", ("minus", "one"), ("x", "zero"), "bipolar"),
        ("LessOrEqual", ("one", "minus"), ("zero", "x"), "bipolar"),
        ("Greater", ("one", "zero"), ("x", "zero"), "heaviside"),
        ("Less", ("one", "zero"), ("zero", "x"), "heaviside"),
    ],
)
def test_onnx_compares_and_chooses(
    name: str, order: tuple[str, str], inputs: tuple[str, str], expected: str
) -> None:
    nodes = (
        helper.make_node(name, inputs, ["mask"]),
        helper.make_node("Where", ["mask", *order], ["y"]),
    )

    assert functions(read(in_onnx(*nodes))) == [expected]


def test_onnx_writes_signs_and_steps_as_torch_does() -> None:
    signs = (
        helper.make_node("Sign", ["x"], ["a"]),
        helper.make_node("Add", ["a", "tenth"], ["b"]),
        helper.make_node("Sign", ["b"], ["y"]),
    )
    steps = (
        helper.make_node("Greater", ["x", "zero"], ["mask"]),
        helper.make_node("Cast", ["mask"], ["y"], to=onnx.TensorProto.FLOAT),
    )

    assert functions(read(in_onnx(*signs))) == ["bipolar"]
    assert functions(read(in_onnx(*steps))) == ["heaviside"]
