"""The knobs of a training with quantisation, and what such a training tells and gives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

from torch import nn

from tacit.errors import TypeMismatch
from tacit.program import Json


@dataclass(frozen=True)
class QAT:
    """How a quantised network is trained.

    `steps`: of training. `batch`: rows a step. `rate`: AdamW's rate of weights, which rises at
    once and falls along a cosine. `step_rate`: the same of the logarithms of steps. `decay`:
    AdamW's of weights. `distillation`: the share of a teacher's answers in what is learnt.
    `temperature`: by which answers of classifiers are softened. `clip`: the norm that gradients are
    cut to. `check`: steps between looks at held-out rows, of which the best are kept. `seed`: of
    the order.
    """

    steps: int = 1500
    batch: int = 64
    rate: float = 3e-3
    step_rate: float = 3e-3
    decay: float = 0.0
    distillation: float = 0.0
    temperature: float = 2.0
    clip: float = 5.0
    check: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse knobs that mean nothing."""
        counts = (self.batch, self.check)
        rates = (self.rate, self.step_rate, self.temperature, self.clip)
        problems = {
            f"{self.steps} steps": self.steps < 0,
            f"batch and check are {counts}": min(counts) < 1,
            f"rates, temperature and clip {rates} are not above 0": not all(
                0.0 < each < math.inf for each in rates
            ),
            f"a decay of {self.decay:g}": not 0.0 <= self.decay < math.inf,
            f"a distillation of {self.distillation:g} is no share": not (
                0.0 <= self.distillation <= 1.0
            ),
        }
        for message, wrong in problems.items():
            if wrong:
                raise TypeMismatch(message, hint="see tacit.tune.QAT for what knobs mean")


@dataclass(frozen=True)
class Look:
    """A look at held-out rows after `step` of `steps`.

    `loss` is the mean cross-entropy or squared error, `score` the share that is right, or for
    values the coefficient of determination; `kept` says whether this is the best loss so far.
    """

    step: int
    steps: int
    loss: float
    score: float
    training_loss: float | None
    kept: bool

    @property
    def record(self) -> dict[str, Json]:
        """The look by its fields' names."""
        return dict(asdict(self))


# Told after each look.
Watch = Callable[[Look], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network at rest, what was seen on the way, and the steps that were taken.

    Where several processes trained, all have it, and `is_first` says which one is to write files.
    """

    model: nn.Module
    looks: tuple[Look, ...]
    steps: int
    is_first: bool = True
