from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tacit.errors import ReadError
from tacit.ir.ops import FakeQuantise, Linear
from tacit.read import read
from tests.read.onnx.conftest import Gap, Model

node = helper.make_node
FLOAT = onnx.TensorProto.FLOAT
DRAWN = np.random.default_rng(4)
WEIGHT = DRAWN.normal(size=(4, 3)).astype(np.float32)
SCALE, ZERO = np.float32(0.17), np.uint8(7)


def two_steps(name: str, *between: onnx.NodeProto, last: str | None = None) -> list[onnx.NodeProto]:
    return [
        node("QuantizeLinear", [name, "scale", "zero"], ["q"]),
        *between,
        node("DequantizeLinear", [last or "q", "scale", "zero"], ["grid"]),
    ]


def constants(**more: Any) -> dict[str, Any]:
    return {"scale": SCALE, "zero": ZERO, **more}


@pytest.mark.parametrize("zero", [np.uint8(7), np.int8(-3)])
def test_two_steps_are_one_grid(build: Model, gap: Gap, zero: Any) -> None:
    model = build(two_steps("x"), (4,), {"scale": SCALE, "zero": zero})
    assert gap(model) < 1e-6
    (grid,) = (each.op for each in read(model) if isinstance(each.op, FakeQuantise))
    assert grid.high - grid.low == 255


def test_moves_between_the_steps_change_nothing(build: Model, gap: Gap) -> None:
    between = node("Reshape", ["q", "shape"], ["moved"])
    shape = constants(shape=np.array([-1, 2, 2]))
    model = build(two_steps("x", between, last="moved"), (4,), shape)
    assert gap(model) < 1e-6


def test_a_clip_between_the_steps_makes_the_grid_smaller(build: Model, gap: Gap) -> None:
    between = node("Clip", ["q", "least", "most"], ["fewer"])
    ends = constants(least=np.uint8(0), most=np.uint8(15))
    model = build(two_steps("x", between, last="fewer"), (4,), ends)
    assert gap(model) < 1e-6
    (grid,) = (each.op for each in read(model) if isinstance(each.op, FakeQuantise))
    assert (grid.low, grid.high) == (0, 15)


def test_channels_have_grids_of_their_own(build: Model, gap: Gap) -> None:
    own = {"scale": np.array([0.1, 0.2, 0.3], np.float32), "zero": np.array([1, 2, 3], np.uint8)}
    assert gap(build(two_steps("x"), (3, 5), own)) < 1e-6


@pytest.mark.parametrize("is_stored_whole", [False, True])
def test_weights_become_constants_on_their_grid(
    build: Model, gap: Gap, *, is_stored_whole: bool
) -> None:
    scales = np.array([0.1, 0.2, 0.3], np.float32)
    held = {"scales": scales, "zeros": np.zeros(3, np.int8)}
    held["weight"] = np.rint(WEIGHT / scales).astype(np.int8) if is_stored_whole else WEIGHT
    first = node("QuantizeLinear", ["weight", "scales", "zeros"], ["whole"], axis=1)
    name = "weight" if is_stored_whole else "whole"
    nodes = [
        *(() if is_stored_whole else (first,)),
        node("DequantizeLinear", [name, "scales", "zeros"], ["W"], axis=1),
        node("MatMul", ["x", "W"], ["y"]),
    ]
    model = build(nodes, (4,), held)
    assert gap(model) < 1e-6
    (linear,) = (each.op for each in read(model) if isinstance(each.op, Linear))
    integers = linear.weight / scales.astype(np.float64)[:, None]
    np.testing.assert_allclose(integers, np.rint(integers), atol=1e-6)


def test_steps_that_do_not_match_are_refused(build: Model) -> None:
    nodes = [
        node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        node("DequantizeLinear", ["q", "other", "zero"], ["grid"]),
    ]
    with pytest.raises(ReadError, match="not that of the QuantizeLinear before it"):
        read(build(nodes, (4,), constants(other=np.float32(0.5))))


def quant(  # how Brevitas and QONNX write it
    x: str, scale: str, y: str, domain: str = "qonnx.custom_op.general", **attributes: Any
) -> onnx.NodeProto:
    inputs = [x, scale, "none", "bits"]
    given: dict[str, Any] = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | attributes
    return node("Quant", inputs, [y], domain=domain, **given)


