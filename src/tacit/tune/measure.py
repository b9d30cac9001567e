"""How well a network does on labelled images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacit.data import Images, Normalisation, in_order
from tacit.program import Progress

# Images looked at together, where they are small: more are no faster. Large ones are fewer, since
# the activations of so many pixels stay in memory; but not so few that cores wait.
ROWS, PIXELS, LEAST_ROWS = 250, 250 * 32 * 32, 16
# The most that one image adds to a loss, in nats: past a chance of e^-20 an answer is just wrong.
# Where a polynomial explodes for one image in a thousand, the others still tell networks apart.
MOST = 20.0


@dataclass(frozen=True)
class Score:
    """The share of `images` that a network is right about, and its mean cross-entropy in nats.

    No image adds more than `MOST` to it.
    """

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

    Under dynamic scales a batch's largest input counts, so those depend on `rows_of` too.
    A network whose polynomials left their intervals may give values that are not finite: these
    images count as wrong.
    """
    right, total, seen = 0, 0.0, 0
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    with predicting(model):
        for batch in in_order(images, rows_of(images), normalisation=normalisation):
            wanted = torch.from_numpy(batch.y).to(device)
            results: Tensor = model(torch.from_numpy(batch.x).to(device)).float()
            is_sound = torch.isfinite(results).all(1)
            right += int(((results.argmax(1) == wanted) & is_sound).sum())
            losses = functional.cross_entropy(results, wanted, reduction="none")
            total += float(losses.nan_to_num(MOST).clamp(max=MOST).double().sum())
            seen += len(wanted)
            if progress:
                progress(seen, len(images))
    return Score(right / seen, total / seen, seen)


def rows_of(images: Images) -> int:
    """How many of the images are looked at together."""
    return max(LEAST_ROWS, min(ROWS, PIXELS // math.prod(images.x.shape[2:])))


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
