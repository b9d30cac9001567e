from __future__ import annotations

import pytest
import torch
from torch import nn

from tacit.errors import TypeMismatch
from tacit.tune.binarise import QuantLinear, SteSign, bit_weights, flip_ratio, flip_ratios, signs


def model() -> nn.Sequential:
    layers = (QuantLinear(nn.Linear(4, each), kernel_quantiser=SteSign()) for each in (4, 1))
    made = nn.Sequential(*layers)
    torch._foreach_copy_([each.data for each in made.parameters()], [torch.tensor(0.5)] * 4)
    return made


def test_weights_that_changed_sides_are_counted() -> None:
    network = model()
    before = signs(network)
    first, second = (each.data for each in bit_weights(network).values())
    first[0, :3] = -0.1
    first[1, 0] = 0.0
    second[0, 0] = 3.0
    assert dict(flip_ratios(before, signs(network))) == {"0": 3 / 16, "1": 0.0}
    assert flip_ratio(before, signs(network)) == 3 / 20


def test_what_was_seen_before_stays_as_it_was() -> None:
    network = model()
    before = signs(network)
    bit_weights(network)["0"].data.neg_()
    assert flip_ratio(before, before) == 0.0
    assert flip_ratio(before, signs(network)) == 16 / 20


def test_other_models_are_not_compared() -> None:
    with pytest.raises(TypeMismatch, match="one binary model"):
        flip_ratio(signs(model()), signs(model()[:1]))
    with pytest.raises(TypeMismatch, match="one binary model"):
        flip_ratio(signs(nn.Linear(2, 2)), signs(nn.Linear(2, 2)))
