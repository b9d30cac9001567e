from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.arithmetics.binary.ops import Alphabet
from tacit.arithmetics.binary.packing import bits_of, count_ones, packed, unpacked, values_of


@given(st.integers(1, 4), st.integers(1, 70), st.integers(0, 1000))
def test_bits_that_were_packed_come_back(groups: int, each: int, seed: int) -> None:
    bits = np.random.default_rng(seed).random((2, 3, groups * each)) < 0.5

    words = packed(bits, groups)

    assert words.shape == (2, 3, groups * -(-each // 32))
    np.testing.assert_array_equal(unpacked(words, groups * each, groups), bits)


def test_the_first_channel_is_the_lowest_bit_and_the_tail_is_zero() -> None:
    bits = np.zeros((1, 34), dtype=np.bool_)
    bits[0, [0, 5, 33]] = True

    assert packed(bits).tolist() == [[0b100001, 0b10]]


def test_every_group_begins_with_a_word_of_its_own() -> None:
    assert packed(np.ones((1, 4), dtype=np.bool_), 2).tolist() == [[0b11, 0b11]]


@pytest.mark.parametrize(
    ("alphabet", "ones"),
    [(Alphabet.BIPOLAR, [True, False]), (Alphabet.UNIPOLAR, [False, True])],
)
def test_a_bit_says_what_it_stands_for(alphabet: Alphabet, ones: list[bool]) -> None:
    values = np.array(alphabet.values, dtype=np.float64)

    bits = bits_of(values, alphabet)

    assert bits.tolist() == ones
    np.testing.assert_array_equal(values_of(bits, alphabet), values)


@pytest.mark.parametrize("version", ["1.26.4", np.__version__])
def test_ones_are_counted_with_and_without_an_instruction(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np, "__version__", version)
    words = np.random.default_rng(0).integers(0, 2**32, 1000, dtype=np.uint32)

    found = count_ones(np.append(words, np.array([0, 2**32 - 1], dtype=np.uint32)))

    assert found.tolist() == [*(int(each).bit_count() for each in words), 0, 32]
