"""Slalom's own check (Tramèr and Boneh 2019), written anew: float64 and two repetitions.

A number v is held as rint(2^8 v), a product modulo p = 2^23 + 2^21 + 7, in float32. For every layer
y = W x there are two secret vectors r of the answer's size, used for all batches, and W^T r of the
input's size, computed beforehand. Checked is r · y = (W^T r) · x modulo p, for every image; then
come bias, ReLU and rounding, pooling and sums, each a pass over memory, and the check is enforced.
Images are (batch, height, width, channels).
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import fx, nn

PRIME = 2**23 + 2**21 + 7
BITS = 8
ONE = float(2**BITS)
REPETITIONS = 2
# Both factors are at most p / 2 in magnitude, so this many products have a sum below 2^53.
BLOCK = 256
# So many secrets stay in the nearest caches while every image goes past them.
NEAR = 8 * BLOCK
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
# Every sum is an exact integer, so that its order is free.
ANY_ORDER = {"reassoc", "contract", "nsz"}


@njit(fastmath=ANY_ORDER, cache=True)
def sums(values: Floats, secrets: Doubles) -> Doubles:
    """For every image, both secrets' products with it modulo p; the secrets are read once."""
    images, size = values.shape
    found = np.zeros((images, 2))
    for near in range(0, size, NEAR):
        for image in range(images):
            for start in range(near, min(near + NEAR, size), BLOCK):
                first = 0.0
                second = 0.0
                for i in range(start, min(start + BLOCK, size)):
                    value = np.float64(values[image, i])
                    first += value * secrets[0, i]
                    second += value * secrets[1, i]
                found[image, 0] += first - PRIME * np.floor(first / PRIME)
                found[image, 1] += second - PRIME * np.floor(second / PRIME)
    return found - PRIME * np.floor(found / PRIME)


@njit(cache=True)
def requantise(answer: Floats, bias: Floats, least: float, result: Floats) -> None:
    """rint(max(y + b, least) / 2^8); the least is 0 where a ReLU follows."""
    low = np.float32(least)
    step = np.float32(1 / ONE)
    for position in range(answer.shape[0]):
        for channel in range(answer.shape[1]):
            total = answer[position, channel] + bias[channel]
            result[position, channel] = np.rint((total if total > low else low) * step)


@njit(cache=True)
def add(first: Floats, second: Floats, result: Floats) -> None:
    """max(a + b, 0)."""
    for i in range(len(first)):
        total = first[i] + second[i]
        result[i] = total if total > 0 else np.float32(0)


@njit(cache=True)
def largest(x: Floats, kernel: int, stride: int, padding: int, result: Floats) -> None:
    """The largest of every window of values that are not negative."""
    images, height, width, channels = x.shape
    for image in range(images):
        for row in range(result.shape[1]):
            for column in range(result.shape[2]):
                spot = result[image, row, column]
                spot[:] = 0
                top, left = row * stride - padding, column * stride - padding
                for i in range(max(top, 0), min(top + kernel, height)):
                    for j in range(max(left, 0), min(left + kernel, width)):
                        for channel in range(channels):
                            value = x[image, i, j, channel]
                            spot[channel] = value if value > spot[channel] else spot[channel]


@dataclass(frozen=True, eq=False)
class Verifier:
    """What the trusted side does for one batch, layer after layer, and what it cost beforehand."""

    steps: dict[str, Callable[[], None]]
    precompute_seconds: float

    def __call__(self) -> None:
        """Check every product and compute everything else."""
        for step in self.steps.values():
            step()


def verifier(model: nn.Module, images: int, generator: np.random.Generator) -> Verifier:
    """The verifier of a folded network, and honest answers for one image, so many times over."""
    traced = fx.symbolic_trace(model)
    layers = dict(traced.named_modules())
    made = _Maker(layers, images, generator)
    for node in traced.graph.nodes:
        match node.op:
            case "placeholder":
                made.start(node)
            case "call_module":
                made.layer(node, layers[str(node.target)])
            case "call_function" if node.target is operator.add:
                made.sum(node)
    return Verifier(made.steps, made.seconds)


