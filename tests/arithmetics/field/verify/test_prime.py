from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpz

from tacit.arithmetics.field.ops import Dense
from tacit.arithmetics.field.verify.prime import Prime, repetitions_for, soundness_bits
from tacit.errors import InsecureParameters
from tests.arithmetics.field.verify.layers import LAYERS, convolution


@pytest.mark.parametrize("prime", Prime)
def test_a_prime_is_prime(prime: Prime) -> None:
    assert fmpz(prime.modulus).is_prime()


@pytest.mark.parametrize("prime", [Prime.P52, Prime.P61])
def test_no_two_int32_are_equal_modulo_the_primes_of_our_own_format(prime: Prime) -> None:
    assert prime.modulus > 2**32


def test_a_dense_layer_is_as_sound_as_the_prime() -> None:
    bits = soundness_bits(*LAYERS["dense"], Prime.P52, 1)

    assert bits == pytest.approx(math.log2(2**52 - 47))


def test_a_convolution_loses_the_bits_of_its_rows_and_columns() -> None:
    bits = soundness_bits(convolution((64, 3, 3, 3)), (3, 224, 224), Prime.P52, 1)

    assert bits == pytest.approx(52 - math.log2(447), abs=1e-9)


def test_repetitions_multiply_what_is_left_to_chance() -> None:
    layer = LAYERS["same"]

    twice = soundness_bits(*layer, Prime.SLALOM, 2)

    assert twice == pytest.approx(2 * soundness_bits(*layer, Prime.SLALOM, 1))


@pytest.mark.parametrize(("prime", "expected"), [(Prime.P52, 1), (Prime.P61, 1), (Prime.SLALOM, 3)])
def test_the_weakest_product_says_how_many_repetitions_are_needed(
    prime: Prime, expected: int
) -> None:
    layers = [LAYERS["dense"], (convolution((64, 3, 3, 3)), (3, 224, 224))]

    assert repetitions_for(layers, prime, 40) == expected


def test_without_products_one_repetition_is_enough() -> None:
    assert repetitions_for([], Prime.P52, 40) == 1


def test_a_product_that_no_challenge_checks_is_refused() -> None:
    huge = Dense(np.zeros((1, 1), np.int16))

    with pytest.raises(InsecureParameters):
        repetitions_for([(huge, (2**24, 1))], Prime.SLALOM, 40)
