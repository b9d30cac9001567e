"""Layers that only move entries, and arithmetic on shapes, as ONNX has them."""

from __future__ import annotations

import math

import numpy as np

from tacit.ir.graph import Shape
from tacit.ir.ops import Add, Concat, Pad, Permute, Reshape, Slice
from tacit.read import moves
from tacit.read.onnx.call import PROBE, Call
from tacit.read.shared import Array, Held, Layer


def _shape(call: Call) -> Array:
    """The shape itself, the batch standing for itself."""
    full = np.array((call.batch, *call.site.shape(call.x)), dtype=np.int64)
    return full[call.attributes.get("start") : call.attributes.get("end")]


def _reshape(call: Call) -> Held:
    wanted = call.integers(1, "shape") or ()
    given = (call.batch, *call.site.shape(call.x))
    if not call.integer("allowzero", 0):
        wanted = tuple(given[i] if n == 0 and i < len(given) else n for i, n in enumerate(wanted))
    known = math.prod(n for n in wanted if n != -1)
    if known and -1 in wanted:
        wanted = tuple(math.prod(given) // known if n == -1 else n for n in wanted)
    return _reshaped(call, wanted)


def _reshaped(call: Call, wanted: Shape) -> Held:
    # A model of fixed batch may say the batch, a model of free batch has it as the probe.
    if not wanted or wanted[0] != call.batch or any(n % PROBE == 0 for n in wanted[1:]):
        text = ", ".join("batch" if n == PROBE else str(n) for n in wanted)
        raise call.site.refusal(
            f"the first axis of its result ({text}) is not the batch",
            hint="the batch must stay the first axis",
        )
    return moves.reshape(call.site, call.x, wanted[1:])


def _flatten(call: Call) -> Held:
    axis = call.integer("axis", 1)
    if axis % call.rank != 1:
        raise call.site.refusal(
            f"it flattens at axis {axis}", hint="flatten at axis 1, behind the batch"
        )
    return moves.reshape(call.site, call.x, (math.prod(call.site.shape(call.x)),))


def _squeeze(call: Call) -> Held:
    given = call.site.shape(call.x)
    axes = call.axes(1)
    if axes is None:
        gone = {i for i, n in enumerate(given) if n == 1}
    else:
        gone = {call.site.axis(call.x, axis) for axis in axes}
    return moves.reshape(call.site, call.x, tuple(n for i, n in enumerate(given) if i not in gone))


def _unsqueeze(call: Call) -> Held:
    axes = call.axes(1) or ()
    rank = call.rank + len(axes)
    new = {axis % rank for axis in axes}
    rest = iter((call.batch, *call.site.shape(call.x)))
    return _reshaped(call, tuple(1 if axis in new else next(rest) for axis in range(rank)))


def _transpose(call: Call) -> Held:
    order = call.attributes.get("perm") or range(call.rank)[::-1]
    return moves.permute(call.site, call.x, list(order))


def _concat(call: Call) -> Held:
    values = [call.operand(index) for index in range(len(call.inputs))]
    return moves.concat(call.site, values, call.integer("axis", 0))


def _slice(call: Call) -> Held:
    starts, ends = call.integers(1, "starts") or (), call.integers(2, "ends") or ()
    axes = call.axes(3) or tuple(range(len(starts)))
    steps = call.integers(4, "steps") or (1,) * len(starts)
    x = call.x
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step < 1:
            raise call.site.refusal(f"its step is {step}", hint="steps of 1 and more are read")
        x = moves.cut(call.site, x, axis, slice(start, end, step))
    return x


def _gather(call: Call) -> Held:
    indices = call.maybe_array(1)
    axis = call.integer("axis", 0)
    if indices is None or indices.ndim > 1:
        raise call.site.refusal("its positions are not one constant or a list of them")
    if indices.ndim == 0:
        return moves.select(call.site, call.x, axis, int(indices))
    size = call.site.shape(call.x)[call.site.axis(call.x, axis)]
    wanted = [int(each) % size for each in indices]
    steps = set(np.diff(wanted).tolist()) or {1}
    step = steps.pop()
    if steps or step < 1:
        pieces = [moves.cut(call.site, call.x, axis, slice(i, i + 1)) for i in wanted]
        return moves.concat(call.site, pieces, axis)
    return moves.cut(call.site, call.x, axis, slice(wanted[0], wanted[-1] + 1, step))


def _split(call: Call) -> tuple[Held, ...]:
    axis = call.integer("axis", 0)
    size = call.site.shape(call.x)[call.site.axis(call.x, axis)]
    count = call.integer("num_outputs", call.results)
    sizes = call.integers(1, "split") or moves.even(size, -(-size // count))
    return moves.split(call.site, call.x, sizes, axis)


def _pad(call: Call) -> Held:
    mode = call.text("mode", "constant")
    if mode != "constant":
        raise call.site.refusal(f"its mode is {mode}", hint="pad with a constant, such as zeros")
    pads = call.integers(1, "pads") or ()
    half = len(pads) // 2
    axes = call.axes(3) or tuple(range(half))
    widths = [(0, 0)] * call.rank
    for axis, before, after in zip(axes, pads[:half], pads[half:], strict=True):
        widths[axis] = (before, after)
    if any(widths[0]):
        raise call.site.refusal("it pads the batch")
    return moves.pad(call.site, call.x, tuple(widths[1:]), call.maybe_number(2) or 0.0)


def _expand(call: Call) -> Held:
    wanted = call.integers(1, "shape") or ()
    given = call.site.shape(call.x)
    if len(wanted) > call.rank:
        raise call.site.refusal("it adds an axis before the batch")
    ahead = (1,) * (call.rank - len(wanted)) + wanted
    if ahead[0] not in (1, call.batch):
        raise call.site.refusal("it repeats the batch")
    full = tuple(max(n, m) for n, m in zip(given, ahead[1:], strict=True))
    return moves.expand(call.site, call.x, full)


def _depth_to_space(call: Call) -> Held:
    factor = call.integer("blocksize", 1)
    if call.text("mode", "DCR") == "CRD":
        return moves.pixel_shuffle(call.site, call.x, factor)
    channels, height, width = call.site.shape(call.x)
    few = channels // factor**2
    parts, to = (factor, factor, few, height, width), (few, height * factor, width * factor)
    return moves.rearrange(call.site, call.x, parts, (2, 3, 0, 4, 1), to)


LAYERS: tuple[Layer[Call], ...] = (
    Layer("flatten", ("Flatten",), _flatten, (Reshape,)),
    Layer("reshape", ("Reshape",), _reshape, (Reshape,)),
    Layer("squeeze, unsqueeze", ("Squeeze",), _squeeze, (Reshape,)),
    Layer("squeeze, unsqueeze", ("Unsqueeze",), _unsqueeze, (Reshape,)),
    Layer("permute", ("Transpose",), _transpose, (Permute,)),
    Layer("concatenate", ("Concat",), _concat, (Concat,)),
    Layer("slice", ("Slice",), _slice, (Slice,)),
    Layer("select", ("Gather",), _gather, (Slice, Reshape, Concat)),
    Layer("split", ("Split",), _split, (Slice,)),
    Layer("pad", ("Pad",), _pad, (Pad,)),
    Layer("pixel shuffle", ("DepthToSpace",), _depth_to_space, (Reshape, Permute)),
    Layer("expand", ("Expand",), _expand, (Add,)),
    Layer("arithmetic on shapes", ("Shape",), _shape),
)
