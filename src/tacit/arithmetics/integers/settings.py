"""How a graph is to be quantised: what the lowering asks of the knobs."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from tacit.ir.graph import Node


class Kind(enum.Enum):
    """What bits are given for."""

    INPUTS = "inputs"
    WEIGHTS = "weights"
    ACTIVATIONS = "activations"


class Search(enum.Enum):
    """How the scale of weights is chosen: it holds them all, or has the least mean square error."""

    MINMAX = "minmax"
    MSE = "mse"


class Grouping(enum.Enum):
    """What of the input shares one grid."""

    FEATURE = "feature"
    TENSOR = "tensor"


@dataclass(frozen=True)
class Settings:
    """Bits for each kind of number, with exceptions for layers, and the widths allowed.

    `accumulator` bounds what a look-up reads, `result` what no look-up reads any more.
    """

    bits: Mapping[Kind, int]
    layers: Mapping[str, int]
    accumulator: int
    result: int
    rounding: int | None
    search: Search
    grouping: Grouping
    per_channel: bool
    power_of_two: bool

    def bits_of(self, kind: Kind, node: Node) -> int:
        """The bits of a layer's weights or activations; a layer is called by name or origin."""
        for name in (f"{node.origin}.{kind.value}", node.origin, f"{node.name}.{kind.value}"):
            if name in self.layers:
                return self.layers[name]
        return self.layers.get(node.name, self.bits[kind])
