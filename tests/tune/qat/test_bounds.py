from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tacit.errors import TypeMismatch, WidthExceeded
from tacit.tune import (
    Enforcement,
    QuantConv2d,
    QuantIdentity,
    Quantisation,
    QuantLinear,
    Sums,
    Widths,
    accumulator_bits,
    limit,
)
from tacit.tune.qat.bounds import Bound, kept, lowered

BOTH = st.sampled_from(list(Enforcement))


def layer_of(sums: Sums, grid: QuantIdentity, seed: int) -> QuantLinear:
    torch.manual_seed(seed)
    plain = nn.Linear(40, 6)
    with torch.no_grad():
        plain.bias.mul_(20.0)
    return QuantLinear(plain, grid, sums)


@settings(max_examples=60, deadline=None)
@given(
    bits=st.integers(6, 12),
    weights=st.integers(2, 4),
    low=st.integers(-4, 0),
    enforcement=BOTH,
    per_channel=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_sums_of_random_layers_fit_and_the_proof_is_what_inputs_can_make(
    *, bits: int, weights: int, low: int, enforcement: Enforcement, per_channel: bool, seed: int
) -> None:
    grid = QuantIdentity(low, 3, 0.2)
    layer = layer_of(Sums(weights, bits, enforcement, per_channel), grid, seed)
    weight, bias = layer.integers()
    least, largest = layer.reach()
    worst = torch.where(weight > 0, 3, low)
    best = torch.where(weight > 0, low, 3)
    assert largest == int(((weight * worst).sum(1) + bias).max())
    assert least == int(((weight * best).sum(1) + bias).min())
    assert -(2 ** (bits - 1)) <= least <= largest < 2 ** (bits - 1)
    assert accumulator_bits(nn.Sequential(layer))["0"] <= bits


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("low", [0, -2])
def test_lowered_weights_are_the_nearest_that_fit(seed: int, low: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    ratios = 2.0 * torch.randn(1, 4, generator=draw).clamp(-1.7, 1.7)
    bound, biases = Bound(5, low, 3), torch.tensor([seed % 5 - 2])
    found = lowered(ratios, biases, bound, 3).round().clamp(-3, 3)
    every = torch.cartesian_prod(*[torch.arange(-3.0, 4.0)] * 4)
    possible = every[fitting(every, biases, bound)]
    nearest = (possible - ratios).square().sum(1).min()
    torch.testing.assert_close((found - ratios).square().sum(), nearest)


def fitting(weights: Tensor, biases: Tensor, bound: Bound) -> Tensor:
    """Which rows fit, by what `lowered` promises: for signed inputs, with room for both ends."""
    positive, negative = weights.clamp(min=0).sum(1), weights.clamp(max=0).sum(1)
    if bound.low < 0:
        return bound.factor * (positive - negative) <= bound.most - biases.abs()
    above = bound.high * positive + biases <= bound.most
    return above & (bound.high * negative + biases >= -bound.most - 1)


def test_weights_that_fit_stay_as_they_are() -> None:
    grid = QuantIdentity(0, 7, 0.1)
    layer = layer_of(Sums(3, 16), grid, 1)
    before = layer.weight.clone()
    limit(layer)
    assert torch.equal(layer.weight, before)


def test_limits_hold_after_weights_moved() -> None:
    layer = layer_of(Sums(4, 8), QuantIdentity(0, 7, 0.1), 1)
    with torch.no_grad():
        layer.weight.mul_(5.0)
        layer.bias.add_(9.0)
    assert accumulator_bits(nn.Sequential(layer))["0"] > 8
    limit(layer)
    assert accumulator_bits(nn.Sequential(layer))["0"] <= 8


def test_convolutions_fit_too() -> None:
    torch.manual_seed(0)
    layer = QuantConv2d(nn.Conv2d(8, 6, 3), QuantIdentity(0, 7, 0.1), Sums(3, 8))
    assert accumulator_bits(nn.Sequential(layer))["0"] <= 8
    x = torch.randint(0, 8, (50, 8, 3, 3)) * 0.1
    with torch.no_grad():
        sums = layer(x) / (layer.step * 0.1)
    assert float(sums.max() - sums.min()) < 2**8


def test_pruning_keeps_as_many_weights_as_the_formula_says() -> None:
    bound = Bound(9, 0, 7, Enforcement.PRUNING)
    assert kept(bound, 3) == 511 // (7 * 7)
    layer = layer_of(Sums(3, 9, Enforcement.PRUNING), QuantIdentity(0, 7, 0.1), 1)
    assert int((layer.integers()[0] != 0).sum(1).max()) <= kept(bound, 3)


@pytest.mark.parametrize("enforcement", list(Enforcement))
def test_sums_that_hold_no_product_are_refused_by_name(enforcement: Enforcement) -> None:
    with pytest.raises(WidthExceeded, match="encoder: sums of 4 bits") as refused:
        layer_of(Sums(3, 4, enforcement, name="encoder"), QuantIdentity(0, 15, 0.1), 0)
    needed = int(str(refused.value.hint).split("at least ")[1].split()[0])
    layer_of(Sums(3, needed, enforcement), QuantIdentity(0, 15, 0.1), 0)


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        *(("weights", 1), ("weights", 9), ("activations", 0), ("activations", 9)),
        *(("accumulator", 1), ("accumulator", 17)),
    ],
)
def test_bits_out_of_range_are_refused(name: str, bits: int) -> None:
    with pytest.raises(TypeMismatch, match=f"{name} of {bits} bits"):
        Widths(**{name: bits})
    wrong: dict[str, Any] = {name: bits}
    with pytest.raises(TypeMismatch, match=f"{name} of {bits} bits"):
        Quantisation(**wrong)
