"""Small integers on the command line: every party's verb, files in and files out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tacit.arithmetics import ARITHMETICS
from tacit.arithmetics.integers import EngineKind, Grouping, Integers
from tacit.cli.arguments import arithmetic, described
from tacit.errors import TacitError
from tacit.serve import load_program
from tests.command import tacit

onnx = pytest.importorskip("onnx")
ROWS = 40


def run(*words: object) -> dict[str, Any]:
    """The record that a command prints; it has to end well."""
    said = tacit(*words, "--json")
    assert said.status == 0, said.err
    return said.record


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with one look-up inside, its data, and everything up to the keys."""
    place = tmp_path_factory.mktemp("integers")
    generator = np.random.default_rng(7)
    sizes = {"w": (4, 6), "b": (4,), "v": (3, 4), "c": (3,)}
    constants = [
        onnx.numpy_helper.from_array(generator.normal(size=size).astype(np.float32), name)
        for name, size in sizes.items()
    ]
    node, tensor = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [
            node("Gemm", ["x", "w", "b"], ["h"], transB=1),
            node("Relu", ["h"], ["r"]),
            node("Gemm", ["r", "v", "c"], ["y"], transB=1),
        ],
        "small",
        [tensor("x", onnx.TensorProto.FLOAT, ["batch", 6])],
        [tensor("y", onnx.TensorProto.FLOAT, ["batch", 3])],
        constants,
    )
    opset = onnx.helper.make_opsetid("", 18)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset]), place / "small.onnx")
    x = generator.uniform(-1.0, 1.0, (ROWS, 6))
    np.savez(place / "data.npz", x=x, y=generator.integers(0, 3, ROWS))
    np.save(place / "mine.npy", x[:3])
    to = "integers:bits=3,inputs=2,grouping=tensor"
    words = ("lower", place / "small.onnx", "--data", place / "data.npz", "--to", to)
    run(*words, "-o", place / "bundle")
    run("keys", place / "bundle", "--secret", place / "my.secret", "--public", place / "my.keys")
    return place


def test_a_question_is_answered_exactly(folder: Path, tmp_path: Path) -> None:
    secret = ("--secret", folder / "my.secret")
    asked, answered, opened = tmp_path / "q", tmp_path / "a", tmp_path / "y.npy"

    run("seal", folder / "bundle", *secret, "--data", folder / "mine.npy", "-o", asked)
    run("answer", folder / "bundle", "--keys", folder / "my.keys", asked, "-o", answered)
    run("open", folder / "bundle", *secret, answered, "--request", asked, "-o", opened)

    program = load_program(folder / "bundle")
    assert np.array_equal(np.load(opened), program(np.load(folder / "mine.npy")))


def test_encrypted_rows_equal_simulated_ones(folder: Path) -> None:
    words = ("evaluate", folder / "bundle", "--data", folder / "data.npz", "--mode", "encrypted")

    record = run(*words, "--limit", 5)

    assert record["compared_with"]["simulate"]["largest_difference"] == 0.0


def test_an_audit_names_the_scheme_and_its_security(folder: Path) -> None:
    record = run("audit", folder / "bundle")

    assert record["arithmetic"] == "integers"
    assert record["parameters"]["scheme"].startswith("BGV")
    assert record["parameters"]["security_bits"] >= 128
    assert record["parts"]["client"]["weights"] == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("integers", Integers()),
        ("integers:bits=4,accumulator=9", Integers(bits=4, accumulator=9)),
        ("integers:grouping=tensor,batch=8", Integers(grouping=Grouping.TENSOR, batch=8)),
        ("tfhe:bits=3", Integers(bits=3, engine=EngineKind.TFHE)),
        ("bgv", Integers(engine=EngineKind.BGV)),
        (
            "integers:layers=fc1@3+fc2.weights@2",
            Integers(layers=(("fc1", 3), ("fc2.weights", 2))),
        ),
    ],
)
def test_knobs_are_read_from_text(text: str, expected: Integers) -> None:
    assert arithmetic(text) == expected


@pytest.mark.parametrize(
    "text", ["integers:layers=fc1", "integers:layers=@3", "integers:engine=seal", "integers:bits=0"]
)
def test_wrong_knobs_are_refused(text: str) -> None:
    with pytest.raises(TacitError):
        arithmetic(text)


def test_every_knob_is_described() -> None:
    assert all("not described" not in described(kind) for kind in ARITHMETICS.values())


def test_the_demo_answers_exactly(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")

    words = ("demo", "--arithmetic", "integers", "--count", 8)
    record = run(*words, "--picture", tmp_path / "demo.png")

    # Eight digits of 450, of which 97 % are right in the clear: one may be wrong.
    assert record["accuracy"] >= 7 / 8
    assert record["compared_with_simulation"]["largest_difference"] == 0.0


def test_a_demo_of_something_else_is_refused() -> None:
    said = tacit("demo", "--arithmetic", "abacus")

    assert said.status == 1
    assert "known are ckks, integers" in said.err
