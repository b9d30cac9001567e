from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.approx.fixed import centred, joined, plan_modulo, residues
from tacit.approx.plans.monomials import plan_of_powers
from tacit.approx.plans.plan import Plan, Step
from tacit.errors import TypeMismatch

moduli = st.integers(2, 100) | st.integers(2**30, 2**33) | st.integers(2**60, 2**200)
whole = st.lists(st.integers(-(2**220), 2**220), min_size=1, max_size=20)


@given(whole, moduli)
def test_centred_values_are_the_smallest_of_their_class(values: list[int], modulus: int) -> None:
    found = [int(each) for each in centred(values, modulus)]

    assert all(-modulus < 2 * each <= modulus for each in found)
    assert all((a - b) % modulus == 0 for a, b in zip(found, values, strict=True))


@given(whole, moduli, st.lists(st.integers(-(2**80), 2**80), min_size=1, max_size=40))
@settings(max_examples=80)
def test_a_plan_modulo_t_is_the_exact_plan_reduced(
    inputs: list[int], modulus: int, coefficients: list[int]
) -> None:
    plan = plan_of_powers(coefficients)
    exact = plan(np.array(inputs, dtype=object))

    found = plan_modulo(plan, [inputs], modulus)

    assert found.tolist() == [each % modulus for each in exact]


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=9))
def test_residues_of_coprime_moduli_join_to_the_value(values: list[int]) -> None:
    several = (65537, 786433, 2**31 - 1)

    found = joined([residues(values, each) for each in several], several)

    assert found.tolist() == values


def test_small_moduli_compute_in_machine_words() -> None:
    assert plan_modulo(plan_of_powers([1, 2, 3]), [[5]], 65537).dtype == np.int64


def test_moduli_with_a_common_factor_are_refused() -> None:
    with pytest.raises(TypeMismatch, match=r"\(6, 10\) are not coprime"):
        joined([[1], [1]], (6, 10))


def test_reals_are_no_residues() -> None:
    with pytest.raises(TypeMismatch, match="not float64"):
        residues([0.5], 17)


def test_a_plan_with_fractions_has_no_meaning_modulo_t() -> None:
    with pytest.raises(TypeMismatch, match=r"constant 0\.5 is not whole"):
        plan_modulo(Plan((Step(terms=((0, 0.5),)),)), [[1]], 17)
