"""Models on disk: to be tuned, and tuned, which lower with no further arguments."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tacit.errors import NotCalibrated, ReadError, TypeMismatch
from tacit.files import new_file, require_free
from tacit.ir.functions import FloatArray
from tacit.passes import calibrate
from tacit.read import read
from tacit.read.torch import exported, load_program, read_file
from tacit.read.torch.ranges import FILE, written
from tacit.tune.trace import module_of


def load(path: str | Path) -> nn.Module:
    """The model in a .pt2 file that torch.export.save wrote, to be tuned.

    Its batch norms are as when it predicts, for ever. Raises ReadError where it cannot be loaded.
    """
    source = Path(path)
    if not source.is_file():
        raise ReadError(f"there is no file {source}")
    if source.suffix.lower() != ".pt2":
        raise ReadError(
            f"{source} cannot be tuned: only PyTorch's .pt2 files train",
            hint="write the network with torch.export.save, its batch free to vary",
        )
    return module_of(load_program(source)[0])


def save(
    model: nn.Module,
    path: str | Path,
    calibration: FloatArray | Iterable[FloatArray],
    *,
    overwrite: bool = False,
) -> None:
    """Write a .pt2 file of the model as it predicts, for any batch, with the ranges of its values.

    `calibration` are typical inputs, their first axis the rows, or batches of such; only the ranges
    that they show are kept. NotCalibrated where a layer has no static scale.
    """
    target = Path(path)
    require_free(target, overwrite=overwrite)
    if target.suffix.lower() != ".pt2":
        raise TypeMismatch(f"{target} is no name of a .pt2 file", hint="end it in .pt2")
    batches = iter((calibration,) if isinstance(calibration, np.ndarray) else calibration)
    first = next(batches, None)
    if first is None:
        raise NotCalibrated("no data was shown", hint="give at least one row")
    # The file keeps its example, which must be nobody's data.
    example = np.zeros((1, *first.shape[1:]))
    own = copy.deepcopy(model).cpu()
    for each in (*own.parameters(), *own.buffers()):
        # torch takes what lies in another order, such as images by channels, for incomplete.
        each.data = each.data.clone(memory_format=torch.contiguous_format)
    program = exported(own, example)
    graph = calibrate(read(program), itertools.chain((first,), batches))
    with new_file(target, overwrite=overwrite) as beside:
        with beside.open("wb") as file:
            torch.export.save(program, file, extra_files={FILE: written(graph)})
        # What cannot be read back never takes the name.
        read_file(beside)
