import flint
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tacit.ir.balls import Branch, branches, capped, expansion, value
from tacit.ir.functions import FUNCTIONS, Function

BITS = 160
# As many roundings of a double as the double meanings make, with exp and erf of two libraries.
TOLERANCE = 1e-12

FUNCTION_OF_PARAMETERS = [
    Function("leaky_relu", (0.3,)),
    Function("hardtanh", (-0.5, 2.0)),
    Function("softplus", (2.0, 1.0)),
    Function("softplus", (-2.0, 1.0)),
    Function("elu", (0.5, 2.0)),
]
EVERY_FUNCTION = [*(Function(name) for name in FUNCTIONS), *FUNCTION_OF_PARAMETERS]
every_function = pytest.mark.parametrize("function", EVERY_FUNCTION, ids=repr)

functions = st.sampled_from(EVERY_FUNCTION)
places = st.floats(-30.0, 30.0) | st.floats(-1e-6, 1e-6)


def branch_at(function: Function, x: float) -> Branch:
    return branches(function)[sum(kink < x for kink in function.kinks)]


def meaning(function: Function, x: float) -> float:
    with np.errstate(all="ignore"):
        return float(function.exact(np.array(x)))


@every_function
def test_there_is_a_branch_for_each_gap_between_kinks(function: Function) -> None:
    assert len(branches(function)) == len(function.kinks) + 1


@given(functions, places)
def test_a_branch_means_what_the_function_means_in_doubles(function: Function, x: float) -> None:
    exact = meaning(function, x)
    assume(np.isfinite(exact) and x not in function.kinks)

    with flint.ctx.workprec(BITS):
        ball = value(branch_at(function, x), flint.arb(x))

    assert abs(float(ball.mid()) - exact) <= TOLERANCE * max(1.0, abs(exact))


@given(functions, places, st.floats(1e-9, 0.25))
def test_a_ball_of_the_first_derivative_holds_every_mean_slope(
    function: Function, x: float, reach: float
) -> None:
    branch = branch_at(function, x)
    with flint.ctx.workprec(BITS):
        centre, radius = flint.arb(x), flint.arb(reach)
        ends = value(branch, centre - radius), value(branch, centre + radius)
        assume(ends[0].is_finite() and ends[1].is_finite())

        slopes = expansion(branch, flint.arb(centre, radius), 2)[1]

        # The mean value theorem: a slope between the ends equals the one of the chord.
        assert not slopes.is_finite() or slopes.overlaps((ends[1] - ends[0]) / (2 * radius))


@given(functions, places, st.floats(-0.2, 0.2), st.integers(1, 12))
def test_series_and_their_last_term_around_all_points_give_the_value_nearby(
    function: Function, x: float, step: float, length: int
) -> None:
    branch = branch_at(function, x)
    with flint.ctx.workprec(BITS):
        centre, h = flint.arb(x), flint.arb(step)
        there = value(branch, centre + h)
        assume(there.is_finite() and value(branch, centre).is_finite())

        head = expansion(branch, centre, length)
        rest = expansion(branch, flint.arb(centre, abs(h)), length + 1)[length]
        found = sum((head[k] * h**k for k in range(length)), rest * h**length)

        # Taylor's theorem with Lagrange's remainder; nan where a ball reaches over a pole.
        assert not found.is_finite() or found.overlaps(there)


@given(functions, places, st.floats(0.0, 3.0), st.floats(-1.0, 1.0))
def test_the_value_of_a_ball_holds_the_values_of_its_points(
    function: Function, x: float, radius: float, share: float
) -> None:
    branch = branch_at(function, x)
    with flint.ctx.workprec(BITS):
        point = value(branch, flint.arb(x) + flint.arb(radius) * share)
        assume(point.is_finite())

        ball = value(branch, flint.arb(x, radius))

        assert not ball.is_finite() or ball.overlaps(point)


@given(functions, places, st.sampled_from([64, 200, 500]))
def test_more_bits_give_more_digits_of_the_same_value(
    function: Function, x: float, bits: int
) -> None:
    branch = branch_at(function, x)
    with flint.ctx.workprec(bits):
        coarse = value(branch, flint.arb(x))
    assume(coarse.is_finite())
    with flint.ctx.workprec(bits + 100):
        fine = value(branch, flint.arb(x))

    # Of 20 bits a sum of terms that cancel may lose some; tails of erf and exp are that large.
    assert coarse.overlaps(fine)
    assert fine == 0 or fine.rel_accuracy_bits() >= bits + 80


@pytest.mark.parametrize(
    "name", ["sigmoid", "tanh", "gelu", "gelu_tanh", "silu", "mish", "softplus", "log_sigmoid"]
)
@pytest.mark.parametrize("x", [-600.0, -19.5, -1e-30, 1e-30, 19.5, 600.0])
def test_nothing_is_lost_far_from_zero_or_close_to_it(name: str, x: float) -> None:
    with flint.ctx.workprec(BITS):
        series = expansion(branch_at(Function(name), x), flint.arb(x), 2)

    # gelu's argument of exp(-x²/2) is 2**18 at 600, so 20 bits are its condition.
    assert series[0].rel_accuracy_bits() >= BITS - 40


def test_a_square_root_has_a_value_but_no_slope_at_its_end() -> None:
    series = expansion(branches(Function("sqrt"))[1], flint.arb(0), 2)

    assert series[0] == 0
    assert not series[1].is_finite()


def test_a_square_root_of_a_ball_around_zero_is_that_of_its_right_part() -> None:
    ball = value(branches(Function("sqrt"))[1], flint.arb(0, 4))

    assert ball.contains(0)
    assert ball.contains(2)
    # A ball's radius has 30 bits.
    assert float(ball.upper()) <= 2.0 * (1.0 + 2.0**-28)


@pytest.mark.parametrize("name", ["log", "sqrt", "rsqrt"])
def test_nothing_is_known_left_of_where_a_function_ends(name: str) -> None:
    assert value(branches(Function(name))[0], flint.arb(-1)).is_nan()


def test_a_ball_over_a_pole_has_no_value() -> None:
    assert value(branches(Function("inverse"))[1], flint.arb(0, 1)).is_nan()


def test_softplus_becomes_the_identity_at_its_threshold() -> None:
    function = Function("softplus", (2.0, 1.0))

    left, right = branches(function)

    assert function.kinks == (0.5,)
    assert value(right, flint.arb(3)) == 3
    assert not value(left, flint.arb(3)).overlaps(flint.arb(3))


def test_the_length_of_series_is_restored_after_a_failure() -> None:
    before = flint.ctx.cap

    with pytest.raises(KeyError), capped(before + 7):
        raise KeyError

    assert flint.ctx.cap == before
