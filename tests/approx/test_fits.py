from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import Custom, Fit, Parity, Polynomial, fit
from tacit.approx.domain import graded
from tacit.approx.fits import Basis
from tacit.errors import DepthExceeded, TypeMismatch, WidthExceeded
from tacit.ir.functions import FUNCTIONS, FloatArray, Function

# The others jump, or are not defined everywhere.
JUMPING = {"bipolar", "heaviside", "sign", "ternary"}
CONTINUOUS = sorted(FUNCTIONS.keys() - JUMPING - {"inverse", "log", "rsqrt", "sqrt"})
BERNSTEIN = 0.280169499023869  # the limit of n E_n(|x|); Varga & Carpenter 1985

intervals = st.tuples(st.floats(-20.0, 15.0), st.floats(0.05, 20.0)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)
symmetric = st.floats(0.1, 20.0).map(lambda bound: (-bound, bound))


def largest_distance(found: Fit, count: int = 30011) -> float:
    """The largest error on evenly spaced points, which the measurement does not use."""
    x = np.linspace(found.low, found.high, count)
    return float(np.abs(found(x) - found.function.exact(x)).max())


def rounding_of(found: Fit) -> float:
    """What doubles make of a fit with decimals, whose own error may be far smaller."""
    if not found.decimals:
        return 0.0
    terms = np.abs(np.array(found.polynomial.coefficients)).sum()
    # Clenshaw's recurrence: a few roundings for each degree, of terms that mostly cancel.
    return float(4.0 * np.finfo(np.float64).eps * (found.degree + 1) * (terms + size_of(found)))


def size_of(found: Fit) -> float:
    """The largest magnitude of the function, whose rounding limits every error."""
    return float(np.abs(found.function.exact(np.linspace(found.low, found.high, 501))).max())


@given(st.sampled_from(CONTINUOUS), intervals | symmetric, st.integers(0, 40))
@settings(max_examples=60)
def test_the_error_is_never_below_an_independent_maximum(
    name: str, interval: tuple[float, float], degree: int
) -> None:
    found = fit(name, interval, degree=degree)

    assert largest_distance(found) <= found.error + rounding_of(found)


