"""Which integers stand for weights and activations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.field.lowering.grids import grid_of, weights_of
from tacit.arithmetics.field.settings import Format, Search, Settings
from tacit.errors import WidthExceeded
from tacit.ir.graph import Input, Node, Range, Type

SLALOM = Settings(format=Format.SLALOM)
THOUSANDTHS = st.integers(-50_000, 50_000).map(lambda number: number / 1000)
ENDS = st.tuples(THOUSANDTHS, THOUSANDTHS).map(sorted)


def node(low: float, high: float) -> Node:
    return Node("node", Input((1,)), (), Type((1,), Range(low, high)))


@given(ENDS, st.sampled_from([Settings(), Settings(3), Settings(power_of_two=True), SLALOM]))
def test_zero_is_an_integer_of_every_grid(ends: list[float], settings: Settings) -> None:
    grid = grid_of(node(*ends), settings)

    assert grid.low <= grid.zero_point <= grid.high
    assert grid.reals(grid.integers(np.zeros(1)))[0] == 0.0


@given(ENDS, st.integers(2, 8))
def test_a_byte_grid_holds_the_range_to_a_step(ends: list[float], bits: int) -> None:
    grid = grid_of(node(*ends), Settings(activations=bits))

    x = np.array(ends)

    assert (grid.low, grid.high) == (0, 2**bits - 1)
    assert np.abs(grid.reals(grid.integers(x)) - x).max() <= grid.scale * (1 + 1e-9)


@given(ENDS)
def test_slaloms_grid_holds_the_range(ends: list[float]) -> None:
    grid = grid_of(node(*ends), SLALOM)

    assert grid.scale == 2.0**-8
    assert grid.low * grid.scale <= ends[0]
    assert ends[1] <= grid.high * grid.scale


@pytest.mark.parametrize("search", Search)
def test_weights_are_near_what_they_stand_for(search: Search) -> None:
    weight = np.random.default_rng(3).normal(size=(5, 4, 3, 3))

    found = weights_of(weight, "layer", Settings(search=search))

    off = weight - found.integers * found.scales[:, None, None, None]
    # Half a step of the largest weight, or of 0.3 of it with what is cut off.
    assert np.square(off).mean() < np.square(np.abs(weight).max() / 127 / 2)
    assert np.abs(found.integers).max() == 127


def test_weights_that_training_put_on_a_grid_stay_as_they_are() -> None:
    integers = np.random.default_rng(4).integers(-90, 90, size=(3, 50))
    scales = np.array([[0.01], [0.3], [7.0]])

    found = weights_of(integers * scales, "layer", Settings())

    assert np.allclose(found.integers * found.scales[:, None], integers * scales, rtol=1e-12)


def test_an_output_without_weights_has_no_scale() -> None:
    found = weights_of(np.array([[0.0, 0.0], [1.0, 0.3]]), "layer", Settings())

    assert found.scales[0] == 0.0
    assert not found.integers[0].any()


def test_slaloms_weights_have_one_scale() -> None:
    found = weights_of(np.array([[1.0, -0.5], [1e-3, 3.0]]), "layer", SLALOM)

    assert found.integers.tolist() == [[256, -128], [0, 768]]
    assert set(found.scales) == {2.0**-8}


def test_a_weight_beyond_16_bits_is_refused() -> None:
    with pytest.raises(WidthExceeded, match="layer: a weight is 200, which is 51200 in integers"):
        weights_of(np.array([[200.0]]), "layer", SLALOM)
