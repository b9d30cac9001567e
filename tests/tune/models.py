"""Small networks of the kinds that are tuned."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """Two convolutions around one ReLU module that is called twice, in place, as in ResNets."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.stride = outputs // inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1:
            # Option A of He et al. 2015: every second pixel, and channels of zeros.
            more = y.shape[1] - x.shape[1]
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, more // 2, more // 2))
        y += x
        result: Tensor = self.relu(y)
        return result


def residual(widths: tuple[int, ...] = (4, 8), blocks: int = 1) -> nn.Module:
    """A residual network as ResNet-20, which has widths (16, 32, 64) and 3 blocks of each."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, widths[0], 3, padding=1, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
    ]
    before = widths[0]
    for width in widths:
        layers += [Block(before if k == 0 else width, width) for k in range(blocks)]
        before = width
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))
    return nn.Sequential(*layers, *head)


class Pooled(nn.Module):
    """Functions, methods and modules for the same thing, with a padded and a rounded-up pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.second = nn.Conv2d(4, 6, 3, padding=1)
        self.last = nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(functional.relu(self.first(x)))
        x = functional.max_pool2d(self.second(x).clamp(min=0), 2, ceil_mode=True)
        x = torch.relu(x - 0.1).relu_().amax((2, 3))
        result: Tensor = functional.silu(self.last(torch.maximum(x, 0.5 - x)))
        return result


def vgg() -> nn.Module:
    """Convolutions, batch norms, ReLUs and poolings after one another."""
    return nn.Sequential(
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        ),
        nn.Flatten(),
        nn.Dropout(),
        nn.LazyLinear(10),
    )


class Branching(nn.Module):
    """A model whose path depends on shapes, which torch.fx cannot follow."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.line = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(int(x.shape[1]) // 3):
            x = self.act(x)
        result: Tensor = self.line(x)
        return result


class Untraceable(nn.Module):
    """A model with a layer that branches on values."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.gate(x)
        return result


class Gate(nn.Module):
    """Branches on the values that it is given."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x) if float(x.sum()) > 0.0 else x
