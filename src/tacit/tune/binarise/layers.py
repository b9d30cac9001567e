"""Layers that multiply quantised inputs by quantised weights, and learn the weights behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacit.errors import ReadError, TypeMismatch
from tacit.tune.binarise.functions import checked
from tacit.tune.binarise.quantiser import Quantiser


class QuantLayer(nn.Module):
    """What quantised layers share; abstract.

    `weight` holds the latent weights: they learn, and are quantised on the way to every product.
    `clip_latent` keeps them within `clip` of zero, for None anywhere. Without a quantiser inputs,
    or weights, are multiplied as they are.
    """

    def __init__(
        self,
        layer: nn.Linear | nn.Conv1d | nn.Conv2d,
        *,
        input_quantiser: Quantiser | None,
        kernel_quantiser: Quantiser | None,
        clip: float | None,
    ) -> None:
        super().__init__()
        if input_quantiser is not None and input_quantiser.reads_all:
            raise TypeMismatch(
                f"inputs cannot be quantised by {input_quantiser}, which looks at the whole batch",
                hint="give it as kernel_quantiser, or a quantiser with a fixed threshold",
            )
        self.weight = nn.Parameter(layer.weight.detach().clone())
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.input_quantiser, self.kernel_quantiser = input_quantiser, kernel_quantiser
        self.clip = clip if clip is None else checked("clip", clip)
        with torch.no_grad():
            # A step that is learned begins with what is given here.
            self.kernel()

    def kernel(self) -> Tensor:
        """The weights that are multiplied."""
        return _quantised(self.kernel_quantiser, self.weight)

    def read(self, x: Tensor) -> Tensor:
        """The inputs that are multiplied."""
        return _quantised(self.input_quantiser, x)


@final
class QuantLinear(QuantLayer):
    """A linear layer of which inputs and weights may be quantised, made of a plain one."""

    def __init__(
        self,
        layer: nn.Linear,
        *,
        input_quantiser: Quantiser | None = None,
        kernel_quantiser: Quantiser | None = None,
        clip: float | None = 1.0,
    ) -> None:
        super().__init__(
            layer, input_quantiser=input_quantiser, kernel_quantiser=kernel_quantiser, clip=clip
        )

    def forward(self, x: Tensor) -> Tensor:
        """W x + b."""
        return functional.linear(self.read(x), self.kernel(), self.bias)


class QuantConvolution(QuantLayer):
    """What quantised convolutions share; abstract.

    The border is put on after inputs were quantised. A `pad_value` that they can have themselves,
    such as 1 among signs, leaves them at one bit each; a zero among signs is a third value.
    """

    def __init__(
        self,
        layer: nn.Conv1d | nn.Conv2d,
        *,
        input_quantiser: Quantiser | None = None,
        kernel_quantiser: Quantiser | None = None,
        pad_value: float = 0.0,
        clip: float | None = 1.0,
    ) -> None:
        super().__init__(
            layer, input_quantiser=input_quantiser, kernel_quantiser=kernel_quantiser, clip=clip
        )
        if layer.padding_mode != "zeros":
            raise ReadError(f"it pads with {layer.padding_mode}", hint="pad with one value")
        if not math.isfinite(pad_value):
            raise TypeMismatch(f"a border of {pad_value}", hint="pad with a finite value")
        self.stride, self.dilation, self.groups = layer.stride, layer.dilation, layer.groups
        self.border, self.pad_value = tuple(layer._reversed_padding_repeated_twice), pad_value
        self.padding = (0,) * len(layer.kernel_size)
        if pad_value == 0.0 and not isinstance(layer.padding, str):
            # Such borders torch's convolutions put on themselves.
            self.border, self.padding = (), layer.padding

    def bordered(self, x: Tensor) -> Tensor:
        """The inputs that are multiplied, with their border."""
        inputs = self.read(x)
        if not any(self.border):
            return inputs
        return functional.pad(inputs, self.border, value=self.pad_value)

    def extra_repr(self) -> str:
        """The shape and the border, for printing."""
        return f"{tuple(self.weight.shape)}, stride={self.stride}, pad_value={self.pad_value:g}"


@final
class QuantConv1d(QuantConvolution):
    """A convolution over one axis, quantised, made of a plain one."""

    def forward(self, x: Tensor) -> Tensor:
        """Each position's window times the weights, and the bias."""
        kernel, around = self.kernel(), (self.padding, self.dilation, self.groups)
        return functional.conv1d(self.bordered(x), kernel, self.bias, self.stride, *around)


@final
class QuantConv2d(QuantConvolution):
    """A convolution over two axes, quantised, made of a plain one."""

    def forward(self, x: Tensor) -> Tensor:
        """Each position's window times the weights, and the bias."""
        kernel, around = self.kernel(), (self.padding, self.dilation, self.groups)
        return functional.conv2d(self.bordered(x), kernel, self.bias, self.stride, *around)


@torch.no_grad()
def clip_latent(model: nn.Module) -> None:
    """Move every latent weight to within its layer's `clip` of zero, in place: after each step.

    Weights that no quantiser stands before are left alone.
    """
    for each in quant_layers(model).values():
        if each.clip is not None and each.kernel_quantiser is not None:
            each.weight.clamp_(-each.clip, each.clip)


def clip_after_steps(optimiser: torch.optim.Optimizer, model: nn.Module) -> None:
    """Have the optimiser clip the model's latent weights after each of its steps from now on."""
    optimiser.register_step_post_hook(lambda *_: clip_latent(model))


def quant_layers(model: nn.Module) -> Mapping[str, QuantLayer]:
    """Every quantised layer of a model by its path."""
    named = model.named_modules()
    return MappingProxyType({path: each for path, each in named if isinstance(each, QuantLayer)})


def bit_weights(model: nn.Module) -> Mapping[str, nn.Parameter]:
    """The latent weights of every layer whose weights are one bit each, by the layers' paths."""
    return MappingProxyType(
        {
            path: each.weight
            for path, each in quant_layers(model).items()
            if each.kernel_quantiser is not None and each.kernel_quantiser.bits == 1
        }
    )


def _quantised(quantiser: Quantiser | None, x: Tensor) -> Tensor:
    if quantiser is None:
        return x
    quantised: Tensor = quantiser(x)
    return quantised
