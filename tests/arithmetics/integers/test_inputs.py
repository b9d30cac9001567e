from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.integers import Grouping
from tacit.arithmetics.integers.inputs import source_of
from tacit.arithmetics.integers.lower import lower
from tacit.arithmetics.integers.ops import Encode
from tacit.arithmetics.integers.settings import Kind
from tacit.errors import LoweringError
from tacit.grids import uniform
from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, Node
from tacit.ir.rewrite import Builder
from tacit.passes import calibrate
from tests.arithmetics.integers.graphs import (
    FINE,
    calibrated,
    dense,
    encodes,
    grid,
    lookups,
    mapped,
    rows,
)

# Sums of a few dozen doubles.
ROUNDING = 1e-9
FEATURES = np.array([[-1.0, 100.0, 5.0, 0.0], [3.0, 250.0, 5.0, 0.0]])


def bare(x: FloatArray) -> Node:
    """A calibrated input."""
    builder = Builder()
    (node,) = calibrate(builder.graph(builder.input("x", x.shape[1:])), x).nodes
    return node


def layered(quantised: Builder, name: str, seen: FloatArray | None = None) -> Graph:
    """A linear layer behind the named node, on weights of a lattice."""
    whole = np.random.default_rng(0).integers(-2, 3, size=(3, 4)).astype(np.float64)
    graph = quantised.graph(quantised.put("layer", ops.Linear(whole * 0.5, np.zeros(3)), name))
    return calibrate(graph, rows(graph) if seen is None else seen)


@given(
    st.lists(
        st.tuples(st.floats(-99, 99, allow_subnormal=False), st.just(0.0) | st.floats(1e-3, 99)),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 16),
)
def test_every_feature_has_the_grid_of_its_own_range(
    ends: list[tuple[float, float]], bits: int
) -> None:
    x = np.array([[low for low, _ in ends], [low + more for low, more in ends]])

    found = source_of(bare(x), replace(FINE, bits=dict.fromkeys(Kind, bits))).grid

    grids = [uniform(low, high, bits) for low, high in x.T.tolist()]
    assert found.slope.tolist() == [1.0 / each.scale for each in grids]
    assert found.offset.tolist() == [each.zero_point for each in grids]
    assert found.least.tolist() == x[0].tolist()
    assert found.most.tolist() == x[1].tolist()
    assert np.all(found.high < 2**bits)
    assert np.all(found.low >= 0)


def test_a_constant_feature_is_exact_and_takes_one_integer() -> None:
    found = source_of(bare(FEATURES), FINE).grid

    whole = found.run(FEATURES)

    assert (found.high - found.low)[2:].tolist() == [0, 0]
    assert ((whole - found.offset) / found.slope)[:, 2:].tolist() == [[5.0, 0.0]] * 2


def test_one_grid_for_all_is_that_of_the_whole_range() -> None:
    found = source_of(bare(FEATURES), replace(FINE, grouping=Grouping.TENSOR)).grid

    assert np.unique(found.slope).tolist() == [1.0 / uniform(-1.0, 250.0, 16).scale]
    assert found.most.tolist() == [250.0] * 4


def test_an_image_has_one_grid_for_all() -> None:
    x = np.random.default_rng(0).normal(size=(4, 1, 2, 2))

    assert np.unique(source_of(bare(x), FINE).grid.slope).size == 1


def test_a_grid_has_no_integer_more_than_its_bits_where_its_middle_lies_on_a_half() -> None:
    # -1 / S is -7.5: rounded to the even -8, the upper end would be 15.5, and so 16.
    found = source_of(bare(np.array([[-1.0], [1.0]])), replace(FINE, bits=dict.fromkeys(Kind, 4)))

    assert (found.grid.low.tolist(), found.grid.high.tolist()) == ([0], [15])


@given(st.integers(-3, 3), st.sampled_from([0.125, 0.25, 0.5]))
def test_the_grid_that_a_model_moves_its_input_to_is_taken_over(zero: int, scale: float) -> None:
    builder = Builder()
    graph = layered(builder, builder.put("q", grid(scale, zero, -4, 3), builder.input("x", (4,))))
    x = rows(graph, seed=3)

    words = lower(graph, FINE)

    (word,) = encodes(words)
    assert np.all((word.low >= -4) & (word.high <= 3))
    assert np.allclose(words(x), graph(x), rtol=0.0, atol=ROUNDING)


@given(st.lists(st.sampled_from([0.25, 0.5, 2.0, 3.0]), min_size=4, max_size=4))
def test_it_is_taken_over_behind_a_factor_for_every_feature(factors: list[float]) -> None:
    builder = Builder()
    affine = ops.Affine(np.array(factors), np.array([0.25, 0.0, -0.5, 1.0]))
    scaled = builder.put("scaled", affine, builder.input("x", (4,)))
    graph = layered(builder, builder.put("q", grid(0.25, 1, -7, 8), scaled))
    x = rows(graph, seed=3)

    words = lower(graph, FINE)

    (word,) = encodes(words)
    assert word.slope.tolist() == [factor / 0.25 for factor in factors]
    assert np.allclose(words(x), graph(x), rtol=0.0, atol=ROUNDING)


