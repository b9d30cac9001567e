from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tacit.errors import ReadError, TypeMismatch
from tacit.tune.binarise import (
    LSQ,
    MagnitudeAwareSign,
    QuantConv1d,
    QuantConv2d,
    QuantLinear,
    SteHeaviside,
    SteSign,
    SteTern,
    bit_weights,
    clip_after_steps,
    clip_latent,
    quant_layers,
)

Doubles = NDArray[np.float64]


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def signs(x: Tensor) -> Doubles:
    return np.where(x.detach().numpy() < 0.0, -1.0, 1.0)


def correlated(x: Doubles, w: Doubles, stride: int) -> Doubles:
    """The plain meaning of a convolution without borders."""
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    found: Doubles = np.einsum("nchwij,ocij->nohw", windows[:, :, ::stride, ::stride], w)
    return found


def test_a_linear_layer_multiplies_signs() -> None:
    plain = nn.Linear(7, 3)
    layer = QuantLinear(plain, input_quantiser=SteSign(), kernel_quantiser=SteSign())
    x = drawn(0, 5, 7)
    wanted = signs(x) @ signs(plain.weight).T + plain.bias.detach().numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), wanted, rtol=1e-6)


@pytest.mark.parametrize("pad_value", [0.0, 1.0, -1.0, 0.25])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_has_a_border_of_any_value(pad_value: float, stride: int) -> None:
    plain = nn.Conv2d(3, 4, 3, stride=stride, padding=(2, 1), bias=False)
    layer = QuantConv2d(
        plain, input_quantiser=SteSign(), kernel_quantiser=SteSign(), pad_value=pad_value
    )
    x = drawn(1, 2, 3, 6, 5)
    borders = ((0, 0), (0, 0), (2, 2), (1, 1))
    padded = np.pad(signs(x), borders, constant_values=pad_value)
    wanted = correlated(padded, signs(plain.weight), stride)
    np.testing.assert_allclose(layer(x).detach().numpy(), wanted, atol=1e-5)


def test_dilation_and_groups_are_the_plain_layers() -> None:
    plain = nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2)
    layer = QuantConv2d(plain, kernel_quantiser=SteSign())
    x = drawn(2, 2, 4, 5, 5)
    own = nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2)
    own.load_state_dict({"weight": torch.from_numpy(signs(plain.weight)), "bias": plain.bias})
    torch.testing.assert_close(layer(x), own(x))


@pytest.mark.parametrize("pad_value", [0.0, 1.0])
def test_same_padding_keeps_the_extent(pad_value: float) -> None:
    plain = nn.Conv1d(2, 3, 4, padding="same")
    layer = QuantConv1d(plain, pad_value=pad_value)
    x = drawn(3, 2, 2, 9)
    bordered = nn.functional.pad(x, (1, 2), value=pad_value)
    wanted = nn.functional.conv1d(bordered, plain.weight, plain.bias)
    torch.testing.assert_close(layer(x), wanted)


def test_without_quantisers_it_is_the_plain_layer() -> None:
    plain, x = nn.Conv1d(2, 3, 3, padding=1), drawn(4, 2, 2, 8)
    assert torch.equal(QuantConv1d(plain)(x), plain(x))


def test_gradients_pass_both_quantisers() -> None:
    plain = nn.Linear(2, 1, bias=False)
    plain.weight.data = torch.tensor([[0.5, -1.5]])
    layer = QuantLinear(plain, input_quantiser=SteSign(), kernel_quantiser=SteSign())
    x = torch.tensor([[2.0, -0.5]], requires_grad=True)
    torch.autograd.backward(layer(x))
    assert x.grad is not None
    assert layer.weight.grad is not None
    # The other factor's sign, where the own value is within the clip.
    assert x.grad.tolist() == [[0.0, -1.0]]
    assert layer.weight.grad.tolist() == [[1.0, 0.0]]


def test_the_plain_layer_is_not_touched() -> None:
    plain = nn.Linear(4, 4)
    before = plain.weight.detach().clone()
    layer = QuantLinear(plain, kernel_quantiser=SteSign())
    layer.weight.data += 1.0
    assert torch.equal(plain.weight, before)


def test_steps_of_weights_begin_with_the_layer() -> None:
    layer = QuantLinear(nn.Linear(6, 4), kernel_quantiser=LSQ(2, of_weights=True))
    quantiser = layer.kernel_quantiser
    assert isinstance(quantiser, LSQ)
    mean = float(layer.weight.detach().abs().mean())
    assert float(quantiser.step.detach()) == pytest.approx(2.0 * mean)


def test_latent_weights_are_clipped_where_they_are_quantised() -> None:
    model = nn.Sequential(
        QuantLinear(nn.Linear(3, 3), kernel_quantiser=SteSign()),
        QuantLinear(nn.Linear(3, 3), kernel_quantiser=SteSign(), clip=0.5),
        QuantLinear(nn.Linear(3, 3), kernel_quantiser=SteSign(), clip=None),
        QuantLinear(nn.Linear(3, 3)),
        nn.Linear(3, 3),
    )
    layers = [model.get_submodule(str(place)) for place in range(5)]
    weights = [next(each.parameters()) for each in layers]
    torch._foreach_copy_([each.data for each in weights], [torch.full((3, 3), -3.0)] * 5)
    clip_latent(model)
    assert [float(each.detach()[0, 0]) for each in weights] == [-1.0, -0.5, -3.0, -3.0, -3.0]


def test_an_optimiser_clips_after_each_step() -> None:
    layer = QuantLinear(nn.Linear(2, 1, bias=False), kernel_quantiser=SteSign())
    optimiser = torch.optim.SGD(layer.parameters(), lr=100.0)
    clip_after_steps(optimiser, layer)
    torch.autograd.backward(layer(torch.ones(1, 2)).sum())
    optimiser.step()
    assert layer.weight.tolist() == [[-1.0, -1.0]]


def test_layers_and_weights_of_one_bit_are_found() -> None:
    model = nn.Sequential(
        QuantLinear(nn.Linear(3, 3), kernel_quantiser=SteSign()),
        nn.Sequential(QuantLinear(nn.Linear(3, 3), kernel_quantiser=MagnitudeAwareSign())),
        QuantLinear(nn.Linear(3, 3), kernel_quantiser=SteTern()),
        QuantLinear(nn.Linear(3, 3), input_quantiser=SteHeaviside()),
    )
    assert list(quant_layers(model)) == ["0", "1.0", "2", "3"]
    assert list(bit_weights(model)) == ["0", "1.0"]


def test_inputs_must_not_depend_on_the_batch() -> None:
    with pytest.raises(TypeMismatch, match="the whole batch"):
        QuantLinear(nn.Linear(2, 2), input_quantiser=SteTern(None))


def test_borders_of_other_kinds_are_refused() -> None:
    circular = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")
    with pytest.raises(ReadError, match="circular"):
        QuantConv2d(circular)
    with pytest.raises(TypeMismatch, match="border"):
        QuantConv2d(nn.Conv2d(1, 1, 3, padding=1), pad_value=math.nan)
