"""`tacit bits`, as a user calls it, and what other commands tell of bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tacit.cli.arguments import arithmetic
from tacit.serve import load_program
from tests.command import Said, tacit

datasets = pytest.importorskip("sklearn.datasets")
neural = pytest.importorskip("sklearn.neural_network")
onnx = pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two layers for iris, as an .onnx file, and held-out flowers."""
    place = tmp_path_factory.mktemp("bits")
    x, y = datasets.load_iris(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    net = neural.MLPClassifier((6,), solver="lbfgs", alpha=0.1, max_iter=500, random_state=0)
    net.fit(x[::2], y[::2])
    constants = [
        onnx.numpy_helper.from_array(value.astype(np.float32), name)
        for name, value in zip("vwbc", (*net.coefs_, *net.intercepts_), strict=True)
    ]
    nodes = [
        onnx.helper.make_node("Gemm", ["x", "v", "b"], ["h"], name="hidden"),
        onnx.helper.make_node("Relu", ["h"], ["a"], name="bend"),
        onnx.helper.make_node("Gemm", ["a", "w", "c"], ["y"], name="scores"),
    ]
    tensor = onnx.helper.make_tensor_value_info
    ends = [
        [tensor(name, onnx.TensorProto.FLOAT, ["batch", size])]
        for name, size in (("x", 4), ("y", 3))
    ]
    graph = onnx.helper.make_graph(nodes, "iris", *ends, constants)
    opset = onnx.helper.make_opsetid("", 18)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9)
    onnx.save(model, place / "iris.onnx")
    np.savez(place / "held-out.npz", x=x[1::2], y=y[1::2])
    return place


def bits(folder: Path, *words: object) -> Said:
    return tacit("bits", folder / "iris.onnx", "--data", folder / "held-out.npz", *words)


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    pytest.importorskip("matplotlib")
    said = bits(
        *(folder, "--loss", 2, "-o", folder / "iris.bundle", "--ledger", folder / "bits.jsonl"),
        *("--picture", folder / "front.png", "--json"),
    )
    assert said.status == 0, said.err
    return said.record


def test_bits_are_found_for_every_layer(found: dict[str, Any]) -> None:
    wanted = {"x.inputs", "hidden.weights", "bend.activations", "scores.weights"}
    assert set(found["bits"]) == wanted
    assert found["accuracy"] >= found["float_accuracy"] - 0.02
    assert found["predicted_seconds"] > 0.0
    assert found["front"]


def test_the_table_of_layers_tells_widths(found: dict[str, Any]) -> None:
    rows = {row["at"]: row for row in found["bits_and_ranges"]}
    assert rows["hidden"]["weights_bits"] <= found["bits"]["hidden.weights"]
    assert rows["hidden"]["entries"] == rows["hidden"]["high"] - rows["hidden"]["low"] + 1
    assert rows["hidden"]["gives_bits"] <= found["bits"]["bend.activations"]
    assert rows["scores"]["entries"] is None


def test_the_bundle_has_the_bits_that_were_found(folder: Path, found: dict[str, Any]) -> None:
    packed = load_program(folder / "iris.bundle").arithmetic
    assert packed == arithmetic(found["to"])


def test_the_picture_is_drawn(folder: Path, found: dict[str, Any]) -> None:
    assert found["picture"] == str(folder / "front.png")
    assert (folder / "front.png").read_bytes().startswith(b"\x89PNG")


def test_a_search_goes_on_from_its_ledger(folder: Path, found: dict[str, Any]) -> None:
    before = (folder / "bits.jsonl").read_bytes()
    again = bits(folder, "--loss", 2, "--ledger", folder / "bits.jsonl", "--json")
    assert again.record["bits"] == found["bits"]
    assert (folder / "bits.jsonl").read_bytes() == before


def test_people_are_shown_tables(folder: Path, found: dict[str, Any]) -> None:
    said = bits(folder, "--loss", 2, "--ledger", folder / "bits.jsonl")
    assert all(name in said.out for name in found["bits"])
    assert "bits and ranges" in said.out


def test_show_and_evaluate_tell_widths_too(folder: Path, found: dict[str, Any]) -> None:
    shown = tacit("show", folder / "iris.bundle", "--json").record
    told = tacit(
        *("evaluate", folder / "iris.bundle", "--data", folder / "held-out.npz", "--json")
    ).record
    assert shown["owner"]["program"]["bits_and_ranges"] == found["bits_and_ranges"]
    assert told["bits_and_ranges"] == found["bits_and_ranges"]
    assert told["accuracy"] == found["accuracy"]


def test_nothing_is_packed_where_the_target_is_missed(folder: Path) -> None:
    out = folder / "never.bundle"
    said = bits(folder, "--target", 0.999, "--accumulator", 4, "-o", out)
    assert said.status == 1
    assert "no bits that were tried reach 99.90%" in said.err
    assert not out.exists()


def test_bits_of_another_arithmetic_are_refused(folder: Path) -> None:
    said = bits(folder, "--to", "ckks")
    assert said.status == 1
    assert "not of ckks" in said.err
