from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tacit.data import cropped, cropped_and_flipped, flipped
from tacit.errors import TypeMismatch
from tests.data.files import pixels

seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))


def drawn(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def windows(image: NDArray[np.uint8], padding: int) -> list[Any]:
    """All images that a shift may give, by slicing a padded one."""
    _, height, width = image.shape
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    moves = range(2 * padding + 1)
    return [
        padded[:, top : top + height, left : left + width].tolist()
        for top in moves
        for left in moves
    ]


@given(shapes, seeds)
def test_every_image_stays_or_is_mirrored(shape: tuple[int, ...], seed: int) -> None:
    x = pixels(*shape, seed=seed)

    y = flipped(x, drawn(seed))

    same = (y == x).all(axis=(1, 2, 3))
    mirrored = (y == x[..., ::-1]).all(axis=(1, 2, 3))
    assert (same | mirrored).all()
    assert y.dtype == x.dtype


@given(shapes, st.integers(0, 3), seeds)
def test_every_shifted_image_is_a_window_of_its_own_padded_one(
    shape: tuple[int, ...], padding: int, seed: int
) -> None:
    x = pixels(*shape, seed=seed)

    y = cropped(x, drawn(seed), padding=padding)

    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert all(
        after.tolist() in windows(before, padding) for before, after in zip(x, y, strict=True)
    )


@given(shapes, seeds)
def test_the_same_generator_gives_the_same_images_and_touches_nothing(
    shape: tuple[int, ...], seed: int
) -> None:
    x = pixels(*shape, seed=seed)
    before = x.copy()

    first, again = (cropped_and_flipped(x, drawn(seed)) for _ in range(2))

    assert np.array_equal(first, again)
    assert np.array_equal(x, before)


def test_half_of_the_images_are_mirrored() -> None:
    x = np.tile(np.array([0, 1], dtype=np.uint8), (10_000, 1, 1, 1))

    mirrored = flipped(x, drawn(5))[:, 0, 0, 0].mean()

    # The share of 10,000 fair draws has deviation 0.005; this is 5 of it.
    assert abs(mirrored - 0.5) < 0.025


def test_every_shift_is_as_likely_as_any_other() -> None:
    x = np.zeros((8100, 1, 9, 9), dtype=np.uint8)
    x[:, 0, 4, 4] = 1

    hits = cropped(x, drawn(6), padding=4).sum(axis=(0, 1))

    # 100 of 8100 draws for each of 81 places: deviation 10; this is 5 of it.
    assert (np.abs(hits.astype(np.int64) - 100) < 50).all()


def test_images_are_shifted_each_by_itself() -> None:
    x = np.tile(pixels(1, 1, 8, 8), (200, 1, 1, 1))

    y = cropped(x, drawn(7))

    # 81 shifts: 200 draws of them miss all but a few.
    assert len({image.tobytes() for image in y}) > 60


def test_floats_are_changed_as_bytes_are() -> None:
    x = pixels(20, 3, 8, 8)

    as_bytes = cropped_and_flipped(x, drawn(8))
    as_floats = cropped_and_flipped(x.astype(np.float32), drawn(8))

    assert np.array_equal(as_bytes, as_floats)


def test_a_negative_padding_is_refused() -> None:
    with pytest.raises(TypeMismatch, match="-1 pixels"):
        cropped(pixels(1, 1, 3, 3), drawn(0), padding=-1)
