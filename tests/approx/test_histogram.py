from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import composite, fit
from tacit.approx.histogram import Histogram, quadrature, root_mean_square
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

samples = st.lists(st.floats(-100.0, 100.0), min_size=2, max_size=60).filter(
    lambda each: max(each) - min(each) > 1e-3
)


@given(samples, st.integers(1, 40))
def test_every_sample_is_counted_once(values: list[float], bins: int) -> None:
    histogram = Histogram.of(np.array(values), bins=bins)

    assert sum(histogram.counts) == len(values)
    assert len(histogram.counts) == bins
    assert (histogram.edges[0], histogram.edges[-1]) == (min(values), max(values))


@given(samples, samples)
def test_merging_on_equal_edges_is_exact(first: list[float], second: list[float]) -> None:
    a, b = (Histogram.of(np.array(each), bins=16, on=(-100.0, 100.0)) for each in (first, second))

    together = Histogram.of(np.array(first + second), bins=16, on=(-100.0, 100.0))
    assert a.merged(b) == b.merged(a) == together


@given(samples, samples)
def test_merging_different_edges_keeps_the_total_and_the_range(
    first: list[float], second: list[float]
) -> None:
    a, b = Histogram.of(np.array(first), bins=16), Histogram.of(np.array(second), bins=24)

    merged = a.merged(b)

    assert math.isclose(sum(merged.counts), len(first) + len(second), rel_tol=1e-12)
    assert (merged.edges[0], merged.edges[-1]) == (min(first + second), max(first + second))
    assert len(merged.counts) == 24


@given(samples)
def test_the_density_integrates_to_the_total(values: list[float]) -> None:
    histogram = Histogram.of(np.array(values), bins=10)

    middles = (np.array(histogram.edges[:-1]) + histogram.edges[1:]) / 2.0
    total = float(histogram.density(middles) @ np.diff(histogram.edges))

    assert math.isclose(total, len(values), rel_tol=1e-12)


def test_there_is_no_density_outside_of_the_bins() -> None:
    histogram = Histogram((0.0, 1.0, 3.0), (2.0, 4.0))

    density = histogram.density(np.array([-0.5, 0.5, 2.0, 3.5]))

    assert density.tolist() == [0.0, 2.0, 2.0, 0.0]


@given(st.integers(0, 63), st.integers(0, 63))
def test_the_quadrature_integrates_products_of_polynomials(first: int, second: int) -> None:
    x, shares = quadrature(((-1.0, 1.0),), (0.3,), None, degree=63)

    products = np.cos(first * np.arccos(x)) * np.cos(second * np.arccos(x))
    found = float(shares @ products)

    # The integral of T_m T_n / 2 on [-1, 1]: half of that of T_(m+n) + T_|m-n|.
    sums = [each for each in (first + second, abs(first - second)) if each % 2 == 0]
    expected = sum(1.0 / (1.0 - each**2) for each in sums) / 2.0
    # 1e-13 is what a panel leaves, by HALF_WAVES_PER_PANEL.
    assert math.isclose(found, expected, rel_tol=0.0, abs_tol=1e-13)


def test_the_quadrature_weighs_by_the_counts() -> None:
    histogram = Histogram((-1.0, 0.0, 1.0, 2.0), (1.0, 0.0, 3.0))

    x, shares = quadrature(((-1.0, 1.5),), (), histogram, degree=4)

    # Half of the last bin lies inside: the mean of x is (1 * -0.5 + 1.5 * 1.25) / 2.5.
    assert math.isclose(float(shares @ x), 0.55, rel_tol=1e-14)
    assert not ((x > 0.0) & (x < 1.0)).any()


@pytest.mark.parametrize("bound", [0.5, 3.0])
def test_the_root_mean_square_of_a_known_error_is_known(bound: float) -> None:
    found = fit("abs", (-bound, bound), degree=0)

    # |x| - bound / 2 is even on [-bound / 2, bound / 2]: its square has mean bound**2 / 12.
    assert math.isclose(root_mean_square(found), bound / math.sqrt(12.0), rel_tol=1e-9)


def test_a_composite_has_a_root_mean_square_too() -> None:
    found = composite("relu", (3, 3), (-1, 1))
    x = (np.arange(200_000) + 0.5) / 100_000 - 1.0

    midpoints = float(np.sqrt(np.mean((found(x) - np.maximum(x, 0.0)) ** 2)))

    # The midpoint rule's error is of order 1e-10; the steepest part of the sign is 1e-2 wide.
    assert math.isclose(root_mean_square(found), midpoints, rel_tol=1e-6)


@given(samples)
@settings(max_examples=20)
def test_the_root_mean_square_is_at_most_the_error(values: list[float]) -> None:
    histogram = Histogram.of(np.array(values))
    found = fit("relu", (histogram.edges[0], histogram.edges[-1]), degree=4)

    # Values up to 100 are rounded to 1.5e-14.
    assert root_mean_square(found, histogram) <= found.error + 3e-14


@pytest.mark.parametrize(
    ("edges", "counts", "reason"),
    [
        ((0.0, 1.0), (1.0, 2.0), "2 edges do not bound 2 bins"),
        ((0.0, 0.0, 1.0), (1.0, 2.0), "do not ascend"),
        ((0.0, math.inf), (1.0,), "not finite"),
        ((0.0, 1.0, 2.0), (1.0, -1.0), "bin 1 of a histogram counts -1"),
        ((0.0, 1.0, 2.0), (math.nan, 1.0), "bin 0 of a histogram counts nan"),
        ((0.0, 1.0, 2.0), (0.0, 0.0), "histogram of no samples"),
    ],
)
def test_what_is_no_histogram_is_refused(
    edges: tuple[float, ...], counts: tuple[float, ...], reason: str
) -> None:
    with pytest.raises(TypeMismatch, match=reason):
        Histogram(edges, counts)


@pytest.mark.parametrize(
    "values", [np.array([]), np.array([1.0, math.nan]), np.array([-1e308, 1e308])]
)
def test_samples_that_are_none_or_not_finite_are_refused(values: FloatArray) -> None:
    with pytest.raises(TypeMismatch, match="not finite"):
        Histogram.of(values)


def test_samples_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="are no numbers"):
        Histogram.of(np.array(["a"]))


def test_a_range_of_bins_without_an_inside_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="has no inside"):
        Histogram.of(np.ones(5), on=(4.0, 3.0))