def network(nodes: list[onnx.NodeProto], **more: Any) -> onnx.ModelProto:
    held = {
        "scale": np.float32(0.25),
        "scales": np.array([[0.1], [0.2], [0.3]], np.float32),
        "none": np.float32(0.0),
        "bits": np.float32(3.0),
        "weight": WEIGHT.T,
        **more,
    }
    initial = [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items()]
    inputs = [helper.make_tensor_value_info("x", FLOAT, ("batch", 4))]
    results = [helper.make_tensor_value_info(nodes[-1].output[0], FLOAT, ("batch", None))]
    graph = helper.make_graph(nodes, "model", inputs, results, initial)
    domains = {each.domain for each in nodes}
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(d, 1) for d in domains if d)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize("domain", ["qonnx.custom_op.general", "onnx.brevitas"])
def test_brevitas_nodes_are_grids_and_weights_constants(domain: str) -> None:
    nodes = [
        quant("x", "scale", "a", domain),
        quant("weight", "scales", "W", domain, narrow=1),
        node("Gemm", ["a", "W"], ["b"], transB=1),
        node("Relu", ["b"], ["c"]),
        quant("c", "scale", "d", domain, signed=0),
    ]
    graph = read(network(nodes))
    scales = np.array([[0.1], [0.2], [0.3]], np.float32).astype(np.float64)
    W = np.clip(np.rint(WEIGHT.T.astype(np.float64) / scales), -3, 3) * scales
    x = DRAWN.normal(size=(20, 4))
    a = np.clip(np.rint(x / 0.25), -4, 3) * 0.25
    wanted = np.clip(np.rint(np.maximum(a @ W.T, 0.0) / 0.25), 0, 7) * 0.25
    np.testing.assert_allclose(graph(x), wanted, atol=1e-9)
    ends = [(each.op.low, each.op.high) for each in graph if isinstance(each.op, FakeQuantise)]
    assert ends == [(-4, 3), (0, 7)]


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("ROUND", [-2.0, -2.0, 0.0, 2.0]),
        ("HALF_UP", [-2.0, -2.0, 1.0, 2.0]),
        ("FLOOR", [-2.0, -2.0, 0.0, 1.0]),
        ("CEIL", [-1.0, -1.0, 1.0, 2.0]),
        ("ROUND_TO_ZERO", [-1.0, -1.0, 0.0, 1.0]),
    ],
)
def test_weights_are_rounded_as_the_node_says(mode: str, wanted: list[float]) -> None:
    weight = 0.25 * np.array([[-1.5, -1.6, 0.5, 1.7]], np.float32)
    nodes = [
        quant("w", "scale", "W", rounding_mode=mode),
        node("Gemm", ["x", "W"], ["y"], transB=1),
    ]
    (linear,) = (each.op for each in read(network(nodes, w=weight)) if isinstance(each.op, Linear))
    assert (linear.weight / 0.25).tolist() == [wanted]


@pytest.mark.parametrize(
    ("attributes", "more", "message"),
    [
        ({"rounding_mode": "FLOOR"}, {}, "rounds activations by FLOOR"),
        ({"rounding_mode": "STOCHASTIC"}, {}, "rounds by STOCHASTIC"),
        ({}, {"bits": np.float32(40.0)}, "bits, not 1 to 16"),
        ({}, {"scale": np.float32(0.0)}, "a scale is not positive"),
        ({}, {"scale": np.ones((7, 1), np.float32)}, r"scales of shape \(7, 1\)"),
    ],
)
def test_nodes_that_are_no_grid_are_refused(
    attributes: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ReadError, match=message):
        read(network([quant("x", "scale", "y", **attributes)], **more))


@pytest.mark.filterwarnings("ignore")
def test_networks_of_brevitas_are_read(tmp_path: Path) -> None:
    layers = pytest.importorskip("brevitas.nn")
    doors = pytest.importorskip("brevitas.export")
    import torch

    model = torch.nn.Sequential(
        layers.QuantIdentity(bit_width=4),
        layers.QuantLinear(8, 16, bias=True, weight_bit_width=3),
        layers.QuantReLU(bit_width=4),
        layers.QuantLinear(16, 3, bias=True, weight_bit_width=3),
    )
    for _ in range(5):
        model(torch.randn(32, 8))
    model.eval()
    x = torch.randn(64, 8)
    for export in (doors.export_qonnx, doors.export_onnx_qcdq):
        export(model, torch.randn(1, 8), str(tmp_path / "net.onnx"), dynamo=False)
        found = read(tmp_path / "net.onnx")(x.double().numpy())
        gaps = np.abs(found - model(x).detach().numpy()).max(axis=1)
        assert np.count_nonzero(gaps > 1e-4) <= 1
