"""Programs of bits on the command line: every verb, and the file that they are exported to."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tacit.serve import load_program, read_packed
from tests.command import tacit

pytest.importorskip("onnx")
SHIPPED = Path(str(files("tacit") / "demo"))
ROWS = 20


def run(*words: object) -> dict[str, Any]:
    """The record that a command prints; it has to end well."""
    said = tacit(*words, "--json")
    assert said.status == 0, said.err
    return said.record


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's network as a bundle, exported too, with digits that it never saw."""
    place = tmp_path_factory.mktemp("bits")
    data = np.load(SHIPPED / "digits.npz")
    np.savez(place / "data.npz", x=data["calibration"][:ROWS] / 16)
    np.savez(place / "mine.npz", x=data["x"][:ROWS] / 16, y=data["y"][:ROWS])
    model = SHIPPED / "digits-binary.onnx"
    run("lower", model, "--data", place / "data.npz", "--to", "binary", "-o", place / "bundle")
    run("export", place / "bundle", "-o", place / "network.safetensors")
    return place


@pytest.fixture(scope="module")
def x(folder: Path) -> np.ndarray:
    given: np.ndarray = np.load(folder / "mine.npz")["x"]
    return given


def test_the_bundle_shows_its_layers(folder: Path) -> None:
    record = run("show", folder / "bundle")

    layers = record["server"]["layers"]
    assert [each["at"] for each in layers] == ["1", "2", "5", "10"]
    assert [each["input_bits"] for each in layers] == [None, 1, 1, 1]
    assert "layers" not in record["client"]
    assert record["server"]["parameters"] > 30_000


def test_evaluating_tells_of_accuracy_and_layers(folder: Path) -> None:
    record = run("evaluate", folder / "bundle", "--data", folder / "mine.npz")

    # 98.7 % are right of all: of twenty one may be wrong.
    assert record["accuracy"] >= 0.95
    assert record["compared_with"]["clear"]["agreement"] == 1.0
    assert len(record["layers"]) == 4


def test_the_engine_answers_what_is_simulated(folder: Path) -> None:
    words = ("--data", folder / "mine.npz", "--mode", "encrypted", "--limit", 5)

    record = run("evaluate", folder / "bundle", *words)

    assert record["compared_with"]["simulate"]["largest_difference"] == 0.0


def test_an_audit_says_that_nobody_is_protected(folder: Path) -> None:
    record = run("audit", folder / "bundle")

    assert record["parameters"]["protects"].startswith("nobody")
    assert record["parameters"]["security_bits"] == 0
    assert len(record["parameters"]["products"]) == 3
    assert not record["promise"]["hides_input"]
    assert not record["promise"]["detects_cheating"]


def test_a_client_and_a_server_talk_through_files(
    folder: Path, tmp_path: Path, x: np.ndarray
) -> None:
    client, server = folder / "bundle" / "client", folder / "bundle" / "server"
    secret, keys, asked, answered, opened = (tmp_path / name for name in ("s", "k", "q", "a", "y"))

    run("keys", client, "--secret", secret, "--public", keys)
    run("seal", client, "--secret", secret, "--data", folder / "mine.npz", "-o", asked)
    run("answer", server, "--keys", keys, asked, "-o", answered)
    run("open", client, "--secret", secret, answered, "--request", asked, "-o", opened)

    assert np.array_equal(np.load(opened), load_program(folder / "bundle")(x))


def test_what_is_exported_is_the_program_and_smaller(folder: Path, x: np.ndarray) -> None:
    file = folder / "network.safetensors"

    program = read_packed(file)

    assert np.array_equal(program(x), load_program(folder / "bundle")(x))
    held = sum(each.stat().st_size for each in (folder / "bundle" / "server").iterdir())
    assert file.stat().st_size < held


def test_what_is_exported_is_shown(folder: Path) -> None:
    record = run("show", folder / "network.safetensors")

    assert record["arithmetic"] == "binary"
    assert len(record["layers"]) == 4
    assert record["outputs"] == {"gemm": [10]}


def test_what_was_exported_is_a_bundle_again(folder: Path, tmp_path: Path) -> None:
    run("import", folder / "network.safetensors", "-o", tmp_path / "bundle")

    record = run("evaluate", tmp_path / "bundle", "--data", folder / "mine.npz")

    assert record["accuracy"] >= 0.95
    assert record["compared_with"] == {}


def test_a_file_is_not_overwritten_unasked(folder: Path) -> None:
    words = ("export", folder / "bundle", "-o", folder / "network.safetensors")

    assert "already" in tacit(*words).err
    assert tacit(*words, "--overwrite").status == 0


def test_a_file_of_another_ending_is_refused(folder: Path, tmp_path: Path) -> None:
    said = tacit("export", folder / "bundle", "-o", tmp_path / "network.bits")

    assert said.status == 1
    assert ".safetensors" in said.err


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")

    said = tacit("import", tmp_path / "other.safetensors", "-o", tmp_path / "bundle")

    assert said.status == 1
    assert "no program of bits" in said.err
