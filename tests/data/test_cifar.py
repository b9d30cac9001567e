from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from tacit.data import CIFAR10, CIFAR100, load_images
from tacit.errors import ReadError
from tests.data.files import (
    Pickler,
    pixels,
    python_batch,
    records,
    write_binary,
    write_python,
)

X = pixels(50, 3, 32, 32)
Y = np.arange(50, dtype=np.uint8)[::-1] % 10
COARSE = np.full(50, 19, dtype=np.uint8)


def test_the_binary_version_is_read_in_the_order_of_its_batches(tmp_path: Path) -> None:
    write_binary(tmp_path, X, Y)

    train, test = load_images(tmp_path, "train"), load_images(tmp_path, "test")

    assert np.array_equal(train.pixels(), X)
    assert train.y.tolist() == Y.tolist()
    assert np.array_equal(test.pixels(), X[:10])
    assert (train.normalisation, train.classes) == (CIFAR10, tuple("0123456789"))


def test_both_versions_hold_the_same_images(tmp_path: Path) -> None:
    write_binary(tmp_path / "binary", X, Y)
    write_python(tmp_path / "python", X, Y)

    binary, python = (load_images(tmp_path / each, "train") for each in ("binary", "python"))

    assert np.array_equal(binary.pixels(), python.pixels())
    assert np.array_equal(binary.y, python.y)
    assert np.array_equal(load_images(tmp_path / "python", "test").pixels(), X[:10])


def test_classes_get_the_names_beside_the_batches(tmp_path: Path) -> None:
    names = tuple(f"kind {label}" for label in range(10))
    write_binary(tmp_path / "binary", X, Y)
    (tmp_path / "binary" / "batches.meta.txt").write_text("\r\n".join(names) + "\n\n")
    write_python(tmp_path / "python", X, Y)

    assert load_images(tmp_path / "binary", "train").classes == names
    assert load_images(tmp_path / "python", "test").classes == names


def test_names_of_another_number_of_classes_are_refused(tmp_path: Path) -> None:
    write_binary(tmp_path, X, Y)
    (tmp_path / "batches.meta.txt").write_text("cat\ndog\n")

    with pytest.raises(ReadError, match="names 2 classes; there are 10"):
        load_images(tmp_path, "train")


def test_batches_may_be_packed_each_its_own_way(tmp_path: Path) -> None:
    write_binary(tmp_path, X, Y)
    first, second = tmp_path / "data_batch_1.bin", tmp_path / "data_batch_2.bin"
    (tmp_path / "data_batch_1.bin.xz").write_bytes(lzma.compress(first.read_bytes()))
    (tmp_path / "data_batch_2.bin.gz").write_bytes(gzip.compress(second.read_bytes()))
    first.unlink()
    second.unlink()

    assert np.array_equal(load_images(tmp_path, "train").pixels(), X)


def test_the_class_of_cifar_100_is_the_fine_label(tmp_path: Path) -> None:
    fine = (Y + 90).astype(np.uint8)
    (tmp_path / "train.bin").write_bytes(records(X, COARSE, fine))

    images = load_images(tmp_path, "train")

    assert images.y.tolist() == fine.tolist()
    assert np.array_equal(images.pixels(), X)
    assert (len(images.classes), images.normalisation) == (100, CIFAR100)


def test_the_python_version_of_cifar_100_is_read(tmp_path: Path) -> None:
    fine = (Y + 90).astype(np.uint8)
    names = [f"kind {label}".encode() for label in range(100)]
    (tmp_path / "test").write_bytes(python_batch(X, fine.tolist(), key="fine_labels"))
    (tmp_path / "meta").write_bytes(Pickler().dictionary({"fine_label_names": names}))

    images = load_images(tmp_path, "test")

    assert images.y.tolist() == fine.tolist()
    assert np.array_equal(images.pixels(), X)
    assert images.classes[99] == "kind 99"


def test_all_missing_batches_are_listed(tmp_path: Path) -> None:
    write_binary(tmp_path, X, Y)
    (tmp_path / "data_batch_2.bin").unlink()
    (tmp_path / "data_batch_4.bin").unlink()

    with pytest.raises(ReadError, match=r"lacks data_batch_2\.bin, data_batch_4\.bin"):
        load_images(tmp_path, "train")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (records(X[:10], Y[:10])[:-1], "30729 bytes, which are no whole records of 3073"),
        (b"", "0 bytes, which are no whole records"),
        (records(X[:9], Y[:9]), r"different numbers of images \(.*data_batch_3\.bin: 9"),
        (records(X[:10], Y[:10] + np.uint8(1)), "the label 10; labels run from 0 to 9"),
    ],
)
def test_a_batch_of_wrong_size_or_label_is_refused(
    tmp_path: Path, content: bytes, why: str
) -> None:
    write_binary(tmp_path, X, Y)
    (tmp_path / "data_batch_3.bin").write_bytes(content)

    with pytest.raises(ReadError, match=why):
        load_images(tmp_path, "train")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (python_batch(X[:3], [1, 2]), "3 images and 2 labels"),
        (python_batch(X[:3], [1, 2, 3], key="fine_labels"), "no list 'labels' of numbers"),
        (Pickler().dictionary({"labels": [1], "data": pixels(1, 3071)}), "rows of 3072 bytes"),
        (Pickler().dictionary({"labels": [1], "data": b"x"}), "has no array 'data'"),
        (Pickler().dictionary({"labels": [b"1"], "data": pixels(1, 3072)}), "no list 'labels'"),
        (Pickler().dictionary({"labels": [-1], "data": pixels(1, 3072)}), "the label -1"),
        (b"cos\nsystem\n(S'exit 1'\ntR.", "is no batch of CIFAR"),
    ],
)
def test_a_pickled_batch_that_is_none_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "test_batch").write_bytes(content)

    with pytest.raises(ReadError, match=why):
        load_images(tmp_path, "test")
