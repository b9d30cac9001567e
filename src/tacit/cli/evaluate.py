"""How well a bundle does on data: in the clear, simulated, or encrypted."""

from __future__ import annotations

import enum
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tacit.cli.arguments import Data
from tacit.errors import ProtocolError
from tacit.ir.functions import FloatArray
from tacit.program import Cost, Json, Program, Progress, exchange
from tacit.serve import Original

Result = TypeVar("Result")

# Rows computed in the clear at once: bounds the memory, not the result.
ROWS = 256


class Mode(enum.StrEnum):
    """What is evaluated: the network as it was, the program simulated, or the program at work."""

    CLEAR = "clear"
    SIMULATE = "simulate"
    ENCRYPTED = "encrypted"


@dataclass(frozen=True)
class Span:
    """Seconds on the clock, and of all cores added up."""

    wall: float
    cpu: float

    def __add__(self, other: Span) -> Span:
        return Span(self.wall + other.wall, self.cpu + other.cpu)


@dataclass(frozen=True, eq=False)
class Run:
    """The results of some rows, and the time that each piece of them took."""

    results: FloatArray
    spans: tuple[Span, ...]

    @property
    def span(self) -> Span:
        """The time that all rows took."""
        return sum(self.spans, start=Span(0.0, 0.0))


def evaluate(
    original: Original, data: Data, mode: Mode, *, clip: bool, progress: Progress
) -> dict[str, Json]:
    """The accuracy, times and differences of a mode; differences from the modes before it."""
    runs: dict[Mode, Run] = {}
    if original.source is not None:
        runs[Mode.CLEAR] = _in_the_clear(original.source, data.x, progress)
    elif mode is Mode.CLEAR:
        raise ProtocolError(
            "the bundle does not hold the network as it was", hint="pack it with its source"
        )
    if mode is not Mode.CLEAR:
        runs[Mode.SIMULATE] = _in_the_clear(original.program, data.x, progress)
    record: dict[str, Json] = {"mode": mode.value, "rows": len(data.x)}
    if mode is Mode.ENCRYPTED:
        cost = original.program.cost
        work = partial(_encrypted, original.program, data.x, cost.inputs_at_once)
        runs[mode], setup = work(clip=clip, progress=progress)
        record |= _against_prediction(runs[mode], setup, cost)
    record |= _measured(runs[mode], data)
    record["compared_with"] = {
        other.value: compare(runs[mode].results, run.results)
        for other, run in runs.items()
        if other is not mode
    }
    return record


def compare(first: FloatArray, second: FloatArray) -> dict[str, Json]:
    """How two modes' results of the same rows differ; `bits` is -log2 of the largest difference."""
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
        "wall_seconds_per_input": run.span.wall / rows,
        "cpu_seconds_per_input": run.span.cpu / rows,
    }


def _against_prediction(run: Run, setup: Span, cost: Cost) -> dict[str, Json]:
    """What was measured beside what was predicted: an answer is to up to `inputs_at_once`."""
    return {
        "inputs_at_once": cost.inputs_at_once,
        "answers": len(run.spans),
        "cpu_seconds_per_answer": statistics.median(span.cpu for span in run.spans),
        "predicted_cpu_seconds_per_answer": cost.seconds,
        "setup_cpu_seconds": setup.cpu,
        "predicted_setup_cpu_seconds": cost.setup_seconds,
    }


def _in_the_clear(
    answer: Callable[[FloatArray], FloatArray], x: FloatArray, progress: Progress
) -> Run:
    """The results of all rows, piece by piece."""
    parts: list[FloatArray] = []
    spans: list[Span] = []
    for start in range(0, len(x), ROWS):
        progress(start, len(x))
        part, taken = _timed(partial(answer, x[start : start + ROWS]))
        parts.append(part)
        spans.append(taken)
    return Run(np.concatenate(parts), tuple(spans))


def _encrypted(
    program: Program, x: FloatArray, size: int, *, clip: bool, progress: Progress
) -> tuple[Run, Span]:
    """The results of all rows, `size` after `size`; only the server's answers are timed.

    Beside them is the time that making keys and encoding weights took.
    """
    engine, setup = _timed(partial(program.engine, progress=progress))
    parts: list[FloatArray] = []
    spans: list[Span] = []
    for start in range(0, len(x), size):
        progress(start, len(x))
        rows = x[start : start + size]
        taken: list[Span] = []

        def answering(question: Sequence[bytes], taken: list[Span] = taken) -> Sequence[bytes]:
            answer, span = _timed(partial(engine.server.answer, question))
            taken.append(span)
            return answer

        parts.append(exchange(engine.client, answering, rows, clip=clip))
        spans.append(sum(taken, start=Span(0.0, 0.0)))
    return Run(np.concatenate(parts), tuple(spans)), setup


def _timed(work: Callable[[], Result]) -> tuple[Result, Span]:
    """What the work gives, and the time that it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, Span(time.perf_counter() - wall, time.process_time() - cpu)
