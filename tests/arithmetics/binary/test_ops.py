from __future__ import annotations

import numpy as np
import pytest

from tacit.arithmetics.binary.ops import (
    WORDS,
    Alphabet,
    BinaryProduct,
    Bits,
    Digit,
    Reals,
    Totals,
    Window,
)
from tacit.errors import TypeMismatch
from tacit.ir.ops import SOURCE_OPS
from tests.arithmetics.binary.cases import free

X = np.array([[0.0, -0.0, np.nan, 1e-40, -1e-40]])
ONE = np.ones((1, 2), dtype=np.int8)


@pytest.mark.parametrize(
    ("alphabet", "flip", "values"),
    [
        (Alphabet.BIPOLAR, False, [1, 1, 1, 1, -1]),
        (Alphabet.BIPOLAR, True, [1, 1, 1, -1, 1]),
        (Alphabet.UNIPOLAR, False, [0, 0, 0, 1, 0]),
        (Alphabet.UNIPOLAR, True, [0, 0, 0, 0, 1]),
    ],
)
def test_zeros_and_no_number_are_plus_one_or_zero(
    alphabet: Alphabet, values: list[int], *, flip: bool
) -> None:
    word = Bits(alphabet, np.zeros(1), np.array([flip]))

    assert word.run(X).tolist() == [values]


def test_digits_count_thresholds() -> None:
    thresholds = np.array([[0.0], [1.0], [2.0]])
    x = np.array([[-1.0, 0.0, 1.5, 2.0, np.nan]])

    low, high = (Digit(thresholds, np.array([False]), place).run(x) for place in (0, 1))

    assert (low + 2 * high).tolist() == [[0, 1, 2, 3, 0]]


def test_reals_are_rounded_to_single_precision_twice() -> None:
    ends, third = np.array([100], dtype=np.int32), np.array([1 / 3], dtype=np.float32)

    found = Reals(-ends, ends, third, third).run(np.array([7.0]))

    assert found[0] == float(np.float32(np.float32(7) * third[0]) + third[0])


@pytest.mark.parametrize(
    ("weight", "window"),
    [
        (np.zeros((1, 2), dtype=np.int8), None),
        (np.ones((1, 2, 3), dtype=np.int8), None),
        (np.ones((1, 4, 1, 1), dtype=np.int8), Window((1, 1), ((0, 0),) * 2, (1, 1), 1, 1 << 23)),
    ],
    ids=["no signs", "no window", "too wide"],
)
def test_a_product_refuses_what_it_cannot_count(weight: np.ndarray, window: Window | None) -> None:
    with pytest.raises(TypeMismatch):
        BinaryProduct(weight, Alphabet.BIPOLAR, window, free(1))


def test_a_transform_of_other_channels_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="3 channels"):
        BinaryProduct(ONE, Alphabet.BIPOLAR, None, free(3)).shape((2,))


def test_totals_are_of_values_of_one_shape() -> None:
    word = Totals((1, 2), np.zeros(2, dtype=np.int32), free(2), -1)

    assert word.run(np.ones((1, 2)), np.ones((1, 2))).tolist() == [[3.0, 3.0]]
    with pytest.raises(TypeMismatch):
        word.shape((2,), (3,))


@pytest.mark.parametrize("place", [-1, 2])
def test_a_digit_that_no_level_has_is_refused(place: int) -> None:
    with pytest.raises(TypeMismatch, match="no digit"):
        Digit(np.zeros((3, 1)), np.array([False]), place)


def test_thresholds_go_with_their_flips() -> None:
    with pytest.raises(TypeMismatch):
        Bits(Alphabet.BIPOLAR, np.zeros(2), np.zeros(1, dtype=np.bool_))
    with pytest.raises(TypeMismatch):
        Digit(np.zeros((1, 2)), np.zeros(1, dtype=np.bool_), 0)


def test_words_have_names_of_their_own() -> None:
    assert {each.__name__ for each in WORDS}.isdisjoint(each.__name__ for each in SOURCE_OPS)
