"""How near the integers come to the floats: within what rounding to their grids allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tacit.arithmetics.integers import Search
from tacit.arithmetics.integers.lower import lower
from tacit.arithmetics.integers.settings import Kind
from tacit.grids import symmetric, uniform
from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tests.arithmetics.integers import graphs
from tests.arithmetics.integers.graphs import (
    ENCRYPTED,
    FINE,
    bits,
    calibrated,
    decode,
    dense,
    encodes,
    grid,
    lookups,
    mapped,
    never_left,
    off,
    rows,
    sums,
)

# Sums of a few dozen doubles.
ROUNDING = 1e-9
EIGHT = replace(FINE, bits=dict.fromkeys(Kind, 8))


@pytest.mark.parametrize(
    "knobs",
    [{}, {"per_channel": True}, {"power_of_two": True}, {"search": Search.MSE}, {"rounding": 14}],
)
@pytest.mark.parametrize("name", ENCRYPTED)
def test_eight_bits_are_near_the_float_graph(name: str, knobs: dict[str, Any]) -> None:
    graph = ENCRYPTED[name]()
    x = rows(graph, seed=3)[inside(graph, rows(graph, seed=3))]

    # At most four roundings after one another, each of half a step of 2^-8 or, as a power of two,
    # of twice that, of values and weights alike; comparisons jump by a row's whole weight.
    assert np.quantile(np.abs(lower(graph, replace(EIGHT, **knobs))(x) - graph(x)), 0.9) < 0.05


def inside(graph: Graph, x: FloatArray) -> list[int]:
    """The rows that lie within what was calibrated."""
    bounds = graph.inputs[0].type.bounds
    assert bounds is not None
    each = ((x >= bounds.low) & (x <= bounds.high)).reshape(len(x), -1)
    return np.flatnonzero(each.all(axis=1)).tolist()


@pytest.mark.parametrize(("name", "wide"), [("linear", 16), ("gated", 12), ("scores", 12)])
def test_many_bits_without_a_look_up_are_as_good_as_float(name: str, wide: int) -> None:
    graph = ENCRYPTED[name]()
    # Factors are half as wide as an accumulator; without a table they may be.
    words = lower(graph, replace(bits(wide, wide, wide), accumulator=56, result=56))

    assert not lookups(words)
    # Half a step in up to six inputs and weights of every factor.
    assert off(words, graph, rows(graph)) < 4 * 2.0**-wide * 6


@pytest.mark.parametrize("function", ["relu", "gelu", "sigmoid", "tanh"])
def test_fine_look_ups_are_nearly_as_good_as_float(function: str) -> None:
    graph = graphs.perceptron(function)

    words = lower(graph, bits(9, 9, 12))

    assert len(lookups(words)) == 1
    # Half a step of 2^-9 in each of four inputs and as many weights.
    assert off(words, graph, rows(graph)) < 8 * 2**-9


def test_more_bits_come_nearer() -> None:
    graph = graphs.residual()
    x = rows(graph)

    found = [off(lower(graph, bits(n, n, n)), graph, x) for n in (3, 6, 9)]

    assert found == sorted(found, reverse=True)


def reference(graph: Graph, x: FloatArray, dropped: int) -> FloatArray:
    """The accumulators of `dense1`, rounded half up, through ReLU: by hand."""
    layer = graph["dense1"].op
    bounds = graph["x"].type.bounds
    assert isinstance(layer, ops.Linear)
    assert bounds is not None
    grids = [uniform(*ends, 4) for ends in zip(bounds.low, bounds.high, strict=True)]
    scale, zero = (
        np.array([getattr(each, name) for each in grids]) for name in ("scale", "zero_point")
    )
    q = np.clip(np.rint(x / scale + zero), 0, 15)
    weight = layer.weight * scale
    step = symmetric(float(np.abs(weight).max()), 4).scale
    bias = layer.bias - weight @ zero
    accumulators = q @ np.rint(weight / step).T + np.rint(bias / step)
    rounded = np.floor(accumulators / 2**dropped + 0.5) * 2**dropped
    return np.asarray(np.maximum(rounded * step, 0.0), dtype=np.float64)


def test_rounding_drops_bits_as_a_reference_by_hand_does() -> None:
    builder = Builder()
    name = dense(builder, builder.input("x", (4,)), 3, 1)
    graph = calibrated(builder, mapped(builder, name, "relu"))
    x = rows(graph)

    words = lower(graph, replace(bits(4, 4, 16), rounding=5))

    (word,) = lookups(words)
    assert word.dropped == sums(words)[0].bits - 5 > 0
    # Values of so coarse accumulators are on a grid of their own.
    assert np.allclose(words(x), reference(graph, x, word.dropped), atol=ROUNDING)


def test_a_residual_of_values_on_different_scales_keeps_both() -> None:
    builder = Builder()
    x = builder.input("x", (4,))
    name = builder.put("sum", ops.Add(), x, mapped(builder, x, "sign"))
    graph = calibrated(builder, name)
    points = rows(graph)

    words = lower(graph, bits(6, 6, 6))

    # Half a step of x for its rounding, and as much for its weight.
    assert np.quantile(np.abs(words(points) - graph(points)), 0.95) < 2 / 63


def test_biases_behind_a_coarse_lattice_are_as_fine_as_the_weights_bits() -> None:
    builder = Builder()
    name = builder.put("q", grid(1.0, 0, 0, 1), builder.input("x", (2,)))
    layer = ops.Linear(np.eye(2), np.array([0.3, 0.4]))
    graph = calibrated(builder, builder.put("layer", layer, name))
    x = rows(graph)

    words = lower(graph, bits(6, 6, 6))

    # Biases are rounded to the step of weights of six bits.
    assert np.abs(words(x) - graph(x)).max() <= 0.5 / 31 + ROUNDING


def test_wide_factors_are_rounded_before_they_are_multiplied() -> None:
    graph = graphs.gated()
    x = rows(graph)

    words = lower(graph, replace(bits(8, 8, 6), accumulator=20))

    assert len(lookups(words)) == 2
    assert never_left(words, x)
    # Half a step of 2^-6 in each factor, up to twice the other.
    assert off(words, graph, x) < 4 * 2**-6


def test_a_square_of_features_on_different_scales_is_near() -> None:
    builder = Builder()
    x = builder.input("x", (3,))
    scaled = builder.put("scaled", ops.Affine(np.array([1.0, 0.3, 7.0]), np.zeros(3)), x)
    graph = calibrated(builder, builder.put("squared", ops.Mul(), scaled, scaled))
    points = rows(graph)

    words = lower(graph, replace(bits(6, 6, 6), per_channel=True, accumulator=16))

    assert never_left(words, points)
    assert off(words, graph, points) < 4 * 2**-6


def test_powers_of_two_make_every_scale_one() -> None:
    words = lower(graphs.perceptron(), replace(bits(4, 4, 4), power_of_two=True))

    mantissas, _ = np.frexp([decode(words).scale, *(1.0 / encodes(words)[0].slope)])
    assert set(mantissas.tolist()) == {0.5}


def test_channels_have_tables_of_their_own_where_their_scales_differ() -> None:
    builder = Builder()
    weight = np.random.default_rng(0).normal(size=(3, 4)) * np.array([[1.0], [0.1], [10.0]])
    name = builder.put("dense1", ops.Linear(weight, np.zeros(3)), builder.input("x", (4,)))
    graph = calibrated(builder, mapped(builder, name, "relu"))
    x = rows(graph)

    each, one = (lower(graph, replace(bits(6, 4, 10), per_channel=own)) for own in (True, False))

    small = np.s_[:, 1]
    assert len(lookups(each)[0].tables) == 3
    assert np.abs(each(x) - graph(x))[small].max() < np.abs(one(x) - graph(x))[small].max() / 2
