from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx import fit
from tacit.approx.fixed import (
    FixedFit,
    Range,
    centred,
    fixed_fit,
    joined,
    plan_modulo,
    residues,
)
from tacit.approx.fixed.programme import GAP
from tacit.errors import OutOfRange, TypeMismatch, WidthExceeded
from tacit.ir.functions import FloatArray, Function

NAMES = ("sigmoid", "tanh", "exp", "gelu", "relu", "abs", "softplus")
INTERVALS = ((-1.0, 1.0), (-2.0, 1.0), (0.0, 1.5), (-3.0, 3.0), (1.0, 2.0))
# Holds every result of the problems below.
LARGE = 2**160
problems = st.tuples(
    st.sampled_from(NAMES), st.sampled_from(INTERVALS), st.integers(1, 5), st.integers(3, 6)
)


def solved(problem: tuple[str, tuple[float, float], int, int], coefficient_bits: int) -> FixedFit:
    """The fit of a name, an interval, a degree and bits of input."""
    name, interval, degree, input_bits = problem
    return fixed_fit(
        name,
        interval,
        degree=degree,
        input_bits=input_bits,
        modulus=LARGE,
        coefficient_bits=coefficient_bits,
    )


def every_input(found: FixedFit) -> list[int]:
    """All inputs, one by one."""
    return [x for first, last in found.inputs.runs for x in range(first, last + 1)]


def exactly(found: FixedFit, whole: int) -> Fraction:
    """The polynomial at the real that an input stands for, by its definition."""
    x = Fraction(whole, 2**found.input_bits)
    return sum(
        (
            Fraction(each, 2**found.coefficient_bits) * x**i
            for i, each in enumerate(found.coefficients)
        ),
        Fraction(0),
    )


def least_of_all(x: FloatArray, wanted: FloatArray, reach: int, bits: int) -> float:
    """The least largest error of all quadratics with whole coefficients up to a magnitude."""
    whole = np.arange(-reach, reach + 1) / 2.0**bits
    lines = whole[:, None, None] + whole[:, None] * x
    errors = [float(np.abs(wanted - lines - each * x**2).max(axis=-1).min()) for each in whole]
    return min(errors)


@pytest.mark.parametrize("name", ["sigmoid", "exp", "gelu", "relu", "abs"])
@pytest.mark.parametrize("bits", [0, 1, 2])
def test_no_whole_coefficients_are_better(name: str, bits: int) -> None:
    found = solved((name, (-1.0, 1.0), 2, 2), bits)
    x = np.array(every_input(found)) / 4.0

    # The best p is nowhere larger than 2 max |f| <= 2e, and 2 a_2 = p(1) - 2 p(0) + p(-1), so no
    # coefficient is larger than 4e < 11.
    best = least_of_all(x, Function(name).exact(x), 11 * 2**bits, bits)

    assert found.error == pytest.approx(best, rel=GAP, abs=1e-15)
    assert found.lower_bound <= best * (1.0 + 1e-12)


@given(problems, st.integers(0, 14))
@settings(max_examples=60)
def test_rounding_one_by_one_is_never_better(
    problem: tuple[str, tuple[float, float], int, int], bits: int
) -> None:
    found = solved(problem, bits)

    # Below 1e-14 the function's own rounding decides.
    assert found.error <= found.rounded_error * (1.0 + GAP) + 1e-14


@given(problems, st.integers(0, 20))
@settings(max_examples=60)
def test_the_gap_to_the_bound_is_closed(
    problem: tuple[str, tuple[float, float], int, int], bits: int
) -> None:
    found = solved(problem, bits)

    assert found.lower_bound <= found.error
    # The programme stops at GAP, and so does the exchange.
    assert found.error - found.lower_bound <= 2.0 * GAP * found.error + 1e-14


@given(problems, st.integers(0, 20))
@settings(max_examples=40)
def test_the_error_is_that_of_exact_arithmetic_on_every_input(
    problem: tuple[str, tuple[float, float], int, int], bits: int
) -> None:
    found = solved(problem, bits)
    inputs = every_input(found)
    wanted = found.function.exact(np.array(inputs) / 2.0**found.input_bits)

    errors = [
        abs(Fraction(value) - exactly(found, x))
        for x, value in zip(inputs, wanted.tolist(), strict=True)
    ]

    # The exact value is rounded to a double once before it is compared.
    assert found.error == pytest.approx(float(max(errors)), rel=1e-12, abs=1e-15)


@given(problems, st.integers(0, 80))
@settings(max_examples=40)
def test_evaluation_is_exact(problem: tuple[str, tuple[float, float], int, int], bits: int) -> None:
    found = solved(problem, bits)
    inputs = every_input(found)

    values = found.evaluate(np.array(inputs))

    assert values.tolist() == [exactly(found, x) * 2**found.scale for x in inputs]


