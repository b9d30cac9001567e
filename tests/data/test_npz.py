from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tacit.data import load_images, measured
from tacit.errors import ReadError
from tests.data.files import pixels

X = pixels(12, 3, 5, 4)
Y = np.arange(12) % 3


def test_two_files_in_a_folder_are_the_two_parts(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", x=X, y=Y)
    np.savez(tmp_path / "test.npz", x=X[:4] // 2, y=Y[:4] * 2)

    train, test = load_images(tmp_path, "train"), load_images(tmp_path, "test")

    assert np.array_equal(train.pixels(), X)
    assert np.array_equal(test.pixels(), X[:4] // 2)
    assert train.classes == test.classes == tuple("01234")
    assert train.normalisation == test.normalisation == measured(X)


def test_one_file_may_hold_both_parts(tmp_path: Path) -> None:
    path = tmp_path / "all.npz"
    np.savez(path, x_train=X, y_train=Y, x_test=X[:4], y_test=Y[:4])

    assert np.array_equal(load_images(path, "train").pixels(), X)
    assert np.array_equal(load_images(path, "test").pixels(), X[:4])
    assert load_images(path, "test").normalisation == measured(X)


def test_a_file_without_parts_is_never_tested_on(tmp_path: Path) -> None:
    path = tmp_path / "some.npz"
    np.savez_compressed(path, x=X, y=Y)

    assert len(load_images(path, "train")) == 12
    with pytest.raises(ReadError, match="has no part 'test', only train"):
        load_images(path, "test")


def test_a_test_part_alone_has_no_normalisation(tmp_path: Path) -> None:
    np.savez(tmp_path / "test.npz", x=X, y=Y)

    with pytest.raises(ReadError, match="has no part 'train', only test"):
        load_images(tmp_path, "test")


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (X[:, 0], X[:, :1]),
        (X.transpose(0, 2, 3, 1), X),
        (X[:, :1].transpose(0, 2, 3, 1), X[:, :1]),
        (X / 255.0, (X / 255.0).astype(np.float32)),
        (X.astype(np.float16), X.astype(np.float32)),
    ],
    ids=["grey", "channels last", "grey, channels last", "doubles", "halves"],
)
def test_channels_come_first_and_floats_stay_floats(
    tmp_path: Path, stored: Any, expected: Any
) -> None:
    path = tmp_path / "some.npz"
    np.savez(path, x=stored, y=Y[:, None])

    images = load_images(path, "train")

    assert np.array_equal(images.pixels(), expected)
    assert images.x[np.arange(2)].dtype == expected.dtype
    assert images.y.tolist() == Y.tolist()


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"x": X}, "lacks y; it holds x"),
        ({"images": X}, "holds images and no x, y"),
        ({"x": X, "y": Y[:5]}, r"x of shape \(12, 3, 5, 4\) and 5 labels"),
        ({"x": X, "y": Y / 2}, "labels y of float64"),
        ({"x": X, "y": Y[:, None] == np.arange(3)}, "labels y of bool"),
        ({"x": X, "y": np.eye(12, dtype=np.int64)}, r"int64 and shape \(12, 12\)"),
        ({"x": X, "y": Y - 1}, "gives image 0 the label -1"),
        ({"x": X, "y": Y * 10**9}, "has the label 2000000000"),
        ({"x": X.astype(np.int64), "y": Y}, "pixels of int64"),
        ({"x": X.reshape(12, 60), "y": Y}, r"images x of shape \(12, 60\)"),
        ({"x": X.repeat(2, axis=1)[..., [0, 1]], "y": Y}, r"images x of shape \(12, 6, 5, 2\)"),
        ({"x": np.where(X > 9, X, np.nan), "y": Y}, "infinite pixels"),
        ({"x": np.full(X.shape, 1e300), "y": Y}, "720 infinite pixels"),
        ({"x": np.array([None] * 12), "y": Y}, "cannot be read"),
    ],
)
def test_arrays_that_are_no_images_are_refused(
    tmp_path: Path, arrays: dict[str, Any], why: str
) -> None:
    path = tmp_path / "some.npz"
    np.savez(path, **arrays)

    with pytest.raises(ReadError, match=why):
        load_images(path, "train")


@pytest.mark.parametrize("kept", [0, 10, 200])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "some.npz"
    np.savez(path, x=X, y=Y)
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(ReadError, match="cannot be read"):
        load_images(path, "train")


def test_a_single_array_under_this_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.npz"
    with path.open("wb") as file:
        np.save(file, X)

    with pytest.raises(ReadError, match="holds one array"):
        load_images(path, "train")
