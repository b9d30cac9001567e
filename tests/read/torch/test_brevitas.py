from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tacit.read import read
from tacit.read.torch.brevitas import is_of_brevitas


def test_a_network_of_plain_layers_is_not_of_brevitas() -> None:
    assert not is_of_brevitas(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))


@pytest.mark.filterwarnings("ignore")
def test_a_network_of_brevitas_is_read_as_it_is() -> None:
    # CI has no Brevitas: it narrows the versions of torch.
    layers = pytest.importorskip("brevitas.nn")
    torch.manual_seed(0)
    model = nn.Sequential(
        layers.QuantIdentity(bit_width=4),
        layers.QuantLinear(8, 16, bias=True, weight_bit_width=3),
        layers.QuantReLU(bit_width=4),
        layers.QuantLinear(16, 3, bias=True, weight_bit_width=3),
    )
    for _ in range(5):
        model(torch.randn(32, 8))
    model.eval()
    x = torch.randn(64, 8)

    found = read(model, x[:2])(x.double().numpy())

    assert np.abs(found - model(x).detach().numpy()).max() < 1e-5
