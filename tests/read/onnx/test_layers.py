from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

# onnxruntime computes in float32, of 24 bits; a few steps in a row lose a few of them.
TOLERANCE = 1e-5

Model = Callable[..., onnx.ModelProto]
Gap = Callable[..., float]
Constants = dict[str, Any]


def drawn(*shape: int) -> Any:
    return np.random.default_rng(4).normal(size=shape).astype(np.float32)


def whole(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def one(value: float) -> Any:
    return np.array(value, dtype=np.float32)


def call(kind: str, *names: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, ["x", *names], ["y"], **attributes)


NORM = {"s": drawn(4), "b": drawn(4), "m": drawn(4), "v": np.abs(drawn(4)) + 0.5}


@pytest.mark.parametrize(
    ("node", "shape", "constants"),
    [
        (call("Gemm", "w", "b"), (4,), {"w": drawn(4, 3), "b": drawn(3)}),
        (
            call("Gemm", "w", "b", alpha=0.5, beta=2.0, transB=1),
            (4,),
            {"w": drawn(3, 4), "b": drawn(1, 3)},
        ),
        (call("Gemm", "w"), (4,), {"w": drawn(4, 3)}),
        (call("Gemm", "w", "b"), (4,), {"w": drawn(4, 3), "b": one(0.5)}),
        (call("MatMul", "w"), (2, 4), {"w": drawn(4, 3)}),
        (call("MatMul", "w"), (4,), {"w": drawn(4)}),
        (call("MatMul", "w"), (2, 5, 4), {"w": drawn(2, 4, 3)}),
        (call("Conv", "w"), (3, 7, 8), {"w": drawn(4, 3, 3, 2)}),
        (
            call("Conv", "w", "b", strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2]),
            (3, 7, 8),
            {"w": drawn(4, 3, 3, 2), "b": drawn(4)},
        ),
        (call("Conv", "w", group=2, pads=[1, 1]), (4, 9), {"w": drawn(6, 2, 3)}),
        (
            call("Conv", "w", auto_pad="SAME_UPPER", strides=[2, 2]),
            (3, 7, 8),
            {"w": drawn(4, 3, 3, 2)},
        ),
        (call("Conv", "w", auto_pad="SAME_LOWER"), (3, 7, 8), {"w": drawn(4, 3, 4, 2)}),
        (call("Conv", "w", auto_pad="VALID", strides=[2]), (3, 7), {"w": drawn(4, 3, 2)}),
        (call("BatchNormalization", *NORM, epsilon=0.01), (4, 3, 2), NORM),
        (call("BatchNormalization", *NORM), (4,), NORM),
    ],
)
def test_layers_with_weights_equal_onnxruntime(
    build: Model, gap: Gap, node: onnx.NodeProto, shape: tuple[int, ...], constants: Constants
) -> None:
    assert gap(build([node], shape, constants)) <= TOLERANCE


