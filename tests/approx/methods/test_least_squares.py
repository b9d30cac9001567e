from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import Chebyshev, chebyshev, legendre

from tacit.approx import Custom, Parity, fit
from tacit.approx.histogram import Histogram, root_mean_square
from tacit.approx.methods import LeastSquares
from tacit.errors import TypeMismatch

NAMES = ["relu", "sigmoid", "exp", "abs", "gelu", "elu", "hard_swish"]

# Counts of 32 bins on [-4, 4], all occupied, so that every degree up to 15 is determined.
histograms = st.lists(st.integers(1, 1000), min_size=32, max_size=32).map(
    lambda counts: Histogram(tuple(np.linspace(-4.0, 4.0, 33)), tuple(counts))
)


@given(histograms, st.sampled_from(NAMES), st.integers(0, 15))
@settings(max_examples=40)
def test_no_minimax_polynomial_errs_less_on_average(
    histogram: Histogram, name: str, degree: int
) -> None:
    ours = fit(name, (-4, 4), degree=degree, method=LeastSquares(histogram))
    best = fit(name, (-4, 4), degree=degree)

    assert root_mean_square(ours, histogram) <= root_mean_square(best, histogram) * (1.0 + 1e-9)
    assert ours.error >= best.lower_bound


@given(histograms, st.sampled_from(NAMES), st.integers(0, 12), st.integers(0, 12))
@settings(max_examples=40)
def test_the_error_is_orthogonal_to_every_polynomial(
    histogram: Histogram, name: str, degree: int, index: int
) -> None:
    found = fit(name, (-4, 4), degree=degree, method=LeastSquares(histogram))
    k = min(index, degree)

    # An integral of its own: 400 points in each bin, by the midpoint rule.
    x = -4.0 + 8.0 * (np.arange(32 * 400) + 0.5) / (32 * 400)
    shares = np.repeat(histogram.counts, 400) / (400 * sum(histogram.counts))
    errors = found(x) - found.function.exact(x)
    size = float(np.sqrt(shares @ errors**2))

    # The midpoint rule is right to (degree * step)**2 of the size, and here to 1e-4 of it.
    assert abs(float(shares @ (errors * np.cos(k * np.arccos(x / 4.0))))) <= 1e-3 * size + 1e-12


def test_without_data_it_is_the_legendre_projection() -> None:
    found = fit("exp", (-1, 1), degree=5, method="least_squares")

    series = chebyshev.cheb2poly(found.polynomial.coefficients)
    nodes, weights = legendre.leggauss(40)
    # The coefficient of P_k is (2 k + 1) / 2 times the integral of exp P_k.
    scaled = legendre.legvander(nodes, 5) * (np.arange(6) + 0.5)
    projection = (weights * np.exp(nodes)) @ scaled
    np.testing.assert_allclose(series, legendre.leg2poly(projection), atol=1e-13)


def test_several_intervals_are_weighed_by_their_length() -> None:
    found = fit("abs", [(-4, -3), (1, 3)], degree=0, method="least_squares")

    # The mean of |x|: 3.5 over a length of 1 and 2 over a length of 2.
    assert found.polynomial.coefficients[0] == pytest.approx(2.5, rel=1e-14)


def test_a_weight_counts_as_its_square() -> None:
    step = Custom("step", lambda x: np.where(x < 0.0, 1.0, 3.0), (0.0,))

    found = fit("relu", (-1, 1), degree=0, method="least_squares", weight=step)

    # Shares 1 : 9 of the mean 0 on the left and 1/2 on the right.
    assert found.polynomial.coefficients[0] == pytest.approx(0.45, rel=1e-14)


def test_symmetric_data_keep_the_symmetry() -> None:
    edges = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)
    mirrored = LeastSquares(Histogram(edges, (1.0, 5.0, 40.0, 5.0, 1.0)))
    tilted = LeastSquares(Histogram(edges, (1.0, 5.0, 40.0, 5.0, 2.0)))

    assert fit("tanh", (-3, 3), degree=7, method=mirrored).polynomial.parity is Parity.ODD
    assert fit("tanh", (-3, 3), degree=7, method=tilted).polynomial.parity is Parity.NEITHER


@given(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=9), histograms)
@settings(max_examples=25)
def test_a_polynomial_is_found_again(coefficients: list[float], histogram: Histogram) -> None:
    given_one = Chebyshev(coefficients, domain=[-4, 4])
    target = Custom("given", lambda x: np.asarray(given_one(x)))

    found = fit(target, (-4, 4), degree=10, method=LeastSquares(histogram))

    # Counts of 1 to 1000 make the system's condition some hundreds.
    assert found.error <= 1e-11


def test_a_spread_tames_the_polynomial_where_there_are_no_data() -> None:
    centred = Histogram(tuple(np.linspace(-3.0, 3.0, 61)), (1.0,) * 60)

    wild = fit("relu", (-6, 6), degree=15, method=LeastSquares(centred))
    tame = fit("relu", (-6, 6), degree=15, method=LeastSquares(centred, spread=0.01))

    assert wild.error > 100.0 * tame.error
    assert root_mean_square(wild, centred) < root_mean_square(tame, centred) < tame.error


def test_all_spread_means_no_data() -> None:
    centred = Histogram((-1.0, 0.0, 1.0), (1.0, 7.0))

    spread = fit("exp", (-2, 2), degree=6, method=LeastSquares(centred, spread=1.0))
    even = fit("exp", (-2, 2), degree=6, method="least_squares")

    np.testing.assert_allclose(
        spread.polynomial.coefficients, even.polynomial.coefficients, rtol=1e-11
    )


def test_data_that_do_not_determine_the_polynomial_are_refused() -> None:
    narrow = LeastSquares(Histogram((0.0, 0.01), (5.0,)))

    with pytest.raises(TypeMismatch, match=r"in 1 occupied bins determine \d of 16 coefficients"):
        fit("exp", (-1, 1), degree=15, method=narrow)


def test_data_outside_of_the_intervals_are_refused() -> None:
    elsewhere = LeastSquares(Histogram((5.0, 6.0), (5.0,)))

    with pytest.raises(TypeMismatch, match=r"counts nothing on \[-1, 1\]"):
        fit("exp", (-1, 1), degree=3, method=elsewhere)


@pytest.mark.parametrize("spread", [-0.1, 1.1, math.nan])
def test_a_spread_that_is_no_share_is_refused(spread: float) -> None:
    with pytest.raises(TypeMismatch, match="no share"):
        LeastSquares(spread=spread)