@given(st.sampled_from(CONTINUOUS), intervals | symmetric, st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_every_minimax_fit_is_certified(
    name: str, interval: tuple[float, float], degree: int
) -> None:
    found = fit(name, interval, degree=degree)

    # What is a polynomial on the interval has an error of nothing but rounding.
    assert found.error - found.lower_bound <= 1e-9 * found.error + 1e-30 * size_of(found)


@given(st.sampled_from(CONTINUOUS), intervals | symmetric, st.integers(0, 30))
@settings(max_examples=40)
def test_minimax_is_never_worse_than_interpolation(
    name: str, interval: tuple[float, float], degree: int
) -> None:
    best = fit(name, interval, degree=degree)
    interpolated = fit(name, interval, degree=degree, method="chebyshev")

    assert best.error <= interpolated.error + 1e-12 * size_of(best)
    assert best.lower_bound <= interpolated.error


@given(st.sampled_from(CONTINUOUS), intervals | symmetric, st.integers(0, 24))
@settings(max_examples=40)
def test_the_error_falls_with_the_degree(
    name: str, interval: tuple[float, float], degree: int
) -> None:
    lower, higher = (fit(name, interval, degree=each) for each in (degree, degree + 1))

    assert higher.error <= lower.error * (1.0 + 1e-9) + 1e-12 * size_of(lower)


@given(st.sampled_from(["abs", "relu", "gelu", "silu", "softplus"]), symmetric, st.integers(2, 63))
@settings(max_examples=30)
def test_a_line_plus_an_even_function_has_no_odd_coefficient_but_the_first(
    name: str, interval: tuple[float, float], degree: int
) -> None:
    found = fit(name, interval, degree=degree)

    assert not any(found.polynomial.coefficients[3::2])


@given(st.sampled_from(["tanh", "erf", "sigmoid", "hardtanh"]), symmetric, st.integers(1, 63))
@settings(max_examples=30)
def test_a_constant_plus_an_odd_function_has_no_even_coefficient_but_the_first(
    name: str, interval: tuple[float, float], degree: int
) -> None:
    found = fit(name, interval, degree=degree)

    assert not any(found.polynomial.coefficients[2::2])


@pytest.mark.parametrize("bound", [1.0, 3.0, 17.5])
def test_the_linear_part_of_relu_is_exactly_half(bound: float) -> None:
    found = fit("relu", (-bound, bound), degree=15)

    assert found.polynomial.coefficients[1] == bound / 2.0
    assert found.polynomial.scaled(2.0).degree == 14


def test_the_best_parabola_for_the_magnitude_is_known() -> None:
    found = fit("abs", (-1, 1), degree=2)

    # x**2 + 1/8 touches |x| with error 1/8 at 0, 1/2 and 1.
    np.testing.assert_allclose(found.polynomial.coefficients, [0.625, 0.0, 0.5], atol=1e-12)
    assert math.isclose(found.error, 1.0 / 8.0, rel_tol=1e-10)


@pytest.mark.parametrize(("degree", "closeness"), [(20, 2e-3), (64, 2e-4), (200, 2e-5)])
def test_the_magnitude_has_bernsteins_error(degree: int, closeness: float) -> None:
    found = fit("abs", (-1, 1), degree=degree)

    # n E_n = 0.28017 - 0.0437 / n**2 + ... for even n (Varga & Carpenter).
    assert math.isclose(degree * found.error, BERNSTEIN, rel_tol=closeness)


@pytest.mark.parametrize("pole", [1.05, 1.5, 4.0])
@pytest.mark.parametrize("degree", [1, 2, 5, 12])
def test_a_simple_pole_has_chebyshevs_error(pole: float, degree: int) -> None:
    found = fit(Custom("inverse", lambda x: 1.0 / (x - pole)), (-1, 1), degree=degree)

    decay = pole - math.sqrt(pole**2 - 1.0)
    expected = decay**degree / (pole**2 - 1.0)
    assert math.isclose(found.error, expected, rel_tol=1e-8, abs_tol=1e-13)


@pytest.mark.parametrize("gap", [0.5, 0.1, 1e-3, 1e-6])
def test_the_best_line_for_a_sign_with_a_gap_is_known(gap: float) -> None:
    found = fit("sign", [(-1.0, -gap), (gap, 1.0)], degree=1)

    assert math.isclose(found.error, (1.0 - gap) / (1.0 + gap), rel_tol=1e-10)


@pytest.mark.parametrize("gap", [0.3, 0.05])
def test_the_sign_with_a_gap_has_the_error_of_eremenko_and_yuditskii(gap: float) -> None:
    found = fit("sign", [(-1.0, -gap), (gap, 1.0)], degree=61)

    m = 30
    limit = (1.0 - gap) / math.sqrt(math.pi * gap)
    asymptotic = limit / math.sqrt(m) * ((1.0 - gap) / (1.0 + gap)) ** m
    # The theorem (J. Anal. Math. 101, 2007) is a limit; its relative error falls like 1 / m.
    assert math.isclose(found.error, asymptotic, rel_tol=3.0 / (m * gap))


@pytest.mark.parametrize(
    ("name", "low", "high", "degree"),
    [
        ("exp", -1.0, 2.0, 6),
        ("relu", -3.0, 7.0, 12),
        ("elu", -4.0, 1.0, 9),
        ("silu", -6.0, 9.0, 20),
    ],
)
def test_the_error_alternates_once_more_than_there_are_coefficients(
    name: str, low: float, high: float, degree: int
) -> None:
    found = fit(name, (low, high), degree=degree)
    x = graded(((low, high),), 40001)
    error = found(x) - found.function.exact(x)

    # The points miss the kink by little: the error there is within one percent.
    extreme = np.sign(error[np.abs(error) >= 0.99 * found.error])
    changes = int(np.count_nonzero(np.diff(extreme)))
    assert changes + 1 == degree + 2


@pytest.mark.parametrize("error", [0.3, 1e-2, 2e-3])
@pytest.mark.parametrize("name", ["relu", "sigmoid", "gelu", "exp"])
def test_an_error_gets_the_least_degree(name: str, error: float) -> None:
    found = fit(name, (-1.5, 1.5), error=error)

    one_less = fit(name, (-1.5, 1.5), degree=max(found.degree - 1, 0))
    assert found.error <= error
    assert found.degree == 0 or one_less.error > error


@pytest.mark.parametrize("name", ["relu", "sigmoid", "gelu", "exp"])
def test_an_error_gets_the_highest_degree_of_the_least_depth(name: str) -> None:
    least = fit(name, (-1.5, 1.5), error=2e-3)
    found = fit(name, (-1.5, 1.5), error=2e-3, least="depth")

    assert found.depth == least.depth
    assert found.error == fit(name, (-1.5, 1.5), depth=least.depth).error
    assert found.error <= least.error


def test_an_error_below_those_of_doubles_can_be_asked_for() -> None:
    found = fit("sigmoid", (-2, 2), error=1e-25)
    one_less = fit("sigmoid", (-2, 2), degree=found.degree - 1)

    assert found.error <= 1e-25 < one_less.error
    assert found.bits > 53


@pytest.mark.parametrize("depth", [0, 1, 3, 5])
def test_a_depth_gets_its_highest_degree(depth: int) -> None:
    found = fit("exp", (-1, 2), depth=depth)

    assert (found.degree, found.depth) == (2**depth - 1, depth)


def test_powers_of_x_are_exact() -> None:
    found = fit("square", (1, 4), degree=2)

    assert found.coefficients_in("power") == (0.0, 0.0, 1.0)


@given(st.sampled_from(["exp", "gelu", "relu"]), intervals, st.integers(0, 16))
@settings(max_examples=25)
def test_powers_and_chebyshev_sums_are_one_polynomial(
    name: str, interval: tuple[float, float], degree: int
) -> None:
    found = fit(name, interval, degree=degree)
    x = Fraction(found.low) + Fraction(found.high - found.low) * Fraction(3, 7)

    powers = sum(Fraction(each) * x**k for k, each in enumerate(found.decimals_in("power")))

    t = (2 * x - Fraction(found.low) - Fraction(found.high)) / (
        Fraction(found.high) - Fraction(found.low)
    )
    ours = np.polynomial.chebyshev.chebval(t, [Fraction(each) for each in found.decimals_in()])
    # Both have at least 16 digits of the largest coefficient; 17 terms, whose sum is below 2**17.
    largest = max(abs(Fraction(each)) for each in found.decimals_in())
    assert abs(powers - ours) <= largest * Fraction(18, 10**16)


def test_powers_beyond_doubles_are_refused_with_a_way_out() -> None:
    found = fit("relu", (-1e-60, 2e-60), degree=8)

    with pytest.raises(WidthExceeded, match=r"beyond 1\.8e308.*chebyshev"):
        found.coefficients_in("power")


@pytest.mark.parametrize("basis", ["chebyshev", "power"])
def test_decimals_of_doubles_are_read_back_as_the_same(basis: Basis) -> None:
    found = fit("gelu", (-2, 3), degree=7)

    assert tuple(map(float, found.decimals_in(basis))) == found.coefficients_in(basis)


@pytest.mark.parametrize("degree", [2, 3, 31])
def test_a_polynomial_is_found_again_without_dust(degree: int) -> None:
    found = fit("square", (-3, 3), degree=degree)

    assert found.degree == 2
    # Exact but for the rounding of decimals.
    assert found.error <= 1e-30


def test_several_intervals_may_lie_apart() -> None:
    pieces = [(-4.0, -3.0), (-1.0, 1.0), (2.0, 9.0)]

    found = fit("abs", pieces, degree=16)
    whole = fit("abs", (-4, 9), degree=16)

    assert found.intervals == tuple(pieces)
    assert found.lower_bound >= 0.999999 * found.error
    assert found.error < whole.error


def test_touching_intervals_are_one() -> None:
    halves = fit("abs", [(0.0, 1.0), (-1.0, 0.0)], degree=6)

    assert halves == fit("abs", (-1, 1), degree=6)


def test_a_plain_callable_can_be_fitted() -> None:
    def cube(x: FloatArray) -> FloatArray:
        return x**3

    found = fit(cube, (-2, 2), degree=5)

    assert found.function.name == "cube"
    assert found.degree == 3
    assert found.polynomial.parity is Parity.ODD


def test_a_fit_remembers_what_it_stands_for() -> None:
    found = fit(Function("leaky_relu", (0.1,)), (-2, 3), degree=5)

    assert repr(found.function) == "leaky_relu(slope=0.1)"
    assert (found.low, found.high, found.method) == (-2.0, 3.0, "minimax")
    assert isinstance(found.polynomial, Polynomial)


@pytest.mark.parametrize(
    ("low", "high"), [(1.0, 1.0), (2.0, 1.0), (math.nan, 1.0), (0.0, math.inf)]
)
def test_an_empty_interval_is_refused(low: float, high: float) -> None:
    with pytest.raises(TypeMismatch, match="interval"):
        fit("relu", (low, high), degree=3)


def test_a_pole_inside_is_refused_with_its_place() -> None:
    inverse = Custom("inverse", lambda x: 1.0 / x, kinks=(0.0,))

    with pytest.raises(TypeMismatch, match=r"inverse\(0\) is inf"):
        fit(inverse, (-1, 1), degree=3)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (-2.0, 0.0)])
