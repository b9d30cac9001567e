from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.ckks.ops import Evaluate
from tacit.errors import NotCalibrated, ReadError, TacitError, TypeMismatch
from tacit.program import lower
from tacit.read import read
from tacit.read.torch.ranges import FILE
from tacit.tune.replace import replace
from tacit.tune.save import save
from tacit.tune.scaling import Scaling, freeze, observe, use

ROWS = torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
DATA = ROWS.double().numpy()


def tuned(scaling: Scaling = Scaling.STATIC) -> nn.Module:
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 3))
    made = replace(model.eval(), "f1f1g1g1", ROWS)
    observe(made, [ROWS])
    freeze(made)
    use(made, scaling)
    return made


def answer(model: nn.Module, x: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    with torch.no_grad():
        found = model.eval()(x).double().numpy()
    return np.asarray(found)


def test_a_saved_model_lowers_with_no_further_arguments(tmp_path: Path) -> None:
    made = tuned()

    save(made, tmp_path / "tuned.pt2", DATA)
    graph = read(tmp_path / "tuned.pt2")
    program = lower(graph, CKKS())

    (word,) = (node.op for node in program.graph if isinstance(node.op, Evaluate))
    assert word.approximation.degrees == (3, 3, 3, 3)
    # The scale is the largest input of the calibration data, in float32.
    assert word.high == pytest.approx(float(made.get_submodule("1.scale").get_buffer("value")))
    # torch computes in float32, of 24 bits.
    assert np.abs(program(DATA) - answer(made, ROWS)).max() <= 1e-5


def test_ranges_are_those_of_all_batches(tmp_path: Path) -> None:
    save(tuned(), tmp_path / "whole.pt2", DATA)
    save(tuned(), tmp_path / "batches.pt2", (DATA[k : k + 10] for k in range(0, 64, 10)))

    whole, batches = read(tmp_path / "whole.pt2"), read(tmp_path / "batches.pt2")

    assert [node.type for node in whole] == [node.type for node in batches]
    assert all(node.type.range for node in whole)


def test_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    made = tuned().train()
    before = {name: each.clone() for name, each in made.state_dict().items()}

    save(made, tmp_path / "tuned.pt2", DATA)

    torch.testing.assert_close(dict(made.state_dict()), before)
    assert all(each.training for each in made.modules())


def test_no_data_is_in_the_file(tmp_path: Path) -> None:
    save(tuned(), tmp_path / "tuned.pt2", DATA)

    with zipfile.ZipFile(tmp_path / "tuned.pt2") as archive:
        held = [archive.read(name) for name in archive.namelist()]
    rows = (ROWS[0].numpy().tobytes(), DATA[0].tobytes(), repr(float(DATA[0, 0])).encode())
    assert not any(row in each for row in rows for each in held)


def test_a_file_whose_ranges_are_anothers_is_refused(tmp_path: Path) -> None:
    program = torch.export.export(
        tuned().eval(), (ROWS,), dynamic_shapes=({0: torch.export.Dim("batch")},)
    )
    text = json.dumps({"version": 1, "ranges": {"other": [0.0, 1.0]}})
    torch.export.save(program, tmp_path / "foreign.pt2", extra_files={FILE: text})

    with pytest.raises(ReadError, match="ranges"):
        read(tmp_path / "foreign.pt2")


def test_what_is_there_is_replaced_only_on_purpose(tmp_path: Path) -> None:
    path = tmp_path / "tuned.pt2"
    path.write_text("mine")

    with pytest.raises(TacitError, match="there already"):
        save(tuned(), path, DATA)
    kept = path.read_text()
    save(tuned(), path, DATA, overwrite=True)

    assert kept == "mine"
    assert zipfile.is_zipfile(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_with_dynamic_scales_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(NotCalibrated, match="dynamic scale"):
        save(tuned(Scaling.DYNAMIC), tmp_path / "tuned.pt2", DATA)

    assert list(tmp_path.iterdir()) == []


def test_another_ending_and_no_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeMismatch, match=r"end it in \.pt2"):
        save(tuned(), tmp_path / "tuned.pt", DATA)
    with pytest.raises(NotCalibrated, match="no data"):
        save(tuned(), tmp_path / "tuned.pt2", [])
    with pytest.raises(NotCalibrated, match="no data"):
        save(tuned(), tmp_path / "tuned.pt2", DATA[:0])
