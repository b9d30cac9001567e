"""The door of torch: 8-bit integers on a GPU or a processor, and a processor's convolutions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from tacit.arithmetics.field.worker.host_words import HostWords
from tacit.arithmetics.field.worker.layers import Layer
from tacit.arithmetics.field.worker.matrices import Result, by_numpy
from tacit.arithmetics.field.worker.proof import Plan, block_norms, plan
from tacit.arithmetics.field.worker.torch_words import TorchWords
from tacit.arithmetics.field.worker.words import BackEnd, Host, Words

# torch._int_mm asks for more than 16 rows on a GPU.
FEWEST_ROWS = 17
# Rows of 16 bytes are what tensor cores load at once; 8 is all that torch asks for.
ALIGNED = 16
# A digit of a weight.
DIGIT_BITS = 8
# Windows are made for so many bytes at once, however large the batch is.
WINDOW_BYTES = 2**30
# An unsigned byte is a signed one plus this.
MIDDLE = 128


@dataclass(frozen=True)
class Convolutions(BackEnd[Host]):
    """Single-precision convolutions of a processor, where each is proven exact; else NumPy's."""

    @property
    def name(self) -> str:
        """What it is called in facts."""
        return "torch-float32"

    @property
    def words(self) -> Words[Host]:
        """NumPy's arrays, in place."""
        return HostWords()

    def load(self, layer: Layer) -> Callable[[Host], Host]:
        """oneDNN's convolution, in as many parts of the channels as the proof asks for."""
        # A vector is no image: the BLAS is quicker.
        if layer.size == (1, 1):
            return by_numpy(layer)
        _, kernel_height, kernel_width, inner = layer.weight.shape
        by_channel = layer.weight.transpose(0, 3, 1, 2).reshape(layer.outputs, -1)
        norms = block_norms(by_channel, kernel_height * kernel_width)
        chosen = plan(norms, layer.magnitude, layer.matrix.shape[1])
        singles = chosen.kind is np.float32
        whole = chosen.spans == ((0, inner),)
        # Groups are not cut into parts of channels.
        if not singles or (layer.groups > 1 and not whole):
            return by_numpy(layer)
        # (outputs, inputs / groups, height, width) whose memory has the channels last.
        weight = torch.from_numpy(layer.weight.astype(np.float32)).permute(0, 3, 1, 2)
        parts = [weight[:, start:stop] for start, stop in chosen.spans]
        return Convolved(layer, chosen, tuple(parts) if not whole else (weight,))


@dataclass(frozen=True, eq=False)
class Convolved:
    """A layer as exact single-precision convolutions."""

    layer: Layer
    plan: Plan
    weights: tuple[Tensor, ...]

    def __call__(self, x: Host) -> Result:
        """W x mod 2^32 of images."""
        limbs = self.plan.limbs
        total: Tensor | None = None
        for k, part in enumerate(limbs.of(x)):
            images = self._bordered(part)
            for (start, stop), weight in zip(self.plan.spans, self.weights, strict=True):
                chosen = images[..., start:stop] if len(self.weights) > 1 else images
                found = self._convolved(chosen, weight)
                total = found if total is None else total.add_(found << (limbs.bits * k))
        assert total is not None, "there is always one part"
        result: Result = total.numpy()
        return result

    def _bordered(self, x: Host) -> Tensor:
        """The images as singles, with a border where it is not the same on both sides."""
        singles = torch.from_numpy(x.astype(np.float32))
        (top, bottom), (left, right) = self.layer.padding
        if self._even:
            return singles
        return torch.nn.functional.pad(singles, (0, 0, left, right, top, bottom))

    @property
    def _even(self) -> bool:
        return all(before == after for before, after in self.layer.padding)

    def _convolved(self, images: Tensor, weight: Tensor) -> Tensor:
        layer = self.layer
        found = torch.nn.functional.conv2d(
            images.contiguous().permute(0, 3, 1, 2),
            weight.contiguous(memory_format=torch.channels_last),
            stride=layer.stride,
            padding=(layer.padding[0][0], layer.padding[1][0]) if self._even else 0,
            dilation=layer.dilation,
            groups=layer.groups,
        )
        return found.permute(0, 2, 3, 1).to(torch.int32).contiguous()


