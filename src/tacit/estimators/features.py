"""The integers that stand for features: every feature has a grid of its own, found on data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tacit.grids import lattice
from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph


@dataclass(frozen=True, eq=False)
class Grids:
    """Feature i is stood for by rint(slope[i] · x + shift[i]), from 0 to `highest`.

    `least` and `most` are what the features were seen to be; values beyond go to the border.
    """

    slope: FloatArray
    shift: FloatArray
    highest: int
    least: FloatArray
    most: FloatArray

    def integers(self, x: FloatArray) -> FloatArray:
        """The nearest integers, halves to even ones."""
        # Written as the words of Integers compute it, so that both round alike.
        return np.clip(np.rint(x * self.slope + self.shift), 0.0, float(self.highest))

    def reals(self, q: FloatArray) -> FloatArray:
        """What integers stand for."""
        result: FloatArray = (q - self.shift) / self.slope
        return result


def grids_of(x: FloatArray, bits: int) -> Grids:
    """The grids of 2^bits levels on the features of (rows, features)."""
    highest = (1 << bits) - 1
    scale = np.array([_step(column, highest) for column in x.T])
    least, most = x.min(axis=0), x.max(axis=0)
    return Grids(1.0 / scale, -least / scale, highest, least, most)


def _step(column: FloatArray, highest: int) -> float:
    """The distance of two levels: that of the values, where these are evenly spaced and few."""
    values = np.unique(column)
    width = float(values[-1] - values[0])
    if not width > 0.0:
        return 1.0
    if values.size <= highest + 1:
        step = lattice(values[1:] - values[0])
        if step is not None and round(width / step) <= highest:
            return step
    return width / highest


def on_grids(graph: Graph, grids: Grids, *, as_integers: bool = False) -> Graph:
    """The graph behind the grids of its input: it is given what integers stand for, or these."""
    source = graph.inputs[0]
    scale, offset = 1.0 / grids.slope, -grids.shift / grids.slope
    if as_integers:
        scale, offset = np.ones_like(scale), np.zeros_like(offset)
    scaled = behind(graph, scale, offset)
    # One scale for each feature, alike though they are: none has more levels than it was seen to.
    one, zero = np.ones_like(scale), np.zeros_like(scale)
    start, *rest = scaled.nodes
    known = {node.name for node in scaled}
    spread = replace(start, name=_free("spread", known), op=ops.Affine(grids.slope, grids.shift))
    whole = ops.FakeQuantise(one, zero, 0, grids.highest)
    rounded = replace(start, name=_free("whole", known), op=whole, args=(spread.name,))
    given = replace(scaled[source.name], args=(rounded.name,))
    spread = replace(spread, args=(start.name,))
    others = (node for node in rest if node.name != source.name)
    return Graph((start, spread, rounded, given, *others), graph.outputs)


def behind(graph: Graph, scale: FloatArray, offset: FloatArray) -> Graph:
    """The graph that is given its input scaled and shifted, feature by feature."""
    source = graph.inputs[0]
    known = {node.name for node in graph}
    start = replace(source, name=_free("features", known))
    given = replace(source, op=ops.Affine(scale, offset), args=(start.name,))
    rest = (node for node in graph if node.name != source.name)
    return Graph((start, given, *rest), graph.outputs)


def _free(name: str, known: set[str]) -> str:
    """The name, or one like it that no node has."""
    return name if name not in known else _free(f"{name}_", known)
