from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.data.reading import PIECE, find, unpacked
from tacit.errors import ReadError

Pack = Callable[[bytes], bytes]
packings = pytest.mark.parametrize(
    ("ending", "pack"), [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress)]
)


@packings
@given(content=st.binary(max_size=300))
def test_every_packing_gives_the_bytes_that_were_packed(
    tmp_path_factory: pytest.TempPathFactory, ending: str, pack: Pack, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("packed") / f"file{ending}"
    path.write_bytes(pack(content))

    assert unpacked(path) == content


@packings
def test_files_longer_than_a_piece_are_read_whole(tmp_path: Path, ending: str, pack: Pack) -> None:
    content = b"tacit" * (PIECE // 4)
    path = tmp_path / f"file{ending}"
    path.write_bytes(pack(content))

    assert unpacked(path) == content


@packings
def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, ending: str, pack: Pack) -> None:
    path = tmp_path / f"file{ending}"
    path.write_bytes(pack(bytes(1001)))

    assert len(unpacked(path, at_most=1001)) == 1001
    with pytest.raises(ReadError, match="unpacks to more than the 1000 bytes"):
        unpacked(path, at_most=1000)


def test_the_first_name_that_is_there_is_found_and_folders_are_not(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second.xz").touch()
    (tmp_path / "second.gz").touch()

    assert find(tmp_path, "first", "second") == tmp_path / "second.gz"
    assert find(tmp_path, "first", "third") is None
