from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tacit.data import CIFAR10, Normalisation, measured
from tacit.data.normalisation import ROWS
from tacit.errors import TypeMismatch
from tests.data.files import pixels

shapes = st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))
varied = arrays.arrays(np.uint8, shapes).filter(lambda x: (np.ptp(x, axis=(0, 2, 3)) > 0).all())


@given(varied)
def test_normalised_by_what_was_measured_the_mean_is_0_and_the_deviation_1(
    x: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
) -> None:
    y = measured(x)(x).astype(np.float64)

    # float32's rounding, 6e-8, times the largest mean over the least deviation (255 and 1 / 12).
    assert np.allclose(y.mean(axis=(0, 2, 3)), 0.0, atol=4e-4)
    assert np.allclose(y.std(axis=(0, 2, 3)), 1.0, atol=4e-4)


@given(varied)
def test_bytes_and_floats_of_the_same_meaning_are_measured_alike(
    x: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
) -> None:
    assert measured(x.astype(np.float32) / np.float32(255)) == measured(x)


def test_measuring_in_pieces_is_measuring_the_whole() -> None:
    x = pixels(2 * ROWS + 7, 2, 2, 3)

    found = measured(x)

    # The pixels are rounded to float32 once, and summed in float64.
    unit = x / 255.0
    assert np.allclose(found.mean, unit.mean(axis=(0, 2, 3)), rtol=1e-7)
    assert np.allclose(found.deviation, unit.std(axis=(0, 2, 3)), rtol=1e-7)


def test_a_grey_pixel_becomes_what_the_formula_says() -> None:
    x = np.full((1, 3, 1, 1), 128, dtype=np.uint8)

    y = CIFAR10(x)

    expected = (128 / 255 - np.array(CIFAR10.mean)) / np.array(CIFAR10.deviation)
    assert y.dtype == np.float32
    # Three roundings of float32 in numbers near 1/2, over a deviation near 1/4.
    assert np.allclose(y.ravel(), expected, atol=1e-6)


def test_a_channel_of_one_value_cannot_be_normalised() -> None:
    x = pixels(4, 2, 3, 3)
    x[:, 1] = 7

    with pytest.raises(TypeMismatch, match=r"channel 1 has mean .* and deviation 0"):
        measured(x)


@pytest.mark.parametrize(
    ("mean", "deviation"),
    [((), ()), ((0.0,), (1.0, 1.0)), ((0.0,), (0.0,)), ((0.0,), (-1.0,)), ((np.inf,), (1.0,))],
)
def test_numbers_that_normalise_nothing_are_refused(
    mean: tuple[float, ...], deviation: tuple[float, ...]
) -> None:
    with pytest.raises(TypeMismatch, match="deviation"):
        Normalisation(mean, deviation)


def test_images_of_another_number_of_channels_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="have not 3 channels"):
        CIFAR10(pixels(2, 1, 4, 4))
