"""Which entries each window of a maximum sees, every window as many."""

from __future__ import annotations

import math

import numpy as np

from tacit.ir import affine, ops
from tacit.ir.graph import Shape


def pooled(op: ops.Pool, shape: Shape) -> affine.IndexArray:
    """(outputs, taps): the entries of every window; the padding repeats one that is inside."""
    seen = affine.window_entries(op, shape)
    rows = seen.reshape(-1, math.prod(op.kernel))
    return np.where(rows < 0, rows.max(axis=1, keepdims=True), rows)


def adaptive(op: ops.AdaptivePool, shape: Shape) -> affine.IndexArray:
    """(outputs, taps): the entries of every part; shorter parts repeat one of theirs."""
    numbers = affine.entries(shape)
    parts = [numbers]
    for axis, count in enumerate(op.to, start=1):
        cuts = ops.adaptive_windows(shape[axis], count)
        parts = [np.take(each, range(*cut), axis=axis) for each in parts for cut in cuts]
    longest = max(math.prod(part.shape[1:]) for part in parts)
    rows = [part.reshape(shape[0], -1) for part in parts]
    full = [np.pad(row, ((0, 0), (0, longest - row.shape[1])), mode="edge") for row in rows]
    return np.stack(full, axis=1).reshape(-1, longest)
