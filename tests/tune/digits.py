"""Handwritten digits of 8 by 8 pixels, and a small network that has learned them."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from tacit.data import Batches, Images, measured, split
from tacit.tune.search import Samples


@cache
def samples() -> Samples:
    """1,000 training images and 400 held-out ones; the rest would be for testing."""
    bunch = load_digits()
    x = (bunch.images / 16.0).astype(np.float32)[:, None]
    images = Images(x, bunch.target.astype(np.int64), tuple("0123456789"), measured(x))
    rest, _ = split(images, 397, 1)
    return Samples(*split(rest, 400, 2))


@cache
def network() -> nn.Module:
    """Two convolutions with batch norms, a pooling, and two linear layers."""
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 12, 3, padding=1),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(192, 10),
    )
    return learned(model, epochs=4)


def learned(model: nn.Module, *, epochs: int) -> nn.Module:
    """The model, trained in place."""
    optimiser = torch.optim.Adam(model.parameters(), 5e-3)
    batches = Batches(samples().train, 50, seed=0)
    model.train()
    for batch in (batch for epoch in range(epochs) for batch in batches.epoch(epoch)):
        optimiser.zero_grad()
        loss = functional.cross_entropy(model(torch.from_numpy(batch.x)), torch.from_numpy(batch.y))
        torch.autograd.backward(loss)
        optimiser.step()
    return model.eval()
