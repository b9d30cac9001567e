"""Graphs in words of bits: exactly what the graph that was read means, and fused into one word."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from tacit.arithmetics.binary import Binary
from tacit.arithmetics.binary.engine import Network
from tacit.arithmetics.binary.kernels import Reference
from tacit.arithmetics.binary.lower import lower as words_of
from tacit.arithmetics.binary.ops import (
    Alphabet,
    BinaryProduct,
    BitPool,
    Bits,
    Clamps,
    Digit,
    Reals,
    Thresholds,
    Totals,
    Window,
)
from tacit.errors import LoweringError
from tacit.ir import ops
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Graph, Input, Op
from tacit.program import lower
from tests.arithmetics.binary.cases import Case
from tests.arithmetics.binary.networks import QUANTISERS, Block, Sketch, blocks, ranged

WINDOW = Window((1, 1), ((1, 1), (1, 1)), (1, 1), border=1)
ZERO = Window((1, 1), ((1, 1), (1, 1)), (1, 1), border=0)
IMAGE = Case(Alphabet.BIPOLAR, 5, 7, (6, 6), (3, 3), WINDOW)
BARE = Case(Alphabet.BIPOLAR, 5, 7, (6, 6), (3, 3), ZERO)
STEPS = Case(Alphabet.UNIPOLAR, 5, 7, (6, 6), (3, 3), ZERO)


def kinds(graph: Graph) -> list[type[Op]]:
    return [type(node.op) for node in graph]


def transforms(graph: Graph) -> list[type]:
    return [
        type(node.op.transform) for node in graph if isinstance(node.op, BinaryProduct | Totals)
    ]


def rows(graph: Graph, count: int = 40, seed: int = 5) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(count, *graph.inputs[0].type.shape))


def require_same(graph: Graph, x: FloatArray, *, places: float = 0.0) -> Graph:
    """The lowered graph, once it and its engine are known to answer what the graph does."""
    found = lower(graph, Binary()).graph
    expected = graph(x)
    size = np.abs(expected).max(initial=1.0)
    np.testing.assert_allclose(found(x), expected, rtol=0.0, atol=places * size)
    np.testing.assert_array_equal(Network(found, Reference())(x), found(x))
    return found


@settings(max_examples=80, deadline=None)
@given(blocks())
def test_bits_behind_a_layer_are_exactly_those_of_the_graph(block: Block) -> None:
    graph = block.sketch().quantise(block.quantiser).graph()

    require_same(graph, block.inputs())


@settings(max_examples=60, deadline=None)
@given(blocks())
def test_reals_behind_a_layer_are_those_of_the_graph_to_six_places(block: Block) -> None:
    graph = block.sketch().graph()

    require_same(graph, block.inputs(), places=1e-6)


@settings(max_examples=40, deadline=None)
@given(blocks())
def test_a_second_layer_reads_the_bits_of_the_first(block: Block) -> None:
    graph = block.sketch().quantise(block.quantiser).flat().dense(3).graph()

    found = require_same(graph, block.inputs(), places=1e-6)

    assert ops.Linear not in kinds(found)


@pytest.mark.parametrize("case", [IMAGE, BARE, STEPS], ids=["ones", "zeros", "unipolar"])
@pytest.mark.parametrize("then", ["bipolar", "heaviside", "one bit"])
def test_a_layer_with_all_that_belongs_to_it_is_one_word(case: Case, then: str) -> None:
    first = "bipolar" if case.alphabet is Alphabet.BIPOLAR else "heaviside"
    sketch = Sketch(*case.shape).quantise(first).conv(case, scale=0.25)
    graph = sketch.activate("relu").norm().activate("clamp").quantise(then).graph()

    found = require_same(graph, rows(graph))

    assert kinds(found) == [Input, Bits, BinaryProduct]
    assert transforms(found) == [Thresholds]


@pytest.mark.parametrize("then", ["bipolar", "heaviside"])
@pytest.mark.parametrize("order", ["before", "behind"])
def test_the_largest_of_a_window_is_taken_of_bits(then: str, order: str) -> None:
    sketch = Sketch(*IMAGE.shape).quantise("bipolar").conv(IMAGE, bias=False)
    steps = [sketch.pool, sketch.norm] if order == "before" else [sketch.norm, sketch.pool]
    _ = [step() for step in steps]
    graph = sketch.quantise(then).graph()

    found = require_same(graph, rows(graph))

    assert kinds(found) == [Input, Bits, BinaryProduct, BitPool]


def test_relu_and_then_a_norm_are_clamps_multiplier_and_bias() -> None:
    graph = Sketch(5, 6, 6).quantise("bipolar").conv(IMAGE, bias=False).activate("relu").norm()

    found = require_same(graph.graph(), rows(graph.graph()), places=1e-6)

    assert kinds(found) == [Input, Bits, BinaryProduct]
    assert transforms(found) == [Reals]


def test_a_relu_whose_end_is_no_integer_stays_an_op_of_its_own() -> None:
    graph = Sketch(5, 6, 6).quantise("bipolar").conv(IMAGE).norm().activate("relu").graph()

    found = require_same(graph, rows(graph), places=1e-6)

    assert kinds(found) == [Input, Bits, BinaryProduct, ops.Map]


@pytest.mark.parametrize("kind", sorted(QUANTISERS))
def test_inputs_of_few_levels_are_planes(kind: str) -> None:
    graph = Sketch(5, 6, 6).quantise(kind).conv(BARE).graph()

    require_same(graph, rows(graph), places=1e-6)


@pytest.mark.parametrize("kind", sorted(QUANTISERS))
@pytest.mark.parametrize("border", [0.0, 1.0, -1.0, 0.5, 0.3, 100.0])
def test_any_border_is_exact(kind: str, border: float) -> None:
    sketch = Sketch(5, 4, 4).quantise(kind)
    sketch.put(ops.Pad(((0, 0), (1, 2), (0, 1)), border))
    graph = sketch.put(
        ops.Conv(sketch.signs(3, 5, 3, 3), np.ones(3), (1, 1), ((0, 0),) * 2, (1, 1))
    )

    require_same(graph.graph(), rows(graph.graph()), places=1e-6)


@pytest.mark.parametrize(
    "levels", [(-1.0, 0.0, 1.0), (-0.75, -0.25, 0.25, 0.75), (-2.0, -1.0, 0.0, 1.0)]
)
@pytest.mark.parametrize("kind", ["bipolar", "two bits"])
def test_weights_of_few_levels_are_planes(levels: tuple[float, ...], kind: str) -> None:
    sketch = Sketch(9).quantise(kind)
    weight = sketch.signs(4, 9, levels=levels)
    graph = sketch.put(ops.Linear(weight, np.zeros(4))).quantise("bipolar").graph()

    found = require_same(graph, rows(graph, 200))

    assert Totals in kinds(found)
    assert ops.Linear not in kinds(found)


def test_a_ternary_input_is_no_binary_one() -> None:
    graph = Sketch(40).quantise("ternary").dense(6, bias=False).graph()
    x = 0.6 * rows(graph, 100)

    found = require_same(graph, x)

    assert kinds(found).count(Digit) == 2


def test_what_several_read_is_computed_once_and_exactly() -> None:
    sketch = Sketch(*IMAGE.shape).quantise("bipolar").conv(IMAGE).norm()
    shared = sketch.at
    sketch.quantise("bipolar").put(ops.Add(), shared)
    graph = sketch.quantise("heaviside").graph()

    found = require_same(graph, rows(graph))

    assert kinds(found).count(BinaryProduct) == 0 + 1
    assert transforms(found) == [Clamps]


def test_residual_sums_are_added_as_reals() -> None:
    case = Case(Alphabet.BIPOLAR, 6, 6, (5, 5), (3, 3), WINDOW)
    sketch = Sketch(*case.shape)
    before = sketch.at
    sketch.quantise("bipolar").conv(case).norm().put(ops.Add(), before)
    middle = sketch.at
    sketch.quantise("bipolar").conv(case).norm().put(ops.Add(), middle)

    found = require_same(sketch.graph(), rows(sketch.graph()), places=1e-6)

    assert transforms(found) == [Reals, Reals]


def test_first_and_last_layers_stay_real_where_their_weights_are() -> None:
    sketch = Sketch(8)
    sketch.put(ops.Linear(sketch.random.normal(size=(6, 8)), np.zeros(6))).norm()
    sketch.quantise("bipolar").dense(5).norm().quantise("heaviside")
    sketch.put(ops.Linear(sketch.random.normal(size=(3, 5)), np.zeros(3)))

    found = require_same(sketch.graph(), rows(sketch.graph()))

    assert kinds(found) == [Input, ops.Linear, Bits, BinaryProduct, ops.Linear]


def test_a_norm_before_a_sign_is_thresholds() -> None:
    graph = Sketch(6).norm().quantise("bipolar").dense(4, bias=False).graph()

    found = require_same(graph, rows(graph))

    assert kinds(found) == [Input, Bits, BinaryProduct]


def test_bits_move_as_bits() -> None:
    sketch = Sketch(4, 6, 6).quantise("bipolar").pool()
    sketch.put(ops.Permute((1, 2, 0))).put(ops.Slice(0, 0, 2)).put(ops.Reshape((4, 6)))

    found = require_same(sketch.dense(3).graph(), rows(sketch.graph()), places=1e-6)

    assert BinaryProduct in kinds(found)


def test_bits_that_are_joined_stay_bits() -> None:
    sketch = Sketch(3, 4, 4).quantise("two bits")
    first = sketch.at
    sketch.put(ops.Permute((0, 2, 1))).put(ops.Concat(0), first)
    case = Case(Alphabet.UNIPOLAR, 6, 2, (4, 4), (3, 3), ZERO)

    found = require_same(sketch.conv(case).graph(), rows(sketch.graph()), places=1e-6)

    assert BinaryProduct in kinds(found)


def test_a_layer_over_the_last_of_several_axes_keeps_its_channels_there() -> None:
    sketch = Sketch(3, 70).quantise("bipolar").dense(5)
    sketch.put(ops.Mul(), sketch.builder.put("c", ops.Constant(sketch.eighths(5))))
    graph = sketch.quantise("heaviside").dense(2).graph()

    found = require_same(graph, rows(graph), places=1e-6)

    assert kinds(found) == [Input, Bits, BinaryProduct, BinaryProduct]


def test_scaled_bits_are_bits_with_a_scale() -> None:
    sketch = Sketch(9).quantise("bipolar")
    half = sketch.builder.put("half", ops.Constant(np.array(0.5)))
    graph = sketch.put(ops.Mul(), half).put(ops.Add(), half).dense(4).graph()

    found = require_same(graph, rows(graph), places=1e-6)

    assert kinds(found) == [Input, Bits, BinaryProduct]


def test_an_image_in_one_row_keeps_its_thresholds() -> None:
    graph = Sketch(*IMAGE.shape).quantise("bipolar").conv(IMAGE).flat().norm()
    flat = graph.quantise("bipolar").dense(3, bias=False).graph()

    require_same(flat, rows(flat))


def test_a_graph_without_any_layer_of_bits_is_refused_with_the_reasons() -> None:
    sketch = Sketch(4)
    sketch.put(ops.Linear(np.ones((3, 4)), np.zeros(3)), name="first").quantise("bipolar")
    sketch.put(ops.Linear(sketch.random.normal(size=(2, 3)), np.zeros(2)), name="last")

    with pytest.raises(LoweringError, match=r"first: its inputs.*last: its weights"):
        lower(sketch.graph(), Binary())


def test_more_planes_than_allowed_stay_real() -> None:
    graph = Sketch(4).quantise("two bits").dense(3).graph()

    with pytest.raises(LoweringError, match="2 products of bits; 1 are allowed"):
        words_of(graph, 1)


def test_a_result_that_is_a_constant_is_refused() -> None:
    sketch = Sketch(4)
    graph = sketch.builder.graph(sketch.builder.put("c", ops.Constant(np.ones(4))))

    with pytest.raises(LoweringError, match="does not depend"):
        lower(ranged(graph), Binary())


def test_softmax_and_argmax_are_the_servers() -> None:
    graph = Sketch(8).quantise("bipolar").dense(5).put(ops.ArgMax(0)).graph()

    require_same(graph, rows(graph))


def test_functions_that_do_not_rise_stay_ops() -> None:
    square = ops.Map(Function("abs"))
    graph = Sketch(8).quantise("bipolar").dense(5).put(square).quantise("bipolar").graph()

    require_same(graph, rows(graph))
