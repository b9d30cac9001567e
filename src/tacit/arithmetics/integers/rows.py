"""A client's rows: checked before they are encrypted, and finished after they are opened."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tacit.arithmetics.integers.ops import Encode
from tacit.errors import OutOfRange, TypeMismatch
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Graph, evaluate


def checked_rows(x: FloatArray, word: Encode, *, clip: bool) -> FloatArray:
    """A batch as doubles.

    Raises TypeMismatch for another shape, OutOfRange for what is not finite or, unless `clip`,
    outside of what was calibrated.
    """
    rows = np.asarray(x, dtype=np.float64)
    if rows.ndim == 0 or rows.shape[1:] != word.of or not len(rows):
        raise TypeMismatch(
            f"an input of shape {rows.shape} was given; (rows, {', '.join(map(str, word.of))}) "
            "is expected",
            hint="the first axis is the batch, with at least one row",
        )
    if not np.all(np.isfinite(rows)):
        raise OutOfRange("the input holds NaN or infinity")
    return word.check(rows, clip=clip)


def opened(graph: Graph, values: Mapping[str, FloatArray]) -> FloatArray:
    """The result of a client's graph for what it has opened."""
    (source,) = (node for node in graph.inputs if node.name not in values)
    rows = len(next(iter(values.values())))
    blank = np.zeros((rows, *source.type.shape))
    return evaluate(graph, {**values, source.name: blank})[graph.outputs[0]]
