from __future__ import annotations

import math
from decimal import Decimal

import flint
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tacit.approx import Custom, Fit, Minimax, fit
from tacit.errors import TypeMismatch, WidthExceeded
from tacit.ir.functions import FloatArray, Function

PRECISE = Minimax(bits=320)
DEFINED_EVERYWHERE = ["exp", "sigmoid", "tanh", "gelu", "relu", "elu", "hardtanh", "erf", "sin"]

intervals = st.tuples(st.integers(-40, 30), st.integers(4, 60)).map(
    lambda pair: (pair[0] / 8, (pair[0] + pair[1]) / 8)
)
symmetric = st.integers(2, 60).map(lambda bound: (-bound / 8, bound / 8))


def inverse(pole: float) -> Custom:
    """1 / (x - pole), in doubles and in balls."""

    def meaning(x: FloatArray) -> FloatArray:
        return 1.0 / (x - pole)

    return Custom("inverse", meaning, branches=(lambda x: 1 / (x - pole),))


def gap_of(found: Fit) -> Decimal:
    """The relative gap between the proven bounds."""
    return 1 - found.certified.lower / found.certified.upper


@given(st.sampled_from(DEFINED_EVERYWHERE), intervals | symmetric, st.integers(0, 20))
@settings(max_examples=30, deadline=None)
def test_high_precision_is_proven_to_22_digits(
    name: str, interval: tuple[float, float], degree: int
) -> None:
    found = fit(name, interval, degree=degree, method=PRECISE)
    # What is a polynomial on the interval has an error of nothing but rounding.
    assume(found.error > 1e-80)

    assert gap_of(found) <= Decimal("1e-22")


@given(st.sampled_from(DEFINED_EVERYWHERE), intervals | symmetric, st.integers(0, 24))
@settings(max_examples=30, deadline=None)
def test_the_reported_error_is_not_below_the_proven_one(
    name: str, interval: tuple[float, float], degree: int
) -> None:
    found = fit(name, interval, degree=degree, method=PRECISE)
    assume(found.error > 1e-80)

    # The proof encloses the error with a width of its own.
    assert Decimal(found.error) >= found.certified.upper * (1 - Decimal("1e-22"))
    assert Decimal(found.lower_bound) <= found.certified.upper


@pytest.mark.parametrize("degree", [1, 2, 7, 20, 32])
def test_a_simple_pole_has_chebyshevs_error_to_25_digits(degree: int) -> None:
    found = fit(inverse(1.25), (-1, 1), degree=degree, method=PRECISE)

    # (a - sqrt(a² - 1))**n / (a² - 1) with a = 5/4, whose root is 3/4.
    exact = Decimal(16) / Decimal(9) / 2**degree
    assert abs(found.certified.upper / exact - 1) <= Decimal("1e-25")
    assert abs(found.certified.lower / exact - 1) <= Decimal("1e-25")


def test_errors_of_the_magnitude_extrapolate_to_bernsteins_constant() -> None:
    fits = [fit("abs", (-1, 1), degree=each, method=PRECISE) for each in (16, 32, 64)]

    # n E_n is a series in n**-2 (Varga & Carpenter 1985); two steps of Richardson's
    # extrapolation leave its third term, times a few, of 0.03 (16 · 32 · 64 / 8)**-2.
    small, medium, large = (found.degree * found.certified.upper for found in fits)
    once = ((4 * medium - small) / 3, (4 * large - medium) / 3)
    twice = (16 * once[1] - once[0]) / 15
    assert abs(twice - Decimal("0.2801694990238691")) <= Decimal("5e-9")


