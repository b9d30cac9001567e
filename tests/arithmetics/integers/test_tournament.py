from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.integers.lower import lower
from tacit.arithmetics.integers.settings import Kind
from tacit.ir import ops
from tacit.ir.functions import Function
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.graphs import (
    FINE,
    calibrated,
    encodes,
    grid,
    lookups,
    never_left,
    rows,
    sums,
)

# Sums of a few doubles.
ROUNDING = 1e-9
FIVE = replace(FINE, bits=dict.fromkeys(Kind, 5))


def pool(kernel: tuple[int, int], stride: int, pads: ops.Pads, dilation: int = 1) -> ops.Pool:
    """A maximum over windows."""
    steps = (stride, stride), pads, (dilation, dilation)
    return ops.Pool(ops.PoolKind.MAXIMUM, kernel, *steps)


def on_a_grid(op: ops.Pool | ops.AdaptivePool, shape: tuple[int, ...] = (2, 4, 5)) -> Graph:
    """The maximum of an input on a grid."""
    builder = Builder()
    name = builder.put("q", grid(0.25, 0, -4, 3), builder.input("x", shape))
    return calibrated(builder, builder.put("largest", op, name))


@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 1), st.integers(1, 2)
)
def test_the_largest_of_every_window_is_exact_and_keeps_its_bounds(
    high: int, wide: int, stride: int, pad: int, dilation: int
) -> None:
    pads = ((min(pad, high // 2),) * 2, (min(pad, wide // 2),) * 2)
    graph = on_a_grid(pool((high, wide), stride, pads, dilation), (1, 5, 5))
    x = rows(graph, count=16)

    words = lower(graph, FINE)

    assert np.allclose(words(x), graph(x), rtol=0.0, atol=ROUNDING)
    assert never_left(words, x)


@pytest.mark.parametrize("to", [(1, 1), (2, 2), (3, 2)])
def test_parts_of_an_image_have_their_largest_entry(to: tuple[int, int]) -> None:
    graph = on_a_grid(ops.AdaptivePool(ops.PoolKind.MAXIMUM, to))
    x = rows(graph, count=16)

    assert np.allclose(lower(graph, FINE)(x), graph(x), rtol=0.0, atol=ROUNDING)


def test_a_window_of_one_entry_needs_no_look_up() -> None:
    assert not lookups(lower(on_a_grid(pool((1, 1), 2, ((0, 0), (0, 0)))), FINE))


def test_rounds_are_as_few_as_the_logarithm_and_no_sum_grows() -> None:
    words = lower(on_a_grid(pool((2, 4), 1, ((0, 0), (0, 0)))), FINE)

    # Of eight entries seven lose; the last sums add up no wider than an entry is.
    assert len(lookups(words)) == 7
    assert max(word.bits for word in sums(words)) == encoded_bits(words) + 1


def encoded_bits(words: Graph) -> int:
    """The width of what is encrypted."""
    (word,) = encodes(words)
    return int((word.high - word.low).max()).bit_length()


@pytest.mark.parametrize("knobs", [{"per_channel": True}, {"power_of_two": True}, {"rounding": 3}])
def test_a_maximum_of_features_on_grids_of_their_own_is_near(knobs: dict[str, Any]) -> None:
    builder = Builder()
    scaled = ops.Affine(np.array([1.0, 0.3, 2.0, 0.7]), np.array([0.1, 0.0, -0.5, 0.2]))
    name = builder.put("scaled", scaled, builder.input("x", (4,)))
    name = builder.put("image", ops.Reshape((1, 2, 2)), name)
    graph = calibrated(builder, graphs.pooled(builder, name, ops.PoolKind.MAXIMUM))
    x = rows(graph)

    words = lower(graph, replace(FIVE, **knobs))

    # A step of the input's grid, of its weight's and of the common one, each of up to 2 / 15.
    assert np.abs(words(x) - graph(x)).max() < 0.3
    assert never_left(words, x)


@pytest.mark.parametrize("rounding", [None, 4])
def test_a_maximum_behind_a_look_up_is_exact_on_its_grid(rounding: int | None) -> None:
    builder = Builder()
    name = builder.put("q", grid(0.25, 0, -4, 3), builder.input("x", (1, 2, 4)))
    name = builder.put("bent", ops.Map(Function("square")), name)
    name = graphs.pooled(builder, name, ops.PoolKind.MAXIMUM)
    graph = calibrated(builder, name)
    x = rows(graph)

    words = lower(graph, replace(FINE, rounding=rounding))

    assert np.allclose(words(x), graph(x), rtol=0.0, atol=ROUNDING)
    assert never_left(words, x)
