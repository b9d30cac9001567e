"""Moves: entries change places, are left out, or get neighbours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tacit.arithmetics.field.lowering.known import Known
from tacit.arithmetics.field.lowering.values import (
    Sum,
    Value,
    Whole,
    axis_in,
    channels_after,
    on_grid,
)
from tacit.errors import LoweringError
from tacit.grids import Grid
from tacit.ir import ops
from tacit.ir.graph import Node


def moved(known: Known, node: Node, args: list[Node]) -> Value:
    """A move of a value, or several values joined."""
    match node.op:
        case ops.Pad() as pad:
            return _bordered(known, node, args[0], pad)
        case ops.Concat():
            return _joined(known, node, args)
        case _:
            return _chosen(known, node, args[0])


def _chosen(known: Known, node: Node, arg: Node) -> Value:
    """What only moves or leaves out entries can be of integers that have no grid yet."""
    value = known[arg]
    # What is clipped goes on its grid before, in the pass that reads a product anyway.
    if isinstance(value, Sum) and not value.is_clipped and len(value.terms) == 1:
        found = _lazily(known, node, value)
        if found is not None:
            return found
    return known.words.moved(node, node.op, known.whole(arg))


def _lazily(known: Known, node: Node, value: Sum) -> Sum | None:
    if not node.type.shape:
        return None
    if value.is_uniform:
        after = value.along(node.type.shape, axis_in(node.type.shape, 0))
        return known.words.rearranged(node, node.op, value, after)
    channels = channels_after(node.op, value)
    if channels is None:
        return None
    axis, chosen = channels
    after = value.chosen(chosen, node.type.shape, axis)
    return known.words.rearranged(node, node.op, value, after)


def _bordered(known: Known, node: Node, arg: Node, pad: ops.Pad) -> Whole:
    """A border of one constant, which has to be on the grid."""
    x = known.whole(arg)
    if not _holds(x.grid, pad.value):
        x = known.on(known.words.grid_of(node), arg)
    value = float(x.grid.integers(np.array(pad.value)))
    low, high = min(x.grid.low, int(value)), max(x.grid.high, int(value))
    found = replace(x, grid=replace(x.grid, low=low, high=high))
    return known.words.moved(node, ops.Pad(pad.widths, value), found)


def _holds(grid: Grid, value: float) -> bool:
    """Whether a grid has this number, which its rounding moves at most to its last bit."""
    return bool(grid.reals(grid.integers(np.array(value))) == value)


def _joined(known: Known, node: Node, args: list[Node]) -> Whole:
    """Values on one grid, one behind the other."""
    fixed = next((arg for arg in args if known.is_fixed(arg)), None)
    if fixed is not None:
        raise LoweringError(
            f"{node.where} joins the constant {fixed.where} to a value",
            hint="add it after the network, or make it part of the input",
        )
    grids = [value.grid for arg in args if isinstance(value := known[arg], Whole)]
    shared = len(grids) == len(args) and all(on_grid(each, _span(grids)) for each in grids)
    grid = _span(grids) if shared else known.words.grid_of(node)
    parts = [known.on(grid, arg) for arg in args]
    low, high = min(each.grid.low for each in parts), max(each.grid.high for each in parts)
    name = known.words.put(node, node.op, (low, high), *(each.name for each in parts))
    return Whole(name, replace(grid, low=low, high=high), node.type.shape)


def _span(grids: list[Grid]) -> Grid:
    """The first grid with all the integers of any."""
    low, high = min(each.low for each in grids), max(each.high for each in grids)
    return replace(grids[0], low=low, high=high)
