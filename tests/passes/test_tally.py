from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.ir.functions import FloatArray
from tacit.passes.tally import BINS, Tally

# Far apart in size, so that a range has to grow in either direction and by many doublings.
SIZES = st.sampled_from([0.0, 1e-9, -1e-3, 1.0, -3.0, 1e4, -1e12])
BATCHES = st.lists(st.tuples(SIZES, SIZES, st.integers(1, 40)), min_size=1, max_size=5)


def drawn(batches: list[tuple[float, float, int]]) -> list[FloatArray]:
    draw = np.random.default_rng(len(batches))
    return [middle + width * draw.normal(size=count) for middle, width, count in batches]


def tally(parts: list[FloatArray]) -> Tally:
    result = Tally.of(parts[0])
    for part in parts[1:]:
        result = result.with_more(part)
    return result


@given(BATCHES)
def test_every_value_is_counted_between_the_ends(batches: list[tuple[float, float, int]]) -> None:
    parts = drawn(batches)
    values = np.concatenate(parts)

    found = tally(parts)

    assert found.total == values.size
    assert (found.least, found.largest) == (values.min(), values.max())
    # A sum of some dozen doubles, in another order.
    assert found.sums.sum() == pytest.approx(values.sum(), abs=1e-12 * np.abs(values).sum())


@given(BATCHES)
def test_the_counts_below_an_edge_are_those_of_the_values(
    batches: list[tuple[float, float, int]],
) -> None:
    parts = drawn(batches)
    values = np.concatenate(parts)

    found = tally(parts)

    # A value may lie on the other side of an edge by as much as the edge is rounded.
    slack = 1e-6 * found.width
    below = np.cumsum(found.counts)
    least = (values[:, None] < found.edges[1:-1] - slack).sum(axis=0)
    most = (values[:, None] <= found.edges[1:-1] + slack).sum(axis=0)
    assert np.all((least <= below[:-1]) & (below[:-1] <= most))


def test_more_than_a_third_of_the_bins_lie_between_the_ends() -> None:
    found = tally(drawn([(0.0, 1.0, 9), (5.0, 1.0, 9), (-1e4, 3.0, 9), (1e4, 3.0, 9)]))

    assert (found.largest - found.least) / found.width > BINS / 3


def test_one_value_seen_again_and_again_sets_no_width() -> None:
    zeros = np.zeros(5)

    found = tally([zeros, zeros, np.array([1.0])])

    assert found.width == pytest.approx(1.0 / BINS, rel=2.0 / BINS)
    assert (found.counts[0], found.counts[-1]) == (10.0, 1.0)


@given(st.integers(0, 1000))
def test_the_same_values_again_change_no_bin(seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=30)
    once = Tally.of(values)

    twice = once.with_more(values)

    assert twice.width == once.width
    assert np.array_equal(twice.counts, 2.0 * once.counts)
