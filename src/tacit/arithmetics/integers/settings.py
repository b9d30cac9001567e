"""How a graph is to be quantised: what the lowering asks of the knobs."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
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

    `accumulator` bounds what a look-up reads, `result` what no look-up reads any more. `watch` is
    told of all that bits are asked for.
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
    watch: Callable[[Kind, Node], None] | None = None

    def bits_of(self, kind: Kind, node: Node) -> int:
        """The bits of a layer's weights or activations; a layer is called by name or origin."""
        if self.watch is not None:
            self.watch(kind, node)
        found = (self.layers[name] for name in names_of(kind, node) if name in self.layers)
        return next(found, self.bits[kind])


def names_of(kind: Kind, node: Node) -> tuple[str, str, str, str]:
    """What a layer's bits may be given under; a name, which is the layer's own, before an origin.

    Several layers may have one origin.
    """
    own = f"{node.name}.{kind.value}", f"{node.origin}.{kind.value}"
    return *own, node.name, node.origin
