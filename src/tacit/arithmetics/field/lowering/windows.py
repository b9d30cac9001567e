"""Pooling and reductions: maxima of integers, and sums whose division is a factor."""

from __future__ import annotations

import math

import numpy as np

from tacit.arithmetics.field.lowering.known import Known
from tacit.arithmetics.field.lowering.values import Sum, Value, Whole
from tacit.arithmetics.field.ops import Totals
from tacit.errors import LoweringError
from tacit.ir import ops
from tacit.ir.graph import Node, Shape

NOTHING = np.zeros(1)


def pooled(known: Known, node: Node, arg: Node) -> Value:
    """A pooling or reduction of a value."""
    match node.op:
        case ops.Pool(kind=ops.PoolKind.MAXIMUM) as pool:
            return known.words.moved(node, pool, known.whole(arg))
        case ops.Pool() as pool:
            return _average(known, node, arg, pool)
        case ops.AdaptivePool() as pool:
            return _adaptive(known, node, arg, pool)
        case ops.Reduce() as reduction:
            return _reduced(known, node, arg, reduction)
        case _:
            raise AssertionError("only these look at several entries at once")


def _average(known: Known, node: Node, arg: Node, pool: ops.Pool) -> Sum:
    counts = pool.counts(arg.type.shape[1:])
    over = pool.overhang(arg.type.shape[1:])
    if np.any(counts != counts.flat[0]) or any(each > 1 for each in pool.dilation):
        raise LoweringError(
            f"{node.where} averages over windows of different sizes, or with gaps",
            hint="count the padding, or choose windows that fit without it",
        )
    padding = tuple(
        (before, after + more) for (before, after), more in zip(pool.padding, over, strict=True)
    )
    found = known.words.totals(known.whole(arg), Totals(pool.kernel, pool.stride, padding), node)
    return found.times(np.array([1.0 / counts.flat[0]]), NOTHING)


def _adaptive(known: Known, node: Node, arg: Node, pool: ops.AdaptivePool) -> Value:
    size = arg.type.shape[1:]
    steps = [_regular(n, count) for n, count in zip(size, pool.to, strict=True)]
    windows = [each for each in steps if each is not None]
    if len(windows) < len(steps):
        raise LoweringError(
            f"{node.where} pools {size} to {pool.to}, in parts of different sizes",
            hint="the size has to be a multiple of what it is pooled to",
        )
    kernel, stride = (tuple(each) for each in zip(*windows, strict=True))
    if size == pool.to:
        return known[arg]
    bare = tuple((0, 0) for _ in size)
    match pool.kind:
        case ops.PoolKind.MAXIMUM:
            ones = (1,) * len(size)
            whole = ops.Pool(ops.PoolKind.MAXIMUM, kernel, stride, bare, ones)
            return known.words.moved(node, whole, known.whole(arg))
        case ops.PoolKind.AVERAGE:
            found = known.words.totals(known.whole(arg), Totals(kernel, stride, bare), node)
            return found.times(np.array([1.0 / math.prod(kernel)]), NOTHING)


def _regular(size: int, count: int) -> tuple[int, int] | None:
    """The extent and distance of an axis's parts, where all are alike."""
    cuts = ops.adaptive_windows(size, count)
    starts, extents = zip(*((low, high - low) for low, high in cuts), strict=True)
    distances = set(np.diff(starts).tolist()) or {extents[0]}
    if len(set(extents)) > 1 or len(distances) > 1 or 0 in distances:
        return None
    return extents[0], distances.pop()


def _reduced(known: Known, node: Node, arg: Node, reduction: ops.Reduce) -> Sum:
    x = known.whole(arg)
    if not node.type.shape:
        raise LoweringError(
            f"{node.where} leaves a number without an axis", hint="keep an axis of 1 entry"
        )
    count = math.prod(x.shape[axis] for axis in reduction.axes)
    share = 1.0 if reduction.kind is ops.ReduceKind.SUM else 1.0 / count
    return _totals(known, node, x, reduction).times(np.array([share]), NOTHING)


def _totals(known: Known, node: Node, x: Whole, reduction: ops.Reduce) -> Sum:
    """The sums along the axes of a reduction; those of whole images are windows as well."""
    if not _is_whole_image(x.shape, reduction.axes):
        count = math.prod(x.shape[axis] for axis in reduction.axes)
        op = ops.Reduce(ops.ReduceKind.SUM, reduction.axes, reduction.keep)
        return known.words.summed(node, op, x, count)
    found = known.words.totals(x, Totals(x.shape[1:], (1, 1), ((0, 0), (0, 0))), node)
    if reduction.keep:
        return found
    after = found.along(node.type.shape, -1)
    return known.words.rearranged(node, ops.Reshape(node.type.shape), found, after)


def _is_whole_image(shape: Shape, axes: tuple[int, ...]) -> bool:
    """Whether what is added up is every channel of an image."""
    return len(shape) == 3 and sorted(axes) == [1, 2]
