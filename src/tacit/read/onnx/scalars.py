"""Arithmetic, scalar functions, reductions and layers that do nothing, as ONNX has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce

import numpy as np
import onnx

from tacit.ir.functions import FUNCTIONS, from_attributes
from tacit.ir.graph import Op
from tacit.ir.ops import Add, Affine, ArgMax, Map, Mul, Reduce, ReduceKind, Softmax, Sub
from tacit.read import comparisons, layers
from tacit.read.comparisons import BECOMES
from tacit.read.onnx.call import Call
from tacit.read.onnx.grids import narrowed
from tacit.read.shared import Held, Layer, Operand

_FLOATS = frozenset(
    {
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.BFLOAT16,
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.DOUBLE,
    }
)


def _binary(call: Call, op: Op) -> Held:
    return layers.binary(call.site, op, call.operand(0), call.operand(1))


def _pair(call: Call, compose: Callable[..., Held]) -> Held:
    return compose(call.site, call.operand(0), call.operand(1))


def _several(call: Call, compose: Callable[..., Held]) -> Held:
    """The composition over any number of inputs, from the first on."""
    operands = [call.operand(index) for index in range(len(call.inputs))]
    # A value of the graph goes first, so that every step has one.
    operands.sort(key=lambda each: not isinstance(each, Held))

    def joined(first: Operand, second: Operand) -> Operand:
        return compose(call.site, first, second)

    result = reduce(joined, operands)
    assert isinstance(result, Held)
    return result


def _neg(call: Call) -> Held:
    return layers.multiply(call.site, call.x, np.array(-1.0))


def _compared(call: Call, *, turned: bool, equal: bool) -> Held:
    first, second = call.operand(0), call.operand(1)
    pair = (second, first) if turned else (first, second)
    return comparisons.above(call.site, *pair, equal=equal)


def _where(call: Call) -> Held:
    return comparisons.chosen(call.site, call.x, call.operand(1), call.operand(2))


def _pow(call: Call) -> Held:
    if np.size(call.array(1)) != 1:
        raise call.site.refusal("its exponent is not one number")
    return layers.power(call.site, call.x, float(call.array(1).reshape(())))


def _function(call: Call, name: str) -> Held:
    return call.site.put(Map(from_attributes(FUNCTIONS[name], dict(call.attributes))), call.x)


def _clip(call: Call) -> Held:
    grid = narrowed(call)
    if grid is not None:
        return grid
    return layers.clamp(call.site, call.x, call.maybe_number(1), call.maybe_number(2))


def _gelu(call: Call) -> Held:
    tanh = call.text("approximate", "none") == "tanh"
    return layers.apply(call.site, call.x, "gelu_tanh" if tanh else "gelu")


def _selu(call: Call) -> Held:
    if "alpha" not in call.attributes and "gamma" not in call.attributes:
        return layers.apply(call.site, call.x, "selu")
    # Both defaults as the standard writes them.
    alpha, gamma = call.number("alpha", 1.67326319217), call.number("gamma", 1.05070102214)
    return layers.elu(call.site, call.x, alpha, gamma)


def _celu(call: Call) -> Held:
    alpha = call.number("alpha", 1.0)
    return layers.elu(call.site, call.x, alpha, 1.0, 1.0 / alpha)


def _swish(call: Call) -> Held:
    alpha = call.number("alpha", 1.0)
    inner = layers.scaled(call.site, call.x, alpha)
    return layers.scaled(call.site, layers.apply(call.site, inner, "silu"), 1.0 / alpha, "rescaled")


def _hard_sigmoid(call: Call) -> Held:
    alpha, beta = call.number("alpha", 0.2), call.number("beta", 0.5)
    if np.isclose(alpha, 1.0 / 6.0, rtol=1e-6) and beta == 0.5:
        return layers.apply(call.site, call.x, "hard_sigmoid")
    # clip(alpha · x + beta, 0, 1)
    line = call.site.step(
        "line",
        Add(),
        layers.scaled(call.site, call.x, alpha),
        call.site.constant(beta, "offset"),
    )
    return layers.apply(call.site, line, "hardtanh", 0.0, 1.0)


def _prelu(call: Call) -> Held:
    slope = call.array(1)
    slope = slope[0] if slope.ndim == call.rank and len(slope) == 1 else slope
    inner = int(np.prod(slope.shape[1:], dtype=np.int64)) if slope.ndim == call.rank - 1 else None
    if slope.size != 1 and inner != 1:
        raise call.site.refusal(
            f"its slope has shape {slope.shape}", hint="one slope, or one per channel, is read"
        )
    return layers.prelu(call.site, call.x, slope)


def _reduce(call: Call, kind: ReduceKind) -> Held:
    axes = call.axes(1)
    if not axes:
        if call.integer("noop_with_empty_axes", 0):
            return call.x
        axes = tuple(range(call.rank))
    keep = bool(call.integer("keepdims", 1))
    return layers.reduce(call.site, kind, call.x, axes, keep=keep)


def _softmax(call: Call, *, logarithm: bool) -> Held:
    # Before opset 13 the axes from `axis` on counted as one, and the default was 1.
    flat = call.opset < 13
    axis = call.integer("axis", 1 if flat else -1)
    if flat and axis % call.rank != call.rank - 1:
        raise call.site.refusal(
            f"in opset {call.opset} it runs over several axes", hint="export to opset 13 or later"
        )
    return layers.softmax(call.site, call.x, axis, logarithm=logarithm)


def _argmax(call: Call) -> Held:
    if call.integer("select_last_index", 0):
        raise call.site.refusal("it takes the last of equal entries, not the first")
    keep = bool(call.integer("keepdims", 1))
    return layers.argmax(call.site, call.x, call.integer("axis", 0), keep=keep)


def _cast(call: Call) -> Held:
    is_whole = isinstance(call.site.builder.op(call.x.name), ArgMax)
    if call.integer("to", onnx.TensorProto.FLOAT) not in _FLOATS and not is_whole:
        raise call.site.refusal("it rounds", hint="leave rounding to the client")
    return call.x


def _dropout(call: Call) -> Held:
    if call.maybe_number(2):
        raise call.site.refusal("it is in training mode", hint="export the model after eval()")
    return call.x


def _nothing(call: Call) -> Held:
    return call.x


_KINK: tuple[type[Op], ...] = (Sub, Map, Add)
_SPECIAL: dict[str, Callable[[Call], Held]] = {
    "gelu": _gelu,
    "selu": _selu,
    "silu": _swish,
}

_COMPARISONS = (
    ("Greater", False, False),
    ("GreaterOrEqual", False, True),
    ("Less", True, False),
    ("LessOrEqual", True, True),
)

LAYERS: tuple[Layer[Call], ...] = (
    Layer("add", ("Add", "Sum"), partial(_several, compose=layers.add), (Add,)),
    Layer("subtract", ("Sub",), partial(_binary, op=Sub()), (Sub,)),
    Layer("multiply", ("Mul",), partial(_pair, compose=layers.multiply), (Mul, Map)),
    Layer("divide by a constant", ("Div",), partial(_pair, compose=layers.divide), (Mul,)),
    Layer("negate", ("Neg",), _neg, (Mul,)),
    Layer("power", ("Pow",), _pow, (Map, Mul)),
    Layer("maximum", ("Max",), partial(_several, compose=layers.maximum), _KINK),
    Layer("minimum", ("Min",), partial(_several, compose=layers.minimum), _KINK),
    Layer("where, by a constant mask or of constants", ("Where",), _where, (Mul, Add)),
    *(
        Layer("comparison", (name,), partial(_compared, turned=turned, equal=equal), BECOMES)
        for name, turned, equal in _COMPARISONS
    ),
    Layer("prelu", ("PRelu",), _prelu, (Map, Affine, Add)),
    Layer("celu", ("Celu",), _celu, (Mul, Map)),
    Layer("hard_sigmoid", ("HardSigmoid",), _hard_sigmoid, (Map, Mul, Add)),
    *(
        Layer(name, family.onnx, _SPECIAL.get(name, partial(_function, name=name)), (Map,))
        for name, family in FUNCTIONS.items()
        if family.onnx and name != "hardtanh"
    ),
    Layer("clamp", ("Clip",), _clip, (Map, Add, Sub)),
    Layer("mean", ("ReduceMean",), partial(_reduce, kind=ReduceKind.MEAN), (Reduce,)),
    Layer("sum", ("ReduceSum",), partial(_reduce, kind=ReduceKind.SUM), (Reduce,)),
    Layer("softmax", ("Softmax",), partial(_softmax, logarithm=False), (Softmax,)),
    Layer("log-softmax", ("LogSoftmax",), partial(_softmax, logarithm=True), (Softmax,)),
    Layer("argmax", ("ArgMax",), _argmax, (ArgMax,)),
    Layer("dropout", ("Dropout",), _dropout),
    Layer("convert", ("Cast", "CastLike"), _cast),
    Layer("copy", ("Identity",), _nothing),
)