@given(problems, st.integers(0, 30))
@settings(max_examples=40)
def test_the_plan_computes_the_same_integers(
    problem: tuple[str, tuple[float, float], int, int], bits: int
) -> None:
    found = solved(problem, bits)
    inputs = np.array(every_input(found))

    assert (found.plan(inputs.astype(object)) == found.evaluate(inputs)).all()


@given(problems, st.integers(0, 12))
@settings(max_examples=40)
def test_results_are_told_by_their_residues(
    problem: tuple[str, tuple[float, float], int, int], bits: int
) -> None:
    wide = solved(problem, bits)
    name, interval, degree, input_bits = problem
    found = fixed_fit(
        name,
        interval,
        degree=degree,
        input_bits=input_bits,
        modulus=wide.result.needed,
        coefficient_bits=bits,
    )
    inputs = np.array(every_input(found))

    computed = plan_modulo(found.plan, [inputs], found.modulus)

    assert centred(computed, found.modulus).tolist() == found.evaluate(inputs).tolist()
    assert (found.decode(computed) == found(inputs / 2.0**input_bits)).all()


@given(problems, st.integers(0, 12))
@settings(max_examples=40)
def test_a_modulus_too_small_by_one_is_refused(
    problem: tuple[str, tuple[float, float], int, int], bits: int
) -> None:
    needed = solved(problem, bits).result.needed
    name, interval, degree, input_bits = problem

    with pytest.raises((WidthExceeded, TypeMismatch), match=f"{needed - 1}"):
        fixed_fit(
            name,
            interval,
            degree=degree,
            input_bits=input_bits,
            modulus=needed - 1,
            coefficient_bits=bits,
        )


@given(problems, st.integers(0, 30))
@settings(max_examples=30)
def test_the_range_of_the_result_is_exact(
    problem: tuple[str, tuple[float, float], int, int], bits: int
) -> None:
    found = solved(problem, bits)
    values = found.evaluate(np.array(every_input(found))).tolist()

    assert found.result == Range(min(values), max(values)) == found.ranges[-1]


def test_terms_may_wrap_and_do_no_harm() -> None:
    found = fixed_fit("exp", (-8.0, 0.0), degree=5, input_bits=2, modulus=2**24 + 1)
    inputs = np.array(every_input(found), dtype=object)
    terms = np.array([each * inputs**i for i, each in enumerate(found.constants)])

    wrapped = centred(terms, found.modulus)

    assert 2 * np.abs(terms).max() > 10 * found.modulus
    total = centred(wrapped.sum(axis=0), found.modulus)
    assert total.tolist() == found.evaluate(inputs).tolist()


@pytest.mark.parametrize("name", ["sigmoid", "exp", "gelu"])
@pytest.mark.parametrize("modulus", [65537, 2**31 - 1, 2**59 - 55])
def test_one_more_bit_of_coefficients_would_wrap(name: str, modulus: int) -> None:
    found = fixed_fit(name, (-2.0, 2.0), degree=3, input_bits=3, modulus=modulus)

    with pytest.raises(WidthExceeded, match="is too small"):
        fixed_fit(
            name,
            (-2.0, 2.0),
            degree=3,
            input_bits=3,
            modulus=modulus,
            coefficient_bits=found.coefficient_bits + 1,
        )


def test_more_bits_of_coefficients_never_harm() -> None:
    fits = [solved(("exp", (-1.0, 1.0), 4, 4), bits) for bits in range(16)]

    assert all(more.error <= less.error * (1.0 + GAP) for less, more in pairwise(fits))


def test_with_many_bits_the_error_is_that_of_real_coefficients() -> None:
    found = solved(("exp", (-1.0, 1.0), 5, 10), 60)

    # On finitely many inputs the best error is a little below that on the interval.
    assert found.error == pytest.approx(fit("exp", (-1, 1), degree=5).error, rel=1e-4)


def test_rounding_one_by_one_is_catastrophic_away_from_zero() -> None:
    found = fixed_fit("sigmoid", (3.0, 7.0), degree=9, input_bits=6, modulus=2**80)

    assert found.error < 1e-6
    assert found.rounded_error > 0.1


def test_a_function_is_fitted_on_several_intervals() -> None:
    found = fixed_fit("sign", [(-1, -0.25), (0.25, 1)], degree=7, input_bits=4, modulus=2**59 - 55)

    assert found.inputs.runs == ((-16, -4), (4, 16))
    assert found.coefficients[0::2] == (0, 0, 0, 0)
    assert found.error <= found.minimax_error * (1.0 + 1e-6)