def test_errors_of_the_sign_tend_to_those_of_eremenko_and_yuditskii() -> None:
    gap = 0.25
    fits = [fit("sign", [(-1, -gap), (gap, 1)], degree=2 * m + 1) for m in (20, 40)]

    # J. Anal. Math. 101 (2007), theorem 1; the ratio is 1 + c / m + O(m**-2), so that one step
    # of extrapolation leaves a few m**-2.
    ratio = (1 - gap) / (1 + gap)
    limits = [(1 - gap) / math.sqrt(math.pi * m * gap) * ratio**m for m in (20, 40)]
    coarse, fine = (found.error / limit for found, limit in zip(fits, limits, strict=True))
    assert abs(2 * fine - coarse - 1) <= 4 / 40**2


@pytest.mark.parametrize(("degree", "bits"), [(15, 128), (40, 320), (60, 640)])
def test_an_error_that_doubles_cannot_see_is_found(degree: int, bits: int) -> None:
    found = fit("exp", (-1, 1), degree=degree, method=Minimax(bits=bits))

    # E_n(exp) = (1 + O(1/n)) / (2**n (n + 1)!) (Meinardus 1967, theorem 70).
    leading = 1.0 / (2.0**degree * math.factorial(degree + 1))
    assert found.error == pytest.approx(leading, rel=1.0 / degree)
    assert found.lower_bound == pytest.approx(found.error, rel=1e-15)


def test_a_fit_escalates_where_doubles_end() -> None:
    found = fit("exp", (-1, 1), degree=15)

    assert (found.bits, len(found.decimals), found.degree) == (128, 16, 15)
    assert found.lower_bound == pytest.approx(found.error, rel=1e-15)


def test_escalation_can_be_switched_off() -> None:
    found = fit("exp", (-1, 1), degree=15, method=Minimax(escalates=False))

    assert (found.bits, found.decimals) == (53, ())
    # Only rounding is left of the error: a few units in the last place of e.
    assert found.error <= 16 * math.ulp(math.e)


def test_decimals_are_the_coefficients_with_more_digits() -> None:
    found = fit("gelu", (-3, 5), degree=12, method=PRECISE)

    assert tuple(map(float, found.decimals)) == found.polynomial.coefficients
    # 320 bits are 96 digits; strings drop zeros at the end.
    assert sorted(len(Decimal(each).as_tuple().digits) for each in found.decimals)[0] >= 94


def test_symmetry_leaves_exact_zeros() -> None:
    found = fit("relu", (-2, 2), degree=9, method=PRECISE)

    assert found.decimals[3::2] == ("0",) * 3
    assert found.decimals[1] == "1"


def test_high_precision_sees_through_almost_symmetric_functions() -> None:
    def meaning(x: FloatArray) -> FloatArray:
        return np.cos(x) + 1e-15 * np.asarray(x**3)

    tilted = Custom("tilted", meaning, branches=(lambda x: x.cos() + 1e-15 * x * x * x,))

    found = fit(tilted, (-1, 1), degree=8, method=PRECISE)

    assert gap_of(found) <= Decimal("1e-22")
    assert float(found.decimals[3]) == pytest.approx(0.25e-15, rel=1e-2)


@pytest.mark.parametrize(
    ("low", "high", "degree"), [(1e3, 1e3 + 1e-9, 3), (3.0, 3.0 + 1e-9, 2), (-1e6, 1e6, 9)]
)
def test_narrow_and_huge_intervals_are_levelled(low: float, high: float, degree: int) -> None:
    found = fit("tanh" if low < 0 else "sin", (low, high), degree=degree)

    assert found.lower_bound >= (1 - 1e-9) * found.error


def test_a_polynomial_is_found_as_what_it_is() -> None:
    found = fit("square", (-3, 5), degree=20, method=PRECISE)

    # x = 1 + 4 t.
    assert found.decimals == ("9", "8", "8")
    assert found.error <= 1e-90


@pytest.mark.parametrize("degree", [1, 5, 24])
def test_a_plateau_is_a_constant(degree: int) -> None:
    found = fit("hardtanh", (3.75, 11.25), degree=degree, method=PRECISE)

    assert (found.decimals, found.error) == (("1",), 0.0)


