"""The command line, as a user calls it: files in, files out, one line where something is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tacit.arithmetics.ckks import CKKS
from tacit.cli.arguments import arithmetic, described, load_data
from tacit.cli.describe import approximations
from tacit.errors import TacitError
from tacit.ir.graph import Graph
from tacit.program import lower
from tests.arithmetics.ckks import graphs
from tests.command import tacit
from tests.serve.programs import Packed, packed_in

COMMANDS = ("demo", "show", "lower", "keys", "seal", "answer", "open", "evaluate", "audit")
# The engine adds noise below 2^-14, the default precision, to values near 1; scores reach 20.
TOLERANCE = 20 * 2**-14


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    made = packed_in(tmp_path_factory.mktemp("command"), seed=1)
    labels = made.source(made.inputs).argmax(axis=1)
    np.savez(made.bundle.parent / "data.npz", x=made.inputs, y=labels)
    np.save(made.bundle.parent / "data.npy", made.inputs[:2])
    np.save(made.bundle.parent / "wild.npy", 3.0 * made.inputs[:2])
    return made


@pytest.fixture(scope="module")
def folder(packed: Packed) -> Path:
    return packed.bundle.parent


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    """A small network as an .onnx file, without torch."""
    onnx = pytest.importorskip("onnx")
    generator = np.random.default_rng(5)
    constants = [
        onnx.numpy_helper.from_array(generator.normal(size=size).astype(np.float32), name)
        for name, size in (("w", (3, 8)), ("b", (3,)))
    ]
    tensor = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Gemm", ["x", "w", "b"], ["h"], transB=1),
            onnx.helper.make_node("Tanh", ["h"], ["y"]),
        ],
        "small",
        [tensor("x", onnx.TensorProto.FLOAT, ["batch", 8])],
        [tensor("y", onnx.TensorProto.FLOAT, ["batch", 3])],
        constants,
    )
    opset = onnx.helper.make_opsetid("", 18)
    path = folder / "small.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    return path


@pytest.fixture
def sealed(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "question.sealed"
    said = tacit(
        *("seal", folder / "bundle", "--secret", folder / "my.secret"),
        *("--data", folder / "data.npy", "-o", path),
    )
    assert said.status == 0, said.err
    return path


@pytest.fixture
def answered(folder: Path, sealed: Path, tmp_path: Path) -> Path:
    path = tmp_path / "answer.sealed"
    said = tacit("answer", folder / "bundle", "--keys", folder / "my.keys", sealed, "-o", path)
    assert said.status == 0, said.err
    return path


def test_every_verb_is_there_and_takes_json() -> None:
    helps = {name: tacit(name, "--help") for name in COMMANDS}

    assert all(said.status == 0 and "--json" in said.out for said in helps.values())


def test_a_model_goes_from_file_to_prediction(model: Path, folder: Path, tmp_path: Path) -> None:
    bundle, secret, keys = tmp_path / "bundle", tmp_path / "my.secret", tmp_path / "my.keys"
    question, answer, scores = tmp_path / "q", tmp_path / "a", tmp_path / "scores.npy"
    held = ("--secret", secret)
    steps = (
        ("lower", model, "--data", folder / "data.npz", "--to", "ckks:error=2^-6", "-o", bundle),
        ("keys", bundle / "client", "--secret", secret, "--public", keys),
        ("seal", bundle / "client", *held, "--data", folder / "data.npy", "-o", question),
        ("answer", bundle / "server", "--keys", keys, question, "-o", answer),
        ("open", bundle / "client", *held, answer, "-o", scores, "--request", question),
    )

    ends = [tacit(*step) for step in steps]
    simulated = tacit("evaluate", bundle, "--data", folder / "data.npy", "--json").record

    assert [said.err for said in ends if said.status] == []
    assert np.load(scores).shape == (2, 3)
    assert simulated["compared_with"]["clear"]["largest_difference"] < 2**-5


def test_an_opened_answer_is_the_simulated_one(
    packed: Packed, folder: Path, answered: Path
) -> None:
    said = tacit("open", folder / "bundle", "--secret", folder / "my.secret", answered, "--json")

    opened = np.array(said.record["results"])
    assert np.abs(opened - packed.program(packed.inputs[:2])).max() < TOLERANCE


def test_an_answer_may_be_opened_with_noise_added(
    packed: Packed, folder: Path, answered: Path
) -> None:
    words = ("open", folder / "bundle", "--secret", folder / "my.secret", answered, "--json")

    flooded, refused = tacit(*words, "--flood", 100), tacit(*words, "--flood", "nan")

    noise = np.array(flooded.record["results"]) - packed.program(packed.inputs[:2])
    # Six normal numbers of deviation 100: all of them below 10 once in a million times.
    assert np.abs(noise).max() > 10.0
    assert flooded.record["flood"] == 100.0
    assert refused.status == 1
    assert "standard deviation" in refused.err


def test_show_tells_nodes_and_parameters(model: Path) -> None:
    record = tacit("show", model, "--json").record

    assert record["parameters"] == 3 * 8 + 3
    assert any("Map[function=tanh]" in line for line in record["graph"])
    assert "tanh" in tacit("show", model).out


@pytest.mark.slow
def test_a_pt2_file_is_a_model_too(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    batch = {0: torch.export.Dim("batch")}
    program = torch.export.export(
        torch.nn.Linear(8, 3), (torch.zeros(2, 8),), dynamic_shapes=(batch,)
    )
    torch.export.save(program, tmp_path / "small.pt2")

    assert tacit("show", tmp_path / "small.pt2", "--json").record["parameters"] == 27


def test_show_tells_a_bundles_parts(folder: Path) -> None:
    record = tacit("show", folder / "bundle", "--json").record

    assert list(record) == ["client", "server", "owner"]
    assert record["client"]["parameters"] == 0
    assert list(tacit("show", folder / "bundle" / "server", "--json").record) == ["server"]


def test_a_tuned_model_lowers_by_its_name_alone(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from tacit.tune.replace import replace as replaced
    from tacit.tune.save import save
    from tacit.tune.scaling import Scaling, freeze, observe, use

    x = np.random.default_rng(3).normal(size=(64, 8))
    model = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    rows = torch.from_numpy(x).float()
    tuned = replaced(model.eval(), "f1f1g1g1", rows)
    observe(tuned, [rows])
    freeze(tuned)
    use(tuned, Scaling.STATIC)
    save(tuned, tmp_path / "tuned.pt2", x)
    np.save(tmp_path / "rows.npy", x[:4])

    record = tacit("lower", tmp_path / "tuned.pt2", "--json").record
    simulated = tacit(
        "evaluate", tmp_path / "tuned.bundle", "--data", tmp_path / "rows.npy", "--json"
    ).record

    assert record["bundle"] == str(tmp_path / "tuned.bundle")
    (told,) = record["approximations"]
    assert (told["at"], told["function"], told["degrees"]) == ("1", "relu", [3, 3, 3, 3])
    assert simulated["compared_with"]["clear"]["largest_difference"] < 1e-9


def test_a_model_without_ranges_asks_for_data(model: Path, tmp_path: Path) -> None:
    said = tacit("lower", model, "-o", tmp_path / "b")

    assert said.status == 1
    assert "brings no ranges" in said.err
    assert "--data" in said.err
    assert not (tmp_path / "b").exists()


def test_lower_tells_cost_and_approximations(model: Path, folder: Path, tmp_path: Path) -> None:
    record = tacit(
        *("lower", model, "--data", folder / "data.npz", "-o", tmp_path / "b", "--json"),
        *("--to", "ckks:degree=7,precision=12"),
    ).record

    assert record["degree"] == 7
    assert {"levels", "log2_ring_degree", "log2_qp", "rotations", "rotation_keys", "key_bytes"} <= (
        record["cost"].keys()
    )
    assert record["promise"]["hides_input"] is True


def test_a_composite_is_told_of_as_one_approximation() -> None:
    (told,) = approximations(lower(graphs.perceptron("relu"), CKKS(error=2**-12)))

    assert isinstance(told, dict)
    degrees = told["degrees"]
    assert isinstance(degrees, list)
    assert len(degrees) > 1
    # The product with the input is made inside the last polynomial's levels.
    assert told["levels"] == sum(int(str(degree)).bit_length() for degree in degrees)


def test_the_rounds_of_a_max_pooling_are_told_of_once() -> None:
    graph = graphs.maximum()
    nodes = (replace(node, origin="body.pool") for node in graph)

    (told,) = approximations(lower(Graph(tuple(nodes), graph.outputs), CKKS(error=2**-5)))

    assert isinstance(told, dict)
    assert (told["at"], told["function"]) == ("body.pool", "abs")


def test_audit_tells_security_and_who_learns_what(folder: Path) -> None:
    record = tacit("audit", folder / "bundle", "--json").record

    assert record["parameters"]["security_bits"] == 128
    assert record["parameters"]["log2_qp"] <= record["parameters"]["log2_qp_limit"]
    assert "Standard" in record["parameters"]["table"]
    assert record["promise"]["server_learns"]
    assert record["parts"]["client"]["weights"] == 0


@pytest.mark.parametrize("mode", ["clear", "simulate", "encrypted"])
def test_evaluate_measures_accuracy_and_time(folder: Path, mode: str) -> None:
    record = tacit(
        *("evaluate", folder / "bundle", "--data", folder / "data.npz", "--mode", mode),
        *("--limit", "4", "--json"),
    ).record

    assert record["rows"] == 4
    assert record["accuracy"] == 1.0
    assert record["cpu_seconds_per_input"] >= 0.0
    assert all(each["agreement"] == 1.0 for each in record["compared_with"].values())


def test_evaluate_without_labels_tells_no_accuracy(folder: Path) -> None:
    record = tacit("evaluate", folder / "bundle", "--data", folder / "data.npy", "--json").record

    assert record["accuracy"] is None


def test_an_input_out_of_range_is_refused_or_clipped(folder: Path, tmp_path: Path) -> None:
    words = (
        *("seal", folder / "bundle", "--secret", folder / "my.secret"),
        *("--data", folder / "wild.npy", "-o", tmp_path / "q"),
    )

    refused, clipped = tacit(*words), tacit(*words, "--clip")

    assert (refused.status, clipped.status) == (1, 0)
    assert "calibrated is" in refused.err


def test_keys_are_not_overwritten(folder: Path) -> None:
    before = (folder / "my.secret").read_bytes()

    said = tacit(
        "keys", folder / "bundle", "--secret", folder / "my.secret", "--public", folder / "k"
    )

    assert said.status == 1
    assert "--overwrite" in said.err
    assert (folder / "my.secret").read_bytes() == before


WRONG = {
    "no such command": ("nonsense",),
    "no such option": ("--nonsense",),
    "a missing option": ("seal", "{folder}/bundle"),
    "a wrong mode": ("evaluate", "{folder}/bundle", "--data", "{folder}/data.npy", "--mode", "x"),
    "no such model": ("show", "{folder}/nothing.onnx"),
    "no model": ("show", "{folder}/data.npz"),
    "no bundle": ("audit", "{folder}"),
    "no such data": ("evaluate", "{folder}/bundle", "--data", "{folder}/nothing.npy"),
    "no data": ("evaluate", "{folder}/bundle", "--data", "{folder}/my.keys"),
    "no answer": ("open", "{folder}/bundle", "--secret", "{folder}/my.secret", "{folder}/my.keys"),
    "no secret": ("open", "{folder}/bundle", "--secret", "{folder}/my.keys", "{folder}/my.keys"),
    "a bundle that is there": ("lower", "m.onnx", "--data", "d.npy", "-o", "{folder}/bundle"),
    "no such arithmetic": ("lower", "m.onnx", "--data", "d.npy", "-o", "b", "--to", "rot13"),
    "no such knob": ("lower", "m.onnx", "--data", "d.npy", "-o", "b", "--to", "ckks:x=1"),
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_line_and_status_one(words: tuple[str, ...], folder: Path) -> None:
    said = tacit(*(word.format(folder=folder) for word in words))

    assert said.status == 1
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_failed_command_leaves_no_file(folder: Path, tmp_path: Path) -> None:
    said = tacit(
        *("seal", folder / "bundle", "--secret", folder / "my.keys"),
        *("--data", folder / "data.npy", "-o", tmp_path / "q"),
    )

    assert said.status == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ckks", CKKS()),
        ("ckks:", CKKS()),
        ("ckks:degree=15,precision=12", CKKS(degree=15, precision=12)),
        ("ckks:error=2^-9,batch=4", CKKS(error=2**-9, batch=4)),
        ("ckks:error=0.25,degree=none", CKKS(error=0.25)),
    ],
)
def test_knobs_are_read_from_text(text: str, expected: CKKS) -> None:
    assert arithmetic(text) == expected


@pytest.mark.parametrize("text", ["ckks:degree", "ckks:degree=x", "ckks:degree=1.5", "ckks:=1"])
def test_wrong_knobs_are_refused(text: str) -> None:
    with pytest.raises(TacitError):
        arithmetic(text)


def test_an_unknown_knob_gets_the_names_of_the_known_ones() -> None:
    with pytest.raises(TacitError) as refused:
        arithmetic("ckks:polish=1")

    assert refused.value.hint is not None
    assert "known are error, degree, precision" in refused.value.hint


def test_the_help_of_lower_says_what_every_knob_means() -> None:
    told = " ".join(tacit("lower", "--help").out.split())

    assert "precision=14 (bits to which each multiplication is right" in told


def test_every_knob_is_described() -> None:
    assert "not described" not in described(CKKS)


def test_data_that_would_run_code_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)

    with pytest.raises(TacitError, match="cannot be read"):
        load_data(tmp_path / "objects.npy")


@pytest.mark.parametrize(
    "arrays",
    [
        {"y": np.zeros(3)},
        {"x": np.array(["text"])},
        {"x": np.array(1.0)},
        {"x": np.zeros((3, 2)), "y": np.zeros(4, dtype=np.int64)},
        {"x": np.zeros((3, 2)), "y": np.zeros(3)},
    ],
)
def test_data_of_another_kind_are_refused(arrays: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", **arrays)

    with pytest.raises(TacitError):
        load_data(tmp_path / "data.npz")


def test_the_demo_answers_and_draws(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("matplotlib")

    record = tacit("demo", "--count", 8, "--picture", tmp_path / "demo.png", "--json").record

    # Eight digits of 450, of which 98 % are right in the clear: one may be wrong.
    assert record["accuracy"] >= 7 / 8
    assert record["compared_with_simulation"]["largest_difference"] < 1e-2
    assert (tmp_path / "demo.png").stat().st_size > 10_000
