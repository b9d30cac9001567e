"""What is learnt: the labels, the original network's answers, and to stay within the scales."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacit.tune.scaling import take_excess
from tacit.tune.training.knobs import SmartPAF


def objective(
    model: nn.Module, teacher: nn.Module, batch: tuple[Tensor, Tensor], knobs: SmartPAF
) -> Tensor:
    """The loss of a batch of inputs and labels, of shape ().

    Distillation is that of Hinton, Vinyals and Dean (arXiv 1503.02531): the divergence between
    softened answers, times the temperature squared. The penalty on inputs beyond static scales is
    that of arXiv 2505.11589.
    """
    x, y = batch
    found: Tensor = model(x)
    total = knobs.penalty * take_excess(model).to(found.device)
    if knobs.distillation < 1.0:
        total = total + (1.0 - knobs.distillation) * functional.cross_entropy(found, y)
    if knobs.distillation > 0.0:
        with torch.no_grad():
            wanted: Tensor = teacher(x)
        total = total + knobs.distillation * distance(found, wanted, knobs.temperature)
    return total


def distance(found: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """The mean divergence of softened answers, of shape (), in units that any temperature keeps."""
    ours, theirs = (
        functional.log_softmax(each.float() / temperature, dim=1) for each in (found, wanted)
    )
    divergence = functional.kl_div(ours, theirs, reduction="batchmean", log_target=True)
    return divergence * temperature**2
