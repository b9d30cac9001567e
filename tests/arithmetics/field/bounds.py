"""How far a lowered network may be from the real one, by its grids alone, without running either.

An error is the most by which an entry of a value is off. Rows are those that were calibrated on, so
that no grid cuts anything but the half step by which its ends may be off.
"""

from __future__ import annotations

import math

import numpy as np

from tacit.arithmetics.field.lowering.grids import grid_of, range_of, weights_of
from tacit.arithmetics.field.settings import Settings
from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Input, Node

# Half a step of rounding, half a step at the ends, and what multipliers of 30 bits are off.
STEPS = 1.01
# The steepest of the functions in use is GELU, at 1.13.
STEEPEST = 1.13
TABLE_STEPS = 2**12 - 1


def error_bound(graph: Graph, settings: Settings) -> float:
    """The most by which an entry of the result may be off."""
    nodes = graph.by_name
    errors: dict[str, float] = {}
    for node in graph:
        args = [nodes[name] for name in node.args]
        passed = _passed(node, args, [errors[name] for name in node.args], settings)
        fixed = isinstance(node.op, ops.Constant)
        errors[node.name] = 0.0 if fixed else passed + STEPS * grid_of(node, settings).scale
    return errors[graph.outputs[0]]


def _passed(node: Node, args: list[Node], errors: list[float], settings: Settings) -> float:
    """What an op makes of the errors of its arguments, and adds by its weights."""
    sizes = [range_of(arg).magnitude for arg in args]
    match node.op:
        case Input() | ops.Constant():
            return 0.0
        case ops.Linear(weight=weight) | ops.Conv(weight=weight):
            return _product(node, weight, errors[0], sizes[0], settings)
        case ops.Affine(scale=scale):
            return float(np.abs(scale).max()) * errors[0]
        case ops.Add() | ops.Sub():
            return sum(errors)
        case ops.Mul():
            return _pair(errors, sizes)
        case ops.MatMul() if isinstance(args[1].op, ops.Constant):
            return _product(node, args[1].op.value.T, errors[0], sizes[0], settings)
        case ops.MatMul():
            return args[0].type.shape[-1] * _pair(errors, sizes)
        case ops.Map():
            seen = range_of(args[0])
            return STEEPEST * (errors[0] + STEPS * (seen.high - seen.low) / TABLE_STEPS)
        case ops.Reduce(kind=ops.ReduceKind.SUM, axes=axes):
            return math.prod(args[0].type.shape[axis] for axis in axes) * errors[0]
        case _:
            return max(errors)


def _product(
    node: Node, weight: FloatArray, error: float, size: float, settings: Settings
) -> float:
    found = weights_of(weight, node.where, settings)
    scales = found.scales.reshape(-1, *(1,) * (weight.ndim - 1))
    off = np.abs(weight - found.integers * scales).reshape(len(weight), -1).sum(axis=1)
    kept = np.abs(found.integers * scales).reshape(len(weight), -1).sum(axis=1)
    return float((kept * error + off * size).max())


def _pair(errors: list[float], sizes: list[float]) -> float:
    first, second = errors
    return first * sizes[1] + second * sizes[0] + first * second
