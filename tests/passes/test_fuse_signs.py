"""Signs and steps get their names only where they are exactly that."""

from __future__ import annotations

import numpy as np
import pytest

from tacit.ir import ops
from tacit.ir.functions import Function
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.passes import fuse


def signs(shift: float, *, of_signs: bool = True) -> Graph:
    """sign(sign(x) + shift), or sign(x + shift)."""
    builder = Builder()
    at = builder.input("x", (3,))
    if of_signs:
        at = builder.put("first", ops.Map(Function("sign")), at)
    at = builder.put("sum", ops.Add(), at, builder.put("shift", ops.Constant(np.array(shift))))
    return builder.graph(builder.put("second", ops.Map(Function("sign")), at))


def ternary(above: float, below: float) -> Graph:
    """sign(sign(x + above) + sign(x - below))."""
    builder = Builder()
    x, sign = builder.input("x", (3,)), ops.Map(Function("sign"))
    first = builder.put("c", ops.Constant(np.array(above)))
    second = builder.put("c", ops.Constant(np.array(below)))
    pair = (
        builder.put("sign", sign, builder.put("add", ops.Add(), x, first)),
        builder.put("sign", sign, builder.put("sub", ops.Sub(), x, second)),
    )
    return builder.graph(builder.put("last", sign, builder.put("sum", ops.Add(), *pair)))


def functions(graph: Graph) -> list[str]:
    return [repr(node.op.function) for node in fuse(graph) if isinstance(node.op, ops.Map)]


def test_a_sign_that_is_moved_at_zero_is_bipolar() -> None:
    assert functions(signs(0.1)) == ["bipolar"]


@pytest.mark.parametrize("shift", [1e-3, -1e-3, 1e-12])
def test_a_sign_of_a_shift_keeps_the_shift(shift: float) -> None:
    assert functions(signs(shift, of_signs=False)) == ["sign"]


@pytest.mark.parametrize("threshold", [0.05, 0.0537, 3.0])
def test_a_ternary_function_has_the_threshold_of_its_constants(threshold: float) -> None:
    x = np.array([[threshold, -threshold, np.nextafter(threshold, 0.0)]])

    graph = fuse(ternary(threshold, threshold))

    assert [repr(node.op) for node in graph if isinstance(node.op, ops.Map)] == [
        f"Map(function=ternary(threshold={threshold:g}))"
    ]
    assert graph(x).tolist() == [[1.0, -1.0, 0.0]]


def test_two_thresholds_are_no_ternary_function() -> None:
    assert functions(ternary(0.0537, 0.0538)) == ["sign", "sign", "sign"]
