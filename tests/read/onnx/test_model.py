from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tacit.errors import ReadError
from tacit.ir.ops import ArgMax, Reshape
from tacit.read import read

Model = Callable[..., onnx.ModelProto]
Gap = Callable[..., float]


def node(kind: str, takes: str, gives: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, takes.split(), gives.split(), **attributes)


def whole(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def drawn(*shape: int) -> Any:
    return np.random.default_rng(4).normal(size=shape).astype(np.float32)


def test_a_shape_that_the_model_computes_from_the_batch_is_followed(build: Model, gap: Gap) -> None:
    model = build(
        [
            node("Shape", "x", "shape"),
            node("Gather", "shape zero", "batch", axis=0),
            node("Unsqueeze", "batch axes", "first"),
            node("Concat", "first rest", "wanted", axis=0),
            node("Reshape", "x wanted", "y"),
        ],
        (3, 4),
        {"zero": np.int64(0), "axes": whole(0), "rest": whole(-1)},
    )

    assert gap(model) == 0.0
    assert isinstance(read(model)["reshape"].op, Reshape)


def test_a_constant_repeated_for_the_batch_stands_once(build: Model, gap: Gap) -> None:
    model = build(
        [
            node("Shape", "x", "shape"),
            node("ConstantOfShape", "shape", "ones", value=helper.make_tensor("v", 1, [1], [2.0])),
            node("Add", "x ones", "y"),
        ],
        (3,),
    )

    assert gap(model) <= 1e-6


def test_a_constant_expanded_to_the_batch_joins_it(build: Model, gap: Gap) -> None:
    model = build(
        [
            node("Shape", "x", "shape", end=1),
            node("Concat", "shape one", "wanted", axis=0),
            node("Expand", "token wanted", "tokens"),
            node("Concat", "tokens x", "y", axis=1),
        ],
        (3,),
        {"one": whole(1), "token": drawn(1, 1)},
    )

    assert gap(model) == 0.0


def test_a_branch_on_a_known_shape_is_taken(build: Model, gap: Gap) -> None:
    def branch(kind: str) -> onnx.GraphProto:
        result = helper.make_tensor_value_info("r", 1, None)
        return helper.make_graph([node(kind, "x", "r")], kind, [], [result])

    model = build(
        [
            node("Shape", "x", "shape"),
            node("Gather", "shape one", "size", axis=0),
            node("Equal", "size four", "is_four"),
            node("If", "is_four", "y", then_branch=branch("Relu"), else_branch=branch("Neg")),
        ],
        (4,),
        {"one": np.int64(1), "four": np.int64(4)},
    )

    assert gap(model) == 0.0
    assert read(model).outputs == ("relu",)


def test_a_split_gives_all_its_pieces(build: Model, gap: Gap) -> None:
    model = build(
        [
            node("Split", "x", "a b c", axis=1, num_outputs=3),
            node("Concat", "c a b", "y", axis=1),
        ],
        (7,),
    )

    assert gap(model) == 0.0


def test_a_model_of_fixed_batch_is_read_for_any(build: Model, gap: Gap) -> None:
    model = build(
        [node("Reshape", "x s", "r"), node("Gemm", "r w", "y")],
        (2, 3),
        {"s": whole(4, 6), "w": drawn(6, 2)},
        batch=4,
    )

    assert gap(model, (4,)) <= 1e-6
    assert read(model)(np.ones((9, 2, 3))).shape == (9, 2)


def test_a_whole_number_that_argmax_gives_may_be_cast(build: Model) -> None:
    model = build(
        [
            node("ArgMax", "x", "i", axis=1, keepdims=0),
            node("Cast", "i", "j", to=onnx.TensorProto.INT32),
            node("Cast", "j", "y", to=onnx.TensorProto.FLOAT),
        ],
        (3,),
    )

    graph = read(model)

    assert isinstance(graph[graph.outputs[0]].op, ArgMax)
    assert graph(np.eye(3)).tolist() == [0.0, 1.0, 2.0]


def test_a_node_keeps_its_name_as_its_origin(build: Model) -> None:
    model = build([helper.make_node("Relu", ["x"], ["y"], name="/body/act/Relu")], (3,))

    assert read(model)["relu"].origin == "/body/act/Relu"


def test_functions_of_the_model_are_opened(build: Model, gap: Gap) -> None:
    twice = helper.make_function(
        "mine", "Twice", ["a"], ["b"], [node("Add", "a a", "b")], [helper.make_opsetid("", 18)]
    )
    model = build([node("Twice", "x", "y", domain="mine")], (3,), result=("batch", "n"))
    model.functions.append(twice)
    model.opset_import.append(helper.make_opsetid("mine", 1))

    assert gap(model) == 0.0


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("LayerNormalization", "x w", "y")], "LayerNormalization cannot be read"),
        ([node("Where", "w x x", "y")], "Where"),
        ([node("Floor", "x", "y")], "Floor"),
        ([node("Div", "w x", "y")], "divides by a value that is secret"),
        ([node("Flatten", "x", "y", axis=0)], "flattens at axis 0"),
        ([node("Flatten", "x", "y", axis=2)], "flattens at axis 2"),
        ([node("Transpose", "x", "y", perm=[1, 0, 2])], "moves the batch"),
        ([node("Softmax", "x", "y", axis=0)], "along the batch"),
        ([node("ReduceMean", "x", "y")], "along the batch"),
        ([node("Cast", "x", "y", to=onnx.TensorProto.INT64)], "rounds"),
        ([node("Reshape", "x flat", "y")], "is not the batch"),
        ([node("Reshape", "x rows", "y")], "is not the batch"),
        ([node("Pad", "x pads", "y")], "pads the batch"),
        ([node("Pad", "x inner", "y", mode="reflect")], "mode is reflect"),
        ([node("ArgMax", "x", "y", axis=1, select_last_index=1)], "last of equal"),
        ([node("MaxPool", "x", "m p", kernel_shape=[2]), node("Add", "m p", "y")], "not read"),
        ([node("Conv", "x x", "y")], "depends on the model's input"),
        ([node("MatMul", "x wrong", "y")], "inputs was given"),
        ([node("RandomNormal", "", "r", shape=[1]), node("Add", "x r", "y")], "RandomNormal"),
        ([node("Identity", "w", "y")], "does not depend on the input"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(
    build: Model, nodes: list[onnx.NodeProto], words: str
) -> None:
    constants = {
        "w": drawn(4),
        "wrong": drawn(3, 3),
        "flat": whole(-1),
        "rows": whole(-1, 2),
        "pads": whole(1, 0, 0, 0, 0, 0),
        "inner": whole(0, 0, 1, 0, 0, 1),
    }

    with pytest.raises(ReadError, match=words):
        read(build(nodes, (2, 4), constants, result=("batch", "n")))


def test_softmax_over_several_axes_of_an_old_opset_is_refused(build: Model) -> None:
    model = build([node("Softmax", "x", "y")], (2, 4), opset=11)

    with pytest.raises(ReadError, match="several axes"):
        read(model)


@pytest.mark.parametrize("opset", [10, 23])
def test_an_unknown_opset_is_refused(build: Model, opset: int) -> None:
    with pytest.raises(ReadError, match=f"opset is {opset}"):
        read(build([node("Relu", "x", "y")], (2,), opset=opset))


def test_an_axis_without_extent_is_refused(build: Model) -> None:
    model = build([node("Relu", "x", "y")], (2, 3))
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "width"

    with pytest.raises(ReadError, match=r"width.*no fixed extent"):
        read(model)


def test_a_model_that_breaks_the_standard_is_refused(build: Model) -> None:
    with pytest.raises(ReadError, match="no valid ONNX"):
        read(build([node("Relu", "nowhere", "y")], (2,)))


@pytest.mark.parametrize("size", [0, 1, 20, 150])
def test_a_file_that_is_not_whole_is_refused(build: Model, tmp_path: Path, size: int) -> None:
    model = build([node("Gemm", "x w", "y")], (9,), {"w": drawn(9, 9)})
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString()[:size])

    with pytest.raises(ReadError):
        read(path)


