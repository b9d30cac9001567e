"""Files and folders are there whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tacit.errors import ProtocolError, TacitError
from tacit.files import OWNER_ONLY, new_file, new_folder, read_bytes


def fail_to_write(path: Path, *, overwrite: bool = False) -> None:
    """Write half a file, and find the disk full."""
    with new_file(path, overwrite=overwrite) as beside:
        beside.write_bytes(b"half")
        raise OSError("the disk is full")


def fail_to_fill(path: Path) -> None:
    """Write half a folder, and find the disk full."""
    with new_folder(path, overwrite=True, mark="mark") as beside:
        (beside / "mark").write_text("new")
        raise OSError("the disk is full")


def write_while_somebody_else_does(path: Path) -> None:
    """Write a file whose name is taken before it is whole."""
    with new_file(path) as beside:
        beside.write_bytes(b"mine")
        path.write_bytes(b"theirs")


def mode_of(path: Path) -> int:
    """Who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_there_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"

    with new_file(path) as beside:
        beside.write_bytes(b"half")
        early = path.exists()

    assert not early
    assert path.read_bytes() == b"half"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"):
        fail_to_write(tmp_path / "file")

    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with pytest.raises(OSError, match="full"):
        fail_to_write(path, overwrite=True)

    assert path.read_bytes() == b"old"


def test_a_file_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with pytest.raises(TacitError, match="there already"), new_file(path):
        pass
    with new_file(path, overwrite=True) as beside:
        beside.write_bytes(b"new")

    assert path.read_bytes() == b"new"


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "file"

    with pytest.raises(TacitError, match="there already"):
        write_while_somebody_else_does(path)

    assert path.read_bytes() == b"theirs"


def test_a_private_file_is_its_owners_only_even_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file"

    with new_file(path, mode=OWNER_ONLY) as beside:
        during = mode_of(beside)

    assert during == OWNER_ONLY
    assert mode_of(path) == OWNER_ONLY


def test_a_failure_leaves_the_old_folder(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "mark").write_text("old")

    with pytest.raises(OSError, match="full"):
        fail_to_fill(folder)

    assert (folder / "mark").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "mark").write_text("old")
    (folder / "more").write_text("old")

    with new_folder(folder, overwrite=True, mark="mark") as beside:
        (beside / "mark").write_text("new")

    assert [each.name for each in folder.iterdir()] == ["mark"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_that_is_no_bundle_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("years of work")

    with (
        pytest.raises(TacitError, match="is no bundle"),
        new_folder(tmp_path, overwrite=True, mark="mark"),
    ):
        pass

    assert (tmp_path / "precious").exists()


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"there is no answer at .*nowhere"):
        read_bytes(tmp_path / "nowhere", "answer")
