from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.data import (
    CIFAR10,
    IMAGENET,
    Batch,
    Batches,
    Images,
    Normalisation,
    cropped_and_flipped,
    in_order,
)
from tacit.data.draws import Purpose, generator
from tacit.errors import TypeMismatch
from tests.data.files import pixels

IMAGES = Images(pixels(23, 3, 8, 8), np.arange(23) % 10, tuple("abcdefghij"), CIFAR10)
PLAIN = Batches(IMAGES, size=5, seed=1)

some_batches = st.builds(
    Batches,
    st.just(IMAGES),
    st.integers(1, 23),
    st.integers(0, 2**40),
    st.sampled_from([None, cropped_and_flipped]),
    whole=st.booleans(),
)


def contents(batches: list[Batch]) -> list[tuple[bytes, bytes, int, int]]:
    return [(each.x.tobytes(), each.y.tobytes(), each.epoch, each.step) for each in batches]


@given(some_batches, st.integers(0, 5), st.data())
def test_an_epoch_goes_on_where_it_stopped(
    batches: Batches, epoch: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, batches.steps))

    whole, rest = list(batches.epoch(epoch)), list(batches.epoch(epoch, first=first))

    assert contents(rest) == contents(whole[first:])
    assert [each.step for each in whole] == list(range(batches.steps))


@given(some_batches, st.integers(0, 5))
def test_an_epoch_shows_every_image_once_but_for_what_is_left_out(
    batches: Batches, epoch: int
) -> None:
    left_out = 23 % batches.size if batches.whole else 0

    order = batches.order(epoch)
    shown = np.concatenate([each.y for each in batches.epoch(epoch)])

    assert sorted(order.tolist()) == list(range(23))
    assert shown.tolist() == IMAGES.y[order][: 23 - left_out].tolist()


@given(st.integers(0, 2**40), st.integers(0, 1000))
def test_a_batch_holds_the_images_of_its_places(seed: int, epoch: int) -> None:
    batches = replace(PLAIN, seed=seed)

    batch = next(batches.epoch(epoch, first=2))

    places = batches.order(epoch)[10:15]
    assert np.array_equal(batch.x, CIFAR10(pixels(23, 3, 8, 8)[places]))
    assert batch.y.tolist() == IMAGES.y[places].tolist()


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {
        replace(PLAIN, seed=seed).order(epoch).tobytes()
        for seed, epoch in itertools.product(range(20), range(20))
    }

    assert len(orders) == 400


def test_every_step_has_changes_of_its_own() -> None:
    one = replace(IMAGES.only(np.zeros(64, dtype=np.int64)), classes=IMAGES.classes)
    batches = Batches(one, size=16, seed=1, augmentation=cropped_and_flipped)

    seen = [*batches.epoch(0), *batches.epoch(1)]

    assert len({each.x.tobytes() for each in seen}) == 8


def test_pixels_are_changed_before_they_are_normalised() -> None:
    batches = replace(PLAIN, augmentation=cropped_and_flipped)

    batch = next(batches.epoch(3, first=1))

    changed = cropped_and_flipped(
        pixels(23, 3, 8, 8)[batches.order(3)[5:10]], generator(1, Purpose.AUGMENTATION, 3, 1)
    )
    assert np.array_equal(batch.x, CIFAR10(changed))


def test_another_normalisation_replaces_the_images_own() -> None:
    batch = next(replace(PLAIN, normalisation=IMAGENET).epoch(0))

    assert np.array_equal(batch.x, IMAGENET(pixels(23, 3, 8, 8)[PLAIN.order(0)[:5]]))


@given(st.integers(1, 30))
def test_in_order_every_image_comes_in_its_place(size: int) -> None:
    batches = list(in_order(IMAGES, size, normalisation=Normalisation((0.0,) * 3, (1.0,) * 3)))

    x = np.concatenate([each.x for each in batches])
    assert np.array_equal(x, pixels(23, 3, 8, 8).astype(np.float32) / np.float32(255))
    assert np.concatenate([each.y for each in batches]).tolist() == IMAGES.y.tolist()
    assert {len(each.y) for each in batches[:-1]} <= {size}


def test_what_is_drawn_depends_on_every_part_of_its_place() -> None:
    places = itertools.product(range(3), Purpose, range(3), range(3))

    drawn = {int(generator(*place).integers(2**63)) for place in places}

    assert len(drawn) == 81


@pytest.mark.parametrize(("size", "whole"), [(0, False), (-1, True), (24, True)])
def test_sizes_that_make_no_batch_are_refused(size: int, whole: bool) -> None:  # noqa: FBT001
    with pytest.raises(TypeMismatch, match=f"batches of {size} images cannot be made of 23"):
        Batches(IMAGES, size=size, seed=0, whole=whole)


@pytest.mark.parametrize(("epoch", "first"), [(0, 6), (0, -1), (-1, 0)])
def test_a_place_that_no_training_reaches_is_refused(epoch: int, first: int) -> None:
    with pytest.raises(TypeMismatch, match=f"epoch {epoch} has no step {first}"):
        PLAIN.epoch(epoch, first=first)


def test_in_order_needs_a_size() -> None:
    with pytest.raises(TypeMismatch, match="batches of 0 images"):
        next(in_order(IMAGES, 0))
