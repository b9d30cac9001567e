"""The torch door: a module, an exported program or a .pt2 file becomes a graph.

Loading a .pt2 file may run code that is hidden in it: load only files that you trust.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import Dim, ExportedProgram

from tacit.errors import ReadError, TacitError
from tacit.ir.graph import Graph
from tacit.ir.rewrite import Builder
from tacit.read.shared import Row, Site, rows, unsupported
from tacit.read.torch import brevitas, ranges
from tacit.read.torch.grids import traceable
from tacit.read.torch.program import graph_of
from tacit.read.torch.table import LAYERS

__all__ = ["exported", "load_program", "read", "read_file", "supported"]


def read(model: object, example: object = None) -> Graph:
    """The graph of a module, of which one example input shows the shapes, or of a program."""
    match model:
        case ExportedProgram():
            return graph_of(model)
        case torch.nn.Module() if brevitas.is_of_brevitas(model):
            with _predicting(model), torch.no_grad():
                return brevitas.read(model, _tensors(model, example)[0])
        case torch.nn.Module():
            return graph_of(exported(model, example))
        case _:
            raise ReadError(
                f"a {type(model).__name__} is no torch model",
                hint="give an nn.Module with an example, or an ExportedProgram",
            )


def read_file(path: Path) -> Graph:
    """The graph of a program written by torch.export.save, with ranges if the file holds them."""
    program, known = load_program(path)
    graph = graph_of(program)
    return ranges.ranged(graph, known) if known else graph


def load_program(path: Path) -> tuple[ExportedProgram, str]:
    """The program in a .pt2 file, and the text of ranges that lies beside it, or nothing."""
    if not zipfile.is_zipfile(path):
        raise ReadError(f"{path} is not a .pt2 file", hint="write it with torch.export.save")
    # A name is given, because an empty table would not be filled.
    extra: dict[str, Any] = {ranges.FILE: ""}
    try:
        # By its name torch would only take a path that ends in .pt2.
        with path.open("rb") as file:
            program = torch.export.load(file, extra_files=extra)
    # Whatever is wrong inside the file, torch names it with an exception of its own choice.
    except Exception as wrong:
        raise ReadError(
            f"{path} cannot be loaded: {_first_line(wrong)}",
            hint="write it with torch.export.save of the same torch version",
        ) from wrong
    return program, str(extra[ranges.FILE])


def supported() -> tuple[Row, ...]:
    """What this door reads."""
    return rows(LAYERS)


def exported(model: torch.nn.Module, example: object) -> ExportedProgram:
    """The program of the module when it predicts, for any batch; the example shows the shapes."""
    _refuse_recurrence(model)
    free = {0: Dim("batch")}
    inputs = _tensors(model, example)
    shapes: tuple[Any, ...] = (free,) * len(inputs)
    kinds = [each.kind for each in signature(model.forward).parameters.values()]
    if Parameter.VAR_POSITIONAL in kinds:
        # What *args takes up counts as one argument that is a tuple.
        before = kinds.index(Parameter.VAR_POSITIONAL)
        shapes = (*shapes[:before], shapes[before:])
    with _predicting(model), torch.no_grad(), traceable():
        try:
            return torch.export.export(model, inputs, dynamic_shapes=shapes)
        except TacitError:
            # A layer of ours that cannot be exported says so itself.
            raise
        # Tracing runs the user's own code, which may raise anything.
        except Exception as wrong:
            raise _untraceable(wrong) from wrong


def _refuse_recurrence(model: torch.nn.Module) -> None:
    # torch's own layers of this kind fail while they are traced, in words that help nobody.
    for path, module in model.named_modules():
        if isinstance(module, torch.nn.RNNBase):
            raise unsupported(Site(Builder(), path, module.mode.lower(), path))


def _untraceable(wrong: Exception) -> ReadError:
    if "Constraints violated" in str(wrong):
        return ReadError(
            "the model fixes the size of the batch",
            hint="keep it free: write x.shape[0] or -1, never len(x) or a number, for the batch",
        )
    return ReadError(
        f"torch.export cannot trace the model: {_first_line(wrong)}",
        hint="it must run on the example for every batch size, and not branch on values",
    )


@contextmanager
def _predicting(model: torch.nn.Module) -> Iterator[None]:
    """The module with its training flags down; they are put back, and nothing else is touched."""
    # Not eval(), which a module may have overridden to merge weights or the like.
    flags = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in flags:
            module.training = False
        yield
    finally:
        for module, flag in flags:
            module.training = flag


def _tensors(model: torch.nn.Module, example: object) -> tuple[torch.Tensor, ...]:
    """The example's inputs as tensors with a batch of at least two."""
    if example is None:
        raise ReadError(
            "an nn.Module has no shapes by itself", hint="call read(model, example) with an input"
        )
    inputs = tuple(example) if isinstance(example, tuple | list) else (example,)
    return tuple(_doubled(_tensor(model, each)) for each in inputs)


def _tensor(model: torch.nn.Module, value: Any) -> torch.Tensor:
    like = next((each for each in model.parameters() if each.is_floating_point()), torch.zeros(()))
    tensor = value if isinstance(value, torch.Tensor) else torch.as_tensor(np.asarray(value))
    # An array brings no intention with its type: it is read as what the weights are.
    kind = tensor.dtype if isinstance(value, torch.Tensor) else like.dtype
    if tensor.ndim == 0 or len(tensor) == 0:
        raise ReadError(
            f"the example has shape {tuple(tensor.shape)}",
            hint="its first axis is the batch, of one or more",
        )
    return tensor.detach().to(like.device, kind)


def _doubled(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor with a batch of two: an extent of one would count as fixed."""
    return tensor[[0, 0]] if len(tensor) == 1 else tensor.clone()


def _first_line(wrong: Exception) -> str:
    return (str(wrong).strip().splitlines() or [type(wrong).__name__])[0]