def test_nothing_is_zero() -> None:
    found = fit("relu", (-3, -1), degree=5, method=PRECISE)

    assert found.decimals == ("0",)


def test_a_weight_in_balls_is_honoured() -> None:
    size = Custom("size", lambda x: x, branches=(lambda x: x,))

    found = fit("inverse", (0.5, 2), degree=3, weight=size, method=PRECISE)

    # |x (1/x - p)| = |T_4(s) / T_4(s(0))| with s(0) = -5/3, the classical residual polynomial.
    t4 = 8 * Decimal(625) / 81 - 8 * Decimal(25) / 9 + 1
    assert abs(found.certified.upper * t4 - 1) <= Decimal("1e-25")


def test_a_tiny_weight_hides_no_error() -> None:
    tiny = Custom(
        "tiny", lambda x: 0.0 * x + 2.0**-200, branches=(lambda x: x * 0 + flint.arb(2) ** -200,)
    )

    found = fit("exp", (-1, 1), degree=5, weight=tiny, method=PRECISE)

    plain = fit("exp", (-1, 1), degree=5, method=PRECISE)
    assert found.error == pytest.approx(2.0**-200 * plain.error, rel=1e-14)
    assert 1.0 - found.lower_bound / found.error <= 1e-14


def test_a_weight_of_many_magnitudes_gets_the_digits_that_it_needs() -> None:
    function = Function("hardtanh", (-2.5, 0.75))

    found = fit(function, (-101.5, 78.5), degree=8, weight="exp", method=Minimax(bits=128))

    assert gap_of(found) <= Decimal("1e-18")


def test_a_lower_bound_is_below_the_error_of_every_polynomial() -> None:
    found = fit("tanh", (-169.5, 114.5), degree=32, weight="sigmoid", method=Minimax(bits=128))

    # The exchange does not end for such a weight; sigmoid(x) |tanh(x) - 1| is at most 0.343.
    assert found.lower_bound <= 0.343
    assert found.certified.lower <= Decimal("0.343")
    assert found.certified.upper <= Decimal(found.error)


@given(st.sampled_from(["relu", "square", "hard_swish"]), st.integers(3, 20), intervals)
@settings(max_examples=20, deadline=None)
def test_the_rounding_of_a_polynomial_is_in_its_error(
    name: str, degree: int, on: tuple[float, float]
) -> None:
    low, width = 4.0 + on[0] / 16.0, on[1] - on[0]

    found = fit(name, (low, low + width), degree=degree, method=PRECISE)

    assert found.certified.upper <= Decimal(found.error) + Decimal("1e-110")


def test_a_degree_beyond_the_bits_is_refused_with_the_bits_it_needs() -> None:
    with pytest.raises(WidthExceeded, match=r"degree 80 for exp needs about \d+ bits; 320 asked"):
        fit("exp", (-1, 1), degree=80, method=PRECISE)


def test_a_plain_callable_has_no_more_than_doubles() -> None:
    def plain(x: FloatArray) -> FloatArray:
        return x**3

    with pytest.raises(TypeMismatch, match=r"plain is a plain callable.*branches"):
        fit(plain, (-1, 1), degree=2, method=PRECISE)


def test_a_weight_without_meaning_in_balls_is_refused_too() -> None:
    with pytest.raises(TypeMismatch, match="size is a plain callable"):
        fit("exp", (1, 2), degree=2, weight=Custom("size", np.abs), method=PRECISE)


def test_fewer_bits_than_a_double_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="24 bits are fewer than the 53"):
        fit("exp", (-1, 1), degree=2, method=Minimax(bits=24))


def test_the_precision_of_flint_is_left_as_it_was() -> None:
    before = (flint.ctx.prec, flint.ctx.cap)

    fit("exp", (-1, 1), degree=5, method=PRECISE)

    assert (flint.ctx.prec, flint.ctx.cap) == before
