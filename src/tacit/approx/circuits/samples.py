"""Points of a box on which circuits of many inputs are measured: spread evenly, and extreme."""

from __future__ import annotations

import numpy as np

from tacit.ir.functions import FloatArray

SPREAD_POINTS = 4096
MOST_CORNERS = 129


def samples(count: int, on: tuple[float, float]) -> FloatArray:
    """Points of [low, high]**count, of shape (points, count).

    Corners with from none to all of the entries high; points of a Kronecker sequence, in the whole
    box, near its corners, and near its diagonal, where all the entries are about equal.
    """
    low, high = on
    numbers = np.unique(np.linspace(0, count, min(count + 1, MOST_CORNERS)).round())
    corners = (np.arange(count) < numbers[:, None]).astype(np.float64)
    # Powers of the root of x**(count + 1) = x + 1 are as far from rational relations as can be.
    root = 2.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (count + 1))
    points = max(SPREAD_POINTS // count, 64)
    steps = np.arange(1, points + 1)[:, None] * root ** -np.arange(1.0, count + 1.0)
    spread = steps % 1.0
    outer = (1.0 - np.cos(np.pi * (1.0 - np.cos(np.pi * spread)) / 2.0)) / 2.0
    diagonal = np.clip(spread[:, :1] + (spread[:, ::-1] - 0.5) / 64.0, 0.0, 1.0)
    unit = np.concatenate([corners, spread, outer, diagonal])
    return np.asarray(np.clip(low + (high - low) * unit, low, high))
