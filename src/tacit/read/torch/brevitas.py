"""Networks of Brevitas, which torch.export cannot trace: they export themselves, as QONNX."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from tacit.errors import ReadError
from tacit.ir.graph import Graph


def is_of_brevitas(model: torch.nn.Module) -> bool:
    """Whether a layer of the model is one of Brevitas', told without importing it."""
    kinds = (kind for layer in model.modules() for kind in type(layer).__mro__)
    return any(kind.__module__.partition(".")[0] == "brevitas" for kind in kinds)


def read(model: torch.nn.Module, example: torch.Tensor) -> Graph:
    """The graph of what Brevitas exports of the model; the example shows the shape of its input."""
    from brevitas.export import export_qonnx

    from tacit.read import onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        try:
            export_qonnx(model, example[:1], str(path), dynamo=False)
        # Brevitas traces the user's own code, which may raise anything.
        except Exception as wrong:
            raise ReadError(
                f"Brevitas cannot export the model: {wrong}",
                hint="export it with brevitas.export.export_qonnx, and read the file",
            ) from wrong
        return onnx.read_file(path)
