import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from tacit.errors import ReadError
from tacit.ir.graph import Graph
from tacit.ir.ops import Conv, Map
from tacit.read import read

# Both frameworks compute in float32, of 24 bits; a few layers lose a few of them.
TOLERANCE = 1e-5


class Residual(nn.Module):
    """Two convolutions beside a shortcut, as in a ResNet."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.act = nn.ReLU(inplace=True)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        result: torch.Tensor = self.act(y)
        return result


class ResNet(nn.Module):
    """Two residual blocks and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(Residual(3, 8, 1), Residual(8, 16, 2))
        self.head = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        result: torch.Tensor = self.head(y.view(y.size(0), -1))
        return result


def resnet() -> nn.Module:
    return ResNet()


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(192, 32), nn.BatchNorm1d(32), nn.GELU(), nn.Linear(32, 10)
    )


def lenet() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 3), nn.Tanh(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16, 12), nn.Sigmoid(), nn.Linear(12, 10), nn.Softmax(dim=1)),
    )


def separable() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 3, 3, padding=1, groups=3), nn.BatchNorm2d(3), nn.ReLU6()),
        *(nn.Conv2d(3, 8, 1), nn.Hardswish(), nn.ZeroPad2d(1), nn.MaxPool2d(3, 2)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(8, 5)),
    )


Make = Callable[[], nn.Module]
every_network = pytest.mark.parametrize("make", [mlp, lenet, resnet, separable])


def trained(make: Make) -> nn.Module:
    """The network, seeded, after it saw some data, so that its norms have statistics."""
    torch.manual_seed(3)
    model = make()
    with torch.no_grad():
        model(torch.randn(16, 3, 8, 8) * 2 + 1)
    return model


def images(batch: int) -> torch.Tensor:
    return torch.randn(batch, 3, 8, 8, generator=torch.Generator().manual_seed(batch))


def gap(graph: Graph, model: nn.Module, batch: int) -> float:
    x = images(batch)
    with torch.no_grad():
        theirs = model.eval()(x).double().numpy()
    ours = graph(x.double().numpy())
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@every_network
def test_a_network_means_what_it_means_in_torch_for_every_batch(make: Make) -> None:
    model = trained(make)

    graph = read(model, images(1))

    assert max(gap(graph, model, batch) for batch in (1, 2, 5)) <= TOLERANCE


@every_network
def test_an_exported_program_is_read_alike(make: Make, tmp_path: Path) -> None:
    model = trained(make).eval()
    free = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(model, (images(2),), dynamic_shapes=free)
    torch.export.save(program, tmp_path / "model.pt2")

    assert gap(read(program), model, 3) <= TOLERANCE
    assert gap(read(tmp_path / "model.pt2"), model, 3) <= TOLERANCE
    assert gap(read(program.run_decompositions()), model, 3) <= TOLERANCE


@every_network
@pytest.mark.parametrize("batch", [1, 4])
def test_a_program_exported_for_one_batch_is_read_for_any(make: Make, batch: int) -> None:
    model = trained(make).eval()

    graph = read(torch.export.export(model, (images(batch),)))

    assert gap(graph, model, 3) <= TOLERANCE


