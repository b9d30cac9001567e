from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tacit.data import load_images
from tacit.errors import ReadError, TypeMismatch
from tests.data.files import pixels, write_binary, write_idx, write_python

X = pixels(50, 3, 32, 32)
Y = np.arange(50, dtype=np.uint8) % 10


@pytest.mark.parametrize("name", ["MNIST/raw", "FashionMNIST/raw", "raw", "mnist", "fashion-mnist"])
def test_the_usual_folders_of_mnist_are_looked_into(tmp_path: Path, name: str) -> None:
    write_idx(tmp_path / name, X[:, 0], Y)

    assert np.array_equal(load_images(tmp_path, "train").pixels(), X[:, :1])


def test_the_folders_that_archives_unpack_to_are_looked_into(tmp_path: Path) -> None:
    write_binary(tmp_path / "a" / "cifar-10-batches-bin", X, Y)
    write_python(tmp_path / "b" / "cifar-10-batches-py", X, Y)

    assert np.array_equal(load_images(str(tmp_path / "a"), "train").pixels(), X)
    assert np.array_equal(load_images(tmp_path / "b", "train").pixels(), X)


def test_more_than_one_data_set_is_refused_with_their_places(tmp_path: Path) -> None:
    write_binary(tmp_path / "cifar-10-batches-bin", X, Y)
    write_idx(tmp_path / "mnist", X[:, 0], Y)

    with pytest.raises(ReadError, match=r"more than one data set: CIFAR-10.*bin; MNIST.*mnist"):
        load_images(tmp_path, "train")


def test_a_folder_that_holds_two_formats_is_refused(tmp_path: Path) -> None:
    write_binary(tmp_path, X, Y)
    write_python(tmp_path, X, Y)

    with pytest.raises(ReadError, match="more than one data set"):
        load_images(tmp_path, "train")


def test_what_is_not_known_is_refused_with_all_that_is(tmp_path: Path) -> None:
    (tmp_path / "images.zip").write_bytes(b"PK")

    with pytest.raises(ReadError, match=r"CIFAR-100's binary version .*folders of images"):
        load_images(tmp_path, "train")
    with pytest.raises(ReadError, match="holds no images that are known"):
        load_images(tmp_path / "images.zip", "train")


def test_a_path_with_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"there is nothing at .*never downloaded"):
        load_images(tmp_path / "mnist", "train")


def test_there_are_two_parts_only(tmp_path: Path) -> None:
    part: Any = "validation"

    with pytest.raises(TypeMismatch, match="no part 'validation'"):
        load_images(tmp_path, part)


def test_images_are_loaded_without_torch_and_without_pillow(tmp_path: Path) -> None:
    write_idx(tmp_path, X[:, 0], Y)
    script = (
        "import sys\nfrom tacit.data.load import load_images\n"
        "load_images(sys.argv[1], 'train')\nprint(sorted({'torch', 'PIL'} & set(sys.modules)))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "[]"