class _Maker:
    """Values and steps while a network is walked through."""

    def __init__(
        self, layers: dict[str, nn.Module], images: int, generator: np.random.Generator
    ) -> None:
        self.layers, self.images, self.generator = layers, images, generator
        self.values: dict[object, Floats] = {}
        self.steps: dict[str, Callable[[], None]] = {}
        self.seconds = 0.0

    def start(self, node: fx.Node) -> None:
        """A random image, as integers."""
        image = np.rint(ONE * self.generator.normal(size=(1, 224, 224, 3)).clip(-3, 3))
        self.values[node] = self._all(image)

    def layer(self, node: fx.Node, layer: nn.Module) -> None:
        """Add one layer's step; those that another's step includes, and reshapes, add none."""
        x = self.values[node.args[0]]
        match layer:
            case nn.Conv2d() | nn.Linear():
                self.values[node] = self._product(node, layer, x)
            case nn.MaxPool2d():
                self.values[node] = self._maximum(node, layer, x)
            case nn.AdaptiveAvgPool2d():
                self.values[node] = self._average(node, x)
            case nn.ReLU() | nn.Flatten() | nn.Identity():
                self.values[node] = x
            case _:
                raise SystemExit(f"{node.target} is a {type(layer).__name__}, not known here")

    def sum(self, node: fx.Node) -> None:
        """Add two branches, with the ReLU that follows."""
        first, second = (self.values[each] for each in node.args)
        self.values[node] = result = np.empty_like(first)
        flat = [each.reshape(-1) for each in (first, second, result)]
        self._take(node.name, lambda: add(*flat))

    def _product(self, node: fx.Node, layer: nn.Conv2d | nn.Linear, x: Floats) -> Floats:
        begin = time.process_time()
        weight = torch.round(layer.weight.detach().double() * ONE)
        honest, left, right = _with_secrets(layer, weight, x[:1], self.generator)
        self.seconds += time.process_time() - begin
        assert layer.bias is not None
        bias = np.rint(layer.bias.detach().numpy() * ONE**2).astype(np.float32)
        followed = any(isinstance(self.layers.get(str(u.target)), nn.ReLU) for u in node.users)
        least = 0.0 if followed else -np.inf
        answer = self._all(honest)
        result = np.empty_like(answer)
        flat_x, flat_answer = x.reshape(len(x), -1), answer.reshape(len(x), -1)
        rows, results = answer.reshape(-1, len(bias)), result.reshape(-1, len(bias))

        def step() -> None:
            if not np.array_equal(sums(flat_answer, left), sums(flat_x, right)):
                raise SystemExit("the check refused an honest product")
            requantise(rows, bias, least, results)

        self._take(str(node.target), step)
        return result

    def _maximum(self, node: fx.Node, layer: nn.MaxPool2d, x: Floats) -> Floats:
        kernel, stride, padding = (int(v) for v in (layer.kernel_size, layer.stride, layer.padding))
        side = (x.shape[1] + 2 * padding - kernel) // stride + 1
        result = np.empty((len(x), side, side, x.shape[3]), np.float32)
        self._take(str(node.target), lambda: largest(x, kernel, stride, padding, result))
        return result

    def _average(self, node: fx.Node, x: Floats) -> Floats:
        result = np.empty((len(x), 1, 1, x.shape[3]), np.float32)

        def step() -> None:
            np.rint(x.mean(axis=(1, 2), keepdims=True), out=result)

        self._take(str(node.target), step)
        return result

    def _take(self, name: str, step: Callable[[], None]) -> None:
        """Do a step once, which makes the next one's values and compiles, and keep it."""
        step()
        self.steps[name] = step

    def _all(self, image: Doubles) -> Floats:
        return np.repeat(image.astype(np.float32), self.images, axis=0)


def _with_secrets(
    layer: nn.Conv2d | nn.Linear, weight: torch.Tensor, x: Floats, generator: np.random.Generator
) -> tuple[Doubles, Doubles, Doubles]:
    """The product modulo p, two secrets, and their products with the transposed weight."""
    given = torch.from_numpy(_channels_first(x.astype(np.float64)))
    if isinstance(layer, nn.Linear):
        answer = given.reshape(1, -1) @ weight.T
        left = _secrets((REPETITIONS, len(weight)), generator)
        right = (torch.from_numpy(left) @ weight).reshape(REPETITIONS, *given.shape[1:])
    else:
        knobs = {
            "stride": layer.stride,
            "padding": layer.padding,
            "dilation": layer.dilation,
            "groups": layer.groups,
        }
        answer = nn.functional.conv2d(given, weight, **knobs)
        left = _secrets((REPETITIONS, *answer.shape[1:]), generator)
        shape = (REPETITIONS, *given.shape[1:])
        right = nn.grad.conv2d_input(shape, weight, torch.from_numpy(left), **knobs)
    found, first, second = (
        _centred(_channels_last(np.asarray(each))) for each in (answer, left, right)
    )
    return found, first.reshape(REPETITIONS, -1), second.reshape(REPETITIONS, -1)


def _secrets(shape: tuple[int, ...], generator: np.random.Generator) -> Doubles:
    return _centred(generator.integers(0, PRIME, shape).astype(np.float64))


def _centred(values: Doubles) -> Doubles:
    """The residues of least magnitude."""
    return values - PRIME * np.rint(values / PRIME)


def _channels_first(x: Doubles) -> Doubles:
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def _channels_last(x: Doubles) -> Doubles:
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))