def test_a_grid_for_every_channel_is_taken_over() -> None:
    builder = Builder()
    scales, zeros = np.array([0.25, 0.5]), np.array([1.0, 0.0])
    name = builder.input("x", (2, 2))
    name = builder.put("q", ops.FakeQuantise(scales, zeros, 0, 7), name)
    graph = layered(builder, builder.put("flat", ops.Reshape((4,)), name))
    x = rows(graph, seed=3)

    words = lower(graph, FINE)

    (word,) = encodes(words)
    assert word.slope.tolist() == [4.0, 4.0, 2.0, 2.0]
    assert np.allclose(words(x), graph(x), rtol=0.0, atol=ROUNDING)


def test_a_grid_behind_a_negative_factor_is_computed_as_steps() -> None:
    builder = Builder()
    turned = ops.Affine(np.full(4, -1.0), np.zeros(4))
    name = builder.put("turned", turned, builder.input("x", (4,)))
    graph = layered(builder, builder.put("q", grid(0.25, 0, -4, 3), name))

    words = lower(graph, replace(FINE, bits={**FINE.bits, Kind.INPUTS: 9}))

    (word,) = encodes(words)
    assert word.steps
    assert np.allclose(words(word_points(word)), graph(word_points(word)), atol=ROUNDING)


def word_points(word: Encode) -> FloatArray:
    """Rows on the grid of an input, on which steps are exact."""
    whole = np.random.default_rng(0).integers(word.low, word.high + 1, size=(32, word.low.size))
    result: FloatArray = (whole - word.offset) / word.slope
    return result


def test_an_input_that_is_read_without_the_grid_too_keeps_a_fine_one() -> None:
    builder = Builder()
    x = builder.input("x", (4,))
    coarse = builder.put("q", grid(1.0, 0, 0, 1), x)
    graph = layered(builder, builder.put("sum", ops.Add(), x, coarse))
    values = rows(graph, seed=3)

    words = lower(graph, FINE)

    # Both the input's own step and where it jumps are known to a part in 2^15.
    assert np.quantile(np.abs(words(values) - graph(values)), 0.9) < 1e-3


def test_two_grids_of_one_input_are_not_taken_for_one_another() -> None:
    builder = Builder()
    x = builder.input("x", (4,))
    first, second = (
        builder.put("a", grid(1.0, 0, -1, 1), x),
        builder.put("b", grid(0.5, 0, 0, 2), x),
    )
    graph = layered(builder, builder.put("sum", ops.Add(), first, second))

    words = lower(graph, replace(FINE, bits=dict.fromkeys(Kind, 10)))

    points = word_points(encodes(words)[0])
    assert np.allclose(words(points), graph(points), rtol=0.0, atol=ROUNDING)


def test_the_same_grid_twice_is_taken_over() -> None:
    builder = Builder()
    x = builder.input("x", (4,))
    names = (builder.put("q", grid(0.25, 0, -4, 4), x) for _ in range(2))
    graph = layered(builder, builder.put("sum", ops.Add(), *names))
    values = rows(graph, seed=3)

    words = lower(graph, FINE)

    assert not encodes(words)[0].steps
    assert np.allclose(words(values), graph(values), rtol=0.0, atol=ROUNDING)


def test_a_grid_for_every_channel_of_what_is_no_input_is_refused() -> None:
    builder = Builder()
    name = mapped(builder, dense(builder, builder.input("x", (4,)), 2, 1), "relu")
    each = ops.FakeQuantise(np.array([0.5, 0.25]), np.zeros(2), 0, 7)
    graph = calibrated(builder, builder.put("each", each, name))

    with pytest.raises(LoweringError, match="each quantises every channel by itself"):
        lower(graph, FINE)


@pytest.mark.parametrize("function", ["sign", "square", "exp", "abs", "gelu"])
def test_functions_of_single_entries_are_exact_and_take_no_look_up(function: str) -> None:
    builder = Builder()
    shift = builder.put("shift", ops.Constant(np.array([0.3, -0.2, 0.0, 0.7])))
    name = builder.put("apart", ops.Sub(), builder.input("x", (4,)), shift)
    graph = calibrated(builder, mapped(builder, name, function))

    # Five bits an entry; the sum of steps takes as many bits as it wants.
    words = lower(graph, replace(FINE, bits={**FINE.bits, Kind.INPUTS: 5}))

    points = word_points(encodes(words)[0])
    assert not lookups(words)
    # Jumps are rounded to 2^-15 of the largest, at most 31 of them.
    assert np.abs(words(points) - graph(points)).max() < 31 * 2.0**-15


def test_steps_that_are_too_many_are_looked_up() -> None:
    builder = Builder()
    graph = calibrated(builder, mapped(builder, builder.input("x", (4,)), "relu"))

    found = lower(graph, replace(FINE, bits={**FINE.bits, Kind.INPUTS: 13}))

    assert len(lookups(found)) == 1
    assert not encodes(found)[0].steps


@pytest.mark.parametrize("bits", [4, 13])
def test_a_function_that_is_not_finite_on_the_range_is_refused(bits: int) -> None:
    builder = Builder()
    graph = builder.graph(mapped(builder, builder.input("x", (4,)), "log"))
    seen = calibrate(graph, np.array([[0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 2.0, 1.0]]) + 1e-12)
    low = replace(seen["x"].type, bounds=None, range=seen["x"].type.range)
    nodes = tuple(replace(n, type=low) if n.name == "x" else n for n in seen)

    with pytest.raises(LoweringError, match="not finite"):
        lower(Graph(nodes, seen.outputs), replace(FINE, bits={**FINE.bits, Kind.INPUTS: bits}))
