import math
from dataclasses import replace
from decimal import Decimal

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import chebyshev

from tacit.approx import Composite, Custom, Fit, Minimax, Polynomial, composite, fit
from tacit.approx.proof import (
    alternating_bound,
    certified,
    composite_in_balls,
    largest_in_balls,
    polynomial_in_balls,
    stretches,
)
from tacit.approx.target import branches_of
from tacit.ir.balls import expansion, value
from tacit.ir.functions import FUNCTIONS, Function

BITS = 200
# Functions that have a finite value everywhere and no jump.
JUMPING = {"bipolar", "heaviside", "sign", "ternary"}
CONTINUOUS = sorted(FUNCTIONS.keys() - JUMPING - {"log", "sqrt", "rsqrt", "inverse"})

lows = st.floats(-8.0, -0.1)
highs = st.floats(0.1, 8.0)
seeds = st.integers(0, 2**32)


def error_at(found: Fit, x: float) -> flint.arb:
    """The error at a point, by Clenshaw's recurrence in balls: nothing of what is tested."""
    t = (2 * flint.arb(x) - found.low - found.high) / (flint.arb(found.high) - found.low)
    terms = [flint.arb(each) for each in found.decimals or found.polynomial.coefficients]
    later, last = flint.arb(0), flint.arb(0)
    for each in reversed(terms[1:]):
        later, last = 2 * t * later - last + each, later
    branches = branches_of(found.function)
    assert branches is not None
    branch = branches[sum(kink < x for kink in found.function.kinks)]
    return abs(value(branch, flint.arb(x)) - (t * later - last + terms[0]))


def densely(found: Fit, seed: int) -> list[float]:
    """Points of all intervals, at random, near the ends, and where the error alternates."""
    generator = np.random.default_rng(seed)
    near = np.geomspace(1e-12, 1.0, 30)
    points = [
        np.concatenate([low + w * near, high - w * near, generator.uniform(low, high, 200)])
        for low, high in found.intervals
        for w in [high - low]
    ]
    ends = [end for each in found.intervals for end in each]
    inside = [np.clip(x, *each) for x, each in zip(points, found.intervals, strict=True)]
    return [*np.concatenate(inside).tolist(), *found.alternation, *ends]


@given(st.sampled_from(CONTINUOUS), lows, highs, st.integers(0, 20), seeds)
def test_no_error_is_above_the_proven_bound(
    name: str, low: float, high: float, degree: int, seed: int
) -> None:
    found = fit(name, (low, high), degree=degree)

    bounds = found.certified

    with flint.ctx.workprec(BITS):
        largest = max(error_at(found, x).lower() for x in densely(found, seed))
        assert largest <= flint.arb(str(bounds.upper))
    assert bounds.proven
    assert bounds.lower <= bounds.upper
    # Both look at the same polynomial; doubles are a few roundings of the function's size off.
    size = float(np.abs(found.function.exact(np.linspace(low, high, 99))).max())
    assert float(bounds.upper) <= found.error * (1.0 + 1e-9) + 1e-14 * size


@given(
    st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=40),
    st.floats(-1.0, 1.0),
    st.floats(0.0, 0.5),
    st.floats(-1.0, 1.0),
    st.integers(1, 8),
)
def test_a_polynomial_around_a_ball_holds_those_around_its_points(
    terms: list[float], middle: float, radius: float, share: float, length: int
) -> None:
    with flint.ctx.workprec(BITS):
        polynomial = polynomial_in_balls([flint.arb(each) for each in terms], -1.0, 2.0)
        point = flint.arb(middle) + flint.arb(radius) * share

        wide = expansion(polynomial, flint.arb(middle, radius), length)
        there = expansion(polynomial, point, length)

        assert all(wide[k].overlaps(there[k]) for k in range(length))
    t = (2.0 * float(point.mid()) - 1.0) / 3.0
    exact = chebyshev.chebval(t, terms)
    # Chebyshev polynomials grow outside [-1, 1], where t may be at -5/3, and roundings with them.
    growth = (abs(t) + math.sqrt(abs(t * t - 1.0)) + 1e-9) ** len(terms) if abs(t) > 1.0 else 1.0
    assert abs(float(there[0].mid()) - exact) <= 1e-13 * len(terms) ** 2 * growth


@pytest.mark.parametrize(
    ("name", "powers", "alternation", "largest"),
    [
        ("abs", (0.125, 0.0, 1.0), (-1.0, -0.5, 0.0, 0.5, 1.0), 0.125),
        ("relu", (0.0625, 0.5, 0.5), (-1.0, -0.5, 0.0, 0.5, 1.0), 0.0625),
        ("square", (0.5,), (-1.0, 0.0, 1.0), 0.5),
    ],
)
def test_a_polynomial_that_is_known_to_be_best_has_its_known_error(
    name: str, powers: tuple[float, ...], alternation: tuple[float, ...], largest: float
) -> None:
    best = Polynomial.of_powers(powers)
    intervals = ((-1.0, 1.0),)
    found = Fit(best, Function(name), intervals, "by hand", 1.0, alternation=alternation)

    bounds = found.certified

    assert bounds.lower <= Decimal(largest) <= bounds.upper
    assert float(bounds.upper - bounds.lower) <= 1e-15 * largest