def onnx_gap(path: Path, batch: int) -> float:
    x = images(batch).numpy()
    options = onnxruntime.SessionOptions()
    # Its optimiser is not always right: it merges zero-padding into max-pooling.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options)
    (theirs,) = session.run(None, {session.get_inputs()[0].name: x})
    ours = read(path)(x.astype(np.float64))
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@pytest.mark.slow
@every_network
def test_what_torch_exports_to_onnx_equals_onnxruntime(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    free = ({0: torch.export.Dim("batch")},)
    model = trained(make).eval()
    torch.onnx.export(model, (images(2),), path, dynamic_shapes=free, verbose=False)

    assert onnx_gap(path, 3) <= TOLERANCE


# The older exporter is going away, and says so; the files that it wrote stay.
@pytest.mark.filterwarnings("ignore:You are using the legacy:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The feature will be removed:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Constant folding - Only steps=1:UserWarning")
@every_network
@pytest.mark.parametrize("opset", [11, 17])
def test_what_the_older_exporter_wrote_equals_onnxruntime(
    make: Make, opset: int, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    free = {"x": {0: "batch"}}
    options: dict[str, Any] = {"input_names": ["x"], "dynamic_axes": free, "dynamo": False}
    torch.onnx.export(trained(make).eval(), (images(2),), path, opset_version=opset, **options)

    assert onnx_gap(path, 3) <= TOLERANCE


def test_every_node_knows_its_module() -> None:
    graph = read(trained(resnet), images(1))

    origins = {node.origin for node in graph if isinstance(node.op, Conv | Map)}

    assert origins >= {"features.0.conv1", "features.0.act", "features.1.shortcut"}


def test_only_the_inputs_are_given_and_all_of_them_are_secret() -> None:
    graph = read(trained(mlp), images(1))

    assert [(node.name, node.type.shape, node.type.secret) for node in graph.inputs] == [
        ("input", (3, 8, 8), True)
    ]
    assert graph[graph.outputs[0]].type.secret


def test_the_module_of_the_user_is_not_touched() -> None:
    model = trained(resnet)
    model.get_submodule("features.1.bn1").eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    flags = [module.training for module in model.modules()]
    hooks = [len(module._forward_hooks) for module in model.modules()]

    read(model, images(1))

    after = model.state_dict()
    assert [module.training for module in model.modules()] == flags
    assert [len(module._forward_hooks) for module in model.modules()] == hooks
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(each.requires_grad and each.grad is None for each in model.parameters())


def test_the_flags_are_put_back_even_where_reading_fails() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.LSTM(4, 4))

    with pytest.raises(ReadError):
        read(model, torch.zeros(1, 4))

    assert all(module.training for module in model.modules())


def test_later_training_does_not_change_the_graph() -> None:
    model = nn.Linear(4, 2)
    graph = read(model, torch.zeros(1, 4))
    x = np.ones((1, 4))
    before = graph(x)

    with torch.no_grad():
        model.weight.zero_()

    assert np.array_equal(graph(x), before)


@pytest.mark.parametrize(
    "example",
    [np.zeros((1, 4)), np.zeros((3, 4), dtype=np.float32), torch.zeros(2, 4), [np.zeros((2, 4))]],
)
def test_an_example_is_an_array_or_a_tensor_or_a_tuple_of_them(example: object) -> None:
    assert read(nn.Linear(4, 2), example).inputs[0].type.shape == (4,)


def test_a_model_in_double_precision_is_read_exactly() -> None:
    model = nn.Linear(4, 2).double()
    x = np.random.default_rng(5).normal(size=(3, 4))

    graph = read(model, x)

    # Only the order of a sum of four may differ.
    assert np.abs(graph(x) - model(torch.as_tensor(x)).detach().numpy()).max() <= 1e-14


def test_a_model_in_training_mode_is_refused_where_it_was_exported_so() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).train()
    program = torch.export.export(model, (torch.zeros(2, 1, 4, 4),))

    with pytest.raises(ReadError, match="statistics of the batch"):
        read(program)


class Counting(nn.Module):
    """A model that changes a buffer of its own whenever it predicts."""

    calls: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return 2 * x


def test_a_model_that_changes_itself_is_refused() -> None:
    with pytest.raises(ReadError, match="changes calls"):
        read(Counting(), torch.zeros(2, 3))


@pytest.mark.parametrize(
    ("model", "example", "words"),
    [
        (nn.Linear(4, 2), None, "no shapes by itself"),
        (nn.Linear(4, 2), np.zeros(()), r"shape \(\)"),
        (nn.Linear(4, 2), np.zeros((0, 4)), r"shape \(0, 4\)"),
        (nn.Linear(4, 2), np.zeros((2, 5)), "cannot trace"),
        (lambda x: x, np.zeros((2, 5)), "a function is no model"),
        (torch.zeros(2), None, "a Tensor is no torch model"),
        (onnx.TensorProto(), None, "a TensorProto is no ONNX model"),
        ("model.h5", None, "neither a .pt2 nor an .onnx"),
        (Path("nowhere.onnx"), None, "there is no file"),
    ],
)
def test_what_is_no_model_is_refused(model: object, example: object, words: str) -> None:
    with pytest.raises(ReadError, match=words):
        read(model, example)


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x05\x06" + 18 * b"\0"])
def test_a_pt2_file_that_is_not_one_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pt2"
    path.write_bytes(content)

    with pytest.raises(ReadError, match=r"model\.pt2"):
        read(path)


@pytest.mark.parametrize(("suffix", "framework"), [(".pt2", "torch"), (".onnx", "onnx")])
def test_a_framework_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, framework: str
) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"content")
    monkeypatch.delitem(sys.modules, f"tacit.read.{framework}", raising=False)
    # Not by its path: the package's own `read` is the function.
    monkeypatch.delattr(sys.modules["tacit.read"], framework, raising=False)
    # A name that is None there cannot be imported.
    monkeypatch.setitem(sys.modules, framework, None)

    with pytest.raises(ReadError, match=f"pip install 'tacit.{framework}.'"):
        read(path)
