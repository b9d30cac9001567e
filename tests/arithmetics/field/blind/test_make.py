"""Factors are made once, whole, and whatever cuts that short is gone on with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tacit.arithmetics.field.blind import Layer, MaskArray, Store, make
from tacit.arithmetics.field.blind.locks import alone
from tacit.errors import InsecureParameters, ProtocolError, TacitError, TypeMismatch
from tests.arithmetics.field.blind.scene import (
    DENSE,
    LAYERS,
    first_blob,
    fits,
    products,
    secret,
    store_in,
)


class Cut:
    """Products that end after so many; each is counted."""

    def __init__(self, after: int, error: Exception) -> None:
        self.left = after
        self.error = error
        self.count = 0

    def __call__(self, number: int, x: MaskArray) -> MaskArray:
        if not self.left:
            raise self.error
        self.left -= 1
        self.count += 1
        return products(number, x)


def cut_store(folder: Path, after: int) -> Store:
    """A store of which three queries were to be made, until the disk was full."""
    store = store_in(folder)
    with pytest.raises(TacitError, match="cut short: No space left"):
        make(store, Cut(after, OSError(28, "No space left on device")), 3)
    return store


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    make(store_in(tmp_path), products, 3, progress=lambda *each: told.append(each))

    assert told == [(1, 3), (2, 3), (3, 3)]


def test_nothing_can_be_taken_before_all_is_made(tmp_path: Path) -> None:
    store = cut_store(tmp_path, after=5)

    with pytest.raises(TacitError, match="no mask is left"):
        store.take()


def test_a_full_disk_leaves_whole_files_only(tmp_path: Path) -> None:
    store = cut_store(tmp_path, after=3)

    assert [each.name for each in store.folder.glob("*/*")] == ["0.factors"]


def test_what_was_made_is_kept(tmp_path: Path) -> None:
    store = cut_store(tmp_path, after=5)
    rest = Cut(100, AssertionError())

    make(store, rest, 3)

    assert rest.count == 2
    with store.take() as first, store.take() as second, store.take() as third:
        assert fits(first)
        assert fits(second)
        assert fits(third)


def test_what_was_made_falsely_meanwhile_is_made_again(tmp_path: Path) -> None:
    store = cut_store(tmp_path, after=4)
    (path, *_) = store.folder.glob("*/0.factors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    rest = Cut(100, AssertionError())

    make(store, rest, 3)

    assert rest.count == 4
    with store.take() as query:
        assert fits(query)


def test_what_was_cut_meanwhile_is_made_again(tmp_path: Path) -> None:
    store = cut_store(tmp_path, after=4)
    (path, *_) = store.folder.glob("*/0.factors")
    path.write_bytes(path.read_bytes()[:90])

    make(store, products, 3)

    with store.take() as query:
        assert fits(query)


def test_another_count_does_not_go_on(tmp_path: Path) -> None:
    store = cut_store(tmp_path, after=3)

    with pytest.raises(ProtocolError, match=r"a series of 3 masks is not finished; 4 are asked"):
        make(store, products, 4)


def test_a_series_is_begun_anew_on_purpose(tmp_path: Path) -> None:
    store = cut_store(tmp_path, after=5)
    (old,) = store.folder.iterdir()

    make(store, products, 4, resume=False)

    assert not old.exists()
    assert store.left == 4


def test_other_layers_go_on_under_other_keys(tmp_path: Path) -> None:
    store = cut_store(tmp_path, after=2)
    (path,) = store.folder.glob("*/0.factors")
    before = path.read_bytes()
    turned = Layer(DENSE.number, (4, 3), DENSE.output)

    def same(number: int, x: MaskArray) -> MaskArray:
        return products(number, x.reshape(DENSE.input))

    make(Store(store.secret, (turned,), store.ledger, store.folder), same, 3)

    factor = slice(94, 94 + DENSE.output_bytes)
    after = path.read_bytes()[82:][: DENSE.output_bytes]
    assert len(before) > len(path.read_bytes())
    assert after != before[factor]


def test_what_a_death_left_half_written_is_swept_up(tmp_path: Path) -> None:
    store = cut_store(tmp_path, after=3)
    (series,) = store.folder.iterdir()
    (series / ".1.factors.1234.partial").write_bytes(b"half")

    make(store, products, 3)

    assert len(list(series.iterdir())) == 3


def test_two_do_not_make_masks_at_once(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    lock = store.ledger.with_name("ledger.making")

    with (
        alone(lock, wait=False, doing="making masks"),
        pytest.raises(ProtocolError, match="somebody else is making masks"),
    ):
        make(store, products, 1)


def test_masks_are_taken_while_more_are_made(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    make(store, products, 2)
    taken: list[int] = []

    def take(done: int, total: int) -> None:
        with store.take() as query:
            taken.append(query.index)
        assert done <= total

    make(store, products, 2, progress=take)

    assert taken == [0, 1]
    assert store.left == 2


def test_a_product_of_another_shape_is_refused(tmp_path: Path) -> None:
    store = store_in(tmp_path)

    with pytest.raises(TypeMismatch, match=r"layer 0 gave uint32 of \(3, 4\)"):
        make(store, lambda _, x: x, 1)


def test_a_product_of_another_type_is_refused(tmp_path: Path) -> None:
    store = store_in(tmp_path)

    with pytest.raises(TypeMismatch, match="gave int32"):
        make(store, lambda number, x: products(number, x).view(np.int32).view("i4"), 1)


def test_so_many_masks_that_they_could_be_told_apart_are_refused(tmp_path: Path) -> None:
    layers = (Layer(0, (1 << 27,), (1,)),)
    store = Store(secret(), layers, tmp_path / "ledger", tmp_path)

    with pytest.raises(InsecureParameters, match="blocks of a cipher"):
        make(store, products, 1 << 20)


def test_masks_are_overwritten_once_their_factors_are_made(tmp_path: Path) -> None:
    seen: list[MaskArray] = []

    def watched(number: int, x: MaskArray) -> MaskArray:
        seen.append(x)
        return products(number, x)

    make(store_in(tmp_path), watched, 1)

    assert len(seen) == len(LAYERS)
    assert not np.concatenate([each.ravel() for each in seen]).any()


def test_a_ledger_knows_a_series_only_once_it_is_whole(tmp_path: Path) -> None:
    store = cut_store(tmp_path, after=3)
    begun = store.book.read().unfinished

    series = make(store, products, 3)

    assert series == begun
    assert first_blob(store).exists()
