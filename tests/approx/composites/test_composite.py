from __future__ import annotations

import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Composite, composite, fit, of_stages
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
    found = composite("sign", degrees, (-bound, bound), gap=gap * bound)
    x = np.linspace(gap, 1.0, 20011) * bound

    assert distance(found, np.concatenate([-x, x])) <= found.error


@given(st.floats(1e-3, 0.5), odd_degrees)
@settings(max_examples=20)
def test_the_stages_are_odd_and_map_into_the_next_interval(gap: float, degrees: list[int]) -> None:
    found = composite("sign", degrees, (-1, 1), gap=gap)
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
    found = composite("sign", degrees, (-bound, bound), gap=gap * bound)
    x = np.linspace(-bound, bound, 501)

    chained = reduce(lambda value, stage: stage(value), found.chained, x)

    np.testing.assert_allclose(chained, found.sign(x), atol=1e-10)
    assert {(each.low, each.high) for each in found.chained[1:]} <= {(-1.0, 1.0)}


def test_one_stage_is_the_minimax_polynomial() -> None:
    single = fit("sign", [(-1.0, -0.1), (0.1, 1.0)], degree=9)

    found = composite("sign", [9], (-1, 1), gap=0.1)

    assert found.stages == (single.polynomial,)
    assert math.isclose(found.error, single.error, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("degrees", "error", "depth"),
    # Known from an independent search over gaps: 1.1e-4 for (15, 15, 27), 3.9e-4 for (7, 15, 15).
    [((15, 15, 27), 1.1e-4, 13), ((7, 15, 15), 3.9e-4, 12)],
)
def test_a_gap_tuned_for_relu_reaches_the_known_errors(
    degrees: tuple[int, ...], error: float, depth: int
) -> None:
    found = composite("relu", degrees, (-1, 1))

    assert error * 0.97 <= found.error <= error
    assert (found.degrees, found.depth) == (degrees, depth)


@pytest.mark.parametrize("degrees", [(7, 7), (3, 5, 7), (15, 27)])
def test_the_error_inside_the_tuned_gap_is_the_one_outside(degrees: tuple[int, ...]) -> None:
    found = composite("abs", degrees, (-1, 1))
    inside = np.linspace(0.0, found.gap, 4001)
    # Oscillations are narrowest where the largest of them is: near 1.
    outside = np.append(np.linspace(found.gap, 0.99, 200_001), np.linspace(0.99, 1.0, 200_001))

    errors = [float(np.abs(found(x) - x).max()) for x in (inside, outside)]

    # A grid misses the top of a peak by less than that; the gap itself is known to 1e-7.
    assert math.isclose(errors[0], errors[1], rel_tol=1e-5)


@pytest.mark.parametrize("function", ["relu", "abs", "max"])
def test_a_gap_that_is_given_is_used(function: str) -> None:
    found = composite(function, (7, 7), (-2, 2), gap=0.125)

    assert found.gap == 0.125
    assert found.error > composite(function, (7, 7), (-2, 2)).error


def test_a_comparison_is_half_a_sign_and_a_half() -> None:
    sign = composite("sign", (7, 13), (-1, 1), gap=2.0**-5)
    x = np.linspace(-1.0, 1.0, 101)

    found = composite("comparison", (7, 13), (-1, 1), gap=2.0**-5)

    assert math.isclose(found.error, sign.error / 2.0, rel_tol=1e-9)
    assert (found.depth, found.products) == (sign.depth, sign.products)
    np.testing.assert_allclose(found(x), (1.0 + sign(x)) / 2.0, atol=1e-12)


def test_a_domain_of_two_intervals_leaves_the_gap() -> None:
    given_twice = [(-3.0, -0.25), (0.5, 2.0)]

    found = composite("sign", (5, 9), given_twice)

    assert (found.gap, found.bound) == (0.25, 3.0)
    assert found.intervals == tuple(given_twice)


def test_coefficients_are_those_of_the_chained_stages() -> None:
    found = composite("relu", (7, 15), (-4, 4))

    assert found.coefficients == tuple(stage.coefficients for stage in found.chained)
    assert [len(each) for each in found.coefficients] == [8, 16]
    assert found.lower_bound == 0.0 <= found.error


def test_less_margin_is_more_accurate() -> None:
    exact = composite("sign", (7, 7), (-1, 1), gap=0.05, margin=0.0)

    found = composite("sign", (7, 7), (-1, 1), gap=0.05, margin=0.01)

    assert exact.error < found.error


def test_noise_within_the_margin_does_no_harm() -> None:
    found = composite("sign", (7, 7), (-1, 1), gap=0.05, margin=0.01)
    x = np.linspace(0.05, 1.0, 2001)
    first, second = found.stages

    noisy = [second(first(x) + noise) for noise in (-0.01, 0.01)]

    assert max(float(np.abs(1.0 - each).max()) for each in noisy) <= found.error * 1.001


@pytest.mark.parametrize("change", [0.8, 0.9, 1.1, 1.25])
def test_no_other_gap_is_better_for_relu(change: float) -> None:
    tuned = composite("relu", (7, 7), (-1, 1))

    other = composite("relu", (7, 7), (-1, 1), gap=tuned.gap * change)

    assert other.error > tuned.error


@pytest.mark.parametrize("bound", [0.25, 1.0, 30.0])
@pytest.mark.parametrize(
    ("function", "share"),
    [("relu", 0.5), ("abs", 1.0), ("max", 0.5), (Function("leaky_relu", (0.2,)), 0.4)],
)
def test_all_bends_share_one_composite(
    function: str | Function, share: float, bound: float
) -> None:
    bend = composite("abs", (5, 7), (-1, 1))

    found = composite(function, (5, 7), (-bound, bound))

    assert math.isclose(found.error, share * bound * bend.error, rel_tol=1e-6)
    assert (found.depth, found.products) == (bend.depth, bend.products)


@given(st.sampled_from(["relu", "abs"]), st.floats(-9.0, -0.1), st.floats(0.1, 9.0))
@settings(max_examples=10)
def test_the_error_of_a_bend_is_never_below_an_independent_maximum(
    name: str, low: float, high: float
) -> None:
    found = composite(name, (7, 7), (low, high))

    assert distance(found, np.linspace(low, high, 20011)) <= found.error


def test_the_larger_of_two_is_within_the_error() -> None:
    found = composite("max", (7, 15), (-4, 4))
    a, b = np.meshgrid(np.linspace(-2.0, 2.0, 81), np.linspace(-2.0, 2.0, 81))

    largest = found.largest_of(a, b)

    assert np.abs(largest - np.maximum(a, b)).max() <= found.error


@pytest.mark.parametrize("degrees", [(), (4,), (7, 8), (-1,)])
def test_degrees_that_are_not_odd_are_refused(degrees: tuple[int, ...]) -> None:
    with pytest.raises(TypeMismatch, match="odd"):
        composite("sign", degrees, (-1, 1), gap=0.1)


@pytest.mark.parametrize("gap", [0.0, 1.0, -0.5, math.nan])
def test_a_gap_that_leaves_nothing_is_refused(gap: float) -> None:
    with pytest.raises(TypeMismatch, match="gap"):
        composite("sign", (3,), (-1, 1), gap=gap)


def test_a_function_without_one_bend_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="sigmoid is not made of one sign"):
        composite("sigmoid", (7, 7), (-1, 1))


def test_a_sign_without_a_gap_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="needs a gap"):
        composite("sign", (7, 7), (-1, 1))


def test_no_stages_are_no_composite() -> None:
    with pytest.raises(TypeMismatch, match="needs a stage"):
        of_stages([], 0.1)
