from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Range
from tacit.passes import Choice, MeanSquare, MinMax, Percentile
from tacit.passes.tally import BINS, Tally

SEEDS = st.integers(0, 1000)
SHARES = st.floats(1.0, 100.0)
BITS = st.integers(1, 8)


def heavy(seed: int, count: int = 3000) -> FloatArray:
    """Values with a few far outside, as activations have."""
    draw = np.random.default_rng(seed)
    return draw.standard_t(3.0, size=count) + draw.normal()


def error(values: FloatArray, found: Range, bits: int) -> float:
    """The mean square error of a uniform quantiser on the range, value by value."""
    steps = 2**bits - 1
    step = (found.high - found.low) / steps
    places = np.clip(np.rint((values - found.low) / step), 0, steps)
    return float(np.mean((values - found.low - step * places) ** 2))


@given(SEEDS)
def test_the_ends_are_the_least_and_the_largest(seed: int) -> None:
    values = heavy(seed)

    assert MinMax().within(Tally.of(values)) == Range(values.min(), values.max())


@given(SEEDS, SHARES)
def test_the_share_lies_within_and_little_more_than_half_of_the_rest_on_a_side(
    seed: int, share: float
) -> None:
    values = heavy(seed)
    tally = Tally.of(values)

    found = Percentile(share).within(tally)

    rest = values.size * (100.0 - share) / 200.0
    assert np.sum(values < found.low) <= rest
    assert np.sum(values > found.high) <= rest
    # One bin further in would be too far.
    assert np.sum(values <= found.low + tally.width * 1.001) >= rest
    assert np.sum(values >= found.high - tally.width * 1.001) >= rest


@given(SEEDS)
def test_all_of_the_values_are_all(seed: int) -> None:
    values = heavy(seed)

    assert Percentile(100.0).within(Tally.of(values)) == Range(values.min(), values.max())


@given(SEEDS, BITS)
def test_no_range_on_a_grid_has_a_smaller_error_by_much(seed: int, bits: int) -> None:
    values = heavy(seed)
    ends = np.quantile(values, [0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4])
    others = np.quantile(values, [1.0, 0.999, 0.99, 0.95, 0.9, 0.8, 0.7, 0.6])

    found = MeanSquare(bits).within(Tally.of(values))

    best = min(error(values, Range(a, b), bits) for a in ends for b in others)
    # The search goes by halves of the best cell, and sees a bin's mean for its values.
    assert error(values, found, bits) <= 1.05 * best


@given(st.integers(1, 6))
def test_more_bits_take_in_more_of_a_bell(bits: int) -> None:
    tally = Tally.of(np.random.default_rng(0).normal(size=20000))

    fewer, more = MeanSquare(bits).within(tally), MeanSquare(bits + 2).within(tally)

    assert fewer.high - fewer.low < more.high - more.low


def test_the_range_of_a_bell_is_the_known_one() -> None:
    tally = Tally.of(np.random.default_rng(0).normal(size=200000))

    found = MeanSquare(4).within(tally)

    # Max 1960, "Quantizing for minimum distortion", table II: 16 equal levels for a normal
    # distribution are 0.3352 apart.
    assert (found.high - found.low) / 15 == pytest.approx(0.3352, rel=0.02)


def test_values_that_are_levels_keep_their_ends() -> None:
    signs = np.array([-1.0, 1.0, 1.0, 1.0])

    assert MeanSquare(1).within(Tally.of(signs)) == Range(-1.0, 1.0)
    assert Percentile(60.0).within(Tally.of(signs)) == Range(-1.0, 1.0)


def test_a_rectified_bell_keeps_its_zero() -> None:
    values = np.maximum(np.random.default_rng(0).normal(size=20000), 0.0)

    found = MeanSquare(3).within(Tally.of(values))

    assert found.low == 0.0
    assert found.high < values.max()


@pytest.mark.parametrize("choice", [MinMax(), Percentile(), MeanSquare()])
def test_one_value_is_its_own_range(choice: Choice) -> None:
    assert choice.within(Tally.of(np.full(7, 2.5))) == Range(2.5, 2.5)


def test_one_wild_value_is_left_out_though_all_others_share_few_bins() -> None:
    values = np.append(np.random.default_rng(0).normal(size=100000), 1000.0)
    tally = Tally.of(values)

    assert tally.width > 1000.0 / BINS
    assert Percentile(99.0).within(tally).high < 4.0
    # Its own error, 1000² / 100000, is more than what 16 levels out to it would cost.
    assert MeanSquare(8).within(tally).high > 100.0


@pytest.mark.parametrize("share", [0.0, -1.0, 100.5, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(TypeMismatch, match="cannot be kept"):
        Percentile(share)


def test_no_bits_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="no levels"):
        MeanSquare(0)
