from __future__ import annotations

import gzip
import hashlib
import lzma
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.data import FASHION_MNIST, load_images, measured
from tacit.data.idx import FASHION, KNOWN, read_idx
from tacit.errors import ReadError
from tests.data.files import idx, pixels, write_idx

X = pixels(20, 5, 4)
Y = np.arange(20, dtype=np.uint8) % 10


@given(st.integers(0, 3), st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, count: int, height: int, width: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("idx") / "file"
    array = pixels(count, height, width, seed=seed)

    path.write_bytes(idx(array))

    assert np.array_equal(read_idx(path, 3), array)


@pytest.mark.parametrize("mark", ["-", "."])
def test_both_names_are_known(tmp_path: Path, mark: str) -> None:
    write_idx(tmp_path, X, Y, mark=mark)

    images = load_images(tmp_path, "train")

    assert np.array_equal(images.pixels(), X[:, None])
    assert images.y.tolist() == Y.tolist()
    assert images.classes == tuple("0123456789")


def test_packed_and_plain_files_may_stand_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(X)))
    (tmp_path / "train-labels.idx1-ubyte.xz").write_bytes(lzma.compress(idx(Y)))

    images = load_images(tmp_path, "train")

    assert np.array_equal(images.pixels(), X[:, None])
    assert images.y.tolist() == Y.tolist()


def test_an_unknown_set_is_normalised_as_its_training_part(tmp_path: Path) -> None:
    write_idx(tmp_path, X, Y)
    write_idx(tmp_path, X[:10] // 2, Y[:10], part="t10k")

    test = load_images(tmp_path, "test")

    assert test.normalisation == load_images(tmp_path, "train").normalisation
    assert test.normalisation == measured(X[:, None])
    assert np.array_equal(test.pixels(), X[:10, None] // 2)


def test_a_known_set_is_told_by_its_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path, X, Y, part="t10k")
    fingerprint = hashlib.sha256(Y.tobytes()).hexdigest()
    monkeypatch.setitem(KNOWN, fingerprint, (FASHION, FASHION_MNIST))

    test = load_images(tmp_path, "test")

    assert test.classes == FASHION
    assert test.normalisation == FASHION_MNIST


def test_all_missing_files_are_listed(tmp_path: Path) -> None:
    write_idx(tmp_path, X, Y)

    with pytest.raises(ReadError, match="lacks t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"):
        load_images(tmp_path, "test")


def test_a_label_out_of_range_is_named_with_its_image(tmp_path: Path) -> None:
    write_idx(tmp_path, X, np.where(np.arange(20) == 7, 12, Y).astype(np.uint8))

    with pytest.raises(ReadError, match="gives image 7 the label 12; labels run from 0 to 9"):
        load_images(tmp_path, "train")


def test_images_and_labels_of_different_numbers_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path, X, Y[:19])

    with pytest.raises(ReadError, match="20 images and 19 labels"):
        load_images(tmp_path, "train")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (idx(X)[:-1], "is cut short: shape"),
        (idx(X) + b"\x00", "is followed by other bytes"),
        (idx(X)[:9], "is no idx file"),
        (b"", "it begins with nothing"),
        (idx(Y), "is no idx file of unsigned bytes on 3 axes: it begins with 00000801"),
        (b"\x00\x00\x0d\x03" + idx(X)[4:], "begins with 00000d03"),
    ],
)
def test_what_is_no_idx_file_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    write_idx(tmp_path, X, Y)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)

    with pytest.raises(ReadError, match=why):
        load_images(tmp_path, "train")


@pytest.mark.parametrize(("packing", "pack"), [("gz", gzip.compress), ("xz", lzma.compress)])
def test_a_packed_file_that_is_cut_short_is_refused(
    tmp_path: Path, packing: str, pack: object
) -> None:
    write_idx(tmp_path, X, Y)
    (tmp_path / "train-images-idx3-ubyte").unlink()
    assert callable(pack)
    (tmp_path / f"train-images-idx3-ubyte.{packing}").write_bytes(pack(idx(X))[:-9])

    with pytest.raises(ReadError, match="is cut short"):
        load_images(tmp_path, "train")


@pytest.mark.parametrize("packing", ["gz", "xz"])
def test_a_file_that_is_not_packed_as_it_says_is_refused(tmp_path: Path, packing: str) -> None:
    write_idx(tmp_path, X, Y)
    plain = tmp_path / "train-images-idx3-ubyte"
    plain.rename(plain.with_name(f"{plain.name}.{packing}"))

    with pytest.raises(ReadError, match="is damaged"):
        load_images(tmp_path, "train")
