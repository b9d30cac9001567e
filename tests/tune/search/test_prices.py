from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.levels import depth
from tacit.data import Images, Normalisation
from tacit.errors import DepthExceeded
from tacit.ledger import Ledger
from tacit.passes import calibrate
from tacit.program import lower
from tacit.read import read
from tacit.tune.paf import Approximant
from tacit.tune.search import Levels, Samples, Search, Seconds, Settings, search
from tacit.tune.search.assembly import Assembly
from tacit.tune.search.bench import bench
from tests.tune.models import residual


def noise(*shape: int) -> Samples:
    """Images that show nothing, of three classes."""
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(1)).numpy()
    y = np.arange(len(x)) % 3
    channels = shape[1]
    images = Images(x, y, ("a", "b", "c"), Normalisation((0.0,) * channels, (1.0,) * channels))
    return Samples(images, images)


class Branches(nn.Module):
    """A pooling and two branches of different depth, joined by a product."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(8, 8)
        self.last = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.max_pool2d(x, 2, padding=1).flatten(1)
        y = torch.relu(self.line(torch.relu(self.line(x[:, :8]))))
        result: Tensor = self.last(y * torch.tanh(x[:, 1:9]))
        return result


MIXED: list[Approximant] = ["f1g2", 2, 5, "f2g2", 3]


@pytest.mark.parametrize(
    ("model", "shape", "forms"),
    [
        (residual, (30, 3, 8, 8), MIXED),
        (Branches, (30, 1, 5, 5), [2, 1, "f1g2", 15]),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(9, 3), nn.GELU()), (30, 1, 3, 3), [6]),
    ],
)
def test_levels_are_those_of_the_lowered_network(
    model: Callable[[], nn.Module], shape: tuple[int, ...], forms: list[Approximant]
) -> None:
    torch.manual_seed(3)
    samples = noise(*shape)
    known = bench(model().eval(), samples, Settings())
    names = [each.name for each in known.layers]
    whole = Assembly(known, Ledger("any"), dict(zip(names, forms, strict=True)))
    graph = calibrate(read(whole.model, samples.example), samples.train.pixels().astype(float))
    program = lower(graph, CKKS(precision=4, security=128))
    assert Levels().of(whole).price == depth(program.graph)


def mlp(count: int) -> nn.Module:
    torch.manual_seed(2)
    layers = [each for _ in range(count) for each in (nn.Linear(4, 4), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(4, 3)).eval()


@pytest.mark.slow
def test_a_search_by_seconds_prices_what_it_builds_by_the_cost_model(
    tmp_path: Path,
) -> None:
    wanted = Search(forms=(2, 7), price=Seconds(CKKS(precision=4)), points=2)
    front = search(mlp(2), noise(30, 1, 2, 2), wanted, ledger=tmp_path / "ledger")
    built = (*front.points, *front.beaten)
    assert front.price == "seconds"
    assert {"degree 2", "degree 7"} <= {each.uniform for each in built}
    assert all(each.price > 0.0 for each in built)
    # A time is measured once: what is on disk is taken again.
    again = search(mlp(2), noise(30, 1, 2, 2), wanted, ledger=tmp_path / "ledger")
    assert again.record() == front.record()


def test_what_is_too_deep_has_no_seconds_and_the_error_says_what_to_do() -> None:
    wanted = Search(forms=("f1f1g1g1",), price=Seconds(CKKS(precision=34)), points=1)
    with pytest.raises(DepthExceeded, match="seconds are not known") as raised:
        search(mlp(5), noise(30, 1, 2, 2), wanted)
    assert "search by levels" in str(raised.value.hint)
