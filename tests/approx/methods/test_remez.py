from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tacit.approx import Custom, Fit, fit
from tacit.approx.domain import checked_intervals
from tacit.approx.methods import Minimax
from tacit.approx.problem import Problem
from tacit.approx.symmetry import reduced
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray, Function


@pytest.mark.parametrize(
    ("name", "interval", "indices"),
    [
        ("abs", (-2.0, 2.0), (0, 2, 4)),
        ("relu", (-2.0, 2.0), (0, 2, 4)),
        ("tanh", (-2.0, 2.0), (1, 3, 5)),
        ("sigmoid", (-2.0, 2.0), (1, 3, 5)),
        ("exp", (-2.0, 2.0), (0, 1, 2, 3, 4, 5)),
        ("abs", (-2.0, 2.5), (0, 1, 2, 3, 4, 5)),
    ],
)
def test_symmetry_is_found(
    name: str, interval: tuple[float, float], indices: tuple[int, ...]
) -> None:
    problem = Problem(Function(name), (interval,), 5)

    assert reduced(problem).indices == indices


def test_symmetry_around_another_centre_is_found() -> None:
    # relu6 is 3 plus an odd function of x - 3.
    problem = Problem(Function("relu6"), ((-2.0, 8.0),), 5)

    assert reduced(problem).indices == (1, 3, 5)


@given(
    st.sampled_from(["exp", "abs", "relu", "tanh", "elu"]),
    st.lists(st.integers(-20, 20), min_size=4, max_size=4, unique=True).map(sorted),
    st.integers(0, 12),
)
@settings(max_examples=40)
def test_no_polynomial_on_a_grid_beats_the_lower_bound(
    name: str, ends: list[int], degree: int
) -> None:
    a, b, c, d = (each / 8.0 for each in ends)
    problem = Problem(Function(name), checked_intervals([(a, b), (c, d)]), degree)

    solution = Minimax().solve(problem)

    # Least squares is some polynomial: its largest error on a part of the domain is no bound,
    # but on all of it the lower bound must stay below.
    x = np.concatenate([np.linspace(a, b, 2000), np.linspace(c, d, 2000)])
    t = (2.0 * x - a - d) / (d - a)
    values = Function(name).exact(x)
    other = np.polynomial.Chebyshev.fit(t, values, degree, domain=[-1, 1])
    assert solution.lower_bound <= np.abs(other(t) - values).max() * (1.0 + 1e-6) + 1e-12


ALMOST = 1e-9
DOUBLES = Minimax(escalates=False)
square_plus_one = Custom("square_plus_one", lambda x: 1.0 + x * x)


def weighted_errors(found: Fit, x: FloatArray) -> FloatArray:
    """The weighted errors of a fit at `x`."""
    difference = found.function.exact(x) - found(x)
    return difference if found.weight is None else difference * found.weight.exact(x)


def changes_of_sign(found: Fit) -> int:
    """How often the errors at the alternation points change their sign."""
    errors = weighted_errors(found, np.array(found.alternation))
    return int(np.count_nonzero(np.diff(np.sign(errors))))


@pytest.mark.parametrize(
    ("name", "on", "degree"),
    [
        ("relu", [(-1.0, 0.0), (0.0, 2.0)], 9),
        ("hardtanh", [(-3.0, 4.0)], 20),
        ("hardtanh", [(-3.0, 3.0)], 21),
        ("relu6", [(-4.0, 9.0)], 24),
        ("hardtanh", [(-9.0, 9.0)], 2),
        ("relu", [(-1.0, 1.0)], 0),
        ("relu", [(-3.0, -1.0), (1.0, 1.5)], 3),
        ("sqrt", [(0.0, 1.0)], 20),
        ("sqrt", [(0.0, 100.0)], 31),
        ("tanh", [(-1e6, 1e6)], 15),
        ("relu", [(-1e200, 1e200)], 15),
        ("abs", [(-5.0, -4.0), (-3.0, -2.5), (-1.0, 1.0), (2.0, 4.0), (4.5, 7.0)], 25),
        ("sign", [(-1.0, -0.5), (1e-6, 2e-6)], 9),
        ("sign", [(-1.0, -1e-9), (1e-9, 1.0)], 31),
        ("relu", [(-1.0, 2.0)], 255),
    ],
)
def test_doubles_are_levelled(name: str, on: list[tuple[float, float]], degree: int) -> None:
    found = fit(name, on, degree=degree, method=DOUBLES)

    assert found.error - found.lower_bound <= ALMOST * found.error
    assert changes_of_sign(found) >= degree + 1
    heights = np.abs(weighted_errors(found, np.array(found.alternation)))
    np.testing.assert_allclose(heights, found.error, rtol=ALMOST)


@pytest.mark.parametrize(
    "function",
    [
        Custom("xlogx", lambda x: np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0)),
        Custom("power", lambda x: np.abs(x) ** 0.3),
        Custom("late", lambda x: np.sqrt(1.0 - x)),
    ],
)
def test_singular_ends_are_levelled(function: Custom) -> None:
    found = fit(function, (0, 1), degree=20)

    assert found.error - found.lower_bound <= ALMOST * found.error


def test_kinks_that_nobody_declared_are_found() -> None:
    found = fit(lambda x: np.abs(x - 0.3), (-1, 1), degree=20)

    declared = fit(Custom("bend", lambda x: np.abs(x - 0.3), (0.3,)), (-1, 1), degree=20)
    assert 1.0 - found.lower_bound / found.error <= 1e-9
    assert found.lower_bound <= declared.error
    assert found.error >= declared.lower_bound
    assert np.abs(weighted_errors(found, np.array([0.3])))[0] <= found.error


