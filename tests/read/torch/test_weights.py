from collections.abc import Callable

import pytest
import torch
from torch import nn

from tacit.errors import ReadError
from tacit.ir.ops import Conv, Linear
from tacit.read import read

# torch computes in float32, of 24 bits; sums of a few hundred products lose a few more.
TOLERANCE = 1e-5

Gap = Callable[..., float]


def used(norm: nn.Module) -> nn.Module:
    """The norm with statistics and weights that are not its defaults."""
    with torch.no_grad():
        for value in (*norm.parameters(), *norm.buffers()):
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape) + 0.5)
    return norm


# torch says that an even kernel with padding "same" costs it a copy.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(6, 4), (6,)),
        (nn.Linear(6, 4, bias=False), (6,)),
        (nn.Linear(6, 4), (3, 6)),
        (nn.Linear(6, 1), (2, 3, 6)),
        (nn.Conv1d(3, 4, 3), (3, 9)),
        (nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, bias=False), (4, 11)),
        (nn.Conv1d(3, 4, 4, padding="same"), (3, 9)),
        (nn.Conv2d(3, 4, 3), (3, 7, 8)),
        (nn.Conv2d(3, 4, (3, 2), stride=(2, 3), padding=(1, 0), bias=False), (3, 7, 8)),
        (nn.Conv2d(4, 8, 3, padding=2, dilation=2, groups=4), (4, 7, 7)),
        (nn.Conv2d(4, 4, 3, padding=1, groups=4), (4, 7, 7)),
        (nn.Conv2d(3, 4, (4, 3), padding="same", dilation=(1, 2)), (3, 9, 8)),
        (nn.Conv2d(3, 4, 3, padding="valid"), (3, 5, 5)),
        (nn.Conv2d(3, 4, 3, padding=1, padding_mode="zeros"), (3, 5, 5)),
        (used(nn.BatchNorm1d(4)), (4,)),
        (used(nn.BatchNorm1d(4)), (4, 5)),
        (used(nn.BatchNorm2d(4)), (4, 5, 3)),
        (used(nn.BatchNorm2d(4, affine=False, eps=0.1)), (4, 5, 3)),
    ],
    ids=str,
)
def test_layers_with_weights_mean_what_they_mean_in_torch(
    gap: Gap, layer: nn.Module, shape: tuple[int, ...]
) -> None:
    assert gap(layer, shape) <= TOLERANCE


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.AvgPool1d(3), (2, 8)),
        (nn.AvgPool1d(3, stride=2, padding=1, ceil_mode=True), (2, 8)),
        (nn.AvgPool2d(2), (2, 6, 7)),
        (nn.AvgPool2d((3, 2), stride=(2, 1), padding=(1, 0)), (2, 6, 7)),
        (nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True), (2, 6, 8)),
        (nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), (2, 7, 8)),
        (nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), (2, 6, 8)),
        (nn.AvgPool2d(2, divisor_override=3), (2, 6, 6)),
        (nn.AvgPool2d(3, 2, 1, ceil_mode=True, divisor_override=5), (2, 6, 6)),
        (nn.MaxPool1d(2), (2, 8)),
        (nn.MaxPool1d(3, stride=2, padding=1, dilation=2), (2, 9)),
        (nn.MaxPool2d(2), (2, 6, 7)),
        (nn.MaxPool2d(3, stride=2, padding=1), (2, 7, 8)),
        (nn.MaxPool2d((3, 2), stride=2, padding=1, ceil_mode=True), (2, 6, 7)),
        (nn.MaxPool2d(2, stride=1, dilation=2), (2, 6, 7)),
        (nn.AdaptiveAvgPool1d(3), (2, 7)),
        (nn.AdaptiveAvgPool2d(1), (2, 5, 7)),
        (nn.AdaptiveAvgPool2d((3, 4)), (2, 5, 7)),
        (nn.AdaptiveAvgPool2d((None, 2)), (2, 5, 7)),
        (nn.AdaptiveMaxPool1d(3), (2, 7)),
        (nn.AdaptiveMaxPool2d((2, 3)), (2, 5, 7)),
    ],
    ids=str,
)
def test_poolings_mean_what_they_mean_in_torch(
    gap: Gap, layer: nn.Module, shape: tuple[int, ...]
) -> None:
    assert gap(layer, shape) <= TOLERANCE