def test_random_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(np.random.default_rng(1).bytes(1000))

    with pytest.raises(ReadError, match="no ONNX file"):
        read(path)


def saved_apart(model: onnx.ModelProto, path: Path) -> None:
    onnx.save(
        model,
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="weights.bin",
        size_threshold=0,
    )


def test_weights_beside_the_file_are_found(build: Model, tmp_path: Path, gap: Gap) -> None:
    path = tmp_path / "model.onnx"
    saved_apart(build([node("Gemm", "x w", "y")], (9,), {"w": drawn(9, 9)}), path)

    assert gap(path) <= 1e-5


def test_weights_that_are_missing_are_said_to_be(build: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    saved_apart(build([node("Gemm", "x w", "y")], (9,), {"w": drawn(9, 9)}), path)
    (tmp_path / "weights.bin").unlink()

    with pytest.raises(ReadError, match="weights"):
        read(path)


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", ""])
def test_weights_elsewhere_are_refused(build: Model, tmp_path: Path, location: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    model = build([node("Gemm", "x w", "y")], (9,), {"w": drawn(9, 9)})
    tensor = model.graph.initializer[0]
    (tmp_path / "weights.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    (folder / "model.onnx").write_bytes(model.SerializeToString())

    with pytest.raises(ReadError, match="not beside it"):
        read(folder / "model.onnx")


def test_a_model_in_memory_whose_weights_are_in_a_file_is_refused(build: Model) -> None:
    model = build([node("Gemm", "x w", "y")], (9,), {"w": drawn(9, 9)})
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL

    with pytest.raises(ReadError, match="another file"):
        read(model)


def test_an_initial_value_listed_as_an_input_is_a_constant(build: Model) -> None:
    model = build([node("Add", "x w", "y")], (3,), {"w": drawn(3)})
    model.graph.input.append(helper.make_tensor_value_info("w", 1, (3,)))

    assert [each.name for each in read(model).inputs] == ["x"]
    assert numpy_helper.to_array(model.graph.initializer[0]).shape == (3,)