@pytest.mark.parametrize("degree", [4, 9, 16])
@pytest.mark.parametrize("pole", [1.25, 3.0])
def test_chebyshevs_error_of_a_simple_pole_is_between_the_bounds(pole: float, degree: int) -> None:
    inverse = Custom("inverse", lambda x: 1.0 / (x - pole), branches=(lambda x: 1 / (x - pole),))

    bounds = fit(inverse, (-1, 1), degree=degree, method=Minimax(bits=200)).certified

    with flint.ctx.workprec(BITS):
        root = (flint.arb(pole) ** 2 - 1).sqrt()
        least = (flint.arb(pole) - root) ** degree / root**2
        assert flint.arb(str(bounds.lower)) <= least <= flint.arb(str(bounds.upper))
    # What high precision promises.
    assert bounds.upper - bounds.lower <= Decimal("1e-20") * bounds.upper


@pytest.mark.parametrize("name", ["sigmoid", "gelu", "softplus", "tanh", "exp"])
def test_high_precision_is_proven_to_twenty_digits(name: str) -> None:
    bounds = fit(name, (-4, 3), degree=15, method=Minimax(bits=320)).certified

    assert bounds.upper - bounds.lower <= Decimal("1e-20") * bounds.upper


@given(st.integers(0, 7), st.sampled_from([1e-9, -1e-9, 1e-6]))
def test_a_coefficient_that_is_wrong_widens_the_bound_by_as_much(index: int, wrong: float) -> None:
    found = fit("sigmoid", (-4, 4), degree=7)
    terms = list(found.polynomial.coefficients)
    terms[index] += wrong
    spoilt = replace(found, polynomial=replace(found.polynomial, coefficients=tuple(terms)))

    change = certified(spoilt).upper - found.certified.upper

    # A change of T_k by δ changes no value by more than |δ|; the best error grows by some of it,
    # and by all of it if the constant is wrong, because the error has both signs.
    assert change <= Decimal(abs(wrong)) + Decimal("1e-15")
    assert change >= Decimal(abs(wrong)) * Decimal("0.01" if index else "0.999")


def test_a_weight_multiplies_the_bounds() -> None:
    found = fit("gelu", (-3, 3), degree=9)
    twice = Custom("twice", lambda x: np.full_like(x, 2.0), branches=(lambda x: 2 + 0 * x,))

    weighted = certified(replace(found, weight=twice))

    assert float(weighted.upper) == pytest.approx(2.0 * float(found.certified.upper), rel=1e-15)
    assert float(weighted.lower) == pytest.approx(2.0 * float(found.certified.lower), rel=1e-15)


def test_a_plain_callable_has_measured_numbers_that_nothing_proves() -> None:
    found = fit(lambda x: 1.0 / (2.0 + x), (-1, 1), degree=5)

    assert not found.certified.proven
    assert found.certified.upper == Decimal(found.error)
    assert found.certified.lower == Decimal(found.lower_bound)


def test_a_weight_that_is_a_plain_callable_proves_nothing_either() -> None:
    found = fit("tanh", (-1, 1), degree=5)

    assert not certified(replace(found, weight=Custom("one", np.ones_like))).proven


def test_an_error_that_rounding_hides_is_bounded_by_that_rounding() -> None:
    # gelu(x) is x but for exp(-x² / 2), which is 10**-217148 here.
    bounds = fit("gelu", (1e3, 1e3 + 1e-9), degree=1).certified

    assert bounds.proven
    assert bounds.upper <= Decimal("1e-40")


def test_a_branch_of_few_digits_bounds_the_error_to_those_digits() -> None:
    with flint.ctx.workprec(60):
        third = flint.arb(1) / 3
    root = Custom("root", lambda x: x ** (1 / 3), branches=(lambda x: (x.log() * third).exp(),))

    bounds = fit(root, (1, 8), degree=5).certified

    assert bounds.proven
    # Two to the power of minus 60, times the logarithm of 8 and some roundings.
    assert 1e-18 <= float(bounds.upper - bounds.lower) <= 1e-12


def test_a_method_without_alternation_has_no_lower_bound() -> None:
    bounds = fit("tanh", (-2, 2), degree=7, method="chebyshev").certified

    assert bounds.proven
    assert bounds.lower == 0


