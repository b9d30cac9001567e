from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.levels import depth
from tacit.ir import ops
from tacit.ir.functions import Function
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate, fold, fuse
from tacit.program import lower
from tests.networks import Sketch, arithmetic, linear, networks, residual, rows, square

HALF, ONE, ROOT = 0.5, 1.0, float(np.float32(1.0 / np.sqrt(2.0)))


class Scalars:
    """Scalar arithmetic, written as an exporter does."""

    def __init__(self, shape: tuple[int, ...] = (4,)) -> None:
        self.builder = Builder()
        self.x = self.builder.input("x", shape)

    def constant(self, value: float, shape: tuple[int, ...] = ()) -> str:
        return self.builder.put("c", ops.Constant(np.full(shape, value)))

    def map(self, name: str, x: str, *values: float) -> str:
        return self.builder.put(name, ops.Map(Function(name, values)), x)

    def mul(self, x: str, y: str) -> str:
        return self.builder.put("mul", ops.Mul(), x, y)

    def add(self, x: str, y: str) -> str:
        return self.builder.put("add", ops.Add(), x, y)

    def sub(self, x: str, y: str) -> str:
        return self.builder.put("sub", ops.Sub(), x, y)

    def graph(self, result: str) -> Graph:
        return self.builder.graph(result)


def erf_part(s: Scalars) -> str:
    """1 + erf(x / sqrt(2))."""
    return s.add(s.map("erf", s.mul(s.x, s.constant(ROOT))), s.constant(ONE))


def half_last(s: Scalars) -> str:
    return s.mul(s.mul(s.x, erf_part(s)), s.constant(HALF))


def half_first(s: Scalars) -> str:
    return s.mul(s.mul(s.constant(HALF), s.x), erf_part(s))


def half_of_the_gate(s: Scalars) -> str:
    return s.mul(s.x, s.mul(erf_part(s), s.constant(HALF)))


def wide_constants(s: Scalars) -> str:
    gate = s.add(s.constant(ONE, (1,)), s.map("erf", s.mul(s.constant(ROOT, (4,)), s.x)))
    return s.mul(s.mul(s.x, gate), s.constant(HALF, (1,)))


def tanh_form(s: Scalars) -> str:
    cube = s.mul(s.map("square", s.x), s.x)
    inner = s.add(s.x, s.mul(cube, s.constant(0.044715)))
    gate = s.map("tanh", s.mul(inner, s.constant(float(np.sqrt(2.0 / np.pi)))))
    return s.mul(s.mul(s.x, s.constant(HALF)), s.add(s.constant(ONE), gate))


def gated_sigmoid(s: Scalars) -> str:
    gate = s.mul(
        s.add(s.map("tanh", s.mul(s.x, s.constant(HALF))), s.constant(ONE)), s.constant(HALF)
    )
    return s.mul(gate, s.x)


def clamped_line(s: Scalars) -> str:
    line = s.add(s.mul(s.x, s.constant(1.0 / 6.0)), s.constant(HALF))
    return s.mul(s.map("hardtanh", line, 0.0, 1.0), s.x)


def clamped_relu(s: Scalars) -> str:
    six = s.constant(6.0)
    return s.sub(six, s.map("relu", s.sub(six, s.map("relu", s.x))))


def product_with_itself(s: Scalars) -> str:
    return s.mul(s.x, s.x)


def half_of_both(s: Scalars) -> str:
    return s.mul(s.add(s.x, s.map("abs", s.x)), s.constant(HALF))


WRITTEN: dict[str, tuple[Callable[[Scalars], str], ...]] = {
    "gelu": (half_last, half_first, half_of_the_gate, wide_constants),
    "gelu_tanh": (tanh_form,),
    "silu": (gated_sigmoid,),
    "hard_swish": (clamped_line,),
    "relu6": (clamped_relu,),
    "square": (product_with_itself,),
    "relu": (half_of_both,),
}
CASES = [(name, write) for name, ways in WRITTEN.items() for write in ways]


def names(graph: Graph) -> list[str]:
    """The functions of a graph's maps."""
    return [node.op.function.name for node in graph if isinstance(node.op, ops.Map)]


@pytest.mark.parametrize(("name", "write"), CASES)
def test_a_function_written_in_parts_gets_its_name(
    name: str, write: Callable[[Scalars], str]
) -> None:
    s = Scalars()
    result = write(s)
    graph = s.graph(result)

    found = fuse(graph)

    assert names(found) == [name]
    assert len([node for node in found if node.args]) == 1
    assert found.outputs == (result,)
    assert np.allclose(found(rows(graph, 5)), graph(rows(graph, 5)), atol=1e-6)