@dataclass(frozen=True)
class Bytes(BackEnd[Tensor]):
    """Matrix products of signed bytes, summed in 32 bits, on any device of torch."""

    device: torch.device

    @property
    def name(self) -> str:
        """What it is called in facts."""
        return f"torch-int8-{self.device.type}"

    @cached_property
    def words(self) -> Words[Tensor]:
        """Tensors of the device."""
        return TorchWords(self.device)

    def load(self, layer: Layer) -> Callable[[Tensor], Tensor]:
        """The weights as digits of signed bytes on the device, in the shape that it asks for."""
        if layer.is_depthwise:
            weight = torch.from_numpy(layer.weight[..., 0].astype(np.int32))
            return Shifted(layer, weight.permute(1, 2, 0).contiguous().to(self.device))
        groups = tuple(
            tuple(self._digit(digit) for digit in digits(part))
            for part in np.split(layer.matrix, layer.groups)
        )
        return Multiplied(layer, groups)

    def _digit(self, values: Host) -> Digit:
        outputs, columns = values.shape
        padded = np.zeros((_aligned(outputs), _aligned(columns)), np.int8)
        padded[:outputs, :columns] = values
        sums = MIDDLE * padded.sum(axis=1, dtype=np.int32)
        # The transpose of rows in memory is the order of tensor cores.
        return Digit(
            torch.from_numpy(padded).to(self.device).t(),
            torch.from_numpy(sums).to(self.device),
        )


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a group's weights, (columns, outputs), and 128 times each output's sum."""

    weight: Tensor
    sums: Tensor


@dataclass(frozen=True, eq=False)
class Multiplied:
    """A layer as products of signed bytes: x as bytes less 128, weights as one digit or two."""

    layer: Layer
    groups: tuple[tuple[Digit, ...], ...]

    def __call__(self, x: Tensor) -> Tensor:
        """W x mod 2^32 of images."""
        if x.dtype == torch.uint8:
            return self._bytes(x)
        # The four bytes of each number as four images, the lowest first.
        limbs = x.to(torch.int32).contiguous().view(torch.uint8).reshape(*x.shape, 4)
        stacked = limbs.permute(4, 0, 1, 2, 3).reshape(-1, *x.shape[1:])
        found = self._bytes(stacked).reshape(4, len(x), *self.layer.spots, self.layer.outputs)
        return found[0] + (found[1] << 8) + (found[2] << 16) + (found[3] << 24)

    def _bytes(self, x: Tensor) -> Tensor:
        """W x of bytes, as many images at once as there is room for."""
        height, width = self.layer.spots
        one = height * width * self.layer.matrix.shape[1] * self.layer.groups
        step = max(1, WINDOW_BYTES // one)
        if len(x) <= step:
            return self._some(x)
        return torch.cat([self._some(x[first : first + step]) for first in range(0, len(x), step)])

    def _some(self, x: Tensor) -> Tensor:
        layer = self.layer
        # Zeros around the image are taken less 128 as all else is: one correction for every window.
        (top, bottom), (left, right) = layer.padding
        if any((top, bottom, left, right)):
            x = torch.nn.functional.pad(x, (0, 0, left, right, top, bottom))
        signed = (x ^ MIDDLE).contiguous().view(torch.int8)
        inner = layer.channels // layer.groups
        parts = [
            self._group(signed[..., g * inner : (g + 1) * inner], each)
            for g, each in enumerate(self.groups)
        ]
        joined = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        return joined.reshape(-1, *layer.spots, layer.outputs)

    def _group(self, x: Tensor, group: tuple[Digit, ...]) -> Tensor:
        """(windows, outputs) of one group."""
        columns = self._columns(x, group[0].weight.shape[0])
        outputs = self.layer.outputs // self.layer.groups
        windows = len(x) * self.layer.spots[0] * self.layer.spots[1]
        total: Tensor | None = None
        for k, digit in enumerate(group):
            found = (torch._int_mm(columns, digit.weight) + digit.sums)[:windows, :outputs]
            total = found if total is None else total + (found << (DIGIT_BITS * k))
        assert total is not None, "there is always one digit"
        return total

    def _columns(self, x: Tensor, width: int) -> Tensor:
        """The windows as rows, with as many more rows and columns as the kernel asks for."""
        layer = self.layer
        (kh, kw), (height, across), depth = layer.kernel, layer.spots, x.shape[3]
        count, used = len(x) * height * across, kh * kw * depth
        batch, down, right, deep = x.stride()
        (sh, sw), (dh, dw) = layer.stride, layer.dilation
        seen = x.as_strided(
            (len(x), height, across, kh, kw, depth),
            (batch, down * sh, right * sw, down * dh, right * dw, deep),
            # A group's channels begin behind those of the groups before it.
            x.storage_offset(),
        )
        if count >= FEWEST_ROWS and used == width:
            return seen.reshape(count, width)
        rows = max(count, FEWEST_ROWS)
        result = torch.zeros((rows, width), dtype=torch.int8, device=x.device)
        result[:count, :used] = seen.reshape(count, used)
        return result


@dataclass(frozen=True, eq=False)
class Shifted:
    """A depthwise layer: shifted images times numbers, in wrapping 32-bit integers."""

    layer: Layer
    weight: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """W x mod 2^32 of images."""
        layer = self.layer
        (top, bottom), (left, right) = layer.padding
        many = layer.outputs // layer.groups
        wide = x.to(torch.int32)
        if many > 1:
            wide = wide.repeat_interleave(many, dim=3)
        padded = torch.nn.functional.pad(wide, (0, 0, left, right, top, bottom))
        total = torch.zeros(
            (len(x), *layer.spots, layer.outputs), dtype=torch.int32, device=x.device
        )
        for (i, j), (rows, columns) in layer.offsets():
            total.addcmul_(padded[:, rows, columns], self.weight[i, j])
        return total


def digits(values: Host) -> tuple[Host, ...]:
    """Weights in base 256, each digit a signed byte, as few as there need be."""
    if values.min() >= -MIDDLE and values.max() < MIDDLE:
        return (values,)
    wide = values.astype(np.int64)
    parts: list[Host] = []
    while not parts or wide.any():
        low = (wide + MIDDLE) % 256 - MIDDLE
        parts.append(low)
        wide = (wide - low) >> DIGIT_BITS
    return tuple(parts)


def use_threads(count: int) -> None:
    """Let torch use so many threads in this process."""
    torch.set_num_threads(count)


def back_ends() -> tuple[BackEnd[Host] | BackEnd[Tensor], ...]:
    """All that torch has on this machine, the quickest kinds first."""
    devices = ["cuda"] if torch.cuda.is_available() else []
    bytewise = [Bytes(torch.device(each)) for each in (*devices, "cpu")]
    return (*bytewise, Convolutions())


def _aligned(count: int) -> int:
    return -(-count // ALIGNED) * ALIGNED
