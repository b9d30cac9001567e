"""One convolution or linear layer with its ReLU, computed by oneself at its own shapes."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import onnx
import torch
from baselines import exported
from baselines.timing import Work
from networks.imagenet import Step
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

# One scale for everything: time does not depend on it.
SCALE = 0.02
# The first versions that have all that is written here.
OPSETS = (helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1))
Arrays = dict[str, NDArray[np.generic]]


def products(steps: tuple[Step, ...]) -> dict[tuple[object, ...], Step]:
    """One step of every kind that multiplies; layers of the same shapes take the same time."""
    return {shapes(step): step for step in reversed(steps) if step.products}


def shapes(step: Step) -> tuple[object, ...]:
    """What a layer's time depends on."""
    layer = step.layer
    knobs = (layer.stride, layer.padding, layer.groups) if isinstance(layer, nn.Conv2d) else ()
    return (type(layer).__name__, step.inputs, step.output, *knobs)


def floats(step: Step, batch: int) -> dict[str, Work]:
    """Every way to compute a layer in float32."""
    x = torch.randn(batch, *step.inputs[0])
    ways = {"onnxruntime": _file(_float_file(step), x.numpy())}
    match step.layer:
        case nn.Conv2d() as conv:
            last = x.contiguous(memory_format=torch.channels_last)
            weight = conv.weight.detach().contiguous(memory_format=torch.channels_last)
            return ways | {
                "torch": _work(
                    lambda: functional.relu(_convolution(conv, x, conv.weight), inplace=True)
                ),
                "torch, channels last": _work(
                    lambda: functional.relu(_convolution(conv, last, weight), inplace=True)
                ),
            }
        case nn.Linear() as linear:
            return ways | {"torch": _work(lambda: functional.relu(linear(x), inplace=True))}
        case _:
            raise SystemExit(f"{step.name} multiplies nothing")


def integers(step: Step, batch: int) -> dict[str, Work]:
    """Every way to compute a layer in int8."""
    rows = np.random.default_rng(0).integers(0, 255, (batch, *step.inputs[0]), dtype=np.uint8)
    given = np.ascontiguousarray(np.moveaxis(rows, 1, -1))
    ways = {"onnxruntime": _file(_byte_file(step), given)}
    return ways | {f"torch, {each}": _torch_bytes(step, rows, each) for each in ("x86", "onednn")}


def _work(run: Callable[[], object]) -> Work:
    def quiet(_: object) -> object:
        with torch.inference_mode():
            return run()

    return Work(quiet)


def _file(model: onnx.ModelProto, x: NDArray[np.generic]) -> Work:
    run = exported.session(model.SerializeToString())
    return Work(lambda _: run(x))


def _convolution(conv: nn.Conv2d, x: Tensor, weight: Tensor) -> Tensor:
    return functional.conv2d(
        x, weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups
    )


def _torch_bytes(step: Step, rows: NDArray[np.uint8], engine: str) -> Work:
    # torch announces that it will move its quantised tensors elsewhere.
    warnings.simplefilter("ignore", UserWarning)
    torch.backends.quantized.engine = engine
    x = torch._make_per_tensor_quantized_tensor(torch.from_numpy(rows), SCALE, 0)
    layer = step.layer
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    weight = layer.weight.detach()
    scales, zeros = torch.full((len(weight),), SCALE), torch.zeros(len(weight), dtype=torch.int64)
    weight = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
    quantised = torch.ops.quantized
    if isinstance(layer, nn.Linear):
        packed = quantised.linear_prepack(weight, layer.bias)
        return _work(lambda: quantised.linear_relu(x, packed, SCALE, 0))
    x = x.contiguous(memory_format=torch.channels_last)
    knobs = (layer.stride, layer.padding, layer.dilation, layer.groups)
    packed = quantised.conv2d_prepack(weight, layer.bias, *knobs)
    return _work(lambda: quantised.conv2d_relu(x, packed, SCALE, 0))


def _attributes(step: Step) -> dict[str, object]:
    match step.layer:
        case nn.Conv2d(stride=stride, padding=padding, groups=groups, kernel_size=kernel):
            pads = [*padding, *padding]
            return {"strides": stride, "pads": pads, "group": groups, "kernel_shape": kernel}
        case _:
            return {"transB": 1}


def _float_file(step: Step) -> onnx.ModelProto:
    conv = isinstance(step.layer, nn.Conv2d)
    held = {"w": step.layer.weight.detach().numpy(), "b": step.layer.bias.detach().numpy()}
    name = "Conv" if conv else "Gemm"
    nodes = [
        helper.make_node(name, ["x", "w", "b"], ["z"], **_attributes(step)),
        helper.make_node("Relu", ["z"], ["y"]),
    ]
    return _model(nodes, held, TensorProto.FLOAT)


def _byte_file(step: Step) -> onnx.ModelProto:
    """The layer on bytes; images are (batch, height, width, channels), as inside onnxruntime."""
    weight = np.rint(step.layer.weight.detach().numpy() / SCALE).clip(-127, 127).astype(np.int8)
    many = len(weight)
    held: Arrays = {
        "s": np.float32(SCALE).reshape(()),
        "z": np.uint8(0).reshape(()),
        "w": weight,
        "ws": np.full(many, SCALE, np.float32),
        "wz": np.zeros(many, np.int8),
        "b": np.zeros(many, np.int32),
    }
    knobs, domain = _attributes(step), "com.microsoft"
    if isinstance(step.layer, nn.Conv2d):
        names = ["x", "s", "z", "w", "ws", "wz", "s", "z", "b"]
        node = helper.make_node(
            "QLinearConv", names, ["y"], domain=domain, channels_last=1, **knobs
        )
    else:
        names = ["x", "s", "z", "w", "ws", "wz", "b", "s", "z"]
        node = helper.make_node("QGemm", names, ["y"], domain=domain, **knobs)
    return _model([node], held, TensorProto.UINT8)


def _model(nodes: list[onnx.NodeProto], held: Arrays, kind: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", kind, None)],
        [helper.make_tensor_value_info("y", kind, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items()],
    )
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=10)
