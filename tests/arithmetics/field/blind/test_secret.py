"""What holds a secret shows nothing of it, and no key serves two ends."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from tacit.arithmetics.field.blind import Masks, Secret
from tacit.arithmetics.field.blind.secret import Hidden, Purpose
from tacit.errors import ProtocolError, TacitError
from tests.arithmetics.field.blind.scene import PROGRAM, SECRET, SERIES, filled_in, secret


def holders(folder: Path) -> tuple[Hidden, ...]:
    """One of every kind that holds a secret."""
    store = filled_in(folder, 1)
    with store.take() as query:
        return (secret(), store, store.book, query, Masks(secret(), SERIES))


def test_nothing_of_a_secret_is_shown(tmp_path: Path) -> None:
    shown = {repr(each) for each in holders(tmp_path)}

    assert shown == {"Secret()", "Store()", "Ledger()", "Query()", "Masks()"}


@pytest.mark.parametrize("place", range(5))
def test_what_holds_a_secret_is_not_pickled(tmp_path: Path, place: int) -> None:
    with pytest.raises(TacitError, match="neither pickled nor copied"):
        pickle.dumps(holders(tmp_path)[place])


@pytest.mark.parametrize("place", range(5))
def test_what_holds_a_secret_is_not_copied(tmp_path: Path, place: int) -> None:
    with pytest.raises(TacitError, match="neither pickled nor copied"):
        copy.deepcopy(holders(tmp_path)[place])


def test_equal_secrets_do_not_compare_equal() -> None:
    assert secret() != secret()


def test_no_two_ends_share_a_key() -> None:
    ends = [
        secret().key(Purpose.MASKS, SERIES),
        secret().key(Purpose.MASKS, bytes(16)),
        secret().key(Purpose.FACTORS, SERIES, b"layer"),
        secret().key(Purpose.FACTORS, SERIES, b"another"),
        secret().key(Purpose.LEDGER),
        secret(program=bytes(32)).key(Purpose.LEDGER),
        secret(content=bytes(32)).key(Purpose.LEDGER),
    ]

    assert len(set(ends)) == len(ends)


@pytest.mark.parametrize(("content", "program"), [(SECRET[1:], PROGRAM), (SECRET, PROGRAM[1:])])
def test_a_secret_of_another_length_is_refused(content: bytes, program: bytes) -> None:
    with pytest.raises(ProtocolError, match="32 bytes"):
        Secret(content, program)
