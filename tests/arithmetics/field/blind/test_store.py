"""A mask is used once, whoever holds the folder of factors."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from tacit.arithmetics.field.blind import Layer, Store, make
from tacit.arithmetics.field.blind.factors import file_bytes
from tacit.errors import ProtocolError, TacitError, TypeMismatch
from tests.arithmetics.field.blind.scene import (
    DENSE,
    LAYERS,
    WIDE,
    filled_in,
    first_blob,
    fits,
    opened_in,
    products,
)


def test_factors_are_the_products_of_the_masks(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 2)

    with store.take() as first, store.take() as second:
        assert fits(first)
        assert fits(second)


def test_factors_may_be_read_in_any_order(tmp_path: Path) -> None:
    with filled_in(tmp_path, 1).take() as query:
        late = query.factor(WIDE.number).copy()
        early = query.factor(DENSE.number).copy()

        assert np.array_equal(late, products(WIDE.number, query.mask(WIDE.number)))
        assert np.array_equal(early, products(DENSE.number, query.mask(DENSE.number)))


def test_every_query_has_masks_of_its_own(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 2)

    with store.take() as first, store.take() as second:
        assert first.index != second.index
        assert not (first.mask(WIDE.number) == second.mask(WIDE.number)).any()


def test_a_layers_mask_is_given_out_once(tmp_path: Path) -> None:
    with filled_in(tmp_path, 1).take() as query:
        query.mask(WIDE.number)

        with pytest.raises(ProtocolError, match=r"reuse of a mask: that of layer 7 for query 0"):
            query.mask(WIDE.number)


def test_a_layers_factor_is_given_out_once(tmp_path: Path) -> None:
    with filled_in(tmp_path, 1).take() as query:
        query.factor(WIDE.number)

        with pytest.raises(ProtocolError, match="reuse of a mask"):
            query.factor(WIDE.number)


def test_a_layer_that_is_not_blinded_is_named(tmp_path: Path) -> None:
    with filled_in(tmp_path, 1).take() as query, pytest.raises(ProtocolError, match="no layer 3"):
        query.mask(3)


def test_nothing_is_left_of_a_query_that_was_closed(tmp_path: Path) -> None:
    with filled_in(tmp_path, 1).take() as query:
        mask, factor = query.mask(DENSE.number), query.factor(DENSE.number)
        before = mask.any() and factor.any()

    assert before
    assert not mask.any()
    assert not factor.any()


def test_a_closed_query_gives_nothing_out(tmp_path: Path) -> None:
    with filled_in(tmp_path, 1).take() as query:
        pass

    with pytest.raises(ProtocolError, match="the query is closed"):
        query.mask(DENSE.number)


def test_an_index_is_used_once(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 3)
    store.take(1).close()

    with pytest.raises(ProtocolError, match="reuse of a mask: index 1 is used; 2 comes next"):
        store.take(1)
    with pytest.raises(ProtocolError, match="reuse of a mask: index 0"):
        store.take(0)

    assert store.left == 1


def test_an_index_beyond_the_last_is_refused_and_costs_nothing(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 3)

    with pytest.raises(TacitError, match=r"no mask is left for index 3: there are 3 more"):
        store.take(3)

    assert store.left == 3


def test_the_next_process_goes_on(tmp_path: Path) -> None:
    filled_in(tmp_path, 2).take().close()

    with opened_in(tmp_path).take() as query:
        assert query.index == 1
        assert fits(query)


def test_factors_that_are_used_are_deleted(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 3)
    path = first_blob(store)

    with store.take() as query:
        assert not path.exists()
        assert fits(query)


def test_factors_that_are_given_up_are_deleted(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 2)
    make(store, products, 2)

    store.take(2).close()

    assert [each.name for each in store.folder.glob("*/*")] == ["3.factors"]


def test_the_last_of_a_series_takes_its_folder_along(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    store.take().close()

    assert list(store.folder.iterdir()) == []


def test_no_mask_is_given_out_before_the_disk_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled_in(tmp_path, 2)

    def fail(number: int) -> None:
        raise OSError(28, "No space left on device", number)

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(TacitError, match=r"cannot be written: No space left.*no mask was used"):
        store.take()

    assert store.left == 2
    assert first_blob(store).exists()


def test_the_disk_has_the_ledgers_file_and_its_name_before_a_mask_is_given_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled_in(tmp_path, 1)
    asked: list[tuple[str, int]] = []

    def note(number: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file"
        asked.append((kind, store.book.read().upcoming))

    monkeypatch.setattr(os, "fsync", note)

    store.take().close()

    # The file before it takes the old one's name, and the folder after that.
    assert asked == [("file", 0), ("folder", 1)]


def test_factors_are_their_owners_only_and_show_no_mask(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    path = first_blob(store)
    mode, content = stat.S_IMODE(path.stat().st_mode), path.read_bytes()

    with store.take() as query:
        factor, mask = query.factor(WIDE.number), query.mask(WIDE.number)
        assert factor.tobytes() not in content
        assert mask.tobytes() not in content
    assert mode == 0o600
    assert len(content) == file_bytes(LAYERS)


@pytest.mark.parametrize("layers", [(), (DENSE, DENSE)])
def test_layers_must_be_told_apart(tmp_path: Path, layers: tuple[Layer, ...]) -> None:
    store = filled_in(tmp_path, 1)

    with pytest.raises(TypeMismatch, match="a number of its own"):
        Store(store.secret, layers, store.ledger, store.folder)
