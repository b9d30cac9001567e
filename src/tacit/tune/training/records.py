"""What a tuning tells while it goes on, and what it gives in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from torch import nn

from tacit.program import Json
from tacit.tune.coefficients import Tuned


@dataclass(frozen=True)
class Check:
    """A look at the held-out images: where the training was, and how well the network did.

    `step` of `steps` in all; `candidate` is "last" or "average"; `training_loss` is the mean of
    the steps since the last look; `kept` says whether this is the best so far. `skipped` counts the
    steps since then in which something did not move, because a gradient was not finite.
    """

    phase: str
    step: int
    steps: int
    candidate: str
    accuracy: float
    loss: float
    training_loss: float | None
    kept: bool
    skipped: int

    @property
    def record(self) -> dict[str, Json]:
        """The look by its fields' names."""
        return dict(asdict(self))


# Told after each step (done, total, the phase's name) and after each look.
Told = Callable[[int, int, str], None]
Watch = Callable[[Check], None]


@dataclass(frozen=True, eq=False)
class Outcome:
    """A tuned network under its static scales, and how it came to be.

    `tuned` has the mean squared errors of each layer before and after its coefficients were tuned.
    Where several processes trained, all have it, and `is_first` says which one is to write files.
    """

    model: nn.Module
    checks: tuple[Check, ...]
    tuned: tuple[Tuned, ...]
    steps: int
    is_first: bool = True
