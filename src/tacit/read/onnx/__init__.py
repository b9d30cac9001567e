"""The ONNX door: a model, or the file that holds it, becomes a graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx import checker, external_data_helper, inliner

from tacit.errors import ReadError
from tacit.ir.graph import Graph
from tacit.read.onnx.model import graph_of
from tacit.read.onnx.table import LAYERS
from tacit.read.shared import Row, rows

__all__ = ["read", "read_file", "supported"]

# The opsets whose definitions the table follows.
OLDEST, NEWEST = 11, 22


def read(model: object) -> Graph:
    """The graph of a model that is in memory."""
    if not isinstance(model, onnx.ModelProto):
        raise ReadError(
            f"a {type(model).__name__} is no ONNX model", hint="give a ModelProto or a path"
        )
    if any(_is_external(each) for each in _tensors(model)):
        raise ReadError(
            "the model's weights are in another file", hint="read the .onnx file by its path"
        )
    return graph_of(_checked(model))


def read_file(path: Path) -> Graph:
    """The graph of an .onnx file; weights outside it are looked for beside it and nowhere else."""
    try:
        model = onnx.load(path, load_external_data=False)
    # The bytes are protobuf, whose exceptions are not onnx's own; all say that the file is broken.
    except Exception as wrong:
        raise ReadError(f"{path} is no ONNX file, or not whole: {wrong}") from wrong
    external = [each for each in _tensors(model) if _is_external(each)]
    for tensor in external:
        _refuse_elsewhere(path, tensor)
    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent))
    except (checker.ValidationError, OSError, ValueError) as wrong:
        raise ReadError(
            f"the weights of {path} cannot be loaded: {wrong}",
            hint="are they beside it, and whole?",
        ) from wrong
    return read(model)


def supported() -> tuple[Row, ...]:
    """What this door reads."""
    return rows(LAYERS)


def _checked(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, valid, of an opset that is known, and without functions of its own."""
    try:
        checker.check_model(model)
    except checker.ValidationError as wrong:
        raise ReadError(f"this is no valid ONNX model: {wrong}") from wrong
    versions = [each.version for each in model.opset_import if each.domain in ("", "ai.onnx")]
    if not versions or not OLDEST <= versions[0] <= NEWEST:
        raise ReadError(
            f"the model's opset is {versions[0] if versions else 'not given'}",
            hint=f"export with an opset from {OLDEST} to {NEWEST}",
        )
    return inliner.inline_local_functions(model) if model.functions else model


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor that the model brings with it."""
    yield from model.graph.initializer
    for node in model.graph.node:
        yield from (each.t for each in node.attribute if each.HasField("t"))


def _is_external(tensor: onnx.TensorProto) -> bool:
    return tensor.data_location == onnx.TensorProto.EXTERNAL


def _refuse_elsewhere(path: Path, tensor: onnx.TensorProto) -> None:
    folder = path.parent.resolve()
    location = next((each.value for each in tensor.external_data if each.key == "location"), "")
    if not location or not (folder / location).resolve().is_relative_to(folder):
        raise ReadError(
            f"{path} wants its weights from {location!r}, which is not beside it",
            hint="load only models that you trust, with their weights in the same folder",
        )
