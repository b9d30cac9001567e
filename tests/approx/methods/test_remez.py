from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx.domain import checked_intervals
from tacit.approx.methods import Minimax
from tacit.approx.methods.verified import solve_verified
from tacit.approx.problem import Problem
from tacit.approx.symmetry import reduced
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


def test_the_exact_solver_masters_a_system_that_doubles_do_not() -> None:
    rows = np.arange(15, dtype=np.float64)
    hilbert: FloatArray = 1.0 / (rows[:, None] + rows + 1.0)
    sums: FloatArray = hilbert.sum(axis=1)

    solution = solve_verified(hilbert, sums)

    # The sums are rounded once, and the condition of 1e17 enlarges that; put back they agree.
    np.testing.assert_allclose(hilbert @ solution, sums, rtol=1e-12)


def test_the_exact_solver_refuses_a_singular_system() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        solve_verified(np.ones((2, 2)), np.array([1.0, 2.0]))
