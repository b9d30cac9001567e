"""Networks that were trained a little with the quantisers: predictions are those of torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tacit import Binary, calibrate, lower, read
from tacit.arithmetics.binary.ops import BinaryProduct
from tacit.tune.binarise import (
    LSQ,
    ApproxSign,
    DoReFa,
    DoReFaWeights,
    MagnitudeAwareSign,
    QuantConv1d,
    QuantConv2d,
    QuantLinear,
    SteHeaviside,
    SteSign,
    SteTern,
    clip_after_steps,
)

SIDE, CLASSES = 8, 4


def bipolar() -> nn.Module:
    return nn.Sequential(
        QuantConv2d(nn.Conv2d(1, 16, 3, padding=1), kernel_quantiser=SteSign()),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(16),
        QuantConv2d(
            nn.Conv2d(16, 33, 3, padding=1, bias=False),
            input_quantiser=SteSign(),
            kernel_quantiser=MagnitudeAwareSign(),
            pad_value=1.0,
        ),
        nn.ReLU(),
        nn.BatchNorm2d(33),
        nn.MaxPool2d(2),
        nn.Flatten(),
        QuantLinear(
            nn.Linear(132, CLASSES), input_quantiser=ApproxSign(), kernel_quantiser=SteSign()
        ),
        nn.BatchNorm1d(CLASSES),
    )


def unipolar() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        QuantConv2d(
            nn.Conv2d(16, 32, 3, padding=1, groups=2),
            input_quantiser=SteHeaviside(),
            kernel_quantiser=SteSign(),
        ),
        nn.BatchNorm2d(32),
        nn.Hardtanh(),
        nn.MaxPool2d(3, 2, 1),
        QuantConv2d(
            nn.Conv2d(32, 16, 3, stride=2, padding=2, dilation=2),
            input_quantiser=SteHeaviside(),
            kernel_quantiser=SteSign(),
        ),
        nn.BatchNorm2d(16),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, CLASSES),
    )


def few_bits() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(2),
        nn.Conv1d(1, 8, 3, stride=2),
        nn.BatchNorm1d(8),
        QuantConv1d(
            nn.Conv1d(8, 12, 3, padding=1),
            input_quantiser=SteTern(0.3),
            kernel_quantiser=SteTern(None),
        ),
        nn.BatchNorm1d(12),
        nn.MaxPool1d(3),
        QuantConv1d(
            nn.Conv1d(12, 12, 3, padding=1),
            input_quantiser=DoReFa(2),
            kernel_quantiser=DoReFaWeights(2),
        ),
        nn.BatchNorm1d(12),
        nn.Flatten(),
        QuantLinear(
            nn.Linear(120, CLASSES),
            input_quantiser=LSQ(2, is_signed=True),
            kernel_quantiser=LSQ(2, of_weights=True),
        ),
    )


class Residual(nn.Module):
    """Sums of reals around layers of bits."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(16) for _ in range(3))
        self.convs = nn.ModuleList(
            QuantConv2d(
                nn.Conv2d(16, 16, 3, padding=1, bias=False),
                input_quantiser=SteSign(),
                kernel_quantiser=SteSign(),
            )
            for _ in range(2)
        )
        self.last = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norms[0](self.first(x))
        for conv, norm in zip(self.convs, self.norms[1:], strict=True):
            x = x + norm(conv(x))
        last: Tensor = self.last(x.mean((2, 3)))
        return last


def samples(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noisy bars of four kinds."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (count,), generator=random)
    x = 0.7 * torch.randn(count, 1, SIDE, SIDE, generator=random)
    places = 2 * (labels % 2) + 2
    rows = torch.arange(SIDE)
    horizontal = (rows[None, :, None] == places[:, None, None]) & (labels < 2)[:, None, None]
    vertical = (rows[None, None, :] == places[:, None, None]) & (labels >= 2)[:, None, None]
    return x + 2.0 * (horizontal | vertical)[:, None].float(), labels


def trained(model: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    x, labels = samples(256, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    clip_after_steps(optimiser, model)
    for _ in range(15):
        optimiser.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(model(x), labels))
        optimiser.step()
    return model.eval()


@pytest.mark.parametrize("make", [bipolar, unipolar, few_bits, Residual])
def test_predictions_are_those_of_torch(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(1)
    model = trained(make())
    x, labels = samples(500, 2)
    with torch.no_grad():
        theirs = model(x).numpy()
    graph = calibrate(read(model, x[:2]), x.double().numpy())

    program = lower(graph, Binary())
    ours = program.engine()(x.double().numpy())

    assert np.array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))
    assert np.mean(theirs.argmax(axis=1) == labels.numpy()) > 0.5
    products = [node for node in program.graph if isinstance(node.op, BinaryProduct)]
    assert len(products) >= 2
