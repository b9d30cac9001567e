"""How well a network does on labelled images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacit.program import Progress
from tacit.tune.data import Images, Normalisation, in_order

# Images looked at together: the activations of so many stay in memory, and more are no faster.
ROWS = 250


@dataclass(frozen=True)
class Score:
    """The share of `images` that a network is right about, and its mean cross-entropy."""

    accuracy: float
    loss: float
    images: int


def score(
    model: nn.Module,
    images: Images,
    *,
    normalisation: Normalisation | None = None,
    progress: Progress | None = None,
) -> Score:
    """How well the model does as when it predicts; its training flags are put back.

    Under dynamic scales a batch's largest input counts, so those depend on `ROWS` as well.
    A network whose polynomials left their intervals may give values that are not finite: these
    images count as wrong, and the loss is infinite.
    """
    right, total, seen = 0, 0.0, 0
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    with predicting(model):
        for batch in in_order(images, ROWS, normalisation=normalisation):
            wanted = torch.from_numpy(batch.y).to(device)
            results: Tensor = model(torch.from_numpy(batch.x).to(device)).float()
            is_sound = torch.isfinite(results).all(1)
            right += int(((results.argmax(1) == wanted) & is_sound).sum())
            loss = functional.cross_entropy(results, wanted, reduction="sum")
            total += float(loss) if bool(is_sound.all()) else float("inf")
            seen += len(wanted)
            if progress:
                progress(seen, len(images))
    return Score(right / seen, total / seen, seen)


@contextmanager
def predicting(model: nn.Module) -> Iterator[None]:
    """Within it the model is as when it predicts, and no gradients are kept."""
    flags = [(each, each.training) for each in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            yield
    finally:
        for module, flag in flags:
            module.training = flag
