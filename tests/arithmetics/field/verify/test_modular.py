from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.field.verify.modular import drawn, field, plus, powers, times
from tacit.arithmetics.field.verify.prime import Prime

MODULI = (2, 3, 257, *(prime.modulus for prime in Prime))
moduli = st.sampled_from(MODULI)
numbers = st.integers(0, 2**61)


@given(modulus=moduli, first=numbers, second=numbers)
def test_products_and_sums_are_those_of_integers(modulus: int, first: int, second: int) -> None:
    a, b = first % modulus, second % modulus

    assert times(a, b, field(modulus)) == a * b % modulus
    assert plus(a, b, field(modulus)) == (a + b) % modulus


@pytest.mark.parametrize("modulus", MODULI)
def test_the_largest_numbers_are_multiplied_exactly(modulus: int) -> None:
    assert times(modulus - 1, modulus - 1, field(modulus)) == 1


def test_powers_are_those_of_integers() -> None:
    modulus = Prime.P61.modulus

    assert powers(3, 100, field(modulus)).tolist() == [pow(3, k, modulus) for k in range(100)]


@pytest.mark.parametrize("modulus", MODULI)
def test_drawn_numbers_are_of_the_field(modulus: int) -> None:
    found = drawn(1000, modulus)

    assert found.shape == (1000,)
    assert found.min() >= 0
    assert found.max() < modulus


def test_every_number_is_drawn_as_often() -> None:
    counts = np.bincount(drawn(257_000, 257), minlength=257)

    # Chi squared of 256 degrees: 4 sigma above its mean.
    assert ((counts - 1000) ** 2 / 1000).sum() < 256 + 4 * np.sqrt(512)
