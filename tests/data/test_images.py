from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.data import Images, Normalisation, split
from tacit.errors import TypeMismatch
from tests.data.files import pixels

UNIT = Normalisation((0.0,), (1.0,))
labels = st.lists(st.integers(0, 4), min_size=2, max_size=80)


def images_of(y: list[int]) -> Images:
    """Images of one pixel, which holds the image's own place."""
    x = np.arange(len(y), dtype=np.float32).reshape(-1, 1, 1, 1)
    return Images(x, np.array(y, dtype=np.int64), tuple("abcde"), UNIT)


def places(images: Images) -> list[int]:
    assert isinstance(images.x, np.ndarray)
    return [int(each) for each in images.x.ravel()]


@given(labels, st.data(), st.integers(0, 2**40))
def test_a_split_shares_out_every_image_once(y: list[int], data: st.DataObject, seed: int) -> None:
    held_out = data.draw(st.integers(1, len(y) - 1))

    kept, held = split(images_of(y), held_out, seed)

    assert len(held) == held_out
    assert sorted(places(kept) + places(held)) == list(range(len(y)))
    assert places(kept) == sorted(places(kept))
    assert places(held) == sorted(places(held))
    assert kept.y.tolist() == [y[place] for place in places(kept)]
    assert held.y.tolist() == [y[place] for place in places(held)]


@given(labels, st.data(), st.integers(0, 2**40))
def test_every_class_gives_its_share_up_to_rounding(
    y: list[int], data: st.DataObject, seed: int
) -> None:
    held_out = data.draw(st.integers(1, len(y) - 1))
    images = images_of(y)

    _, held = split(images, held_out, seed)

    shares = np.array(images.counts) * held_out / len(y)
    assert (np.abs(np.array(held.counts) - shares) < 1.0).all()


def test_a_split_depends_on_its_seed_alone() -> None:
    images = images_of([place % 5 for place in range(200)])

    first, again, other = (places(split(images, 50, seed)[1]) for seed in (3, 3, 4))

    assert first == again
    assert first != other


def test_a_held_out_part_is_drawn_from_the_whole_of_each_class() -> None:
    images = images_of([0] * 1000)

    _, held = split(images, 500, seed=1)

    # The mean of 500 of 1000 places has deviation 288.7 sqrt(0.5 / 500) = 9.1; this is 6 of it.
    assert abs(np.mean(places(held)) - 499.5) < 55.0


@pytest.mark.parametrize("held_out", [0, 10, 11, -1])
def test_a_split_with_an_empty_part_is_refused(held_out: int) -> None:
    with pytest.raises(TypeMismatch, match=f"{held_out} of 10 images cannot be held out"):
        split(images_of([0, 1] * 5), held_out, seed=0)


def test_the_counts_name_classes_without_images_too() -> None:
    assert images_of([1, 1, 3]).counts == (0, 2, 0, 1, 0)


def test_pixels_and_labels_cannot_be_changed() -> None:
    images = images_of([0, 1])
    assert isinstance(images.x, np.ndarray)

    with pytest.raises(ValueError, match="read-only"):
        images.x[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        images.y[0] = 1


@pytest.mark.parametrize(
    ("x", "y", "why"),
    [
        (pixels(2, 1, 3, 3), [0], "do not fit"),
        (pixels(2, 3, 3), [0, 1], "do not fit"),
        (pixels(0, 1, 3, 3), [], "do not fit"),
        (pixels(2, 1, 3, 3), [0, 5], "labels run from 0 to 5, and there are 5 classes"),
        (pixels(2, 1, 3, 3), [-1, 0], "labels run from -1 to 0"),
        (pixels(2, 3, 3, 3), [0, 1], "3 channels are not normalised by 1 means"),
        (pixels(2, 1, 3, 3).astype(np.float64), [0, 1], "pixels are float64"),
        (np.full((2, 1, 3, 3), np.nan, dtype=np.float32), [0, 1], "18 pixels are not finite"),
    ],
)
def test_what_does_not_fit_together_is_refused(x: Any, y: list[int], why: str) -> None:
    with pytest.raises(TypeMismatch, match=why):
        Images(x, np.array(y, dtype=np.int64), tuple("abcde"), UNIT)