def test_a_jump_inside_is_refused(low: float, high: float) -> None:
    with pytest.raises(TypeMismatch, match="sign jumps"):
        fit("sign", (low, high), degree=3)


@pytest.mark.parametrize(
    ("low", "high"), [(-1.0, 1e-12), (-1e-300, 1e-300), (0.0, 3.0), (-2.0, 0.0)]
)
def test_a_kink_near_an_end_is_no_jump(low: float, high: float) -> None:
    found = fit("relu", (low, high), degree=2)

    assert found.error <= 0.07 * (high - low)


@pytest.mark.parametrize("degree", [-1, 256])
def test_a_degree_out_of_reach_is_refused(degree: int) -> None:
    with pytest.raises(TypeMismatch, match="not between 0 and 255"):
        fit("relu", (-1, 1), degree=degree)


def test_neither_degree_nor_error_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="a degree, a depth or an error"):
        fit("relu", (-1, 1))


@pytest.mark.parametrize(
    "on", [np.array([-1.0, 1.0]), np.array([-1, 1]), [[-1, 0], [0, 1]], (np.float32(-1), 1)]
)
def test_an_interval_may_be_any_two_numbers(on: Any) -> None:
    assert fit("exp", on, degree=3).intervals == ((-1.0, 1.0),)


@pytest.mark.parametrize(
    "on", [(), (1,), (1, 2, 3), [(0, 1), 5], [(0, 1), (2, 3, 4)], "ab", [("a", "b")], None]
)
def test_what_is_no_interval_is_refused(on: Any) -> None:
    with pytest.raises(TypeMismatch) as caught:
        fit("exp", on, degree=3)

    assert caught.value.hint


