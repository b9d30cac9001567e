import math
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from tacit.errors import ReadError
from tacit.ir.ops import ArgMax, Map
from tacit.read import read

# torch computes in float32, of 24 bits; a few steps in a row lose a few of them.
TOLERANCE = 1e-5

Gap = Callable[..., float]
Formula = Callable[..., torch.Tensor]


class Formulas(nn.Module):
    """A formula as a model."""

    def __init__(self, write: Formula) -> None:
        super().__init__()
        self.write = write

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.write(*inputs)


@pytest.mark.parametrize(
    "layer",
    [
        nn.ReLU(),
        nn.ReLU(inplace=True),
        nn.LeakyReLU(),
        nn.LeakyReLU(0.3, inplace=True),
        nn.ReLU6(),
        nn.Hardtanh(-0.5, 0.7),
        nn.Sigmoid(),
        nn.Tanh(),
        nn.GELU(),
        nn.GELU(approximate="tanh"),
        nn.SiLU(),
        nn.SiLU(inplace=True),
        nn.Softplus(),
        nn.Softplus(beta=2.0, threshold=3.0),
        nn.ELU(),
        nn.ELU(alpha=0.5),
        nn.SELU(),
        nn.CELU(alpha=0.7),
        nn.Hardsigmoid(),
        nn.Hardswish(),
        nn.Mish(),
        nn.LogSigmoid(),
        nn.Tanhshrink(),
        nn.PReLU(),
        nn.PReLU(3, init=0.1),
        nn.GLU(dim=2),
        nn.Identity(),
        nn.Dropout(),
        nn.Dropout1d(),
        nn.AlphaDropout(),
        nn.Softmax(dim=1),
        nn.Softmax(dim=-1),
        nn.LogSoftmax(dim=1),
    ],
    ids=str,
)
def test_activations_mean_what_they_mean_in_torch(gap: Gap, layer: nn.Module) -> None:
    assert gap(layer, (3, 4)) <= TOLERANCE


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x + 1,
        lambda x: 2 - x,
        lambda x: x - 0.5,
        lambda x: 3 * x / 4,
        lambda x: -x,
        lambda x: x + torch.tensor([1.0, 2.0, 3.0])[:, None],
        lambda x: x * torch.ones(1, 3, 1),
        lambda x: x / torch.tensor([1.0, 2.0, 4.0, 8.0]),
        lambda x: torch.add(x, x.relu(), alpha=2.0),
        lambda x: torch.sub(x, torch.ones(4), alpha=3.0),
        lambda x: torch.rsub(x, x.relu(), alpha=2.0),
        lambda x: x * x,
        lambda x: x * x.relu(),
        lambda x: x.square(),
        lambda x: x**1,
        lambda x: x**2,
        lambda x: x**3,
        lambda x: x**7 / 100,
        lambda x: x.exp(),
        lambda x: x.abs(),
        lambda x: x.sign(),
        lambda x: x.erf(),
        lambda x: x.sin(),
        lambda x: x.cos(),
        lambda x: 1 / (1 + x.square()),
        lambda x: (1 + x.square()).sqrt(),
        lambda x: (1 + x.square()).rsqrt(),
        lambda x: (1 + x.square()).log(),
        lambda x: x.clamp(-0.5, 1.5),
        lambda x: x.clamp(min=0),
        lambda x: x.clamp(min=-0.5),
        lambda x: x.clamp(max=0.5),
        lambda x: x.clamp_min(0.25),
        lambda x: torch.where(torch.tensor([True, False, True, True]), x, 0.0),
        lambda x: torch.where(torch.tensor([True, False, False, True]), x, x.relu()),
        lambda x: torch.where(torch.ones(3, 4).tril() > 0, -1.0, x),
        lambda x: torch.where(torch.ones(3, 4).tril() > 0, x, torch.ones(3, 4)).exp(),
        lambda x: torch.where(torch.ones(4) > 0, x, -math.inf),
        lambda x: torch.maximum(x, torch.tensor(0.5)),
        lambda x: torch.max(x, -x),
        lambda x: torch.minimum(x, 0.5 * x),
        lambda x: x.mean(dim=(1, 2)),
        lambda x: x.mean(-1, keepdim=True),
        lambda x: x.sum(1),
        lambda x: x.sum((1, -1), keepdim=True),
        lambda x: x.argmax(1),
        lambda x: x.argmax(-1, keepdim=True),
        lambda x: x.softmax(1).argmax(1).float(),
        lambda x: x.double().float().contiguous().clone().detach(),
        lambda x: x + torch.ones(x.shape[0], 3, 4),
        lambda x: x + torch.arange(4.0).expand(x.shape[0], 3, 4),
    ],
)
def test_arithmetic_means_what_it_means_in_torch(gap: Gap, write: Formula) -> None:
    assert gap(Formulas(write), (3, 4)) <= TOLERANCE


