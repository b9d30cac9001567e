from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR

from tacit.tune.binarise import (
    QUANTISERS,
    Bop,
    QuantLinear,
    bit_weights,
    clip_after_steps,
    flip_ratio,
    signs,
)

EPOCHS = 10
Split = tuple[Tensor, Tensor, Tensor, Tensor]


def digits() -> Split:
    x, y = load_digits(return_X_y=True)
    x, test_x, y, test_y = train_test_split(x, y, random_state=42)
    given, asked = torch.tensor(x / 8.0 - 1.0).float(), torch.tensor(test_x / 8.0 - 1.0).float()
    return given, asked, torch.tensor(y), torch.tensor(test_y)


def network(inputs: str, weights: str) -> nn.Sequential:
    """Two linear layers of quantised weights; the first reads pixels as they are."""
    torch.manual_seed(0)
    return nn.Sequential(
        QuantLinear(nn.Linear(64, 128, bias=False), kernel_quantiser=QUANTISERS[weights]()),
        nn.BatchNorm1d(128),
        QuantLinear(
            nn.Linear(128, 10, bias=False),
            input_quantiser=QUANTISERS[inputs](),
            kernel_quantiser=QUANTISERS[weights](),
        ),
        nn.BatchNorm1d(10),
    )


def learn(model: nn.Sequential, *optimisers: Optimizer) -> float:
    """The share of test digits that the model is right about after it was trained in place."""
    x, test_x, y, test_y = digits()
    order = torch.Generator().manual_seed(0)
    falling = CosineAnnealingLR(optimisers[0], EPOCHS)
    for _ in range(EPOCHS):
        mixed = torch.randperm(len(x), generator=order)
        for first in range(0, len(x), 64):
            places = mixed[first : first + 64]
            torch.autograd.backward(functional.cross_entropy(model(x[places]), y[places]))
            for each in optimisers:
                each.step()
                each.zero_grad()
        falling.step()
    with torch.no_grad():
        return float((model.eval()(test_x).argmax(1) == test_y).float().mean())


@pytest.mark.parametrize(
    ("inputs", "weights"),
    [
        ("ste_sign", "ste_sign"),
        ("ste_heaviside", "ste_sign"),
        *(
            pytest.param(*names, marks=pytest.mark.slow)
            for names in (
                ("approx_sign", "magnitude_aware_sign"),
                ("swish_sign", "ste_sign"),
                ("ste_tern", "ternary_weights"),
                ("dorefa", "dorefa_weights"),
                ("lsq", "lsq_weights"),
            )
        ),
    ],
)
def test_small_networks_learn_digits(inputs: str, weights: str) -> None:
    model = network(inputs, weights)
    optimiser = Adam(model.parameters(), 1e-2)
    clip_after_steps(optimiser, model)
    assert learn(model, optimiser) > 0.94


def test_bop_learns_digits_without_latent_weights() -> None:
    model = network("ste_sign", "ste_sign")
    flipped = list(bit_weights(model).values())
    others = [each for each in model.parameters() if all(each is not one for one in flipped)]
    before = signs(model)
    assert learn(model, Adam(others, 1e-2), Bop(flipped, 1e-4, 1e-3)) > 0.88
    assert set(torch.cat([each.flatten() for each in flipped]).tolist()) == {-1.0, 1.0}
    assert 0.0 < flip_ratio(before, signs(model)) < 0.6
