"""Layers that only move entries, as aten calls them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tacit.ir.ops import Add, Concat, Pad, Permute, Reshape, Slice
from tacit.read import moves
from tacit.read.shared import Array, Held, Layer, Operand
from tacit.read.torch.call import Call, operand


def _reshape(call: Call) -> Held:
    return moves.reshape(call.site, call.x, call.shape())


def _permute(call: Call) -> Held:
    return moves.permute(call.site, call.x, call.arguments["dims"])


def _transpose(call: Call) -> Held:
    axes = list(call.arguments.values())[1:3] or [0, 1]
    return moves.swap(call.site, call.x, axes[0], axes[1])


def _cat(call: Call) -> Held:
    values = [operand(each) for each in call.arguments["tensors"]]
    return moves.concat(call.site, values, int(call.get("dim", 0)))


def _stack(call: Call) -> Held:
    site, axis = call.site, int(call.get("dim", 0))
    values = [operand(each) for each in call.arguments["tensors"]]
    first = next(each for each in values if isinstance(each, Held))
    along = axis % (len(site.shape(first)) + 2)
    wider = [_unsqueezed(call, each, along) for each in values]
    return moves.concat(site, wider, along)


def _unsqueezed(call: Call, value: Operand, axis: int) -> Operand:
    if not isinstance(value, Held):
        wider: Array = np.expand_dims(value, axis)
        return wider
    shape = call.site.shape(value)
    if axis == 0:
        raise call.site.refusal("it stacks along the batch")
    return call.site.step("wider", Reshape((*shape[: axis - 1], 1, *shape[axis - 1 :])), value)


def _slice(call: Call) -> Held:
    piece = slice(call.get("start"), call.get("end"), call.get("step", 1))
    return moves.cut(call.site, call.x, int(call.get("dim", 0)), piece)


def _narrow(call: Call) -> Held:
    axis, start = call.arguments["dim"], call.arguments["start"]
    size = call.site.shape(call.x)[call.site.axis(call.x, axis)]
    begin = start % size
    return moves.cut(call.site, call.x, axis, slice(begin, begin + call.arguments["length"]))


def _select(call: Call) -> Held:
    return moves.select(call.site, call.x, call.arguments["dim"], call.arguments["index"])


def _split(call: Call) -> tuple[Held, ...]:
    axis = int(call.get("dim", 0))
    size = call.site.shape(call.x)[call.site.axis(call.x, axis)]
    given = next(value for name, value in call.arguments.items() if name.startswith("split"))
    sizes = moves.even(size, given) if isinstance(given, int) else tuple(given)
    return moves.split(call.site, call.x, sizes, axis)


def _chunk(call: Call) -> tuple[Held, ...]:
    axis = int(call.get("dim", 0))
    size = call.site.shape(call.x)[call.site.axis(call.x, axis)]
    piece = -(-size // int(call.arguments["chunks"]))
    return moves.split(call.site, call.x, moves.even(size, piece), axis)


def _unbind(call: Call) -> tuple[Held, ...]:
    axis = int(call.get("dim", 0))
    size = call.site.shape(call.x)[call.site.axis(call.x, axis)]
    return tuple(moves.select(call.site, call.x, axis, index) for index in range(size))


def _pad(call: Call) -> Held:
    if call.get("mode", "constant") != "constant":
        raise call.site.refusal(
            f"its mode is {call.get('mode')!r}", hint="pad with a constant, such as zeros"
        )
    amounts = [int(each) for each in call.arguments["pad"]]
    pairs = list(zip(amounts[::2], amounts[1::2], strict=True))[::-1]
    missing = len(call.site.shape(call.x)) - len(pairs)
    if missing < 0 and any(pairs[0]):
        raise call.site.refusal("it pads the batch")
    widths = ((0, 0),) * missing + tuple(pairs[max(0, -missing) :])
    return moves.pad(call.site, call.x, widths, call.number("value", 0.0))


def _expand(call: Call) -> Held:
    return moves.expand(call.site, call.x, call.shape())


def _shuffle(call: Call, compose: Callable[..., Held]) -> Held:
    _, factor = call.arguments.values()
    return compose(call.site, call.x, factor)


LAYERS: tuple[Layer[Call], ...] = (
    Layer("flatten", ("flatten",), _reshape, (Reshape,)),
    Layer(
        "reshape",
        ("view", "reshape", "_unsafe_view", "unflatten", "view_copy"),
        _reshape,
        (Reshape,),
    ),
    Layer("squeeze, unsqueeze", ("squeeze", "unsqueeze"), _reshape, (Reshape,)),
    Layer("permute", ("permute",), _permute, (Permute,)),
    Layer("transpose", ("transpose", "swapaxes", "swapdims", "t"), _transpose, (Permute,)),
    Layer("concatenate", ("cat", "concat", "concatenate"), _cat, (Concat,)),
    Layer("stack", ("stack",), _stack, (Reshape, Concat)),
    Layer("slice", ("slice",), _slice, (Slice,)),
    Layer("slice", ("narrow",), _narrow, (Slice,)),
    Layer("select", ("select",), _select, (Slice, Reshape)),
    Layer("select", ("unbind",), _unbind, (Slice, Reshape)),
    Layer("split", ("split", "split_with_sizes", "unsafe_split"), _split, (Slice,)),
    Layer("split", ("chunk",), _chunk, (Slice,)),
    Layer("pad", ("pad", "constant_pad_nd"), _pad, (Pad,)),
    Layer(
        "pixel shuffle",
        ("pixel_shuffle",),
        partial(_shuffle, compose=moves.pixel_shuffle),
        (Reshape, Permute),
    ),
    Layer(
        "pixel unshuffle",
        ("pixel_unshuffle",),
        partial(_shuffle, compose=moves.pixel_unshuffle),
        (Reshape, Permute),
    ),
    Layer(
        "channel shuffle",
        ("channel_shuffle",),
        partial(_shuffle, compose=moves.channel_shuffle),
        (Reshape, Permute),
    ),
    Layer("expand", ("expand",), _expand, (Add,)),
)
