"""Arithmetic, scalar functions, reductions and layers that do nothing, as aten calls them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from tacit.ir.functions import FUNCTIONS, FloatArray, Function
from tacit.ir.graph import Op
from tacit.ir.ops import Add, Affine, ArgMax, Map, Mul, Reduce, ReduceKind, Slice, Softmax, Sub
from tacit.read import comparisons, layers, moves
from tacit.read.comparisons import BECOMES
from tacit.read.shared import Held, Layer, Operand
from tacit.read.torch.call import Call


def _scaled(call: Call, value: Operand, factor: float) -> Operand:
    if isinstance(value, Held):
        return layers.scaled(call.site, value, factor, "alpha")
    return value * factor


def _add(call: Call, op: Op) -> Held:
    second = _scaled(call, call.operand("other"), call.number("alpha"))
    return layers.binary(call.site, op, call.operand("self"), second)


def _reversed_sub(call: Call) -> Held:
    first = _scaled(call, call.operand("self"), call.number("alpha"))
    return layers.binary(call.site, Sub(), call.operand("other"), first)


def _div(call: Call) -> Held:
    if call.get("rounding_mode") is not None:
        raise call.site.refusal("it rounds", hint="divide without rounding_mode")
    return layers.divide(call.site, call.operand("self"), call.operand("other"))


def _pow(call: Call) -> Held:
    exponent = call.arguments["exponent"]
    if isinstance(exponent, Held) or np.ndim(exponent):
        raise call.site.refusal(
            "its exponent is not one number", hint="write exp for a power of a constant"
        )
    return layers.power(call.site, call.x, call.number("exponent"))


def _pair(call: Call, compose: Callable[..., Held]) -> Held:
    return compose(call.site, call.operand("self"), call.operand("other"))


def _compared(call: Call, *, turned: bool, equal: bool) -> Held:
    first, second = call.operand("self"), call.operand("other")
    pair = (second, first) if turned else (first, second)
    return comparisons.above(call.site, *pair, equal=equal)


def _where(call: Call) -> Held:
    """What a mask of the model's own picks: mask · a + (1 - mask) · b."""
    condition = call.operand("condition")
    if isinstance(condition, Held):
        pair = call.operand("self"), call.operand("other")
        return comparisons.chosen(call.site, condition, *pair)
    mask = call.array("condition")
    kept = _masked(call, "self", mask)
    other = _masked(call, "other", 1.0 - mask)
    if isinstance(kept, Held) and not isinstance(other, Held) and not np.any(other):
        return kept
    return layers.binary(call.site, Add(), kept, other)


def _masked(call: Call, name: str, mask: FloatArray) -> Operand:
    value = call.operand(name)
    if isinstance(value, Held):
        site = replace(call.site, name=f"{call.site.name}_{name}")
        return layers.multiply(site, value, mask)
    # Not a product: what a mask hides may be infinite.
    hidden: FloatArray = np.where(mask > 0.0, value, 0.0)
    return hidden


def _reduce(call: Call, kind: ReduceKind) -> Held:
    keep = bool(call.get("keepdim", False))
    return layers.reduce(call.site, kind, call.x, call.axes("dim"), keep=keep)


def _softmax(call: Call, *, logarithm: bool) -> Held:
    return layers.softmax(call.site, call.x, call.arguments["dim"], logarithm=logarithm)


def _argmax(call: Call) -> Held:
    if call.get("dim") is None:
        raise call.site.refusal("it has no axis", hint="write argmax(dim=1)")
    keep = bool(call.get("keepdim", False))
    return layers.argmax(call.site, call.x, call.arguments["dim"], keep=keep)


def _nothing(call: Call) -> Held:
    return call.x


def _cast(call: Call) -> Held:
    if not call.result.dtype.is_floating_point and not _is_whole(call):
        raise call.site.refusal(
            f"it rounds to {call.result.dtype}", hint="leave rounding to the client"
        )
    return call.x


def _is_whole(call: Call) -> bool:
    return isinstance(call.site.builder.op(call.x.name), ArgMax)


def _dropout(call: Call) -> Held:
    if call.get("train", False):
        raise call.site.refusal("it is in training mode", hint="call eval() before exporting")
    return call.x


def _gelu(call: Call) -> Held:
    tanh = call.get("approximate", "none") == "tanh"
    return layers.apply(call.site, call.x, "gelu_tanh" if tanh else "gelu")


def _clamp(call: Call) -> Held:
    bounds = (call.get("min"), call.get("max"))
    if any(isinstance(each, Held) or np.ndim(each) for each in bounds if each is not None):
        raise call.site.refusal("a bound is not one number", hint="use torch.maximum and minimum")
    return layers.clamp(call.site, call.x, call.maybe_number("min"), call.maybe_number("max"))


def _hardtanh(call: Call) -> Held:
    return layers.clamp(call.site, call.x, call.number("min_val"), call.number("max_val"))