@pytest.mark.parametrize("modulus", [65537, 786433, 2**31 - 1])
def test_the_best_degree_beats_every_degree(modulus: int) -> None:
    best = fixed_fit("sigmoid", (-4, 4), input_bits=3, modulus=modulus)

    others = [
        fixed_fit("sigmoid", (-4, 4), degree=degree, input_bits=3, modulus=modulus).error
        for degree in range(5)
    ]

    assert best.error <= min(others) * (1.0 + GAP)


@pytest.mark.parametrize("input_bits", [20, 30])
def test_inputs_too_many_to_count_are_looked_at_densely(input_bits: int) -> None:
    found = fixed_fit("relu", (-1.0, 1.0), degree=6, input_bits=input_bits, modulus=2**250)
    inputs = np.random.default_rng(5).integers(-(2**input_bits), 2**input_bits, 20_000)
    x = np.append(inputs, 0) / 2.0**input_bits

    errors = np.abs(np.maximum(x, 0.0) - found(x))

    assert errors.max() <= found.error
    assert found.error - found.lower_bound <= 1e-4 * found.error


def test_a_product_of_primes_is_a_modulus() -> None:
    primes = (65537, 786433, 2**31 - 1)
    found = fixed_fit("gelu", (-2, 2), degree=5, input_bits=6, modulus=prod(primes))
    inputs = found.encode(np.linspace(-2.0, 2.0, 50))

    parts = [plan_modulo(found.plan, [inputs], prime) for prime in primes]

    assert (joined(parts, primes) == residues(found.evaluate(inputs), found.modulus)).all()


def test_any_callable_is_fitted() -> None:
    found = fixed_fit(lambda x: x**2 / 2, (-1, 1), degree=2, input_bits=4, modulus=2**20)

    assert found(np.array([0.5, 1.0])).tolist() == [0.125, 0.5]
    assert found.error == 0.0


def test_reals_are_rounded_to_the_nearest_input() -> None:
    found = solved(("sigmoid", (-1.0, 1.0), 3, 3), 8)

    assert found.encode([-1.0, 0.06, 0.07, 1.0]).tolist() == [-8, 0, 1, 8]


def test_a_real_outside_is_refused() -> None:
    found = solved(("sigmoid", (-1.0, 1.0), 3, 3), 8)

    with pytest.raises(OutOfRange, match=r"1\.5 is in none of \[-1, 1\]"):
        found.encode([0.0, 1.5])


def test_a_whole_input_outside_is_refused() -> None:
    found = solved(("sigmoid", (-1.0, 1.0), 3, 3), 8)

    with pytest.raises(OutOfRange, match=r"\(\(-8, 8\),\)"):
        found.evaluate(np.array([9]))


def test_inputs_that_are_not_whole_are_refused() -> None:
    found = fixed_fit("sigmoid", (0, 4), degree=3, input_bits=4, modulus=2**22)

    with pytest.raises(TypeMismatch, match="whole numbers were expected"):
        found.evaluate(np.array([1.5]))


def test_a_modulus_without_room_for_the_degree_is_refused() -> None:
    with pytest.raises(WidthExceeded, match=r"degree 5 with 8 bits .* 41\.0 bits .* 65537"):
        fixed_fit("sigmoid", (-4, 4), degree=5, input_bits=8, modulus=65537)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modulus": 1}, "1 is no modulus"),
        ({"degree": -1}, "degree -1"),
        ({"degree": 99}, "degree 99 is not between 0 and"),
        ({"degree": 20}, "degree 20 is not determined by 17 inputs"),
        ({"coefficient_bits": -1}, "coefficient_bits are -1"),
        ({"degree": None, "coefficient_bits": 3}, "needs a degree"),
        ({"input_bits": -1}, "-1 bits after the binary point"),
    ],
)
def test_senseless_sizes_are_refused(changes: dict[str, int], message: str) -> None:
    sizes = {"degree": 3, "input_bits": 3, "modulus": LARGE} | changes

    with pytest.raises(TypeMismatch, match=message):
        fixed_fit("sigmoid", (-1, 1), **sizes)


def test_inputs_that_doubles_cannot_hold_are_refused() -> None:
    with pytest.raises(WidthExceeded, match="53 bits of a double"):
        fixed_fit("sigmoid", (-1, 1), degree=3, input_bits=60, modulus=LARGE)


def test_an_interval_without_inputs_is_refused() -> None:
    with pytest.raises(TypeMismatch, match=r"\[0\.3, 0\.4\] holds no multiple of 2\*\*-1"):
        fixed_fit("sigmoid", (0.3, 0.4), degree=0, input_bits=1, modulus=LARGE)
