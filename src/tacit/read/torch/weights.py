"""Layers with weights, and poolings, as aten calls them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tacit.ir.ops import AdaptivePool, Affine, Conv, Linear, MatMul, Mul, Pads, Pool, PoolKind
from tacit.read import layers
from tacit.read.shared import Held, Layer
from tacit.read.torch.call import Call, Handler, operand


def _linear(call: Call) -> Held:
    return layers.linear(call.site, call.x, call.array("weight"), call.maybe_array("bias"))


def _addmm(call: Call) -> Held:
    factors = call.number("alpha"), call.number("beta")
    matrices = call.operand("mat1"), call.operand("mat2")
    return layers.gemm(call.site, matrices, call.operand("self"), factors)


def _product(call: Call) -> Held:
    first, second = (operand(each) for each in list(call.arguments.values())[:2])
    return layers.product(call.site, first, second)


def _conv(call: Call) -> Held:
    weight, bias = call.array("weight"), call.maybe_array("bias")
    rank = weight.ndim - 2
    if call.get("transposed"):
        raise call.site.refusal(
            "it is transposed",
            hint="use a linear layer, or a convolution with more channels and a reshape",
        )
    if rank > 2:
        raise call.site.refusal(
            f"it runs over {rank} axes", hint="convolutions over one and two axes are read"
        )
    stride, dilation = call.each("stride", rank), call.each("dilation", rank)
    padding = _conv_padding(call, weight.shape[2:], dilation)
    bias = np.zeros(len(weight)) if bias is None else bias
    op = Conv(weight, bias, stride, padding, dilation, int(call.get("groups", 1)))
    return call.site.put(op, call.x)


def _conv_padding(call: Call, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> Pads:
    match call.get("padding"):
        case "valid":
            return ((0, 0),) * len(kernel)
        case "same":
            reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
            # torch allows "same" for stride 1 only, where the input's size does not matter.
            return layers.same_padding(reach, reach, (1,) * len(kernel), upper=True)
        case _:
            return tuple((each, each) for each in call.each("padding", len(kernel), 0))


def _batch_norm(call: Call) -> Held:
    mean, variance = call.maybe_array("running_mean"), call.maybe_array("running_var")
    if mean is None or variance is None or call.get("training", False):
        raise call.site.refusal(
            "it uses the statistics of the batch, not its own",
            hint="build it with track_running_stats=True, and call eval() before exporting",
        )
    weight, bias = call.maybe_array("weight"), call.maybe_array("bias")
    weight = np.ones(len(mean)) if weight is None else weight
    bias = np.zeros(len(mean)) if bias is None else bias
    return call.site.put(layers.affine((mean, variance), weight, bias, call.number("eps")), call.x)


def _first_of_several(handler: Callable[[Call], Held]) -> Handler:
    """The handler for an op that also gives statistics or positions, which are not read."""
    return lambda call: (handler(call),)


def _pool(call: Call, kind: PoolKind) -> Held:
    rank = len(call.site.shape(call.x)) - 1
    kernel = call.each("kernel_size", rank)
    stride = kernel if call.get("stride") in (None, []) else call.each("stride", rank)
    op = Pool(
        kind,
        kernel,
        stride,
        tuple((each, each) for each in call.each("padding", rank, 0)),
        call.each("dilation", rank),
        ceil=bool(call.get("ceil_mode", False)),
        count_padding=bool(call.get("count_include_pad", True)),
    )
    return layers.pool(call.site, op, call.x, call.get("divisor_override"))


def _adaptive_pool(call: Call, kind: PoolKind) -> Held:
    to = call.each("output_size", len(call.site.shape(call.x)) - 1)
    return call.site.put(AdaptivePool(kind, to), call.x)


_average_pool = partial(_pool, kind=PoolKind.AVERAGE)
_max_pool = partial(_pool, kind=PoolKind.MAXIMUM)
_adaptive_average = partial(_adaptive_pool, kind=PoolKind.AVERAGE)
_adaptive_max = partial(_adaptive_pool, kind=PoolKind.MAXIMUM)

LAYERS: tuple[Layer[Call], ...] = (
    Layer("linear", ("linear",), _linear, (Linear,)),
    Layer("linear", ("addmm",), _addmm, (Linear, MatMul)),
    Layer("matrix product", ("matmul", "mm", "bmm", "mv", "dot"), _product, (Linear, MatMul)),
    Layer("convolution", ("conv1d", "conv2d", "convolution"), _conv, (Conv,)),
    Layer("batch norm", ("batch_norm",), _batch_norm, (Affine,)),
    Layer(
        "batch norm",
        (
            "_native_batch_norm_legit_no_training",
            "_native_batch_norm_legit_functional",
            "_native_batch_norm_legit",
        ),
        _first_of_several(_batch_norm),
        (Affine,),
    ),
    Layer("average pooling", ("avg_pool1d", "avg_pool2d"), _average_pool, (Pool, Mul)),
    Layer("max-pooling", ("max_pool1d", "max_pool2d"), _max_pool, (Pool,)),
    Layer(
        "max-pooling",
        ("max_pool1d_with_indices", "max_pool2d_with_indices"),
        _first_of_several(_max_pool),
        (Pool,),
    ),
    Layer(
        "adaptive average pooling",
        ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d"),
        _adaptive_average,
        (AdaptivePool,),
    ),
    Layer(
        "adaptive max-pooling",
        ("adaptive_max_pool1d", "adaptive_max_pool2d"),
        _first_of_several(_adaptive_max),
        (AdaptivePool,),
    ),
)
