"""A transform laid out for lanes: what totals are compared with, or scaled by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.binary.kernels.plan import Plan
from tacit.arithmetics.binary.kernels.seam import Packed
from tacit.arithmetics.binary.ops import (
    ALWAYS,
    NEVER,
    Alphabet,
    Clamps,
    Reals,
    Thresholds,
    Transform,
)
from tacit.arithmetics.binary.packing import packed

Tables = tuple[NDArray[Any], ...]
# The integers themselves.
WHOLE = Clamps(np.array([ALWAYS], dtype=np.int32), np.array([NEVER], dtype=np.int32))


def tables_of(layer: Packed, plan: Plan, transform: Transform) -> Tables:
    """The tables that `finished` takes; the first has a row for each case of the border."""
    offset = layer.offset[None, :].astype(np.int64)
    if layer.corrections.size:
        offset = offset + layer.corrections.reshape(-1, len(layer.offset))
    match transform:
        case Thresholds():
            return _limits(offset, layer.slope, plan, transform)
        case Clamps(low=low, high=high):
            return _rows(plan, offset.astype(np.int32), low, high)
        case Reals(low=low, high=high, multiplier=multiplier, bias=bias):
            return _rows(plan, offset.astype(np.int32), low, high, multiplier, bias)


def cases_of(layer: Packed) -> NDArray[np.int64]:
    """(pixels,): the row of the first table for every pixel."""
    if not layer.corrections.size:
        return np.zeros(layer.size[0] * layer.size[1], dtype=np.int64)
    columns = layer.corrections.shape[1]
    cases: NDArray[np.int64] = np.add.outer(layer.row_cases * columns, layer.column_cases)
    return cases.reshape(-1)


def _limits(offset: NDArray[np.int64], slope: int, plan: Plan, transform: Thresholds) -> Tables:
    """Counts above a limit are as sums at a threshold or beyond, or where flipped, they are not."""
    kind = np.dtype(f"int{plan.form.value.total_bits}")
    room: NDArray[np.int64] = transform.threshold.astype(np.int64) - offset
    # slope · a >= room, for whole numbers a.
    limit = -(-room // slope) - 1 if slope > 0 else room // slope
    ends = np.iinfo(kind)
    flip = transform.flip ^ (slope < 0) ^ (transform.alphabet is Alphabet.BIPOLAR)
    flips = _spread(plan, np.broadcast_to(flip, offset.shape[1]))
    # Lanes without a channel are above no limit, and not flipped: their bits are 0.
    limits = np.full((len(limit), plan.all_lanes), ends.max, dtype=kind)
    limits[:, plan.lanes] = np.clip(limit, -1, ends.max)
    return limits.reshape(-1), packed(flips)


def _rows(plan: Plan, offset: NDArray[np.int32], *channels: NDArray[Any]) -> Tables:
    every = (np.broadcast_to(each, offset.shape[1]) for each in channels)
    return _spread(plan, offset).reshape(-1), *(_spread(plan, each) for each in every)


def _spread(plan: Plan, values: NDArray[Any]) -> NDArray[Any]:
    """(…, outputs) as (…, lanes), with zeros between."""
    found = np.zeros((*values.shape[:-1], plan.all_lanes), dtype=values.dtype)
    found[..., plan.lanes] = values
    return found
