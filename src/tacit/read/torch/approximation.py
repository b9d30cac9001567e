"""What stands for a function in a trained model: an op of torch that carries all of it.

A tuned layer calls `approximation` while it is exported, so that a program tells which function
its polynomials are meant for. Files with the op load wherever this module was imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from tacit.errors import TypeMismatch
from tacit.ir.functions import Function
from tacit.ir.ops import Approximated
from tacit.read.shared import Held, Layer
from tacit.read.torch.call import Call, doubles


@torch.library.custom_op("tacit::approximation", mutates_args=())
def approximation(  # noqa: PLR0913, PLR0917 (torch's ops take plain values only)
    x: Tensor,
    centre: Tensor,
    scale: Tensor,
    coefficients: Sequence[Tensor],
    widths: Sequence[float],
    is_odd: Sequence[bool],
    function: str,  # noqa: ARG001 (it is for whoever reads the program)
    parameters: Sequence[float],  # noqa: ARG001 (the same)
    form: Sequence[float],
    is_scaled: bool,  # noqa: FBT001 (an argument of torch's is named where it is called)
) -> Tensor:
    """The function of that name and parameters, approximated by Chebyshev series.

    The first stage reads t = (x - centre) / scale, each one what the one before it gives, divided
    by its width; `coefficients` are those of T_k, k odd only where `is_odd`. `form` holds constant,
    step, slope and bend: with s the last stage's value, what comes out is constant + step s +
    slope x + bend x s, times the scale where it `is_scaled`.
    """
    wide = x.to(coefficients[0].dtype)
    s = (wide - centre) * (1.0 / scale)
    for each, width, odd in zip(coefficients, widths, is_odd, strict=True):
        s = _series(s / width, each, is_odd=odd)
    constant, step, slope, bend = form
    value = constant + step * s + wide * (slope + bend * s)
    return (value * scale if is_scaled else value).to(x.dtype)


@approximation.register_fake
def _(x: Tensor, *_: object) -> Tensor:
    return torch.empty_like(x)


def _series(t: Tensor, coefficients: Tensor, *, is_odd: bool) -> Tensor:
    """The sum of coefficients[k] T_k(t), or T_(2k+1)(t), by Clenshaw's recurrence."""
    double = 4.0 * t * t - 2.0 if is_odd else 2.0 * t
    now, after = torch.zeros_like(t), torch.zeros_like(t)
    for each in reversed(coefficients.unbind()):
        now, after = each + (double * now - after), now
    # What comes before T_0 is T_1, and before T_1, of the odd ones, T_-1 = T_1.
    return t * (now - after) if is_odd else now - t * after


def _read(call: Call) -> Held:
    """The call as a node that keeps the function and its polynomials, named after the function."""
    scale, centre = call.number("scale"), call.number("centre")
    if not scale > 0.0:
        raise call.site.refusal(
            "its scale was never frozen",
            hint="observe(model, batches) and freeze(model) before exporting",
        )
    factor = scale if call.get("is_scaled") else 1.0
    constant, step, slope, bend = (factor * float(each) for each in call.arguments["form"])
    stages = list(_stages(call))
    first, *others = (float(each) for each in call.arguments["widths"])
    intervals = (
        (centre - scale * first, centre + scale * first),
        *((-width, width) for width in others),
    )
    if len(stages) == 1 and not (slope or bend):
        # A polynomial is its coefficients, and nothing is left to be said of it.
        stages[0] = step * stages[0]
        stages[0][0] += constant
        constant, step = 0.0, 1.0
    chained = tuple(tuple(each.tolist()) for each in stages)
    try:
        function = Function(call.arguments["function"], tuple(call.arguments["parameters"]))
        op = Approximated(function, chained, intervals, constant, step, slope, bend)
    except TypeMismatch as wrong:
        raise call.site.refusal(wrong.message, hint=wrong.hint) from wrong
    return replace(call.site, name=function.name).put(op, call.x)


def _stages(call: Call) -> Iterator[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """The coefficients of every T_k, stage by stage."""
    for each, odd in zip(call.arguments["coefficients"], call.arguments["is_odd"], strict=True):
        if isinstance(each, Held):
            raise call.site.refusal("a coefficient depends on the input")
        given = doubles(each)
        full = np.zeros(2 * given.size if odd else given.size)
        full[odd :: 1 + odd] = given
        yield full


LAYERS: tuple[Layer[Call], ...] = (
    Layer("tuned approximation", ("tacit::approximation",), _read, (Approximated,)),
)
