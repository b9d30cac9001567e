"""`tacit tune` and `tacit search`, as a user calls them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tacit.cli import app
from tacit.read import read
from tests.tune.digits import network, samples

FEW = "layer_steps=2,steps=4,joint=4,check=4,batch=50,observed=200"
SAME = {"model", "tuning_seconds", "pictures", "report"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network and digits, as files."""
    folder = tmp_path_factory.mktemp("tune")
    shapes = ({0: torch.export.Dim("batch")},)
    example = (torch.zeros(2, 1, 8, 8),)
    program = torch.export.export(network(), example, dynamic_shapes=shapes)
    torch.export.save(program, folder / "net.pt2")
    train, held_out = samples().train, samples().held_out
    np.savez(
        folder / "digits.npz",
        x_train=np.asarray(train.x),
        y_train=train.y,
        x_test=np.asarray(held_out.x),
        y_test=held_out.y,
    )
    return folder


def told(place: Path, verb: str, *options: str) -> dict[str, Any]:
    """What the command says with --json."""
    command = [verb, str(place / "net.pt2"), "--data", str(place / "digits.npz"), *options]
    result = CliRunner().invoke(app, [*command, "--json"])
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(place: Path, verb: str, *options: str) -> str:
    """What a command that fails says."""
    command = [verb, str(place / "net.pt2"), "--data", str(place / "digits.npz"), *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    return result.stderr


def test_a_tuned_file_lowers_without_further_arguments(place: Path) -> None:
    out = place / "tuned.pt2"
    options = ("--forms", "relu=f1g2,max_pool2d=f1g2,relu_1=f1g2", "--knobs", FEW, "--test")
    found = told(place, "tune", "-o", str(out), *options)
    assert [each["degrees"] for each in found["layers"]] == [[[5, 3]], [[5, 3]] * 2, [[5, 3]]]
    assert found["held_out"]["accuracy"] > 0.9
    assert found["test"]["accuracy"] > 0.9
    assert set(found["out_of_range"]) == {
        "relu",
        "max_pool2d.levels.0",
        "max_pool2d.levels.1",
        "relu_1",
    }
    assert all(Path(each).stat().st_size for each in found["pictures"])
    assert all(node.type.range is not None for node in read(out))


def test_coefficients_alone_need_no_training(place: Path) -> None:
    found = told(place, "tune", "-o", str(place / "ct.pt2"), "--techniques", "ct", "--no-pictures")
    assert found["steps"] == 0
    assert [each["candidate"] for each in found["checks"]] == ["start"]


def test_a_killed_tuning_goes_on_and_ends_the_same(place: Path) -> None:
    options = ("--forms", "f1g2", "--knobs", FEW, "--no-pictures")
    whole = told(place, "tune", "-o", str(place / "whole.pt2"), *options)
    out = place / "killed.pt2"
    command = [sys.executable, "-c", "from tacit.cli import main; main()", "tune"]
    command += [str(place / "net.pt2"), "--data", str(place / "digits.npz"), "-o", str(out)]
    process = subprocess.Popen([*command, *options], env={**os.environ, "OMP_NUM_THREADS": "1"})
    checkpoint = out.with_suffix(".tuning") / "checkpoint.safetensors"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = told(place, "tune", "-o", str(out), "--overwrite", *options)
    assert checkpoint.exists()
    assert {k: v for k, v in resumed.items() if k not in SAME} == {
        k: v for k, v in whole.items() if k not in SAME
    }


@pytest.mark.slow
def test_two_processes_train_one_network(place: Path) -> None:
    out = place / "two.pt2"
    command = [sys.executable, str(Path(sys.executable).with_name("tacit")), "tune"]
    command += [str(place / "net.pt2"), "--data", str(place / "digits.npz"), "-o", str(out)]
    command += ["--forms", "f1g2", "--knobs", FEW, "--no-pictures", "--json"]
    command += ["--accelerator", "cpu", "--devices", "2"]
    done = subprocess.run(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    found = json.loads(done.stdout)
    alone = told(
        place,
        *("tune", "-o", str(place / "one.pt2"), "--forms", "f1g2", "--knobs", FEW),
        "--no-pictures",
    )
    assert found["steps"] == alone["steps"]
    losses = [[each["loss"] for each in report["checks"]] for report in (found, alone)]
    # Halves of a batch have the same mean gradient; penalties and rounding differ a little.
    assert losses[0] == pytest.approx(losses[1], rel=0.2)


def test_a_front_hands_its_points_to_tune(place: Path) -> None:
    front = place / "front.json"
    options = ("--forms", "alpha7,f1g2,2", "--points", "2", "--observed", "200")
    found = told(place, "search", "-o", str(front), *options)
    assert found["points"]
    assert front.with_suffix(".png").stat().st_size
    forms = f"{front}#0"
    tuned = told(
        place,
        *("tune", "-o", str(place / "point.pt2"), "--forms", forms),
        *("--techniques", "ct", "--no-pictures"),
    )
    assert tuned["held_out"]["accuracy"] >= found["points"][0]["accuracy"] - 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "x.onnx"), "is no name of a .pt2 file"),
        (("-o", "x.pt2", "--forms", "nothing"), "no PAF is called 'nothing'"),
        (("-o", "x.pt2", "--forms", "conv=alpha7"), "no layer 'conv' can be replaced"),
        (("-o", "x.pt2", "--techniques", "ct,xy"), "no technique is called 'xy'"),
        (("-o", "x.pt2", "--knobs", "stepz=3"), "tune has no knob 'stepz'"),
        (("-o", "x.pt2", "--knobs", "precision=half"), "precision=half is no Precision"),
        (("-o", "x.pt2", "--normalise", "what"), "no normalisation is called 'what'"),
        (("-o", "x.pt2", "--forms", "front.json#9"), "front.json has no point 9"),
        (("-o", "x.pt2", "--forms", "absent.json"), "there is no file absent.json"),
        (("-o", "x.pt2", "--held-out", "100000"), "cannot be held out"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    place: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(place)
    said = refused(place, "tune", *options)
    assert said.startswith("error: ")
    assert message in said


def test_an_onnx_file_cannot_be_tuned(place: Path) -> None:
    path = place / "net.onnx"
    path.write_bytes(b"")
    command = ["tune", str(path), "--data", str(place / "digits.npz"), "-o", "x.pt2"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "only PyTorch's .pt2 files train" in result.stderr


def test_the_help_lists_the_knobs() -> None:
    result = CliRunner().invoke(app, ["tune", "--help"])
    assert result.exit_code == 0
    assert "layer_steps=3" in " ".join(result.stdout.split())
    assert "not described" not in result.stdout
