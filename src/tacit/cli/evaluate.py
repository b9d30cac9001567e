"""How well a bundle does on data: in the clear, simulated, or encrypted."""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tacit.cli.arguments import Data
from tacit.errors import ProtocolError
from tacit.ir.functions import FloatArray
from tacit.program import Engine, Json, Progress
from tacit.serve import Original

# Rows computed in the clear at once: bounds the memory, not the result.
ROWS = 256


class Mode(enum.StrEnum):
    """What is evaluated: the network as it was, the program simulated, or the program at work."""

    CLEAR = "clear"
    SIMULATE = "simulate"
    ENCRYPTED = "encrypted"


@dataclass(frozen=True, eq=False)
class Run:
    """The results of some rows, and the time that they took."""

    results: FloatArray
    wall: float
    cpu: float


def evaluate(
    original: Original, data: Data, mode: Mode, *, clip: bool, progress: Progress
) -> dict[str, Json]:
    """The accuracy, times and differences of a mode; differences from the modes before it."""
    program = original.program
    runs: dict[Mode, Run] = {}
    if original.source is not None:
        runs[Mode.CLEAR] = _timed(original.source, data.x, ROWS, progress)
    elif mode is Mode.CLEAR:
        raise ProtocolError(
            "the bundle does not hold the network as it was", hint="pack it with its source"
        )
    if mode is not Mode.CLEAR:
        runs[Mode.SIMULATE] = _timed(program, data.x, ROWS, progress)
    record: dict[str, Json] = {"mode": mode.value, "rows": len(data.x)}
    if mode is Mode.ENCRYPTED:
        size = program.cost.inputs_at_once
        engine = program.engine(progress=progress)

        def encrypted(rows: FloatArray) -> FloatArray:
            return _answered(engine, rows, clip=clip)

        runs[mode] = _timed(encrypted, data.x, size, progress)
        groups = -(-len(data.x) // size)
        record["predicted_cpu_seconds_per_input"] = program.cost.seconds * groups / len(data.x)
    record |= _measured(runs[mode], data)
    record["compared_with"] = {
        other.value: compare(runs[mode].results, run.results)
        for other, run in runs.items()
        if other is not mode
    }
    return record


def compare(first: FloatArray, second: FloatArray) -> dict[str, Json]:
    """How two modes' results of the same rows differ."""
    largest = float(np.abs(first - second).max())
    here, there = classes(first), classes(second)
    same = None if here is None or there is None else float(np.mean(here == there))
    return {
        "agreement": same,
        "largest_difference": largest,
        "bits": -math.log2(largest) if largest else None,
    }


def classes(results: FloatArray) -> NDArray[np.int64] | None:
    """The class that each row's results mean: the largest, or the number itself."""
    if results.ndim == 1:
        return np.rint(results).astype(np.int64)
    flat = results.reshape(len(results), -1)
    return None if flat.shape[1] == 1 else flat.argmax(axis=1)


def accuracy(results: FloatArray, labels: NDArray[np.int64] | None) -> float | None:
    """The share of rows whose class is the label, where both are known."""
    found = classes(results)
    return None if labels is None or found is None else float(np.mean(found == labels))


def _measured(run: Run, data: Data) -> dict[str, Json]:
    rows = len(run.results)
    return {
        "accuracy": accuracy(run.results, data.y),
        "wall_seconds_per_input": run.wall / rows,
        "cpu_seconds_per_input": run.cpu / rows,
    }


def _answered(engine: Engine, rows: FloatArray, *, clip: bool) -> FloatArray:
    """The results of one ciphertext's rows, sealed, answered and opened."""
    sealed = engine.client.seal(rows, clip=clip)
    return engine.client.open(engine.server.answer(sealed), len(rows))


def _timed(
    answer: Callable[[FloatArray], FloatArray], x: FloatArray, size: int, progress: Progress
) -> Run:
    """The results of all rows, computed in pieces."""
    wall, cpu = time.perf_counter(), time.process_time()
    parts = []
    for start, rows in _pieces(x, size):
        progress(start, len(x))
        parts.append(answer(rows))
    results = np.concatenate(parts)
    return Run(results, time.perf_counter() - wall, time.process_time() - cpu)


def _pieces(x: FloatArray, size: int) -> Iterator[tuple[int, FloatArray]]:
    for start in range(0, len(x), size):
        yield start, x[start : start + size]
