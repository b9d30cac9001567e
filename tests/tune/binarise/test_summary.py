from __future__ import annotations

import pytest
import torch
from torch import nn

from tacit.errors import TypeMismatch
from tacit.tune.binarise import (
    DoReFa,
    QuantConv2d,
    QuantLinear,
    SteSign,
    SteTern,
    summary,
)


def network() -> nn.Sequential:
    signed = SteSign()
    return nn.Sequential(
        QuantConv2d(nn.Conv2d(1, 4, 3, padding=1, bias=False), kernel_quantiser=signed),
        nn.BatchNorm2d(4),
        QuantConv2d(
            nn.Conv2d(4, 8, 3, stride=2, groups=2),
            input_quantiser=SteSign(),
            kernel_quantiser=signed,
            pad_value=1.0,
        ),
        nn.Flatten(),
        QuantLinear(
            nn.Linear(72, 5, bias=False), input_quantiser=DoReFa(3), kernel_quantiser=SteTern()
        ),
        nn.Linear(5, 2),
    )


def test_weights_and_products_are_those_counted_by_hand() -> None:
    found = summary(network(), torch.zeros(2, 1, 8, 8))
    assert [row.path for row in found.rows] == ["0", "1", "2", "4", "5"]
    assert [dict(row.weights) for row in found.rows] == [
        {1: 4 * 9},
        # Scale, shift, mean and variance.
        {32: 16},
        {1: 8 * 2 * 9, 32: 8},
        {2: 72 * 5},
        {32: 12},
    ]
    assert [dict(row.products) for row in found.rows] == [
        # Its inputs are not quantised.
        {32: 4 * 9 * 8 * 8},
        {},
        {1: 8 * 2 * 9 * 3 * 3},
        {3: 72 * 5},
        {32: 10},
    ]
    assert [row.shape for row in found.rows] == [(4, 8, 8), (), (8, 3, 3), (5,), (2,)]
    assert found.rows[2].memory == 144 + 8 * 32


def test_sums_are_over_all_layers() -> None:
    found = summary(network(), torch.zeros(2, 1, 8, 8))
    assert dict(found.weights) == {1: 180, 2: 360, 32: 36}
    assert dict(found.memory) == {1: 180, 2: 720, 32: 1152}
    assert dict(found.products) == {1: 1296, 3: 360, 32: 2314}
    assert found.binary_weights == 180 / 576
    assert found.binary_products == 1296 / 3970
    assert found.compression == 32 * 576 / 2052


def test_a_layer_that_is_called_twice_multiplies_twice() -> None:
    shared = nn.Linear(3, 3)
    found = summary(nn.Sequential(shared, shared), torch.zeros(1, 3))
    assert dict(found.weights) == {32: 12}
    assert dict(found.products) == {32: 18}


def test_rows_of_a_layer_are_all_counted() -> None:
    found = summary(nn.Linear(3, 2), torch.zeros(4, 7, 3))
    assert dict(found.products) == {32: 7 * 6}


def test_the_text_has_a_line_for_each_and_the_sums() -> None:
    text = str(summary(network(), torch.zeros(1, 1, 8, 8))).splitlines()
    assert len(text) == 1 + 5 + 1 + 1
    assert text[0].split()[:3] == ["layer", "kind", "output"]
    cells = ("144", "0", "8", "50", "1,296", "0", "0")
    assert text[3].split() == ["2", "QuantConv2d", "8×3×3", *cells]
    assert text[-1].startswith("31.2% of the weights and 32.6% of the products are binary")


def test_the_model_stays_as_it_was() -> None:
    model = network().train()
    norm = model[1]
    summary(model, torch.randn(2, 1, 8, 8))
    assert model.training
    assert norm.num_batches_tracked == 0
    assert not norm._forward_hooks


def test_a_model_without_weights_has_no_shares() -> None:
    found = summary(nn.Identity(), torch.zeros(1, 3))
    assert (found.binary_weights, found.binary_products, found.compression) == (0.0, 0.0, 1.0)


def test_an_example_without_rows_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="no rows"):
        summary(nn.Linear(3, 2), torch.zeros(3))
