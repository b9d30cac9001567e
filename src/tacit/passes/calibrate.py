"""Calibration: the range of every value, seen on data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from tacit.errors import NotCalibrated, TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Bounds, Graph, Node, Range, evaluate
from tacit.passes.choices import Choice, MinMax
from tacit.passes.tally import Tally

MINMAX = MinMax()
# Rows evaluated at once: they bound what every node holds, not the result.
ROWS = 256


def calibrate(
    graph: Graph,
    batches: FloatArray | Iterable[FloatArray],
    *,
    choice: Choice = MINMAX,
    progress: Callable[[int], None] | None = None,
) -> Graph:
    """The graph with every type's range as seen on the batches (arrays whose first axis is rows).

    `choice` may leave rare values out, for arithmetics that clip what lies outside; an input, which
    they refuse, always has all in. `progress` is told how many rows have been seen. Raises
    NotCalibrated where there is no row, TypeMismatch where rows have the wrong shape, where a value
    is empty or not finite, and where the graph has several inputs.
    """
    low: dict[str, float] = {}
    high: dict[str, float] = {}
    tallies: dict[str, Tally] = {}
    bounds: list[Bounds] = []

    def note(node: Node, value: FloatArray) -> None:
        if not value.size or not np.all(np.isfinite(value)):
            wrong = "has no entries" if not value.size else "becomes NaN or infinite"
            raise TypeMismatch(f"{node.where} {wrong} on the data")
        low[node.name] = min(low.get(node.name, np.inf), float(value.min()))
        high[node.name] = max(high.get(node.name, -np.inf), float(value.max()))
        if not choice.ends_only and node.name != source.name:
            before = tallies.get(node.name)
            tallies[node.name] = before.with_more(value) if before else Tally.of(value)

    if len(graph.inputs) != 1:
        raise TypeMismatch(
            f"the graph has {len(graph.inputs)} inputs; one can be calibrated",
            hint="give the other inputs as constants of the model",
        )
    source = graph.inputs[0]
    seen = 0
    for rows in _pieces(batches):
        evaluate(graph, {source.name: rows}, watch=note)
        bounds = [_bounds(rows, bounds)]
        seen += len(rows)
        if progress:
            progress(seen)
    if not seen:
        raise NotCalibrated("no data was shown", hint="give at least one row")
    ranges = {name: Range(low[name], high[name]) for name in low}
    ranges |= {name: choice.within(tally) for name, tally in tallies.items()}
    nodes = (
        replace(
            node,
            type=replace(
                node.type,
                range=ranges[node.name],
                bounds=bounds[0] if node.name == source.name else None,
            ),
        )
        for node in graph
    )
    return Graph(tuple(nodes), graph.outputs)


def _bounds(rows: FloatArray, before: list[Bounds]) -> Bounds:
    """Those of the rows' entries, and of what was seen before."""
    values = np.asarray(rows, dtype=np.float64)
    low = [values.min(axis=0), *(each.low for each in before)]
    high = [values.max(axis=0), *(each.high for each in before)]
    return Bounds(np.minimum.reduce(low), np.maximum.reduce(high))


def _pieces(batches: FloatArray | Iterable[FloatArray]) -> Iterable[FloatArray]:
    """The batches in pieces of at most ROWS rows."""
    for batch in (batches,) if isinstance(batches, np.ndarray) else batches:
        for start in range(0, len(batch), ROWS):
            yield batch[start : start + ROWS]
