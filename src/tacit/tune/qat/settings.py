"""How many bits everything gets, in the whole network and in single layers."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tacit.errors import TypeMismatch

# Grids of more bits are no small integers; sums of more have no engine.
MOST_BITS, MOST_SUMMED = 8, 16


class Enforcement(enum.Enum):
    """How sums are kept within their bits.

    `NORM`: the sum of a neuron's integer weights is small enough (A2Q, Colbert et al. 2023,
    arXiv 2308.13504). `PRUNING`: so few of its weights are not zero that none can be too large.
    """

    NORM = "norm"
    PRUNING = "pruning"


@dataclass(frozen=True)
class Widths:
    """The bits of one layer: of its weights, of what it reads, of its sums; None as the network."""

    weights: int | None = None
    activations: int | None = None
    accumulator: int | None = None

    def __post_init__(self) -> None:
        """Refuse bits that no engine has."""
        limits = {
            "weights": (self.weights, 2, MOST_BITS),
            "activations": (self.activations, 1, MOST_BITS),
            "accumulator": (self.accumulator, 2, MOST_SUMMED),
        }
        for name, (bits, least, most) in limits.items():
            if bits is not None and not least <= bits <= most:
                raise TypeMismatch(
                    f"{name} of {bits} bits", hint=f"give {name} from {least} to {most} bits"
                )


@dataclass(frozen=True)
class Quantisation:
    """The bits of a network.

    `weights`: of each weight, on a symmetric grid. `activations`: of what layers read. `inputs`: of
    the network's own inputs, for None as many. `accumulator`: of each sum that a function is taken
    of; sums that are results have 16, which no look-up reads. `enforcement`: how sums stay within
    it. `per_channel`: a step for each output of a layer, not one for all. `layers`: exceptions, by
    the layers' paths in the model.
    """

    weights: int = 3
    activations: int = 3
    inputs: int | None = None
    accumulator: int = MOST_SUMMED
    enforcement: Enforcement = Enforcement.NORM
    per_channel: bool = False
    layers: Mapping[str, Widths] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse bits that no engine has."""
        Widths(self.weights, self.activations, self.accumulator)
        Widths(activations=self.inputs)

    def of(self, layer: str, *, is_last: bool) -> Widths:
        """All bits of the layer at a path; the sums of a last layer are results."""
        own = self.layers.get(layer, Widths())
        sums = MOST_SUMMED if is_last else self.accumulator
        return Widths(
            own.weights or self.weights,
            own.activations or self.activations,
            own.accumulator or sums,
        )
