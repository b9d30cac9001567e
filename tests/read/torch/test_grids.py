from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from tacit.errors import ReadError
from tacit.ir.ops import FakeQuantise, Linear
from tacit.read import read
from tacit.read.torch import exported
from tacit.read.torch.grids import traceable
from tests.read.torch.conftest import Gap


class Rounded(nn.Module):
    """Weights and values on grids, by all of torch's ways to say it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 4))
        self.steps = nn.Parameter(torch.linspace(0.1, 0.3, 5))

    def forward(self, x: Tensor) -> Tensor:
        whole = torch.zeros(5, dtype=torch.int32)
        steps = self.steps.detach()
        weight = torch.fake_quantize_per_channel_affine(self.weight, steps, whole, 0, -3, 3)
        x = torch.fake_quantize_per_tensor_affine(x, 0.37, 3, 0, 15)
        x = nn.functional.linear(x, weight)
        one = torch.tensor(0.213), torch.tensor(-2, dtype=torch.int32)
        x = torch.fake_quantize_per_tensor_affine(x, *one, -8, 7)
        return torch.fake_quantize_per_channel_affine(x, 2.1 * steps, whole + 1, 1, -8, 7)


def test_grids_keep_their_meaning(gap: Gap) -> None:
    assert gap(Rounded(), (4,)) < 1e-5


def test_weights_become_constants_on_their_grid() -> None:
    model = Rounded()
    ops = [node.op for node in read(model, torch.zeros(2, 4))]
    grids = [each for each in ops if isinstance(each, FakeQuantise)]
    (linear,) = (each for each in ops if isinstance(each, Linear))
    assert [(each.low, each.high) for each in grids] == [(0, 15), (-8, 7), (-8, 7)]
    assert [each.scale.shape for each in grids] == [(), (), (5,)]
    assert float(grids[1].zero_point) == -2.0
    integers = linear.weight / model.steps.detach().double().numpy()[:, None]
    np.testing.assert_allclose(integers, np.rint(integers), atol=1e-6)


def test_files_with_grids_are_read(tmp_path: Path) -> None:
    program = exported(Rounded(), torch.zeros(2, 4))
    torch.export.save(program, tmp_path / "rounded.pt2")
    assert sum(isinstance(each.op, FakeQuantise) for each in read(tmp_path / "rounded.pt2")) == 3


def test_what_torch_trains_with_is_read() -> None:
    with traceable():
        program = torch.export.export(
            Rounded().eval(), (torch.zeros(2, 4),), dynamic_shapes=({0: Dim("batch")},)
        )
    assert sum(isinstance(each.op, FakeQuantise) for each in read(program)) == 3


def test_a_grid_along_another_axis_is_refused() -> None:
    class Columns(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            steps, whole = torch.full((4,), 0.5), torch.zeros(4, dtype=torch.int32)
            return torch.fake_quantize_per_channel_affine(x, steps, whole, 2, -8, 7)

    with pytest.raises(ReadError, match="a grid for each entry of axis 2"):
        read(Columns(), torch.zeros(2, 3, 4))
