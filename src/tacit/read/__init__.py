"""The user's model becomes a graph; each framework has its own door, opened when it is needed."""

from __future__ import annotations

from pathlib import Path

from tacit.errors import ReadError
from tacit.ir.graph import Graph

__all__ = ["read"]

_SUFFIXES = {".pt2": "torch", ".onnx": "onnx"}


def read(model: object, example: object = None) -> Graph:
    """The graph of a model.

    `model` is an nn.Module with an example input (its first axis is the batch; a tuple where there
    are several), a torch.export.ExportedProgram, an onnx.ModelProto, a fitted estimator of
    scikit-learn or XGBoost, or the path of a .pt2 or .onnx file. The model is not changed.
    Raises ReadError, naming the layer that cannot be read.
    """
    if isinstance(model, str | Path):
        return _read_file(Path(model))
    match _framework(model):
        case "torch":
            return _read_torch(model, example)
        case "onnx":
            return _read_onnx(model)
        case "sklearn":
            return _read_sklearn(model)
        case _:
            raise ReadError(
                f"a {type(model).__name__} is no model that can be read",
                hint="give an nn.Module, an ExportedProgram, a ModelProto, an estimator, or a path",
            )


def _read_file(path: Path) -> Graph:
    framework = _SUFFIXES.get(path.suffix.lower())
    if framework is None:
        raise ReadError(
            f"{path} is neither a .pt2 nor an .onnx file",
            hint="write one with torch.export.save or torch.onnx.export",
        )
    if not path.is_file():
        raise ReadError(f"there is no file {path}")
    try:
        if framework == "torch":
            from tacit.read import torch as torch_door

            return torch_door.read_file(path)
        from tacit.read import onnx as onnx_door

        return onnx_door.read_file(path)
    except ModuleNotFoundError as absent:
        raise _not_installed(framework) from absent


def _read_torch(model: object, example: object) -> Graph:
    from tacit.read import torch as door

    return door.read(model, example)


def _read_onnx(model: object) -> Graph:
    from tacit.read import onnx as door

    return door.read(model)


def _read_sklearn(model: object) -> Graph:
    from tacit.read import sklearn as door

    return door.read(model)


def _not_installed(framework: str) -> ReadError:
    return ReadError(
        f"reading this file needs {framework}, which is not installed",
        hint=f"pip install 'tacit[{framework}]'",
    )


def _framework(model: object) -> str | None:
    """The framework whose class the model is or extends, told without importing it."""
    packages = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    return next((each for each in ("torch", "onnx", "sklearn") if each in packages), None)