@pytest.mark.parametrize(
    "node",
    [
        call("MaxPool", kernel_shape=[2, 2]),
        call("MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1]),
        call("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, dilations=[1, 2]),
        call("MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
        call("AveragePool", kernel_shape=[2, 3], strides=[2, 1]),
        call("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        call("AveragePool", kernel_shape=[3, 3], pads=[1, 0, 1, 2], count_include_pad=1),
        call("AveragePool", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
        call("AveragePool", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_LOWER"),
        call("GlobalAveragePool"),
        call("GlobalMaxPool"),
    ],
)
def test_poolings_equal_onnxruntime(build: Model, gap: Gap, node: onnx.NodeProto) -> None:
    assert gap(build([node], (2, 7, 8), opset=19)) <= TOLERANCE


@pytest.mark.parametrize("kind", ["Sqrt", "Log", "Reciprocal"])
def test_functions_of_positive_numbers_equal_onnxruntime(build: Model, gap: Gap, kind: str) -> None:
    nodes = [
        helper.make_node("Exp", ["x"], ["positive"]),
        helper.make_node(kind, ["positive"], ["y"]),
    ]

    assert gap(build(nodes, (4,))) <= TOLERANCE


@pytest.mark.parametrize(
    ("node", "constants", "opset"),
    [
        (call("Relu"), {}, 18),
        (call("LeakyRelu", alpha=0.2), {}, 18),
        (call("PRelu", "s"), {"s": drawn(3, 1)}, 18),
        (call("PRelu", "s"), {"s": drawn(1)}, 18),
        (call("PRelu", "s"), {"s": drawn(1, 3, 1)}, 18),
        (call("Clip", "a", "b"), {"a": one(-0.5), "b": one(1.0)}, 18),
        (call("Clip", "a"), {"a": one(-0.5)}, 18),
        (call("Clip", "", "b"), {"b": one(0.5)}, 18),
        (call("Clip"), {}, 18),
        (call("Sigmoid"), {}, 18),
        (call("HardSigmoid"), {}, 18),
        (call("HardSigmoid", alpha=1 / 6, beta=0.5), {}, 18),
        (call("HardSwish"), {}, 18),
        (call("Tanh"), {}, 18),
        (call("Gelu"), {}, 20),
        (call("Gelu", approximate="tanh"), {}, 20),
        (call("Softplus"), {}, 18),
        (call("Elu", alpha=0.5), {}, 18),
        (call("Celu", alpha=0.5), {}, 18),
        (call("Selu"), {}, 18),
        (call("Selu", alpha=1.5, gamma=1.1), {}, 18),
        (call("Mish"), {}, 18),
        (call("Softsign"), {}, 18),
        (call("Sin"), {}, 18),
        (call("Cos"), {}, 18),
        (call("Exp"), {}, 18),
        (call("Abs"), {}, 18),
        (call("Sign"), {}, 18),
        (call("Erf"), {}, 18),
        (call("Neg"), {}, 18),
        (call("Identity"), {}, 18),
        (call("Dropout"), {}, 18),
        (call("Cast", to=onnx.TensorProto.FLOAT), {}, 18),
        (call("Softmax"), {}, 18),
        (call("Softmax", axis=1), {}, 13),
        (call("Softmax", axis=2), {}, 12),
        (call("LogSoftmax", axis=-1), {}, 12),
        (call("Add", "c"), {"c": drawn(3, 1)}, 18),
        (call("Sub", "c"), {"c": drawn(1, 3, 4)}, 18),
        (call("Mul", "x"), {}, 18),
        (call("Mul", "c"), {"c": drawn(4)}, 18),
        (call("Div", "c"), {"c": one(3.0)}, 18),
        (call("Pow", "c"), {"c": one(2.0)}, 18),
        (call("Pow", "c"), {"c": one(3.0)}, 18),
        (call("Sum", "c", "x"), {"c": drawn(4)}, 18),
        (call("Max", "c"), {"c": one(0.5)}, 18),
        (call("Min", "c", "x"), {"c": drawn(4)}, 18),
        (call("ReduceMean", axes=[1, 2]), {}, 13),
        (call("ReduceMean", "a", keepdims=0), {"a": whole(-1)}, 18),
        (call("ReduceSum", "a"), {"a": whole(1)}, 13),
        (call("ReduceSum", axes=[-1], keepdims=0), {}, 11),
        (call("ReduceSum", noop_with_empty_axes=1), {}, 13),
    ],
)
def test_arithmetic_equals_onnxruntime(
    build: Model, gap: Gap, node: onnx.NodeProto, constants: Constants, opset: int
) -> None:
    assert gap(build([node], (3, 4), constants, opset=opset)) <= TOLERANCE


@pytest.mark.parametrize(
    ("node", "constants", "opset"),
    [
        (call("Flatten"), {}, 18),
        (call("Flatten", axis=-3), {}, 18),
        (call("Reshape", "s"), {"s": whole(0, -1)}, 18),
        (call("Reshape", "s"), {"s": whole(-1, 48)}, 18),
        (call("Reshape", "s"), {"s": whole(0, 4, 2, 6)}, 18),
        (call("Transpose", perm=[0, 2, 3, 1]), {}, 18),
        (call("Squeeze", axes=[1]), {}, 11),
        (call("Squeeze", "a"), {"a": whole(1)}, 13),
        (call("Unsqueeze", "a"), {"a": whole(1, -1)}, 13),
        (call("Unsqueeze", axes=[3]), {}, 11),
        (call("Concat", "x", axis=2), {}, 18),
        (call("Slice", "b", "e"), {"b": whole(0, 0, 1), "e": whole(2**31 - 1, 1, 3)}, 18),
        (
            call("Slice", "b", "e", "a", "s"),
            {"b": whole(1, -5), "e": whole(2**62, -1), "a": whole(2, -1), "s": whole(2, 3)},
            18,
        ),
        (call("Gather", "i", axis=2), {"i": np.int64(-1)}, 18),
        (call("Gather", "i", axis=3), {"i": whole(1, 3, 5)}, 18),
        (call("Gather", "i", axis=3), {"i": whole(5, 0, 3, 3)}, 18),
        (call("Gather", "i", axis=3), {"i": whole(2)}, 18),
        (call("Pad", "p"), {"p": whole(0, 0, 1, 2, 0, 0, 0, 3)}, 18),
        (call("Pad", "p", "v"), {"p": whole(0, 1, 0, 0, 0, 0, 1, 0), "v": one(0.5)}, 13),
        (call("Pad", "p", "", "a"), {"p": whole(1, -1), "a": whole(-1)}, 18),
        (call("Expand", "s"), {"s": whole(1, 3, 1, 6)}, 18),
        (call("Expand", "s"), {"s": whole(6)}, 18),
        (call("DepthToSpace", blocksize=2), {}, 18),
        (call("DepthToSpace", blocksize=2, mode="CRD"), {}, 18),
    ],
)
def test_moving_entries_equals_onnxruntime(
    build: Model, gap: Gap, node: onnx.NodeProto, constants: Constants, opset: int
) -> None:
    channels = 4 if node.op_type == "DepthToSpace" else 1
    # Entries are only moved: float32 holds them exactly.
    assert gap(build([node], (channels, 8, 6), constants, opset=opset)) == 0.0
