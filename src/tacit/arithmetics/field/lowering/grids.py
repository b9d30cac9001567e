"""Which integers stand for the reals of a graph, in either format."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tacit.arithmetics.field.ops import WeightArray
from tacit.arithmetics.field.settings import Format, Search, Settings
from tacit.errors import WidthExceeded
from tacit.grids import Grid, lattice, least_squares, symmetric, uniform
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Node, Range

# As many entries of a row are looked at before the whole row is searched for a grid of its own.
GLANCE = 4096


@dataclass(frozen=True, eq=False)
class Weights:
    """Integers, and the scale of every output; 0.0 where all of an output's weights are 0."""

    integers: WeightArray
    scales: FloatArray


def range_of(node: Node) -> Range:
    """The calibrated range."""
    assert node.type.range is not None, "only calibrated graphs are lowered"
    return node.type.range


def grid_of(node: Node, settings: Settings) -> Grid:
    """The grid of a node's calibrated range, on which 0.0 is an integer.

    Slalom's integers are clipped to the range as well, which is where it is not as the paper has
    it: without, no width could be proven.
    """
    found = range_of(node)
    low, high = min(found.low, 0.0), max(found.high, 0.0)
    match settings.format:
        case Format.INT8:
            return uniform(low, high, settings.activations, power_of_two=settings.power_of_two)
        case Format.SLALOM:
            step = settings.step
            return Grid(step, 0, math.floor(low / step), math.ceil(high / step))


def weights_of(weight: FloatArray, where: str, settings: Settings) -> Weights:
    """A layer's weights (outputs, …) as integers; raises WidthExceeded, naming the layer."""
    match settings.format:
        case Format.INT8:
            return _int8(weight, settings)
        case Format.SLALOM:
            return _slalom(weight, where, settings)


def _int8(weight: FloatArray, settings: Settings) -> Weights:
    rows = weight.reshape(len(weight), -1)
    groups = list(rows) if settings.per_channel else [rows.reshape(-1)]
    grids = [_grid(each, settings) for each in groups]
    of_rows = grids if settings.per_channel else grids * len(rows)
    integers = np.empty(rows.shape, dtype=np.int16)
    for place, (row, grid) in enumerate(zip(rows, of_rows, strict=True)):
        integers[place] = grid.integers(row)
    scales = [grid.scale if row.any() else 0.0 for row, grid in zip(integers, of_rows, strict=True)]
    return Weights(integers.reshape(weight.shape), np.array(scales))


def _grid(row: FloatArray, settings: Settings) -> Grid:
    """The grid of weights that share one: that which training put them on, if there is one."""
    most = (1 << (settings.weights - 1)) - 1
    bits, power_of_two = settings.weights, settings.power_of_two
    if np.unique(np.abs(row[:GLANCE])).size <= most + 1 and not power_of_two:
        step = lattice(row)
        if step is not None and np.abs(row).max(initial=0.0) < (most + 0.5) * step:
            return Grid(step, 0, -most, most)
    match settings.search:
        case Search.MINMAX:
            magnitude = float(np.abs(row).max(initial=0.0))
            return symmetric(magnitude, bits, power_of_two=power_of_two)
        case Search.MSE:
            return least_squares(row, bits, power_of_two=power_of_two)


def _slalom(weight: FloatArray, where: str, settings: Settings) -> Weights:
    whole = np.rint(weight / settings.step)
    most = np.iinfo(np.int16).max
    worst = float(np.abs(whole).max(initial=0.0))
    if worst > most:
        raise WidthExceeded(
            f"{where}: a weight is {worst * settings.step:.6g}, which is {worst:.0f} in integers; "
            f"{most} is the most",
            hint="lower `fraction`, or use the format int8",
        )
    return Weights(whole.astype(np.int16), np.full(len(weight), settings.step))
