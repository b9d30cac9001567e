"""Layers with weights, and poolings, as ONNX has them."""

from __future__ import annotations

from functools import partial

import numpy as np

from tacit.ir.graph import Shape
from tacit.ir.ops import AdaptivePool, Add, Affine, Conv, Linear, MatMul, Pads, Pool, PoolKind
from tacit.read import layers
from tacit.read.onnx.call import Call
from tacit.read.shared import Array, Held, Layer, Operand


def _gemm(call: Call) -> Held:
    matrices = _turned(call, 0, "transA"), _turned(call, 1, "transB")
    bias = None if call.given(2) is None else call.operand(2)
    factors = call.number("alpha", 1.0), call.number("beta", 1.0)
    return layers.gemm(call.site, matrices, bias, factors)


def _turned(call: Call, index: int, attribute: str) -> Operand:
    value = call.operand(index)
    if not call.integer(attribute, 0):
        return value
    if isinstance(value, Held):
        raise call.site.refusal(f"{attribute} moves the batch")
    turned: Array = value.T
    return turned


def _product(call: Call) -> Held:
    return layers.product(call.site, call.operand(0), call.operand(1))


def _conv(call: Call) -> Held:
    weight, bias = call.array(1), call.maybe_array(2)
    kernel = weight.shape[2:]
    rank = len(kernel)
    if rank not in (1, 2):
        raise call.site.refusal(
            f"it runs over {rank} axes", hint="convolutions over one and two axes are read"
        )
    stride, dilation = call.each("strides", rank), call.each("dilations", rank)
    padding = _padding(call, kernel, stride, dilation)
    offset = np.zeros(len(weight)) if bias is None else np.asarray(bias, dtype=np.float64)
    op = Conv(weight, offset, stride, padding, dilation, call.integer("group", 1))
    return call.site.put(op, call.x)


def _padding(call: Call, kernel: Shape, stride: Shape, dilation: Shape) -> Pads:
    size = call.site.shape(call.x)[1:]
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    match call.text("auto_pad", "NOTSET"):
        case "SAME_UPPER":
            return layers.same_padding(size, reach, stride, upper=True)
        case "SAME_LOWER":
            return layers.same_padding(size, reach, stride, upper=False)
        case "VALID":
            return ((0, 0),) * len(kernel)
        case _:
            pads = call.each("pads", 2 * len(kernel), 0)
            half = len(kernel)
            return tuple(zip(pads[:half], pads[half:], strict=True))


def _batch_norm(call: Call) -> Held:
    if call.integer("training_mode", 0):
        raise call.site.refusal("it is in training mode", hint="export the model after eval()")
    weight, bias, mean, variance = (call.array(index) for index in range(1, 5))
    op = layers.affine((mean, variance), weight, bias, call.number("epsilon", 1e-5))
    return call.site.put(op, call.x)


def _pool(call: Call, kind: PoolKind) -> Held | tuple[Held, ...]:
    kernel = tuple(call.attributes["kernel_shape"])
    rank = len(kernel)
    stride, dilation = call.each("strides", rank), call.each("dilations", rank)
    op = Pool(
        kind,
        kernel,
        stride,
        _padding(call, kernel, stride, dilation),
        dilation,
        ceil=bool(call.integer("ceil_mode", 0)),
        count_padding=bool(call.integer("count_include_pad", 0)),
    )
    return call.site.put(op, call.x)


def _global_pool(call: Call, kind: PoolKind) -> Held:
    return call.site.put(AdaptivePool(kind, (1,) * (call.rank - 2)), call.x)


LAYERS: tuple[Layer[Call], ...] = (
    Layer("linear", ("Gemm",), _gemm, (Linear, MatMul, Add)),
    Layer("matrix product", ("MatMul",), _product, (Linear, MatMul)),
    Layer("convolution", ("Conv",), _conv, (Conv,)),
    Layer("batch norm", ("BatchNormalization",), _batch_norm, (Affine,)),
    Layer("average pooling", ("AveragePool",), partial(_pool, kind=PoolKind.AVERAGE), (Pool,)),
    Layer("max-pooling", ("MaxPool",), partial(_pool, kind=PoolKind.MAXIMUM), (Pool,)),
    Layer(
        "adaptive average pooling",
        ("GlobalAveragePool",),
        partial(_global_pool, kind=PoolKind.AVERAGE),
        (AdaptivePool,),
    ),
    Layer(
        "adaptive max-pooling",
        ("GlobalMaxPool",),
        partial(_global_pool, kind=PoolKind.MAXIMUM),
        (AdaptivePool,),
    ),
)
