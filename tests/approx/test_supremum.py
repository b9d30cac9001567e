import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import chebyshev

from tacit.approx.bases import powers_of_chebyshev
from tacit.approx.supremum import Goal, Stretch, reach, size, supremum
from tacit.ir.balls import Branch, value

BITS = 160
GOAL = Goal(1e-12, flint.arb(2) ** -120)
NOTHING = flint.arb(0)

coefficients = st.lists(st.floats(-1.0, 1.0).filter(lambda c: abs(c) > 1e-6), min_size=1)


def between(low: float, high: float, error: Branch) -> Stretch:
    return Stretch(flint.arb(low), flint.arb(high), error)


def bounds(*stretches: Stretch, goal: Goal = GOAL, work: int = 10_000) -> tuple[float, float]:
    with flint.ctx.workprec(BITS):
        lower, upper = supremum(stretches, NOTHING, goal, length=24, work=work)
    return float(lower), float(upper)


def of_chebyshev(terms: list[float]) -> Branch:
    with flint.ctx.workprec(BITS):
        powers = powers_of_chebyshev([flint.arb(each) for each in terms]).coeffs()

    def horner(x: flint.arb_series) -> flint.arb_series:
        return sum((each * x**k for k, each in enumerate(powers)), 0 * x)

    return horner


@given(coefficients, st.integers(0, 2**32))
def test_no_value_of_a_polynomial_is_above_the_bound_and_one_is_next_to_it(
    terms: list[float], seed: int
) -> None:
    x = np.random.default_rng(seed).uniform(-1.0, 1.0, 200)

    lower, upper = bounds(between(-1.0, 1.0, of_chebyshev(terms)))

    # Clenshaw's recurrence in doubles: a rounding per term, of at most the sum of all terms.
    rounding = 1e-15 * len(terms) * float(np.abs(terms).sum())
    assert np.abs(chebyshev.chebval(x, terms)).max() <= upper + rounding
    assert lower <= upper <= lower * (1.0 + 2e-12) + 2.0**-100


@pytest.mark.parametrize(
    ("low", "high", "error", "largest"),
    [
        (0.0, 3.0, lambda x: x.sin(), 1.0),
        (0.0, 1.0, lambda x: x.sin(), np.sin(1.0)),
        (-2.0, 1.0, lambda x: x * x - 1, 3.0),
        (-1.0, 1.0, lambda x: x * x * x * x - x * x, 0.25),
        (-1.0, 1.0, lambda x: 1 / (1 + 25 * x * x), 1.0),
        (0.0, 1.0, lambda x: x.erf() - 1, 1.0),
        (-1e-9, 1e-9, lambda x: x.exp() - 1, np.expm1(1e-9)),
        (1e9, 1e9 + 1.0, lambda x: (x - 10**9).exp(), np.e),
    ],
)
def test_the_largest_value_is_the_one_of_calculus(
    low: float, high: float, error: Branch, largest: float
) -> None:
    lower, upper = bounds(between(low, high, error))

    # One rounding of the double that it is compared with, and one of each bound.
    assert lower <= largest * (1.0 + 1e-15)
    assert upper >= largest * (1.0 - 1e-15)
    assert upper <= lower * (1.0 + 2e-12)


def test_an_end_where_the_slope_is_infinite_is_bounded_too() -> None:
    lower, upper = bounds(between(0.0, 1.0, lambda x: half_right_root(x) - x - flint.arb(0.5)))

    # sqrt(x) - x is between 0 and 1/4, so the size is largest at both ends, where it is 1/2.
    assert lower == 0.5
    assert 0.5 <= upper <= 0.5 * (1.0 + 2e-12)


def half_right_root(x: flint.arb_series) -> flint.arb_series:
    start = x[0]
    rest = [flint.arb.nan()] * (x.prec - 1)
    root = flint.arb(0).union(start.upper().sqrt())
    return x.sqrt() if start > 0 else flint.arb_series([root, *rest], x.prec)


def test_the_largest_of_several_stretches_counts() -> None:
    small = between(0.0, 1.0, lambda x: x / 3)
    large = between(2.0, 3.0, lambda x: x / 2 - 2)

    assert bounds(small, large)[0] == pytest.approx(1.0, rel=1e-15)


def test_zero_everywhere_is_found_to_be_zero() -> None:
    assert bounds(between(-1.0, 1.0, lambda x: x - x)) == (0.0, 0.0)


@given(st.integers(0, 60))
def test_less_work_gives_a_wider_bound_that_is_still_true(work: int) -> None:
    wave = between(-1.0, 1.0, lambda x: (30 * x).sin() * x.exp())

    _, upper = bounds(wave, work=work)

    # A place near the end where the sine is -1.
    place = 9.5 * np.pi / 30.0
    assert upper >= abs(np.sin(30.0 * place)) * np.exp(place)


def test_a_pole_leaves_the_bound_infinite() -> None:
    _, upper = bounds(between(-1.0, 1.0, lambda x: 1 / (x - flint.arb(1) / 3)))

    assert upper == float("inf")


def test_a_size_that_is_known_to_be_reached_is_never_lost() -> None:
    with flint.ctx.workprec(BITS):
        stretch = between(0.0, 1.0, lambda x: x)
        lower, upper = supremum((stretch,), flint.arb(2), GOAL, length=8)

    assert lower == 2
    assert upper == 2


def test_sizes_are_rounded_outwards_and_nan_says_nothing() -> None:
    ball = flint.arb(-3, 1)

    assert size(ball) >= 4
    assert reach(ball) <= 2
    assert size(flint.arb.nan()) == flint.arb.pos_inf()
    assert reach(flint.arb.nan()) == 0
    assert reach(flint.arb(0, 1)) == 0


def test_a_value_in_balls_is_inside_the_bounds_to_the_last_bit() -> None:
    with flint.ctx.workprec(BITS):
        stretch = between(0.0, 2.0, lambda x: x.sin() - x + x * x * x / 6)
        lower, upper = supremum((stretch,), NOTHING, GOAL, length=24)
        largest = value(stretch.error, flint.arb(2))

        # The error grows, so its largest value is at the end.
        assert upper >= largest.lower()
        assert lower <= largest.upper()
