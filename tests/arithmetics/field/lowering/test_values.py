"""Values between words: where their channels are, and when they can wait for a grid."""

from __future__ import annotations

import numpy as np
import pytest

from tacit.arithmetics.field.lowering.values import (
    Sum,
    Term,
    Whole,
    channels_after,
    even,
    on_grid,
)
from tacit.grids import Grid
from tacit.ir import ops
from tacit.ir.graph import Op

GRID = Grid(0.5, 3, 0, 15)


def image() -> Sum:
    """Two channels of their own factors."""
    term = Term("v", np.array([1.0, 2.0]), even(0, 9, 2))
    return Sum((term,), np.zeros(2), (2, 3, 4), 0)


@pytest.mark.parametrize(
    ("op", "axis", "channels"),
    [
        (ops.Reshape((24,)), -1, [0] * 12 + [1] * 12),
        (ops.Reshape((2, 12)), 0, [0, 1]),
        (ops.Permute((1, 2, 0)), -1, [0, 1]),
        (ops.Slice(0, 1, 2), 0, [1]),
        (ops.Slice(1, 0, 3, 2), 0, [0, 1]),
    ],
)
def test_channels_are_found_again_behind_a_move(op: Op, axis: int, channels: list[int]) -> None:
    found = channels_after(op, image())

    assert found is not None
    assert found[0] == axis
    assert found[1].tolist() == channels


@pytest.mark.parametrize("op", [ops.Permute((1, 0, 2)), ops.Reshape((4, 6))])
def test_channels_on_no_axis_of_their_own_are_not(op: Op) -> None:
    expected = None if isinstance(op, ops.Permute) else [0, 0, 1, 1]

    found = channels_after(op, image())

    assert (None if found is None else found[1].tolist()) == expected


def test_clamps_are_one_clamp() -> None:
    value = image().clipped(0.0, 6.0).clipped(-1.0, 4.0).clipped(5.0, 9.0)

    assert (value.low, value.high) == (5.0, 5.0)


def test_integers_on_a_grid_are_what_they_stand_for() -> None:
    value = Whole("v", GRID, (4,)).as_sum()

    x = np.arange(16.0)

    assert np.array_equal(x * value.terms[0].factor[0] + value.shift[0], GRID.reals(x))
    assert value.is_uniform


def test_a_part_of_a_grid_is_on_it_and_another_scale_is_not() -> None:
    assert on_grid(Grid(0.5, 3, 2, 9), GRID)
    assert not on_grid(Grid(0.5, 3, 2, 16), GRID)
    assert not on_grid(Grid(0.25, 3, 2, 9), GRID)
