"""Scalar functions: clamps are ends of a rescaling, all others tables."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from tacit.arithmetics.field.lowering.grids import range_of
from tacit.arithmetics.field.lowering.known import Known
from tacit.arithmetics.field.lowering.values import Fixed, Sum, Value, Whole
from tacit.arithmetics.field.ops import Table
from tacit.arithmetics.field.settings import Format, Settings
from tacit.errors import LoweringError, WidthExceeded
from tacit.grids import Grid, uniform
from tacit.ir import ops
from tacit.ir.functions import Function
from tacit.ir.graph import Graph, Node

# What a table reads has more bits than an activation: 2^12 entries of two bytes fit in any cache.
TABLE_BITS = 12


def scalar(known: Known, node: Node, arg: Node) -> Value:
    """A scalar function of a value."""
    match node.op:
        case ops.Map(function=function):
            ends = _ends(function)
            return _clamped(known, arg, *ends) if ends else _tabled(known, node, arg)
        case ops.FakeQuantise() as grid:
            return _moved(known, node, arg, grid)
        case _:
            return _tabled(known, node, arg)


def _ends(function: Function) -> tuple[float, float] | None:
    """The ends between which a function is the identity, if it is a clamp."""
    match function:
        case Function(name="relu"):
            return 0.0, math.inf
        case Function(name="relu6"):
            return 0.0, 6.0
        case Function(name="hardtanh", values=(low, high)):
            return low, high
        case _:
            return None


def _clamped(known: Known, arg: Node, low: float, high: float) -> Value:
    value = known[arg]
    assert not isinstance(value, Fixed), "constants are computed at once"
    if isinstance(value, Sum):
        return value.clipped(low, high)
    ends = value.grid.reals(np.array([value.grid.low, value.grid.high], dtype=np.float64))
    inside = low <= ends[0] and ends[1] <= high
    return value if inside or not value.shape else value.as_sum().clipped(low, high)


def _moved(known: Known, node: Node, arg: Node, op: ops.FakeQuantise) -> Value:
    """A value on the grid that the model brings: a rescaling alone where it has few enough bits."""
    if op.scale.size > 1:
        raise LoweringError(
            f"{node.where} quantises every channel by itself",
            hint="quantise activations with one scale; weights may have several",
        )
    grid = _own_grid(op, known.words.settings)
    return _tabled(known, node, arg) if grid is None else known.on(grid, arg)


def _own_grid(op: ops.FakeQuantise, settings: Settings) -> Grid | None:
    """The model's grid, shifted to begin at 0, where its integers are activations."""
    levels = op.high - op.low
    if settings.format is Format.SLALOM or levels >= 1 << settings.activations:
        return None
    scale, zero = float(op.scale.reshape(-1)[0]), int(op.zero_point.reshape(-1)[0])
    return Grid(scale, zero - op.low, 0, levels)


def grid_of_input(graph: Graph, node: Node, settings: Settings) -> Grid | None:
    """The grid that the model itself moves an input to, if that is all it is used for."""
    users = [graph[name].op for name in graph.users[node.name]]
    if node.name in graph.outputs or len(users) != 1:
        return None
    match users[0]:
        case ops.FakeQuantise(scale=scale) as op if scale.size == 1:
            return _own_grid(op, settings)
        case _:
            return None


def _tabled(known: Known, node: Node, arg: Node) -> Whole:
    """Any function, entry by entry of what the integers before it stand for."""
    x = _readable(known, arg)
    integers = np.arange(x.grid.low, x.grid.high + 1, dtype=np.float64)
    seen, out = range_of(arg), known.words.grid_of(node)
    # Where it was not seen a function may not even be finite, as a logarithm at 0.
    reals = x.grid.reals(integers).clip(seen.low, seen.high)
    values = node.op.run(reals[None])[0]
    if not np.all(np.isfinite(values)):
        raise LoweringError(f"{node.where} is not finite on what was seen before it")
    table = out.integers(values)
    low, high = int(table.min()), int(table.max())
    if max(abs(low), abs(high)) > np.iinfo(np.int16).max:
        raise WidthExceeded(
            f"{node.where}: integers from {low} to {high} do not fit in a table's 16 bits",
            hint="lower `fraction`, or use the format int8",
        )
    word = Table(table.astype(np.int16), x.grid.low)
    name = known.words.put(node, word, (low, high), x.name)
    return Whole(name, replace(out, low=low, high=high), x.shape)


def _readable(known: Known, arg: Node) -> Whole:
    """The value on a grid that a table can have an entry for each integer of."""
    value = known[arg]
    if isinstance(value, Whole) and value.grid.high - value.grid.low < 1 << TABLE_BITS:
        return value
    seen = range_of(arg)
    return known.on(uniform(seen.low, seen.high, TABLE_BITS), arg)
