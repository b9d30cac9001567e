from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from onnx.shape_inference import infer_shapes

from tacit.ir.graph import evaluate
from tacit.read import read

FLOAT = onnx.TensorProto.FLOAT
Model = Callable[..., onnx.ModelProto]
Gap = Callable[..., float]


def model_of(
    nodes: list[onnx.NodeProto],
    shape: tuple[int, ...],
    constants: dict[str, Any] | None = None,
    *,
    opset: int = 18,
    batch: int | str = "batch",
    result: tuple[str, ...] | None = None,
) -> onnx.ModelProto:
    results = [helper.make_tensor_value_info(nodes[-1].output[0], FLOAT, result)]
    inputs = [helper.make_tensor_value_info("x", FLOAT, (batch, *shape))]
    held = [
        numpy_helper.from_array(np.asarray(value), name)
        for name, value in (constants or {}).items()
    ]
    graph = helper.make_graph(nodes, "model", inputs, results, held)
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    # The standard wants the result's shape written down.
    return infer_shapes(model) if result is None else model


def largest_gap(model: onnx.ModelProto | Path, batches: tuple[int, ...] = (1, 2, 5)) -> float:
    draw = np.random.default_rng(2)
    graph = read(model)
    content = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    options = onnxruntime.SessionOptions()
    # Its optimiser is not always right: it merges zero-padding into max-pooling.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(content, options)
    gaps = [0.0]
    for batch in batches:
        inputs = {
            node.name: 2.0 * draw.normal(size=(batch, *node.type.shape)).astype(np.float32)
            for node in graph.inputs
        }
        found = evaluate(graph, {name: x.astype(np.float64) for name, x in inputs.items()})
        for name, theirs in zip(graph.outputs, session.run(None, inputs), strict=True):
            assert found[name].shape == theirs.shape
            # Relative to the largest entry, as float32 errors of sums are.
            largest = max(1.0, float(np.abs(theirs).max()))
            gaps.append(float(np.abs(found[name] - theirs).max()) / largest)
    return max(gaps)


@pytest.fixture
def build() -> Model:
    """A model of these nodes, from an input x of this shape behind the batch to the last result."""
    return model_of


@pytest.fixture
def gap() -> Gap:
    """The largest relative difference between the graph and onnxruntime, over several batches."""
    return largest_gap