@pytest.mark.parametrize(
    "write",
    [
        lambda x, y: x + y,
        lambda x, y: x * y - y,
        torch.maximum,
        lambda x, y: torch.cat([x, y.expand(-1, 3, -1)], 2),
    ],
)
def test_two_inputs_share_the_batch(gap: Gap, write: Formula) -> None:
    assert gap(Formulas(write), (3, 4), (1, 4)) <= TOLERANCE


@pytest.mark.parametrize("write", [lambda x: x * x, lambda x: x**2, torch.square])
def test_a_value_times_itself_is_its_square(write: Formula) -> None:
    graph = read(Formulas(write), torch.zeros(2, 3))

    op = graph[graph.outputs[0]].op

    assert isinstance(op, Map)
    assert op.function.name == "square"


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda x: x * x.sigmoid(), "silu"),
        (lambda x: functional.hardsigmoid(x) * x, "hard_swish"),
    ],
)
def test_a_value_times_its_gate_is_one_function(gap: Gap, write: Formula, name: str) -> None:
    graph = read(Formulas(write), torch.zeros(2, 3))

    op = graph[graph.outputs[0]].op

    assert isinstance(op, Map)
    assert op.function.name == name
    assert len(graph) == 2
    assert gap(Formulas(write), (3,)) <= TOLERANCE


def test_a_change_in_place_is_seen_by_what_shares_the_memory(gap: Gap) -> None:
    def write(x: torch.Tensor) -> torch.Tensor:
        y = 2 * x
        part = y[:, 1:]
        y.relu_()
        y += 1
        return torch.cat([part, y], 1)

    assert gap(Formulas(write), (3, 4)) <= TOLERANCE


def test_argmax_takes_the_first_of_equal_entries() -> None:
    graph = read(Formulas(lambda x: x.argmax(1)), torch.zeros(2, 3))

    assert isinstance(graph[graph.outputs[0]].op, ArgMax)
    assert graph(torch.ones(2, 3).numpy()).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda x: x / x.relu(), "divides by a value that is secret"),
        (lambda x: x / 0.0, "divides by zero"),
        (lambda x: torch.div(x, 2.0, rounding_mode="floor"), "rounds"),
        (lambda x: x**0.5, "exponent is 0.5"),
        (lambda x: x**-1.0, "exponent is -1"),
        (lambda x: 2.0**x, "exponent"),
        (lambda x: x.floor(), "floor"),
        (lambda x: x.mean(), "along the batch"),
        (lambda x: x.sum(0), "along the batch"),
        (lambda x: x.softmax(0), "along the batch"),
        (lambda x: x.argmax(), "no axis"),
        (lambda x: torch.where(x > 0, x, 0.1 * x), "where"),
        (lambda x: torch.where(torch.eye(3, 4) > 0, x, -math.inf), "infinity"),
        (lambda x: x.long(), "rounds"),
        (lambda x: x.amax(1), "amax"),
        (lambda x: x.topk(2).values, "topk"),
        (lambda x: x + torch.rand(4), "rand"),
        (lambda x: x * math.inf, "infinity"),
        (lambda x: torch.einsum("bij,bij->bi", x, x), "moves|einsum|batch"),
        (lambda x: functional.layer_norm(x, (4,)), "layer_norm"),
        (lambda x: x[:, :1] + x.mean(1), "batch meet another axis"),
        (lambda _: torch.zeros(3), "does not depend on its input"),
        (lambda x: x + torch.ones(2, 1, 1), "size of the batch|each row"),
        (lambda x: x * len(x), "fixes the size of the batch"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(write: Formula, words: str) -> None:
    with pytest.raises(ReadError, match=words):
        read(Formulas(write), torch.zeros(2, 3, 4))