class Products(nn.Module):
    """Matrix products of all kinds with one weight."""

    def __init__(self, write: Callable[..., torch.Tensor], *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(*shape))
        self.write = write

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.write(x, self.weight)


@pytest.mark.parametrize(
    ("write", "weight", "shape"),
    [
        (lambda x, w: x @ w, (4, 3), (4,)),
        (lambda x, w: x @ w, (4, 3), (5, 4)),
        (lambda x, w: x @ w.t(), (3, 4), (5, 4)),
        (lambda x, w: x @ w, (4,), (5, 4)),
        (lambda x, w: x @ w, (1, 4, 3), (5, 4)),
        (lambda x, w: x @ w, (2, 4, 3), (2, 5, 4)),
        (lambda x, w: w @ x, (3, 4), (4, 5)),
        (torch.mm, (4, 3), (4,)),
        (lambda x, w: torch.addmm(w[0], x, w, beta=0.5, alpha=2.0), (4, 4), (4,)),
        (lambda x, w: torch.bmm(x, x.transpose(1, 2)) + w, (5, 5), (5, 4)),
        (lambda x, w: x @ x.mT + w, (5, 5), (2, 5, 4)),
    ],
)
def test_matrix_products_mean_what_they_mean_in_torch(
    gap: Gap,
    write: Callable[..., torch.Tensor],
    weight: tuple[int, ...],
    shape: tuple[int, ...],
) -> None:
    assert gap(Products(write, *weight), shape) <= TOLERANCE


def test_a_product_with_a_constant_matrix_becomes_a_linear_layer() -> None:
    model = Products(lambda x, w: torch.addmm(w[0], x, w), 4, 4)

    graph = read(model, torch.zeros(1, 4))

    assert [type(node.op) for node in graph][1:] == [Linear]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_an_even_kernel_with_same_padding_is_padded_more_behind() -> None:
    graph = read(nn.Conv1d(1, 1, 4, padding="same"), torch.zeros(1, 1, 9))

    op = graph[graph.outputs[0]].op

    assert isinstance(op, Conv)
    assert op.padding == ((1, 2),)


class Body(nn.Module):
    """A layer at a known path, of which the first result counts."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Identity(), layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result = self.body(x)
        first: torch.Tensor = result[0] if isinstance(result, tuple) else result
        return first


@pytest.mark.parametrize(
    ("layer", "shape", "advice"),
    [
        (nn.ConvTranspose2d(2, 2, 3), (2, 5, 5), "linear layer"),
        (nn.Conv3d(2, 2, 2), (2, 4, 4, 4), "one and two axes"),
        (nn.AvgPool3d(2), (2, 4, 4, 4), "channels"),
        (nn.LayerNorm(4), (4,), "batch norm"),
        (nn.GroupNorm(2, 4), (4, 3), "batch norm"),
        (nn.InstanceNorm2d(4), (4, 3, 3), "batch norm"),
        (nn.BatchNorm1d(4, track_running_stats=False), (4,), "track_running_stats"),
        (nn.Upsample(scale_factor=2), (2, 3, 3), "reshape"),
        (nn.LSTM(4, 4, batch_first=True), (3, 4), "unroll"),
        (nn.TransformerEncoderLayer(4, 2, batch_first=True), (3, 4), ""),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), (1, 5, 5), ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_layer_that_cannot_be_read_is_named_with_what_would_do_instead(
    layer: nn.Module, shape: tuple[int, ...], advice: str
) -> None:
    with pytest.raises(ReadError, match=r"^body\.1") as raised:
        read(Body(layer), torch.zeros(2, *shape))

    assert advice in (raised.value.hint or "")


def test_a_weight_that_depends_on_the_input_is_refused() -> None:
    model = Products(lambda x, _: nn.functional.linear(x, x.mean(0, keepdim=True)), 1)

    with pytest.raises(ReadError):
        read(model, torch.zeros(2, 4))


def test_positions_of_a_max_pooling_are_refused() -> None:
    model = Products(lambda x, _: nn.functional.max_pool2d(x, 2, return_indices=True)[1] * 1.0, 1)

    with pytest.raises(ReadError, match="positions"):
        read(model, torch.zeros(2, 1, 4, 4))
