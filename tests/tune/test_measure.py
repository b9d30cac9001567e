from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tacit.data import Images, Normalisation
from tacit.tune.measure import LEAST_ROWS, MOST, ROWS, rows_of, score


class Fixed(nn.Module):
    """Gives the same scores for every image: those of its pixels' values as a row number."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.rows = torch.tensor(rows)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.rows[x[:, 0, 0, 0].long()]
        return found


def numbered(count: int, labels: list[int]) -> Images:
    """Images whose pixels say which one they are."""
    x = np.arange(count, dtype=np.float32).reshape(-1, 1, 1, 1)
    return Images(x, np.array(labels), ("a", "b"), Normalisation((0.0,), (1.0,)))


def test_the_share_that_is_right_and_the_mean_cross_entropy() -> None:
    model = Fixed([[0.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    found = score(model, numbered(3, [0, 1, 1]))
    losses = [math.log(2.0), math.log1p(math.exp(-1.0)), math.log1p(math.exp(2.0))]
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.loss == pytest.approx(sum(losses) / 3, rel=1e-6)
    assert found.images == 3


@pytest.mark.parametrize("wild", [[math.nan, 0.0], [math.inf, 0.0], [-1e6, 1e6]])
def test_an_image_that_explodes_is_wrong_and_counts_no_more_than_the_most(
    wild: list[float],
) -> None:
    found = score(Fixed([wild, [0.0, 100.0]]), numbered(2, [0, 1]))
    assert found.accuracy == 0.5
    assert found.loss == pytest.approx(MOST / 2)


def test_training_flags_are_put_back() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2), nn.Dropout()).train()
    score(model, numbered(2, [0, 1]))
    assert all(each.training for each in model.modules())


@pytest.mark.parametrize(("side", "rows"), [(8, ROWS), (32, ROWS), (64, 62), (224, LEAST_ROWS)])
def test_large_images_are_looked_at_by_fewer(side: int, rows: int) -> None:
    x = np.zeros((1, 1, side, side), dtype=np.uint8)
    images = Images(x, np.array([0]), ("a",), Normalisation((0.0,), (1.0,)))
    assert rows_of(images) == rows
