"""Networks of random weights in the field's words, and the same in torch's floats."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tacit.arithmetics.field.ops import Convolution, Dense, Encode, Rescale
from tacit.ir import ops
from tacit.ir.graph import Graph, Node, carried_out
from tacit.ir.rewrite import Builder

SEED = 20261127
ONE = (1, 1)
# The widths of VGG-16's convolutions; 0 is a pooling.
VGG = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)


def weights(generator: np.random.Generator, *shape: int) -> NDArray[np.int16]:
    """Weights spread as those of trained layers are: the largest is 127, most are small."""
    return np.rint(generator.normal(0, 30, shape)).clip(-127, 127).astype(np.int16)


def convolution(
    generator: np.random.Generator, inputs: int, outputs: int, kernel: int, stride: int
) -> Convolution:
    """A convolution that keeps the size, or divides it."""
    sides = (kernel // 2, kernel // 2)
    weight = weights(generator, outputs, inputs, kernel, kernel)
    return Convolution(weight, (stride, stride), (sides, sides), ONE)


class Stack:
    """A network of random weights, built layer by layer."""

    def __init__(self, size: int) -> None:
        self.generator = np.random.default_rng(SEED)
        self.builder = Builder()
        encode = Encode((3, size, size), 1.0, 0, 0, 255, 0.0, 255.0)
        self.first = self.builder.put("code", encode, self.builder.input("x", encode.of))

    def convolved(self, name: str, outputs: int, kernel: int, stride: int) -> str:
        """A convolution alone."""
        inputs = self.builder.type(name).shape[0]
        op = convolution(self.generator, inputs, outputs, kernel, stride)
        return self.builder.put("convolution", op, name)

    def rescaled(self, *names: str) -> str:
        """Products (added up) as activations."""
        channels = self.builder.type(names[0]).shape[0]
        # Multipliers that give activations of some tens, whatever the width of the layer is.
        multipliers = np.full((len(names), channels), 2**12, np.int64)
        offset = np.full(channels, 2**25, np.int64)
        return self.builder.put("rescale", Rescale(multipliers, offset, 20, 0, 255), *names)

    def pooled(self, name: str, kernel: int, border: int) -> str:
        """The largest of every second window."""
        sides = ((border, border), (border, border))
        op = ops.Pool(ops.PoolKind.MAXIMUM, (kernel, kernel), (2, 2), sides, ONE)
        return self.builder.put("pool", op, name)

    def dense(self, name: str, outputs: int) -> str:
        """A dense layer of whatever is there."""
        size = self.builder.type(name).size
        flat = self.builder.put("flat", ops.Reshape((size,)), name)
        return self.builder.put("dense", Dense(weights(self.generator, outputs, size)), flat)


def resnet() -> Graph:
    """ResNet-18's shapes at 224 x 224."""
    stack = Stack(224)
    h = stack.pooled(stack.rescaled(stack.convolved(stack.first, 64, 7, 2)), 3, 1)
    for width in (64, 128, 256, 512):
        for block in range(2):
            stride = 2 if width > 64 and not block else 1
            inner = stack.rescaled(stack.convolved(h, width, 3, stride))
            outer = stack.convolved(inner, width, 3, 1)
            short = stack.convolved(h, width, 1, stride) if stride > 1 else h
            h = stack.rescaled(outer, short)
    sums = stack.builder.put("sums", ops.Reduce(ops.ReduceKind.SUM, (1, 2), keep=True), h)
    return stack.builder.graph(stack.dense(stack.rescaled(sums), 1000))


def vgg() -> Graph:
    """VGG-16's shapes at 224 x 224."""
    stack = Stack(224)
    h = stack.first
    for width in VGG:
        h = stack.rescaled(stack.convolved(h, width, 3, 1)) if width else stack.pooled(h, 2, 0)
    h = stack.rescaled(stack.dense(h, 4096))
    h = stack.rescaled(stack.dense(h, 4096))
    return stack.builder.graph(stack.dense(h, 1000))


def as_floats(graph: Graph, device: str, kind: torch.dtype, batch: int) -> Callable[[], Tensor]:
    """The network in floats on the device: convolutions, additions and poolings, nothing exact."""
    loaded = {
        node.name: _loaded(node.op.weight, device, kind)
        for node in graph
        if isinstance(node.op, Dense | Convolution)
    }
    x = torch.rand((batch, 3, 224, 224), device=device).to(kind)
    x = x.contiguous(memory_format=torch.channels_last)

    def computed(node: Node, args: list[Tensor]) -> Tensor:
        if node.name in loaded:
            return _multiplied(node, args[0], loaded[node.name])
        match node.op:
            case Rescale():
                return torch.relu_(args[0] + args[1] if len(args) > 1 else args[0])
            case ops.Pool(_, kernel, stride, ((border, _), _)):
                return torch.nn.functional.max_pool2d(args[0], kernel, stride, border)
            case ops.Reduce(_, axes):
                return args[0].sum([axis + 1 for axis in axes], keepdim=True)
            case ops.Reshape():
                return args[0].flatten(1)
            case _:
                return args[0] if args else x

    def run() -> Tensor:
        with torch.inference_mode():
            return dict(carried_out(graph, computed))[graph.outputs[0]]

    return run


def _loaded(weight: NDArray[np.int16], device: str, kind: torch.dtype) -> Tensor:
    found = torch.from_numpy(weight / 2**12).to(device, kind)
    return found.contiguous(memory_format=torch.channels_last) if found.ndim == 4 else found


def _multiplied(node: Node, x: Tensor, weight: Tensor) -> Tensor:
    match node.op:
        case Convolution(_, stride, ((border, _), _)):
            return torch.nn.functional.conv2d(x, weight, stride=stride, padding=border)
        case _:
            return torch.nn.functional.linear(x, weight)
