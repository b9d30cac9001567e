from __future__ import annotations

import numpy as np
import pytest

from tacit.arithmetics.integers.lower import lower
from tacit.ir import ops
from tacit.ir.functions import Function
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.passes.calibrate import calibrate
from tests.arithmetics.integers.graphs import FINE


def compared(shifts: list[float], name: str = "sign") -> Graph:
    """Signs of twice a sum of two entries from 0 to 3, each with a shift of its own."""
    builder = Builder()
    grid = ops.FakeQuantise(np.ones(1), np.zeros(1), 0, 3)
    whole = builder.put("whole", grid, builder.input("x", (2,)))
    weight = np.full((len(shifts), 2), 2.0)
    total = builder.put("total", ops.Linear(weight, np.array(shifts)), whole)
    signs = builder.put("signs", ops.Map(Function(name)), total)
    ones = ops.Linear(np.ones((1, len(shifts))), np.zeros(1))
    return builder.graph(builder.put("sum", ones, signs))


def test_a_sign_is_kept_where_shifts_lie_between_multiples_of_the_weights() -> None:
    x = np.array([[a, b] for a in range(4) for b in range(4)], dtype=np.float64)
    graph = calibrate(compared([-2.5, -3.5, -4.5, -7.5, 0.5]), x)

    words = lower(graph, FINE)

    np.testing.assert_array_equal(words(x), graph(x))


@pytest.mark.parametrize("name", ["bipolar", "heaviside"])
def test_a_bit_is_kept_where_shifts_lie_between_multiples_of_the_weights(name: str) -> None:
    x = np.array([[a, b] for a in range(4) for b in range(4)], dtype=np.float64)
    graph = calibrate(compared([-2.5, -3.5, -4.5, -7.5, 0.5], name), x)

    words = lower(graph, FINE)

    np.testing.assert_array_equal(words(x), graph(x))
