from __future__ import annotations

from pathlib import Path

import pytest

from tacit.errors import ProtocolError
from tacit.ledger import Key, Ledger, opened
from tacit.program import Json

KEY: Key = {"measured": "alone", "layer": "3.relu", "form": "f1∘g2"}


def never() -> Json:
    raise AssertionError("what is known was measured again")


def written(path: Path) -> Ledger:
    ledger = opened(path, "abc")
    ledger.get(KEY, lambda: [0.5, None])
    ledger.get({"measured": "exact"}, lambda: 0.25)
    return ledger


def test_what_was_measured_is_known_again(tmp_path: Path) -> None:
    written(tmp_path / "new" / "ledger")
    again = opened(tmp_path / "new" / "ledger", "abc")
    assert again.get(dict(reversed(list(KEY.items()))), never) == [0.5, None]


def test_every_measurement_is_on_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = written(path)
    ledger.get({"measured": "last"}, lambda: len(path.read_text().splitlines()))
    assert ledger.get({"measured": "last"}, never) == 2
    assert len(path.read_text().splitlines()) == 3


@pytest.mark.parametrize("cut", [1, 2, 20])
def test_what_a_kill_left_of_a_last_line_is_measured_again(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "ledger"
    written(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    again = opened(path, "abc")
    assert again.get(KEY, never) == [0.5, None]
    assert again.get({"measured": "exact"}, lambda: 0.25) == 0.25
    assert path.read_bytes() == whole


def test_measurements_of_something_else_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "ledger")
    with pytest.raises(ProtocolError, match=r"line 1 of .* on another model"):
        opened(tmp_path / "ledger", "abd")


@pytest.mark.parametrize("line", ["{", "[]", '{"fingerprint": "abc"}', "\xff"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, line: str) -> None:
    written(tmp_path / "ledger")
    with (tmp_path / "ledger").open("a", encoding="latin-1") as file:
        file.write(f"{line}\n")
    with pytest.raises(ProtocolError, match=r"line 3 of .* is no measurement"):
        opened(tmp_path / "ledger", "abc")


def test_without_a_file_measurements_are_kept_in_memory() -> None:
    ledger = opened(None, "abc")
    ledger.get(KEY, lambda: 1)
    assert ledger.get(KEY, never) == 1
