"""How many weights change sides: what tells whether a binary network still learns."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from tacit.errors import TypeMismatch
from tacit.tune.binarise.layers import bit_weights

Signs = Mapping[str, Tensor]


def signs(model: nn.Module) -> Signs:
    """Whether each weight of one bit is negative, by its layer's path: to be compared later."""
    return MappingProxyType(
        {path: weight.detach() < 0.0 for path, weight in bit_weights(model).items()}
    )


def flip_ratios(before: Signs, after: Signs) -> Mapping[str, float]:
    """The share of each layer's weights that are on the other side now."""
    _require_same(before, after)
    flips = {path: (before[path] != after[path]).float().mean() for path in before}
    return MappingProxyType({path: float(share) for path, share in flips.items()})


def flip_ratio(before: Signs, after: Signs) -> float:
    """The share of all layers' weights that are on the other side now."""
    _require_same(before, after)
    flips = sum(int(torch.count_nonzero(before[path] != after[path])) for path in before)
    return flips / sum(each.numel() for each in before.values())


def _require_same(before: Signs, after: Signs) -> None:
    shapes = [{path: tuple(each.shape) for path, each in some.items()} for some in (before, after)]
    if shapes[0] != shapes[1] or not before:
        raise TypeMismatch(
            f"weights of {shapes[0]} and of {shapes[1]} are not those of one binary model",
            hint="take both from the same model, with layers whose kernel_quantiser has one bit",
        )
