from __future__ import annotations

import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import (
    Composite,
    composite,
    composite_sign,
    fit,
    flat_iterate,
    of_stages,
    steep_iterate,
)
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray, Function

odd_degrees = st.lists(st.sampled_from([3, 5, 7, 9, 13, 15]), min_size=1, max_size=3)
bounds = st.sampled_from([0.5, 1.0, 12.0])


def distance(found: Composite, x: FloatArray) -> float:
    """The largest error at `x`."""
    return float(np.abs(found(x) - found.function.exact(x)).max())


@given(st.floats(1e-3, 0.5), odd_degrees, bounds)
@settings(max_examples=25)
def test_the_error_of_a_sign_is_never_below_an_independent_maximum(
    gap: float, degrees: list[int], bound: float
) -> None:
    found = composite_sign(gap * bound, degrees, bound=bound)
    x = np.linspace(gap, 1.0, 20011) * bound

    assert distance(found, np.concatenate([-x, x])) <= found.error


@given(st.floats(1e-3, 0.5), odd_degrees)
@settings(max_examples=20)
def test_the_stages_are_odd_and_map_into_the_next_interval(gap: float, degrees: list[int]) -> None:
    found = composite_sign(gap, degrees)
    x = np.linspace(-1.0, 1.0, 2001)

    inner, outer = found.stages[0], found.stages[-1]
    values = [np.abs(stage(np.linspace(stage.low, stage.high, 501))) for stage in found.stages]
    widths = [stage.high for stage in found.stages[1:]]

    assert not any(any(stage.coefficients[0::2]) for stage in (inner, outer))
    assert all(each.max() < width for each, width in zip(values[:-1], widths, strict=True))
    np.testing.assert_allclose(found.sign(-x), -found.sign(x), atol=1e-12)


@given(st.floats(1e-2, 0.5), odd_degrees, bounds)
@settings(max_examples=20)
def test_chained_stages_compute_the_same_on_unit_intervals(
    gap: float, degrees: list[int], bound: float
) -> None:
    found = composite_sign(gap * bound, degrees, bound=bound)
    x = np.linspace(-bound, bound, 501)

    chained = reduce(lambda value, stage: stage(value), found.chained, x)

    np.testing.assert_allclose(chained, found.sign(x), atol=1e-10)
    assert {(each.low, each.high) for each in found.chained[1:]} <= {(-1.0, 1.0)}


def test_one_stage_is_the_minimax_polynomial() -> None:
    single = fit("sign", [(-1.0, -0.1), (0.1, 1.0)], degree=9)

    found = composite_sign(0.1, [9])

    assert found.stages == (single.polynomial,)
    assert math.isclose(found.error, single.error, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("degrees", "error", "depth"),
    # Known from an independent search over gaps: 1.1e-4 for (15, 15, 27), 3.9e-4 for (7, 15, 15).
    [((15, 15, 27), 1.1e-4, 14), ((7, 15, 15), 3.9e-4, 12)],
)
def test_a_gap_tuned_for_relu_reaches_the_known_errors(
    degrees: tuple[int, ...], error: float, depth: int
) -> None:
    found = composite("relu", degrees, -1, 1)

    assert error * 0.97 <= found.error <= error
    assert (found.degrees, found.depth) == (degrees, depth)


@pytest.mark.parametrize("change", [0.8, 0.9, 1.1, 1.25])
def test_no_other_gap_is_better_for_relu(change: float) -> None:
    tuned = composite("relu", (7, 7), -1, 1)
    x = np.linspace(-1.0, 1.0, 20001)

    other = composite_sign(tuned.gap * change, (7, 7))

    relu_error = np.abs(tuned.form.of(x, other.sign(x)) - np.maximum(x, 0.0)).max()
    assert relu_error > tuned.error


@pytest.mark.parametrize("bound", [0.25, 1.0, 30.0])
@pytest.mark.parametrize(
    ("function", "share"),
    [("relu", 0.5), ("abs", 1.0), ("max", 0.5), (Function("leaky_relu", (0.2,)), 0.4)],
)
def test_all_bends_share_one_composite(
    function: str | Function, share: float, bound: float
) -> None:
    bend = composite("abs", (5, 7), -1, 1)

    found = composite(function, (5, 7), -bound, bound)

    assert math.isclose(found.error, share * bound * bend.error, rel_tol=1e-6)
    assert found.depth == 3 + 3 + 1
    assert found.products == 4 + 5 + 1


@given(st.sampled_from(["relu", "abs"]), st.floats(-9.0, -0.1), st.floats(0.1, 9.0))
@settings(max_examples=10)
def test_the_error_of_a_bend_is_never_below_an_independent_maximum(
    name: str, low: float, high: float
) -> None:
    found = composite(name, (7, 7), low, high)

    assert distance(found, np.linspace(low, high, 20011)) <= found.error


def test_the_larger_of_two_is_within_the_error() -> None:
    found = composite("max", (7, 15), -4, 4)
    a, b = np.meshgrid(np.linspace(-2.0, 2.0, 81), np.linspace(-2.0, 2.0, 81))

    largest = found.largest_of(a, b)

    assert np.abs(largest - np.maximum(a, b)).max() <= found.error


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_flat_iterates_touch_one_with_vanishing_derivatives(n: int) -> None:
    iterate = flat_iterate(n)
    step = 1e-2

    missing = 1.0 - iterate(np.array([1.0, 1.0 - step]))

    assert iterate.degree == 2 * n + 1
    # The first error term is C(2n + 1, n) / 2**n (1 - x)**(n + 1), up to O(step).
    leading = math.comb(2 * n + 1, n) / 2.0**n * step ** (n + 1)
    np.testing.assert_allclose(missing, [0.0, leading], atol=0.05 * leading + 1e-14)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_steep_iterates_keep_what_is_near_one_and_are_steep_at_zero(n: int) -> None:
    iterate = steep_iterate(n)
    kept = iterate(np.linspace(0.75, 1.0, 101))
    slope = float(iterate(np.array(1e-6))) / 1e-6

    assert np.abs(kept - 1.0).max() <= 0.26
    assert slope > 1.3 * float(flat_iterate(n)(np.array(1e-6))) / 1e-6


def test_iterates_make_a_composite_with_a_measured_error() -> None:
    found = of_stages([steep_iterate(2), flat_iterate(2), flat_iterate(2)], 0.2)
    x = np.linspace(0.2, 1.0, 9001)

    assert distance(found, x) <= found.error < 0.1
    assert found.depth == 9


@pytest.mark.parametrize("degrees", [(), (4,), (7, 8), (-1,)])
def test_degrees_that_are_not_odd_are_refused(degrees: tuple[int, ...]) -> None:
    with pytest.raises(TypeMismatch, match="odd"):
        composite_sign(0.1, degrees)


@pytest.mark.parametrize("gap", [0.0, 1.0, -0.5, math.nan])
def test_a_gap_that_leaves_nothing_is_refused(gap: float) -> None:
    with pytest.raises(TypeMismatch, match="gap"):
        composite_sign(gap, (3,))


def test_a_function_without_one_bend_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="sigmoid is not made of one sign"):
        composite("sigmoid", (7, 7), -1, 1)


def test_a_sign_without_a_gap_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="needs a gap"):
        composite("sign", (7, 7), -1, 1)
