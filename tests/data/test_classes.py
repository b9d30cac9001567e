from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tacit.data import IMAGENET, Folder, Framing, Images, load_images, split
from tacit.errors import ReadError, TypeMismatch
from tests.data.files import pixels

SMALL = Framing(shorter=8, size=6)


def write_image(path: Path, *, width: int = 8, height: int = 8, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(height, width, 3, seed=seed)).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two training images of `cat` and one of `dog`; one test image of `dog` in val/."""
    write_image(tmp_path / "train" / "dog" / "a.png", seed=1)
    write_image(tmp_path / "train" / "cat" / "c.png", seed=2)
    write_image(tmp_path / "train" / "cat" / "b.PNG", seed=3)
    write_image(tmp_path / "val" / "dog" / "d.png", seed=4)
    (tmp_path / "train" / "cat" / "notes.txt").write_text("no image")
    return tmp_path


def folder_of(images: Images) -> Folder:
    assert isinstance(images.x, Folder)
    return images.x


def test_classes_and_images_are_sorted_by_their_names(root: Path) -> None:
    images = load_images(root, "train", framing=SMALL)

    assert images.classes == ("cat", "dog")
    assert folder_of(images).files == ("cat/b.PNG", "cat/c.png", "dog/a.png")
    assert images.y.tolist() == [0, 0, 1]
    assert images.x.shape == (3, 3, 6, 6)
    assert images.normalisation == IMAGENET


def test_a_test_part_counts_the_classes_of_the_training_part(root: Path) -> None:
    images = load_images(root, "test", framing=SMALL)

    assert (images.classes, images.y.tolist()) == (("cat", "dog"), [1])


def test_an_image_of_the_right_size_keeps_the_pixels_of_its_centre(root: Path) -> None:
    images = load_images(root, "train", framing=SMALL)

    decoded = images.x[np.array([2, 0])]

    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded[0], pixels(8, 8, 3, seed=1)[1:7, 1:7].transpose(2, 0, 1))
    assert np.array_equal(decoded[1], pixels(8, 8, 3, seed=3)[1:7, 1:7].transpose(2, 0, 1))


@pytest.mark.parametrize(("width", "height"), [(16, 40), (40, 16), (3, 5), (6, 1)])
def test_images_of_any_size_become_square(root: Path, width: int, height: int) -> None:
    Image.new("RGB", (width, height), (10, 200, 30)).save(root / "train" / "dog" / "a.png")

    decoded = load_images(root, "train", framing=SMALL).x[np.array([2])]

    assert decoded.shape == (1, 3, 6, 6)
    assert decoded.transpose(0, 2, 3, 1).reshape(-1, 3).tolist() == [[10, 200, 30]] * 36


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_images_of_every_mode_get_three_channels(root: Path, mode: str) -> None:
    white = Image.new("RGB", (8, 8), (255, 255, 255)).convert(mode)
    white.save(root / "train" / "dog" / "b.tif")

    decoded = load_images(root, "train", framing=SMALL).x[np.array([3])]

    assert np.array_equal(decoded, np.full((1, 3, 6, 6), 255))


def test_nothing_is_decoded_before_it_is_asked_for(root: Path) -> None:
    (root / "train" / "dog" / "a.png").write_bytes(b"no image")

    images = load_images(root, "train", framing=SMALL)
    kept, held = split(images, 1, seed=0)

    assert len(kept) + len(held) == 3
    assert images.x[np.array([0, 1])].shape == (2, 3, 6, 6)
    with pytest.raises(ReadError, match=r"a\.png cannot be decoded"):
        images.x[np.array([2])]


def test_an_image_that_is_cut_short_is_refused(root: Path) -> None:
    path = root / "train" / "dog" / "a.png"
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(ReadError, match=r"a\.png cannot be decoded"):
        load_images(root, "train", framing=SMALL).x[np.array([2])]


def test_parts_of_a_folder_name_the_files_that_they_hold(root: Path) -> None:
    images = load_images(root, "train", framing=SMALL)

    some = images.only(np.array([2, 0]))

    assert folder_of(some).files == ("dog/a.png", "cat/b.PNG")
    assert np.array_equal(some.x[np.arange(2)], images.x[np.array([2, 0])])


def test_a_class_that_was_never_trained_on_is_refused(root: Path) -> None:
    write_image(root / "val" / "emu" / "e.png")

    with pytest.raises(ReadError, match=r"has a class 'emu' that .*train has not"):
        load_images(root, "test")


def test_a_class_without_images_is_refused(root: Path) -> None:
    (root / "train" / "ant").mkdir()

    with pytest.raises(ReadError, match="ant holds no image"):
        load_images(root, "train")


def test_a_part_that_is_not_there_is_named(root: Path) -> None:
    (root / "val").rename(root / "validation")

    with pytest.raises(ReadError, match="has no folder test or val"):
        load_images(root, "test")


def test_without_pillow_the_error_says_what_to_install(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = load_images(root, "train", framing=SMALL)
    monkeypatch.delattr("tacit.data.pictures", raising=False)
    monkeypatch.setitem(sys.modules, "tacit.data.pictures", None)

    with pytest.raises(ReadError, match=r"pip install 'tacit\[images\]'"):
        images.x[np.array([0])]


@pytest.mark.parametrize(("shorter", "size"), [(8, 9), (8, 0)])
def test_a_framing_that_does_not_fit_is_refused(shorter: int, size: int) -> None:
    with pytest.raises(TypeMismatch, match=f"{size} pixels cannot be cut out of {shorter}"):
        Framing(shorter=shorter, size=size)
