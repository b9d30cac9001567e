"""What an optimiser remembers, by the paths of the parameters that it is about."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.optim import AdamW


def moments(optimiser: AdamW, names: Sequence[str]) -> dict[str, Tensor]:
    """An optimiser's moments and counts; `names` are those of its parameters, in its order."""
    held = optimiser.state_dict()["state"]
    return {
        f"{field_}:{names[number]}": torch.as_tensor(value)
        for number, state in held.items()
        for field_, value in state.items()
    }


def restore(optimiser: AdamW, names: Sequence[str], state: Mapping[str, Tensor]) -> None:
    """Put back what `moments` gave."""
    numbers = {name: number for number, name in enumerate(names)}
    held: dict[int, dict[str, Tensor]] = {}
    for key, value in state.items():
        field_, _, name = key.partition(":")
        held.setdefault(numbers[name], {})[field_] = value
    whole = copy.deepcopy(optimiser.state_dict())
    optimiser.load_state_dict({**whole, "state": held})