def test_the_fused_function_keeps_the_range_of_what_it_replaces() -> None:
    s = Scalars()
    graph = calibrate(s.graph(half_last(s)), np.linspace(-3.0, 3.0, 40).reshape(10, 4))

    found = fuse(graph)

    assert found[found.outputs[0]].type == graph[graph.outputs[0]].type
    assert found["x"].type == graph["x"].type


def test_a_gelu_in_parts_takes_as_few_levels_as_a_gelu() -> None:
    s, t = Scalars(), Scalars()
    data = np.random.default_rng(0).normal(size=(64, 4))
    parts = calibrate(s.graph(half_last(s)), data)
    whole = calibrate(t.graph(t.map("gelu", t.x)), data)

    found = depth(lower(parts, CKKS()).graph)

    assert found == depth(lower(whole, CKKS()).graph)
    assert found < depth(CKKS().rewrite(fold(parts)))


def test_what_has_no_name_is_left_alone() -> None:
    s = Scalars()
    graph = s.graph(s.mul(s.x, s.map("tanh", s.add(s.x, s.constant(3.0)))))

    assert fuse(graph).nodes == graph.nodes


def test_a_clamp_far_out_is_not_overlooked() -> None:
    # Equal to relu below 1000 only.
    s = Scalars()
    far = s.constant(1000.0)
    graph = s.graph(s.sub(far, s.map("relu", s.sub(far, s.map("relu", s.x)))))

    assert names(fuse(graph)) == ["relu", "relu"]


def test_what_is_used_elsewhere_is_not_computed_twice() -> None:
    s = Scalars()
    gate = erf_part(s)
    gelu = s.mul(s.mul(s.x, gate), s.constant(HALF))
    graph = s.graph(s.add(gelu, s.builder.put("flat", ops.Reshape((4,)), gate)))

    assert names(fuse(graph)) == ["erf"]


def test_a_constant_of_several_numbers_is_no_scalar() -> None:
    s = Scalars()
    wide = s.builder.put("c", ops.Constant(np.array([1.0, 1.0, 1.0, 2.0])))
    graph = s.graph(s.mul(s.add(wide, s.map("erf", s.mul(s.x, s.constant(ROOT)))), s.x))

    assert fuse(graph).nodes == graph.nodes


def test_a_sum_that_broadcasts_is_no_scalar_function() -> None:
    s = Scalars((1,))
    graph = s.graph(s.mul(s.map("relu", s.x), s.constant(ONE, (3,))))

    assert fuse(graph).nodes == graph.nodes


def function(sketch: Sketch) -> Sketch:
    """A scalar function, sometimes of a scaled value."""
    name = sketch.draw(st.sampled_from(["relu", "abs", "tanh", "erf", "sigmoid"]))
    return sketch.put(ops.Map(Function(name)))


def by_itself(sketch: Sketch) -> Sketch:
    """x combined with the value before it, as gates are."""
    before = sketch.builder.node(sketch.last).args
    op = sketch.draw(st.sampled_from([ops.Mul(), ops.Add(), ops.Sub()]))
    fits = before and sketch.builder.type(before[0]).shape == sketch.shape
    return sketch.put(op, sketch.last, before[0]) if fits else sketch


def scalar(sketch: Sketch) -> Sketch:
    """A sum, difference or product with one number."""
    value = sketch.draw(st.sampled_from([-1.0, 0.5, 1.0, 2.0, 6.0]))
    number = sketch.builder.put("number", ops.Constant(np.array(value)))
    op = sketch.draw(st.sampled_from([ops.Mul(), ops.Add(), ops.Sub()]))
    return sketch.put(op, *sketch.draw(st.permutations([sketch.last, number])))


@given(
    networks(
        (function, function, by_itself, by_itself, scalar, scalar, linear, residual, arithmetic),
        most=7,
    )
)
def test_fusing_keeps_the_meaning(graph: Graph) -> None:
    x = rows(graph, 5)

    found = fuse(graph)

    # Each fused function is equal to one part in a million of its value or of one.
    assert np.allclose(found(x), graph(x), rtol=1e-4, atol=1e-4)
    assert len(found) <= len(graph)


@given(networks((function, by_itself, scalar, square), most=6))
def test_fusing_twice_is_fusing_once(graph: Graph) -> None:
    once = fuse(graph)

    assert [node.op for node in fuse(once)] == [node.op for node in once]
