"""The whole table of what the torch door reads."""

from __future__ import annotations

from types import MappingProxyType

from tacit.read.shared import Layer
from tacit.read.torch import approximation, grids, scalars, shapes, weights
from tacit.read.torch.call import Call

LAYERS: tuple[Layer[Call], ...] = (
    *(*weights.LAYERS, *approximation.LAYERS, *grids.LAYERS, *scalars.LAYERS, *shapes.LAYERS),
)

BY_NAME = MappingProxyType({name: layer for layer in LAYERS for name in layer.names})
