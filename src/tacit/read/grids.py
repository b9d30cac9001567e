"""Values on grids of integers, as both doors read them."""

from __future__ import annotations

import numpy as np

from tacit.ir.ops import Concat, FakeQuantise, Permute, Pool, PoolKind, Reshape, Slice
from tacit.read.shared import Array, Held, Site


def grid(scale: Array, zero_point: Array, ends: tuple[int, int]) -> FakeQuantise:
    """The grid of these scales and zero points, one of each or one for each channel."""
    scales = np.asarray(scale, dtype=np.float64).reshape(-1)
    zero_points = np.broadcast_to(
        np.asarray(zero_point, dtype=np.float64).reshape(-1), scales.shape
    )
    if scales.size == 1:
        return FakeQuantise(scales[0, ...], zero_points[0, ...], *ends)
    return FakeQuantise(scales, zero_points, *ends)


def on_grid(site: Site, x: Held, scale: Array, zero_point: Array, ends: tuple[int, int]) -> Held:
    """The nearest points of such a grid."""
    wrong = bool(np.any(scale <= 0.0)) or not np.array_equal(zero_point, np.rint(zero_point))
    if wrong:
        raise site.refusal("a scale is not positive, or a zero point is not whole")
    return site.put(grid(scale, zero_point, ends), x)


def grid_of(site: Site, x: Held) -> FakeQuantise | None:
    """The grid that a value lies on, where it was moved to one and only moved around since."""
    node = site.builder.node(x.name)
    match node.op:
        case FakeQuantise() as found:
            return found
        case Reshape() | Permute() | Slice() | Pool(kind=PoolKind.MAXIMUM):
            return grid_of(site, Held(node.args[0]))
        case Concat():
            grids = [grid_of(site, Held(each)) for each in node.args]
            return grids[0] if all(_same(grids[0], each) for each in grids) else None
        case _:
            return None


def _same(first: FakeQuantise | None, second: FakeQuantise | None) -> bool:
    if first is None or second is None:
        return False
    ours, theirs = (
        (each.low, each.high, each.scale.tolist(), each.zero_point.tolist())
        for each in (first, second)
    )
    return ours == theirs
