"""Values that a model moves to a grid, as ONNX has them: in two steps, or as Brevitas' Quant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import onnx

from tacit.ir.functions import FloatArray
from tacit.ir.graph import Shape
from tacit.ir.ops import FakeQuantise
from tacit.read.grids import grid_of, on_grid
from tacit.read.onnx.call import Call
from tacit.read.shared import Array, Held, Layer

# Where Quant is defined, as Brevitas and others call it; see github.com/fastmachinelearning/qonnx.
QONNX = ("onnx.brevitas", "qonnx.custom_op.general")
# Nodes that are read here even where all is constant: the reference does not know all versions.
CONSTANT_TOO = frozenset({"Quant", "QuantizeLinear", "DequantizeLinear"})

# The integers of the types that QuantizeLinear gives.
_WIDTHS = (4, 8, 16)
_UNSIGNED = {getattr(onnx.TensorProto, f"UINT{n}"): (0, 2**n - 1) for n in _WIDTHS}
_SIGNED = {getattr(onnx.TensorProto, f"INT{n}"): (-(2**n) // 2, 2**n // 2 - 1) for n in _WIDTHS}
_ENDS: Mapping[int, tuple[int, int]] = MappingProxyType(_UNSIGNED | _SIGNED)

_ROUNDINGS: Mapping[str, Callable[[FloatArray], FloatArray]] = MappingProxyType(
    {
        "ROUND": np.rint,
        "HALF_EVEN": np.rint,
        "CEIL": np.ceil,
        "FLOOR": np.floor,
        "ROUND_TO_ZERO": np.trunc,
        "DOWN": np.trunc,
        "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
        "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
        "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - 0.5),
    }
)


def _quantise(call: Call) -> Held | Array:
    """The first of two steps, which gives the grid's points already, not their integers.

    Only of constants it gives integers.
    """
    scale, zero_point = call.array(1), call.maybe_array(2)
    kind = call.integer("output_dtype", 0)
    if zero_point is not None:
        kind = int(onnx.helper.np_dtype_to_tensor_dtype(zero_point.dtype))
    ends = _ENDS.get(kind or onnx.TensorProto.UINT8)
    if ends is None:
        raise call.site.refusal(
            f"it gives {onnx.TensorProto.DataType.Name(kind)}, not integers of 4 to 16 bits"
        )
    if not isinstance(call.given(0), Held):
        x, scale, offset = _along(call)
        whole: Array = np.clip(np.rint(x / scale + offset), *ends).astype(np.int64)
        return whole
    _refuse_blocks(call, scale)
    offset = np.zeros(1) if zero_point is None else np.asarray(zero_point, dtype=np.float64)
    return on_grid(call.site, call.x, scale, offset, ends)


def _dequantise(call: Call) -> Held | Array:
    """The second step, which has nothing left to do, but for constants."""
    if not isinstance(call.given(0), Held):
        q, step, shift = _along(call)
        points: Array = (q - shift) * step
        return points
    found, scale = grid_of(call.site, call.x), call.array(1).reshape(-1)
    offset = call.maybe_array(2)
    zero_point = np.zeros(1) if offset is None else np.asarray(offset, dtype=np.float64).reshape(-1)
    if found is None:
        raise call.site.refusal("what it reads is not of QuantizeLinear")
    if not (_equal(scale, found.scale) and _equal(zero_point, found.zero_point)):
        raise call.site.refusal(
            "its scale or zero point is not that of the QuantizeLinear before it"
        )
    return call.x


def _along(call: Call) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A constant, and the scales and zero points that broadcast with it."""
    x, scale = call.array(0), call.array(1)
    offset = np.zeros(1) if call.given(2) is None else call.array(2)
    if call.integer("block_size", 0) or max(scale.ndim, offset.ndim) > 1:
        raise call.site.refusal("it has scales for blocks", hint="give each channel one scale")
    shape = [1] * x.ndim
    if scale.size > 1:
        shape[call.integer("axis", 1)] = -1
    return x, scale.reshape(shape), np.broadcast_to(offset.reshape(-1), scale.size).reshape(shape)


def narrowed(call: Call) -> Held | None:
    """What lies between the two steps where a grid is of fewer integers: bounds that are integers.

    None where the bounds are no integers, or what is bounded is not.
    """
    bounds = [call.maybe_array(1), call.maybe_array(2)]
    given = [each for each in bounds if each is not None]
    node = call.site.builder.node(call.x.name)
    is_whole = all(np.issubdtype(each.dtype, np.integer) for each in given)
    if not given or not is_whole or not isinstance(node.op, FakeQuantise):
        return None
    low, high = node.op.low, node.op.high
    least, most = (None if each is None else int(each.reshape(())) for each in bounds)
    ends = low if least is None else max(low, least), high if most is None else min(high, most)
    return on_grid(call.site, Held(node.args[0]), node.op.scale, node.op.zero_point, ends)


def _equal(first: FloatArray, second: FloatArray) -> bool:
    return bool(np.all(first == second.reshape(-1)))


def _refuse_blocks(call: Call, scale: FloatArray) -> None:
    if scale.size == 1:
        return
    axis = call.integer("axis", 1)
    if call.integer("block_size", 0) or scale.ndim > 1 or axis % call.rank != 1:
        raise call.site.refusal(
            f"it has scales of shape {scale.shape} along axis {axis}",
            hint="give activations one grid, or one for each channel (axis 1)",
        )


def _quant(call: Call) -> Held | Array:
    """Brevitas' node: of weights the points themselves, as a constant of the model."""
    scale, zero_point = call.array(1), call.array(2)
    rounding = call.text("rounding_mode", "ROUND").upper()
    if rounding not in _ROUNDINGS:
        raise call.site.refusal(f"it rounds by {rounding}")
    low, high = _ends(call)
    given = call.given(0)
    if not isinstance(given, Held):
        x = call.array(0)
        q = np.clip(_ROUNDINGS[rounding](x / scale + zero_point), low, high)
        return np.asarray((q - zero_point) * scale)
    if _ROUNDINGS[rounding] is not np.rint:
        raise call.site.refusal(f"it rounds activations by {rounding}", hint="round to the nearest")
    if scale.size > 1 and _channels(scale.shape, call.rank) is None:
        raise call.site.refusal(
            f"it has scales of shape {scale.shape}",
            hint="give activations one grid, or one for each channel (axis 1)",
        )
    return on_grid(call.site, given, scale, zero_point, (low, high))


def _channels(shape: Shape, rank: int) -> int | None:
    """How many channels have a scale each, where the shape says that: (1, channels, 1, …)."""
    full = (1,) * (rank - len(shape)) + shape
    return full[1] if all(n == 1 for axis, n in enumerate(full) if axis != 1) else None


def _ends(call: Call) -> tuple[int, int]:
    """The least and the largest integer of so many bits; a narrow grid lacks one of them."""
    bits, is_narrow = call.array(3), call.integer("narrow", 0)
    if bits.size != 1 or not 1 <= float(bits.reshape(())) <= 16:
        raise call.site.refusal(f"it has {bits.tolist()} bits, not 1 to 16")
    count = float(bits.reshape(()))
    if call.integer("signed", 1):
        half = 2.0 ** (count - 1.0)
        return int(-half) + is_narrow, int(half) - 1
    return 0, int(2.0**count) - 1 - is_narrow


LAYERS: tuple[Layer[Call], ...] = (
    Layer("fake quantisation", ("QuantizeLinear",), _quantise, (FakeQuantise,)),
    Layer("fake quantisation", ("DequantizeLinear",), _dequantise),
    Layer("fake quantisation", ("Quant",), _quant, (FakeQuantise,)),
)
