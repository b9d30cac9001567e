"""The whole table of what the ONNX door reads."""

from __future__ import annotations

from types import MappingProxyType

from tacit.read.onnx import grids, scalars, shapes, weights
from tacit.read.onnx.call import Call
from tacit.read.shared import Layer

LAYERS: tuple[Layer[Call], ...] = (
    *(*weights.LAYERS, *grids.LAYERS, *scalars.LAYERS, *shapes.LAYERS),
)

BY_NAME = MappingProxyType({name: layer for layer in LAYERS for name in layer.names})
