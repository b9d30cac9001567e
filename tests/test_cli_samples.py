"""Images and forms as they are said on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tacit.cli.samples import form_of, forms_of, normalisation_of, samples_of
from tacit.cli.tune import Change, Shown
from tacit.data import IMAGENET, Normalisation, flipped
from tacit.errors import TacitError
from tests.tune.digits import samples


def test_one_form_is_for_all_layers() -> None:
    assert forms_of("alpha7") == "alpha7"
    assert forms_of("7") == 7


def test_layers_may_have_forms_of_their_own() -> None:
    assert forms_of("conv1.relu=alpha7, relu_1=5") == {"conv1.relu": "alpha7", "relu_1": 5}


def test_a_point_of_a_front_is_forms(tmp_path: Path) -> None:
    file = tmp_path / "front.json"
    points = [{"forms": {"a": "alpha7"}}, {"forms": {"a": "degree 2", "b": "f1g2"}}]
    file.write_text(json.dumps({"points": points}))
    assert forms_of(f"{file}#0") == {"a": "alpha7"}
    assert forms_of(str(file)) == {"a": 2, "b": "f1g2"}


@pytest.mark.parametrize("content", ["", "[]", '{"points": [{}]}', '{"points": 3}'])
def test_a_file_without_such_a_point_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "front.json"
    file.write_text(content)
    with pytest.raises(TacitError, match="has no point 0 of a front"):
        forms_of(f"{file}#0")


def test_a_degree_is_a_form() -> None:
    assert form_of("degree 9") == 9
    assert form_of(" f2g2 ") == "f2g2"


def test_normalisations_have_names_or_numbers() -> None:
    assert normalisation_of("data") is None
    assert normalisation_of("imagenet") is IMAGENET
    assert normalisation_of("0.5,0.25/2,4") == Normalisation((0.5, 0.25), (2.0, 4.0))


@pytest.mark.parametrize("text", ["what", "1,2", "1/x"])
def test_other_normalisations_are_refused(text: str) -> None:
    with pytest.raises(TacitError, match="no normalisation is called"):
        normalisation_of(text)


def test_held_out_images_are_a_tenth_and_never_trained_on() -> None:
    train = samples().train
    found = samples_of(train, Shown(Path(), None, 500, "data", Change.FLIP))
    assert (len(found.train), len(found.held_out)) == (450, 50)
    assert found.augmentation is flipped