@pytest.mark.parametrize(
    ("function", "on", "degree"),
    [
        # Exchanges that let the level fall go round in circles here.
        ("hardtanh", [(-3.5, -3.1), (-3.1, 2.1), (2.1, 2.5)], 15),
        # The largest error rises a hundredfold for eight rounds before it falls.
        (Custom("bend", lambda x: np.abs(x + 1.44) + np.sin(x), (-1.44,)), (-307.0, 305.0), 16),
        (Custom("bend", lambda x: np.abs(x + 0.79) + np.sin(x), (-0.79,)), (-16.8, 12.9), 23),
        # More waves than points of a first look.
        ("sin", (-95.5, 73.0), 15),
        ("sin", (-95.5, 73.0), 31),
        # All that happens is within a hundredth of the interval.
        ("erf", (-195.0, 173.0), 1),
    ],
)
def test_the_hardest_exchanges_end_levelled(
    function: str | Custom, on: list[tuple[float, float]], degree: int
) -> None:
    found = fit(function, on, degree=degree)

    assert 1.0 - found.lower_bound / found.error <= 1e-9


# Points on both sides of this one come out equally high, and lower than it is.
@example(kink=0.265625, degree=22)
@given(st.floats(-0.9, 0.9), st.integers(2, 40))
@settings(max_examples=30, deadline=None)
def test_no_kink_that_nobody_declared_is_above_the_error(kink: float, degree: int) -> None:
    found = fit(lambda x: np.abs(x - kink) + np.cos(x), (-1, 1), degree=degree)

    x = np.append(np.linspace(-1.0, 1.0, 20011), kink)
    assert np.abs(weighted_errors(found, x)).max() <= found.error


def test_what_is_only_rounding_alternates_nowhere() -> None:
    found = fit(lambda x: 0.0 * x + 0.7, (-2.25, 2.25), degree=11)

    assert (found.lower_bound, found.alternation) == (0.0, ())


@pytest.mark.parametrize(
    ("name", "on", "degree", "count"),
    [
        ("exp", (-1.0, 2.0), 6, 8),
        ("abs", (-1.0, 1.0), 6, 9),
        ("abs", (-1.0, 1.0), 7, 9),
        ("tanh", (-2.0, 2.0), 7, 10),
        ("tanh", (-2.0, 2.0), 8, 10),
    ],
)
def test_alternation_covers_all_of_the_domain(
    name: str, on: tuple[float, float], degree: int, count: int
) -> None:
    found = fit(name, on, degree=degree)

    # One polynomial serves two degrees of a symmetric function, so the lower one has a point more.
    assert len(found.alternation) == count
    assert changes_of_sign(found) == count - 1
    assert (found.alternation[0], found.alternation[-1]) == on


@given(st.integers(0, 12), st.integers(1, 16).map(lambda k: k / 8))
@settings(max_examples=20)
def test_a_weighted_error_is_levelled_by_its_weight(degree: int, bound: float) -> None:
    found = fit("exp", (-bound, bound / 2), degree=degree, weight=square_plus_one, method=DOUBLES)

    x = np.linspace(found.low, found.high, 5003)
    assert np.abs(weighted_errors(found, x)).max() <= found.error
    # Rounding of values up to (1 + 4) e².
    assert found.error - found.lower_bound <= ALMOST * found.error + 1e-13


def test_an_even_weight_keeps_the_symmetry() -> None:
    found = fit("abs", (-1, 1), degree=9, weight=square_plus_one)

    assert not any(found.polynomial.coefficients[1::2])
    assert found.error - found.lower_bound <= ALMOST * found.error


def test_a_weight_that_is_not_even_breaks_the_symmetry() -> None:
    found = fit("abs", (-1, 1), degree=9, weight=Custom("tilt", lambda x: 2.0 + x))

    assert all(found.polynomial.coefficients[1::2])
    assert found.error - found.lower_bound <= ALMOST * found.error


def test_a_constant_weight_scales_the_error_only() -> None:
    plain = fit("gelu", (-2, 3), degree=8)
    tripled = fit("gelu", (-2, 3), degree=8, weight=Custom("three", lambda x: np.full_like(x, 3)))

    assert tripled.error == pytest.approx(3 * plain.error, rel=ALMOST)
    np.testing.assert_allclose(
        tripled.polynomial.coefficients, plain.polynomial.coefficients, atol=1e-10
    )


@pytest.mark.parametrize("height", [0.0, -1.0, np.nan])
def test_a_weight_that_is_not_above_zero_is_refused(height: float) -> None:
    weight = Custom("flat", lambda x: np.where(x > 0.5, height, 1.0))

    with pytest.raises(TypeMismatch, match="flat"):
        fit("exp", (0, 1), degree=3, weight=weight)


def test_a_jump_that_nobody_declared_is_refused_with_its_place() -> None:
    with pytest.raises(TypeMismatch, match=r"jumps by 2 near 0\.3"):
        fit(Custom("step", lambda x: np.sign(x - 0.3)), (-1, 1), degree=5)


def test_a_pole_that_nobody_declared_is_refused_with_its_place() -> None:
    # No double is a third, so that the function is finite at all of them.
    pole = Custom("pole", lambda x: 1.0 / (3.0 * x - 1.0 + 1e-17))

    with pytest.raises(TypeMismatch, match=r"pole.*0\.33333"):
        fit(pole, (-1, 1), degree=5)


def test_nan_is_refused_with_its_place() -> None:
    with pytest.raises(TypeMismatch, match=r"half\(0\.[5-9]\d*\) is nan"):
        fit(Custom("half", lambda x: np.where(x > 0.5, np.nan, x)), (-1, 1), degree=5)


def test_an_interval_longer_than_any_double_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="too wide"):
        fit("relu", (-1e308, 1.7e308), degree=3)