def _elu(call: Call) -> Held:
    factors = call.number("scale"), call.number("input_scale")
    return layers.elu(call.site, call.x, call.number("alpha"), *factors)


def _celu(call: Call) -> Held:
    alpha = call.number("alpha")
    return layers.elu(call.site, call.x, alpha, 1.0, 1.0 / alpha)


def _prelu(call: Call) -> Held:
    return layers.prelu(call.site, call.x, call.array("weight"))


def _glu(call: Call) -> Held:
    axis = int(call.get("dim", -1))
    half = call.site.shape(call.x)[call.site.axis(call.x, axis)] // 2
    value, gate = moves.split(call.site, call.x, (half, half), axis)
    opened = call.site.step("gate", Map(Function("sigmoid")), gate)
    return layers.multiply(call.site, value, opened)


def _tanhshrink(call: Call) -> Held:
    inner = call.site.step("tanh", Map(Function("tanh")), call.x)
    return call.site.put(Sub(), call.x, inner)


def _neg(call: Call) -> Held:
    return layers.multiply(call.site, call.x, np.array(-1.0))


def _log_sigmoid_and_buffer(call: Call) -> tuple[Held, ...]:
    return (layers.apply(call.site, call.x, "log_sigmoid"),)


def _function(call: Call, name: str) -> Held:
    parameters = list(call.arguments.values())[1:]
    numbers = [float(each) for each in parameters[: len(FUNCTIONS[name].parameters)]]
    return layers.apply(call.site, call.x, name, *numbers)


# Families whose arguments in aten are not simply their parameters in order.
_SPECIAL: dict[str, Callable[[Call], Held]] = {"gelu": _gelu, "hardtanh": _hardtanh, "elu": _elu}
_KINK: tuple[type[Op], ...] = (Sub, Map, Add)
_CLAMPS = ("clamp", "clamp_min", "clamp_max")

FUNCTION_LAYERS: tuple[Layer[Call], ...] = tuple(
    Layer(
        name,
        tuple(each for each in family.torch if not each.endswith("_") and each not in _CLAMPS),
        _SPECIAL.get(name, partial(_function, name=name)),
        (Map,),
    )
    for name, family in FUNCTIONS.items()
    if family.torch
)

_COMPARISONS = (
    ("gt", False, False),
    ("ge", False, True),
    ("lt", True, False),
    ("le", True, True),
)

LAYERS: tuple[Layer[Call], ...] = (
    Layer("add", ("add",), partial(_add, op=Add()), (Add,)),
    Layer("subtract", ("sub",), partial(_add, op=Sub()), (Sub,)),
    Layer("subtract", ("rsub",), _reversed_sub, (Sub,)),
    Layer("multiply", ("mul",), partial(_pair, compose=layers.multiply), (Mul, Map)),
    Layer("divide by a constant", ("div",), _div, (Mul,)),
    Layer("negate", ("neg",), _neg, (Mul,)),
    Layer("power", ("pow",), _pow, (Map, Mul)),
    Layer("maximum", ("maximum", "max.other"), partial(_pair, compose=layers.maximum), _KINK),
    Layer("minimum", ("minimum", "min.other"), partial(_pair, compose=layers.minimum), _KINK),
    Layer("where, by a constant mask or of constants", ("where",), _where, (Mul, Add)),
    *(
        Layer("comparison", (name,), partial(_compared, turned=turned, equal=equal), BECOMES)
        for name, turned, equal in _COMPARISONS
    ),
    Layer("clamp", _CLAMPS, _clamp, (Map, Add, Sub)),
    Layer("prelu", ("prelu", "_prelu_kernel"), _prelu, (Map, Affine, Add)),
    Layer("celu", ("celu",), _celu, (Mul, Map)),
    Layer("log_sigmoid", ("log_sigmoid_forward",), _log_sigmoid_and_buffer, (Map,)),
    Layer("tanhshrink", ("tanhshrink",), _tanhshrink, (Map, Sub)),
    Layer("glu", ("glu",), _glu, (Slice, Map, Mul)),
    *FUNCTION_LAYERS,
    Layer("mean", ("mean",), partial(_reduce, kind=ReduceKind.MEAN), (Reduce,)),
    Layer("sum", ("sum",), partial(_reduce, kind=ReduceKind.SUM), (Reduce,)),
    Layer("softmax", ("softmax", "_softmax"), partial(_softmax, logarithm=False), (Softmax,)),
    Layer(
        "log-softmax",
        ("log_softmax", "_log_softmax"),
        partial(_softmax, logarithm=True),
        (Softmax,),
    ),
    Layer("argmax", ("argmax",), _argmax, (ArgMax,)),
    Layer("dropout", ("dropout", "feature_dropout", "alpha_dropout"), _dropout),
    Layer("dropout", ("feature_alpha_dropout",), _dropout),
    Layer("convert", ("to", "_to_copy", "type_as"), _cast),
    Layer("copy", ("clone", "contiguous", "detach", "alias", "lift_fresh_copy"), _nothing),
)