@pytest.mark.parametrize(
    "wish",
    [
        {"degree": 3.5},
        {"degree": "3"},
        {"degree": math.nan},
        {"depth": -1},
        {"depth": 9},
        {"depth": 10**6},
        {"error": 0.0},
        {"error": math.nan},
        {"error": 0.1, "least": "products"},
    ],
)
def test_a_wish_that_means_nothing_is_refused(wish: Any) -> None:
    with pytest.raises(TypeMismatch) as caught:
        fit("exp", (-1, 1), **wish)

    assert caught.value.hint


def test_an_unknown_basis_is_refused() -> None:
    basis: Any = "legendre"

    with pytest.raises(TypeMismatch, match="no basis is called 'legendre'"):
        fit("exp", (-1, 1), degree=3).coefficients_in(basis)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="known are minimax, chebyshev"):
        fit("relu", (-1, 1), degree=3, method="magic")


def test_an_error_that_no_degree_meets_is_refused_with_what_is_possible() -> None:
    with pytest.raises(DepthExceeded, match=r"has error 0.0005.* even at degree 255"):
        fit("relu", (-1, 1), error=1e-6)


@given(symmetric)
def test_the_measure_looks_at_both_ends_and_kinks(interval: tuple[float, float]) -> None:
    low, high = interval
    found = fit("abs", (low, high), degree=4)

    places = np.array([low, 0.0, high])
    heights = np.abs(found(places) - found.function.exact(places))

    # All three are alternation points; the ends of neighbouring lobes are not.
    np.testing.assert_allclose(heights, found.error, rtol=1e-9)


@given(intervals)
def test_graded_points_stay_inside_and_reach_the_ends(interval: tuple[float, float]) -> None:
    points = graded((interval,), 33)

    assert (points[0], points[-1]) == interval
    assert all(before < after for before, after in pairwise(points))