def test_bounds_meet_on_intervals_that_hold_few_doubles() -> None:
    found = fit("sqrt", (0.4403, 0.4403 + 2.0**-26), degree=3, method=Minimax(bits=320))

    bounds = found.certified
    assert 1 - bounds.lower / bounds.upper <= Decimal("1e-20")


def test_one_alternation_too_few_proves_nothing_of_other_polynomials() -> None:
    found = fit("exp", (0, 1), degree=5)
    terms = (*found.polynomial.coefficients, 1e-30)
    higher = replace(found.polynomial, coefficients=terms)

    bounds = certified(replace(found, polynomial=higher, decimals=()))

    assert len(found.alternation) == 7
    assert found.certified.lower > 0
    assert bounds.lower == 0


def test_half_of_a_symmetric_alternation_is_enough() -> None:
    found = fit("sigmoid", (-4, 4), degree=7)
    half = replace(found, alternation=tuple(x for x in found.alternation if x > 0.0))

    bounds = certified(half)

    assert bounds.lower == pytest.approx(found.certified.lower, rel=Decimal("1e-9"))


def test_a_bound_is_the_least_of_enough_errors_that_alternate() -> None:
    errors = [flint.arb(each) for each in (3, -2, 5, 6, -4, 1)]

    assert alternating_bound(errors, 4) == 2
    assert alternating_bound(errors, 3) == 2
    assert alternating_bound(errors, 2) == 4
    assert alternating_bound(errors, 6) == 0


def test_errors_whose_sign_is_unknown_do_not_alternate() -> None:
    errors = [flint.arb(3), flint.arb(0, 1), flint.arb(-3)]

    assert alternating_bound(errors, 2) >= flint.arb(3)
    assert alternating_bound(errors, 3) == 0


def points_of(approximation: Composite, seed: int) -> list[float]:
    generator = np.random.default_rng(seed)
    size = np.exp(generator.uniform(np.log(approximation.gap), np.log(approximation.high), 300))
    return [*size.tolist(), approximation.high]


@pytest.mark.parametrize("degrees", [(3,), (7, 7), (7, 9)])
def test_no_error_of_a_composite_is_above_its_proven_bound(degrees: tuple[int, ...]) -> None:
    made = [composite("sign", degrees, (-1, 1), gap=0.05), composite("relu", degrees, (-2, 2))]

    bounds = [each.certified for each in made]

    x = np.array([points_of(each, 5) for each in made])
    largest = [np.abs(c(row) - c.function.exact(row)).max() for c, row in zip(made, x, strict=True)]
    # Values near 1 are rounded a few times.
    assert largest[0] <= float(bounds[0].upper) + 1e-13
    assert largest[1] <= float(bounds[1].upper) + 1e-13
    assert float(bounds[0].upper) == pytest.approx(made[0].error, rel=1e-4)
    assert float(bounds[1].upper) == pytest.approx(made[1].error, rel=1e-4)
    assert bounds[0].proven
    assert bounds[1].proven


@given(st.floats(-1.0, 1.0), st.floats(0.0, 0.1), st.floats(-1.0, 1.0))
def test_a_composite_around_a_ball_holds_those_around_its_points(
    middle: float, radius: float, share: float
) -> None:
    made = composite("relu", (3, 5), (-1, 1), gap=0.1)
    with flint.ctx.workprec(BITS):
        inside = composite_in_balls(made)
        point = flint.arb(middle) + flint.arb(radius) * share

        wide = expansion(inside, flint.arb(middle, radius), 4)
        there = expansion(inside, point, 4)

        assert all(wide[k].overlaps(there[k]) for k in range(4))


def test_intervals_are_cut_at_the_kinks_of_the_function_and_of_the_weight() -> None:
    weight = Custom("bend", lambda x: 1 + np.abs(x - 1), (1.0,), (lambda x: 2 - x, lambda x: x))

    cut = stretches(Function("relu"), lambda x: x, ((-2.0, -1.0), (-0.5, 3.0)), weight)

    assert cut is not None
    ends = [(float(each.low), float(each.high)) for each in cut]
    assert ends == [(-2.0, -1.0), (-0.5, 0.0), (0.0, 1.0), (1.0, 3.0)]
    # (1 + |-1 - 1|) (relu(-1) + 1) = 3
    assert value(cut[0].error, flint.arb(-1)) == 3


def test_little_work_leaves_true_bounds() -> None:
    with flint.ctx.workprec(BITS):
        polynomial = polynomial_in_balls([flint.arb(0)] * 9 + [flint.arb(1)], -1.0, 1.0)
        parts = stretches(Function("sin"), polynomial, ((-20.0, 20.0),))
        assert parts is not None

        loose = largest_in_balls(parts, work=5)
        close = largest_in_balls(parts)

    assert loose[0] <= close[0] <= close[1] <= loose[1]
    assert loose[1] > close[1]
