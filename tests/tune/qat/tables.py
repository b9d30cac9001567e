"""Small tables to learn from, and networks of real numbers that have learned them."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional

from tacit.tune import Rows


@cache
def table(name: str) -> tuple[Rows, Rows]:
    """The rows to learn from and those to be tested by."""
    loads = {"digits": load_digits, "cancer": load_breast_cancer, "diabetes": load_diabetes}
    bunch = loads[name]()
    x, test_x, y, test_y = train_test_split(
        bunch.data, bunch.target, test_size=0.25, random_state=42
    )
    scaler = StandardScaler().fit(x)
    if name == "digits":
        x, test_x = x / 16.0, test_x / 16.0
    else:
        x, test_x = scaler.transform(x), scaler.transform(test_x)
    if name == "diabetes":
        mean, spread = y.mean(), y.std()
        y, test_y = (y - mean) / spread, (test_y - mean) / spread
    return Rows(x.astype(np.float32), y), Rows(test_x.astype(np.float32), test_y)


@cache
def learned(name: str, *hidden: int) -> nn.Module:
    """A network with batch norms and these hidden layers that has learned a table."""
    rows, _ = table(name)
    torch.manual_seed(0)
    sizes = (rows.x.shape[1], *hidden)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
    outputs = int(rows.y.max()) + 1 if rows.is_classes else 1
    model = nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-2)
    draw = torch.Generator().manual_seed(0)
    for _ in range(400):
        chosen = torch.randint(len(rows), (64,), generator=draw).numpy()
        x, y = rows.at(chosen)
        optimiser.zero_grad()
        found = model(x)
        loss = (
            functional.cross_entropy(found, y)
            if rows.is_classes
            else functional.mse_loss(found, y[:, None])
        )
        torch.autograd.backward(loss)
        optimiser.step()
    return model.eval()


def accuracy(model: nn.Module, rows: Rows) -> float:
    """The share of rows that the model is right about."""
    x, y = rows.at(slice(None))
    with torch.no_grad():
        found: torch.Tensor = model(x)
    return float((found.argmax(1) == y).double().mean())
