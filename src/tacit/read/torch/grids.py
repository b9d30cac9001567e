"""Values that a model moves to a grid, as aten calls it; what training with quantisation leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from tacit.ir.ops import FakeQuantise
from tacit.read.grids import on_grid
from tacit.read.shared import Held, Layer
from tacit.read.torch.call import Call

# The ops that torch computes these by, of which not every version says what shapes they give.
_KERNELS = (
    "fake_quantize_per_tensor_affine_cachemask",
    "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
    "fake_quantize_per_channel_affine_cachemask",
)


@contextmanager
def traceable() -> Iterator[None]:
    """Within it torch can trace models with quantisation in them, which it cannot by itself."""
    known = torch._C._dispatch_has_kernel_for_dispatch_key
    missing = [each for each in _KERNELS if not known(f"aten::{each}", "Meta")]
    with torch.library._scoped_library("aten", "IMPL") as library:
        for each in missing:
            library.impl(each, _shapes, "Meta")
        yield


def _shapes(x: Tensor, *_: object) -> tuple[Tensor, Tensor]:
    """The value and the mask of what was inside, as shapes only."""
    return torch.empty_like(x), torch.empty_like(x, dtype=torch.bool)


def _per_tensor(call: Call) -> Held:
    enabled = call.maybe_number("fake_quant_enabled")
    if enabled is not None and not enabled:
        return call.x
    return on_grid(call.site, call.x, call.array("scale"), call.array("zero_point"), _ends(call))


def _per_channel(call: Call) -> Held:
    axis = call.site.axis(call.x, int(call.number("axis")))
    scale = call.array("scale")
    if axis and scale.size > 1:
        raise call.site.refusal(
            f"it has a grid for each entry of axis {axis + 1}",
            hint="give activations one grid, or one for each channel (axis 1)",
        )
    return on_grid(call.site, call.x, scale, call.array("zero_point"), _ends(call))


def _ends(call: Call) -> tuple[int, int]:
    return int(call.number("quant_min")), int(call.number("quant_max"))


LAYERS: tuple[Layer[Call], ...] = (
    Layer("fake quantisation", ("fake_quantize_per_tensor_affine",), _per_tensor, (FakeQuantise,)),
    Layer(
        "fake quantisation", ("fake_quantize_per_channel_affine",), _per_channel, (FakeQuantise,)
    ),
    Layer(
        "fake quantisation",
        (
            "fake_quantize_per_tensor_affine_cachemask",
            "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
        ),
        lambda call: (_per_tensor(call),),
        (FakeQuantise,),
    ),
    Layer(
        "fake quantisation",
        ("fake_quantize_per_channel_affine_cachemask",),
        lambda call: (_per_channel(call),),
        (FakeQuantise,),
    ),
)
