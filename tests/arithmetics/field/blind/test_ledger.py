"""The ledger never goes back, and is believed only where it belongs."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tacit.arithmetics.field.blind import Ledger, Secret, make
from tacit.errors import ProtocolError, TacitError
from tests.arithmetics.field.blind.scene import (
    filled_in,
    fits,
    of,
    opened_in,
    products,
    secret,
    store_in,
)


def flipped(content: bytes, place: int) -> bytes:
    """Bytes of which one is another."""
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def test_a_new_ledger_has_no_masks(tmp_path: Path) -> None:
    store = store_in(tmp_path)

    assert store.left == 0
    with pytest.raises(TacitError, match=r"no mask is left.*hint: make more"):
        store.take()


def test_a_ledger_is_its_owners_only(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)

    assert {stat.S_IMODE(each.stat().st_mode) for each in store.ledger.parent.iterdir()} == {0o600}


def test_a_ledger_is_not_begun_twice(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 2)

    with pytest.raises(TacitError, match="there already"):
        store.book.create()

    assert store.left == 2


def test_no_ledger_is_no_beginning(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 2)
    store.ledger.unlink()

    with pytest.raises(ProtocolError, match="there is no ledger"):
        store.take()
    with pytest.raises(ProtocolError, match="there is no ledger"):
        make(store, products, 1)

    assert not store.ledger.exists()


def test_masks_of_a_ledger_that_was_deleted_are_worth_nothing(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 2)
    store.ledger.unlink()
    store.book.create()

    with pytest.raises(TacitError, match="no mask is left"):
        store.take()


# Magic, version, program, upcoming index, counts, the series' name, start and count, the tag.
@pytest.mark.parametrize("place", [*range(0, 56, 5), 43, 55, 56, 72, 79, 87, -1, -32])
def test_a_ledger_that_was_changed_is_refused(tmp_path: Path, place: int) -> None:
    store = filled_in(tmp_path, 2)
    store.ledger.write_bytes(flipped(store.ledger.read_bytes(), place))

    with pytest.raises(ProtocolError):
        store.take()


@pytest.mark.parametrize("size", [0, 7, 40, 87, 118])
def test_a_ledger_that_was_cut_is_refused(tmp_path: Path, size: int) -> None:
    store = filled_in(tmp_path, 2)
    store.ledger.write_bytes(store.ledger.read_bytes()[:size])

    with pytest.raises(ProtocolError):
        store.take()


def test_a_ledger_that_goes_on_is_refused(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 2)
    store.ledger.write_bytes(store.ledger.read_bytes() + b"\0")

    with pytest.raises(ProtocolError):
        store.take()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: secret(program=bytes(32)), "another program"),
        (lambda: secret(content=bytes(32)), "another secret"),
    ],
)
def test_a_ledger_of_somebody_else_is_refused(
    tmp_path: Path, other: Callable[[], Secret], message: str
) -> None:
    store = of(filled_in(tmp_path, 2), to=other())

    with pytest.raises(ProtocolError, match=message):
        store.take()


def test_a_ledger_of_another_version_is_refused(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    store.ledger.write_bytes(flipped(store.ledger.read_bytes(), 9))

    with pytest.raises(ProtocolError, match="has version 0; 1 is known"):
        store.take()


def test_a_ledger_that_was_put_back_is_refused_by_whoever_knows_better(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 3)
    old = store.ledger.read_bytes()
    with store.take() as query:
        known = query.index + 1
    store.ledger.write_bytes(old)

    with pytest.raises(ProtocolError, match="was put back: it goes on at 0, while all below 1"):
        opened_in(tmp_path, floor=known).take()


def test_a_ledger_that_is_ahead_of_the_floor_goes_on(tmp_path: Path) -> None:
    with filled_in(tmp_path, 3).take() as query:
        known = query.index + 1

    with opened_in(tmp_path, floor=known).take() as query:
        assert query.index == 1


def test_series_follow_one_another(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    second = make(store, products, 2)

    with store.take() as first, store.take() as later, store.take() as last:
        assert [first.index, later.index, last.index] == [0, 1, 2]
        assert fits(first)
        assert fits(later)
        assert fits(last)

    assert list(second.indices) == [1, 2]
    assert store.left == 0


def test_a_series_after_the_last_mask_is_another(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    (first,) = store.book.read().finished
    store.take().close()

    second = make(store, products, 1)

    assert second.name != first.name
    assert second.start == 1


@pytest.mark.parametrize("count", [0, -1, (1 << 63) + 1])
def test_an_absurd_count_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(ProtocolError, match="cannot be made"):
        store_in(tmp_path).book.begin(count, resume=True)


def test_a_series_that_was_not_begun_is_not_finished(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    old = store.book.begin(2, resume=True)
    store.book.begin(2, resume=False)

    with pytest.raises(ProtocolError, match="not the one that was begun"):
        store.book.finish(old)


def test_a_ledger_without_a_folder_is_absent(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="there is no ledger"):
        Ledger(tmp_path / "nowhere" / "ledger", secret()).begin(1, resume=True)
