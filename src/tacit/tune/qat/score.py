"""How well a network does on rows or images that it did not learn from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacit.tune.measure import predicting, score
from tacit.tune.qat.rows import LOOKED_AT, Rows
from tacit.tune.samples import Samples


@dataclass(frozen=True)
class Found:
    """The mean cross-entropy or squared error, and the share that is right or R²."""

    loss: float
    score: float


def measured(model: nn.Module, held_out: Rows | Samples) -> Found:
    """How well the model does, as when it predicts, on rows or on images that are held out."""
    if isinstance(held_out, Samples):
        found = score(model, held_out.held_out, normalisation=held_out.normalisation)
        return Found(found.loss, found.accuracy)
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    pieces = (slice(k, k + LOOKED_AT) for k in range(0, len(held_out), LOOKED_AT))
    with predicting(model):
        given = [(model(x.to(device)).cpu(), y) for x, y in map(held_out.at, pieces)]
    answers, y = (torch.cat(each) for each in zip(*given, strict=True))
    return _of_classes(answers, y) if held_out.is_classes else _of_values(answers, y)


def _of_classes(answers: Tensor, y: Tensor) -> Found:
    right = float((answers.argmax(1) == y).double().mean())
    return Found(float(functional.cross_entropy(answers, y)), right)


def _of_values(answers: Tensor, y: Tensor) -> Found:
    wanted = y.reshape(answers.shape).double()
    loss = float(functional.mse_loss(answers.double(), wanted))
    spread = float((wanted - wanted.mean(0)).square().mean())
    return Found(loss, 1.0 - loss / spread if spread else 0.0)
