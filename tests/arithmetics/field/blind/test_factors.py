"""Factors are believed in their own place only, and only whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tacit.arithmetics.field.blind import Layer, Store
from tacit.arithmetics.field.blind.factors import file_bytes
from tacit.errors import ProtocolError
from tests.arithmetics.field.blind.scene import (
    DENSE,
    LAYERS,
    WIDE,
    filled_in,
    first_blob,
    products,
)


def test_a_folder_that_was_put_back_brings_no_mask_back(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 3)
    shutil.copytree(store.folder, tmp_path / "old")
    with store.take() as query:
        used = query.mask(WIDE.number).copy()
    shutil.rmtree(store.folder)
    shutil.move(tmp_path / "old", store.folder)

    with pytest.raises(ProtocolError, match="reuse of a mask"):
        store.take(0)
    with store.take() as query:
        assert query.index == 1
        assert not (query.mask(WIDE.number) == used).any()


def test_old_factors_in_a_later_place_are_refused(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 3)
    path = first_blob(store)
    old = path.read_bytes()
    store.take().close()
    path.with_name("1.factors").write_bytes(old)

    with pytest.raises(ProtocolError, match="factors of another query lie in the place of query 1"):
        store.take()


def test_factors_of_another_series_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    store, other = filled_in(tmp_path / "a", 1), filled_in(tmp_path / "b", 1)
    first_blob(store).write_bytes(first_blob(other).read_bytes())

    with pytest.raises(ProtocolError, match="factors of another query"):
        store.take()


def test_factors_of_another_series_are_refused_under_a_forged_head(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    store, other = filled_in(tmp_path / "a", 1), filled_in(tmp_path / "b", 1)
    ours, theirs = first_blob(store).read_bytes(), first_blob(other).read_bytes()
    first_blob(store).write_bytes(ours[:66] + theirs[66:])

    with store.take() as query, pytest.raises(ProtocolError, match="was changed"):
        query.factor(DENSE.number)


def test_factors_under_a_forged_index_are_refused(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 2)
    path = first_blob(store)
    head = path.read_bytes()[:66]
    path.write_bytes(head + path.with_name("1.factors").read_bytes()[66:])

    with store.take() as query, pytest.raises(ProtocolError, match="was changed"):
        query.factor(WIDE.number)


@pytest.mark.parametrize("place", [0, 9, 10, 42, 65, 69, 73, 81])
def test_a_changed_head_is_refused(tmp_path: Path, place: int) -> None:
    store = filled_in(tmp_path, 1)
    content = bytearray(first_blob(store).read_bytes())
    content[place] ^= 1
    first_blob(store).write_bytes(content)

    with pytest.raises(ProtocolError):
        store.take()


@pytest.mark.parametrize("place", [-1, -16, -17, -52])
def test_a_changed_factor_is_refused_and_the_others_are_not(tmp_path: Path, place: int) -> None:
    store = filled_in(tmp_path, 1)
    content = bytearray(first_blob(store).read_bytes())
    content[place] ^= 1
    first_blob(store).write_bytes(content)

    with store.take() as query:
        with pytest.raises(ProtocolError, match="the factor of layer 7 for query 0 was changed"):
            query.factor(WIDE.number)
        expected = products(DENSE.number, query.mask(DENSE.number))
        assert np.array_equal(query.factor(DENSE.number), expected)


@pytest.mark.parametrize("size", [0, 5, 66, 70, 94, 100, -1])
def test_factors_that_were_cut_are_refused(tmp_path: Path, size: int) -> None:
    store = filled_in(tmp_path, 1)
    first_blob(store).write_bytes(first_blob(store).read_bytes()[:size])

    with pytest.raises(ProtocolError):
        store.take()


def test_factors_that_go_on_are_refused(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    path = first_blob(store)
    path.write_bytes(path.read_bytes() + b"\0")
    size = file_bytes(LAYERS)

    with pytest.raises(ProtocolError, match=f"have {size + 1} bytes; {size} were written"):
        store.take()


def test_factors_that_are_cut_while_they_are_read_are_refused(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    os.link(first_blob(store), tmp_path / "held")

    with store.take() as query:
        os.truncate(tmp_path / "held", 100)
        with pytest.raises(ProtocolError, match="cut short"):
            query.factor(WIDE.number)


def test_factors_of_other_layers_are_refused(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    other = Store(store.secret, (DENSE,), store.ledger, store.folder)

    with pytest.raises(ProtocolError, match="not those of these layers"):
        other.take()


def test_factors_of_a_layer_of_another_shape_are_refused(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    turned = (Layer(DENSE.number, (4, 3), (3, 6)), WIDE)

    with (
        Store(store.secret, turned, store.ledger, store.folder).take() as query,
        pytest.raises(ProtocolError, match="was changed"),
    ):
        query.factor(DENSE.number)


def test_absent_factors_cost_their_index_alone(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 2)
    first_blob(store).unlink()

    with pytest.raises(ProtocolError, match="there are no factors at"):
        store.take()
    with store.take() as query:
        assert query.index == 1


def test_another_folder_costs_nothing(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 2)
    elsewhere = Store(store.secret, LAYERS, store.ledger, tmp_path / "elsewhere")

    with pytest.raises(ProtocolError, match=r"are not in .*elsewhere"):
        elsewhere.take()

    assert store.left == 2


def test_a_link_in_the_place_of_factors_is_refused(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    path = first_blob(store)
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")

    with pytest.raises(ProtocolError, match="there are no factors"):
        store.take()


def test_a_pipe_in_the_place_of_factors_is_not_waited_for(tmp_path: Path) -> None:
    store = filled_in(tmp_path, 1)
    path = first_blob(store)
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(ProtocolError, match="is no file"):
        store.take()
