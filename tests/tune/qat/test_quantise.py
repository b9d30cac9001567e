from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tacit.errors import ReadError, TypeMismatch, WidthExceeded
from tacit.ir.ops import FakeQuantise, Linear
from tacit.read import read
from tacit.tune import (
    Enforcement,
    QuantActivation,
    QuantConv2d,
    QuantIdentity,
    Quantisation,
    QuantLinear,
    Sums,
    Widths,
    accumulator_bits,
    quantise,
)
from tests.tune.models import Untraceable, residual, vgg


class Mixed(nn.Module):
    """Sums, joins, averages and functions between layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(2, 4, 1)
        self.third, self.last = nn.Conv2d(8, 4, 3), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        a, b = torch.sigmoid(self.first(x)), torch.tanh(self.second(x))
        joined = functional.avg_pool2d(torch.cat([a, b], dim=1), 2)
        third = functional.max_pool2d(functional.relu(self.third(joined)), 2)
        result: Tensor = self.last(functional.dropout(third.flatten(1), 0.1, self.training))
        return result


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(12, 16),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Linear(16, 8),
        nn.Tanh(),
        nn.Linear(8, 3),
    )


def case(name: str) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(3)
    made, shape = {
        "mlp": (mlp, (12,)),
        "residual": (residual, (3, 8, 8)),
        "vgg": (vgg, (3, 8, 8)),
        "mixed": (Mixed, (2, 14, 14)),
    }[name]
    model, x = made(), torch.randn(40, *shape)
    with torch.no_grad():
        for _ in range(3):
            model(x)
    return model.eval(), x


CASES = ("mlp", "residual", "vgg", "mixed")


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_what_is_read_computes_what_the_module_does(name: str, *, per_channel: bool) -> None:
    model, x = case(name)
    made = quantise(model, x, Quantisation(accumulator=9, per_channel=per_channel))
    with torch.no_grad():
        wanted = made(x).numpy()
    found = read(made, x[:2])(x.double().numpy())
    gaps = np.abs(found - wanted).max(axis=1)
    # A value that is halfway between two points may go to either, in float32 and in float64.
    assert np.count_nonzero(gaps > 1e-5) <= 1


@pytest.mark.parametrize("name", CASES)
def test_every_layer_reads_a_grid_and_has_weights_on_one(name: str) -> None:
    model, x = case(name)
    made = quantise(model, x, Quantisation(accumulator=9))
    layers = [each for each in made.modules() if isinstance(each, QuantLinear | QuantConv2d)]
    seen: list[tuple[nn.Module, Tensor]] = []
    for each in layers:
        each.register_forward_pre_hook(lambda module, given: seen.append((module, given[0])))
    with torch.no_grad():
        made(x)
    for layer, given in seen:
        assert isinstance(layer, QuantLinear | QuantConv2d)
        integers = given / layer.grid.step.detach()
        torch.testing.assert_close(integers, integers.round(), atol=1e-4, rtol=0.0)
        assert layer.grid.low - 0.1 < float(integers.min())
        assert float(integers.max()) < layer.grid.high + 0.1
        weight = layer.rounded()[0].detach() / layer.step.detach()
        torch.testing.assert_close(weight, weight.round(), atol=1e-5, rtol=0.0)
    assert len(seen) == len(layers) > 1


@pytest.mark.parametrize("enforcement", list(Enforcement))
@pytest.mark.parametrize("name", CASES)
def test_all_sums_fit_from_the_start(name: str, enforcement: Enforcement) -> None:
    model, x = case(name)
    made = quantise(model, x, Quantisation(accumulator=9, enforcement=enforcement))
    found = accumulator_bits(made)
    assert max(list(found.values())[:-1]) <= 9
    assert max(found.values()) <= 16


def test_the_model_is_not_touched() -> None:
    model, x = case("mlp")
    model.train()
    before = copy.deepcopy(model.state_dict())
    quantise(model, x)
    assert model.training
    torch.testing.assert_close(dict(model.state_dict()), dict(before), atol=0.0, rtol=0.0)


def test_with_many_bits_little_is_lost() -> None:
    model, x = case("mlp")
    made = quantise(model, x, Quantisation(weights=6, activations=7))
    with torch.no_grad():
        gap = float((made(x) - model(x)).abs().mean() / model(x).abs().mean())
    assert gap < 0.15


def test_values_that_are_added_share_a_grid() -> None:
    model, x = case("residual")
    graph = read(quantise(model, x), x[:2])
    sums = [node for node in graph if type(node.op).__name__ == "Add"]
    pairs = [[graph[name].op for name in node.args] for node in sums]
    assert len(pairs) == 2
    for first, second in pairs:
        assert isinstance(first, FakeQuantise)
        assert isinstance(second, FakeQuantise)
        assert first.scale == second.scale


def test_layers_have_bits_of_their_own() -> None:
    model, x = case("mlp")
    layers = {"3": Widths(weights=2, activations=5, accumulator=7)}
    made = quantise(model, x, Quantisation(inputs=6, accumulator=10, layers=layers))
    first, second = made.get_submodule("0"), made.get_submodule("3")
    assert isinstance(first, QuantLinear)
    assert isinstance(second, QuantLinear)
    assert (first.high, first.grid.high - first.grid.low) == (3, 63)
    assert (second.high, second.grid.high - second.grid.low) == (1, 31)
    assert accumulator_bits(made)["3"] <= 7


def test_weights_of_what_is_read_are_integers_times_one_step() -> None:
    model, x = case("mlp")
    graph = read(quantise(model, x), x[:2])
    weights = [node.op.weight for node in graph if isinstance(node.op, Linear)]
    ratios = [each / np.abs(each[each != 0.0]).min() for each in weights]
    assert all(np.abs(each - np.rint(each)).max() < 1e-6 for each in ratios)


def test_a_layer_that_is_called_twice_is_two_layers() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(6, 6)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.line(torch.relu(self.line(x)))
            return result

    assert list(accumulator_bits(quantise(Twice(), torch.randn(20, 6)))) == ["line", "line_1"]


def test_networks_can_be_written_with_the_layers() -> None:
    torch.manual_seed(0)
    inner = QuantIdentity(0, 7, 0.2)
    outer = QuantIdentity(-4, 3, 0.5)
    model = nn.Sequential(
        outer,
        QuantLinear(nn.Linear(5, 9), outer, Sums(3, 7)),
        QuantActivation(nn.ReLU(), inner),
        QuantLinear(nn.Linear(9, 2), inner, Sums(4, 9)),
    )
    found = accumulator_bits(model)
    assert found["1"] <= 7
    assert found["3"] <= 9
    x = torch.randn(30, 5)
    graph = read(model.eval(), x)
    np.testing.assert_allclose(graph(x.double().numpy()), model(x).detach().numpy(), atol=1e-5)


def test_a_layer_whose_sums_cannot_fit_is_named() -> None:
    model, x = case("mlp")
    with pytest.raises(WidthExceeded, match=r"^3: sums of 4 bits"):
        quantise(model, x, Quantisation(activations=5, layers={"3": Widths(accumulator=4)}))


def test_exceptions_for_no_layer_are_refused() -> None:
    model, x = case("mlp")
    with pytest.raises(TypeMismatch, match="no layer is called 'five'") as refused:
        quantise(model, x, Quantisation(layers={"five": Widths(weights=2)}))
    assert refused.value.hint == "layers are 0, 3, 5"


def test_weights_outside_of_layers_are_refused() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 6))

        def forward(self, x: Tensor) -> Tensor:
            return functional.linear(x, self.weight)

    with pytest.raises(ReadError, match="linear multiplies by weights, but is a function"):
        quantise(Bare(), torch.randn(3, 6))


def test_layers_of_other_kinds_are_refused() -> None:
    with pytest.raises(ReadError, match="0 is a Conv1d"):
        quantise(nn.Sequential(nn.Conv1d(2, 3, 3)), torch.randn(3, 2, 8))
    wrapped = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"))
    with pytest.raises(ReadError, match="0 pads with circular"):
        quantise(wrapped, torch.randn(3, 2, 8, 8))


def test_models_that_cannot_be_traced_are_refused() -> None:
    with pytest.raises(ReadError, match="cannot be traced"):
        quantise(Untraceable(), torch.randn(3, 6))
