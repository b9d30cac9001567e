from __future__ import annotations

import pytest
import torch
from torch import Tensor, fx, nn

from tacit.errors import LoweringError
from tacit.ir.functions import Function
from tacit.tune.search.network import Layer, Step, layers_of, steps_of
from tacit.tune.sites import prepared
from tests.tune.models import Pooled, residual


class Gated(nn.Module):
    """A product of two branches, a square, and probabilities at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Linear(4, 4)
        self.right = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, 1)
        y = torch.relu(self.left(first)) * torch.relu(self.right(second))
        y = y + y.square().mean(1, keepdim=True)
        return torch.log(torch.softmax(y, 1))


class Scaled(nn.Module):
    """Something that is neither affine nor a product, nor replaced."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(x).sum(1)


def graph(model: nn.Module, x: Tensor) -> fx.GraphModule:
    made = prepared(model.eval(), x)
    assert isinstance(made, fx.GraphModule)
    return made


def images(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_layers_come_in_the_order_of_inference_with_the_levels_of_their_tournaments() -> None:
    found = layers_of(graph(Pooled(), images(2, 1, 13, 13)))
    assert [(each.name, each.times) for each in found] == [
        ("relu", 1),
        ("pool", 4),
        ("clamp", 1),
        ("max_pool2d", 2),
        ("relu_1", 1),
        ("relu_2", 1),
        ("amax", 4),
        ("maximum", 1),
        ("silu", 1),
    ]
    assert found[-1] == Layer("silu", Function("silu"))


def test_residual_additions_read_both_branches() -> None:
    x = images(2, 3, 8, 8)
    assert steps_of(graph(residual(), x), x) == (
        Step((), 0),
        Step((0,), 1),
        Step((0, 1), 2),
        Step((2,), 3),
        Step((2, 3), 4),
        Step((4,), levels=1),
    )


def test_products_take_levels_and_what_the_client_computes_takes_none() -> None:
    x = images(2, 8)
    assert steps_of(graph(Gated(), x), x) == (
        Step((), 0),
        Step((), 1),
        Step((0, 1), levels=2),
        Step((2,), levels=2),
        Step((2, 3), levels=1),
    )


def test_an_activation_at_the_end_needs_no_last_linear_map() -> None:
    x = images(2, 8)
    model = nn.Sequential(nn.Linear(8, 3), nn.SiLU(), nn.Flatten())
    assert steps_of(graph(model, x), x) == (Step((), 0), Step((0,), levels=0))


def test_what_has_no_number_of_levels_is_refused() -> None:
    x = images(2, 8)
    with pytest.raises(LoweringError, match="exp is neither affine nor a product"):
        steps_of(graph(Scaled(), x), x)
