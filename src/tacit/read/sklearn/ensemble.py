"""Any number of trees as one composition: conditions, the leaves that they reach, their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tacit.ir.functions import FloatArray, Function
from tacit.read.shared import Held
from tacit.read.sklearn.call import Call

SIGN = Function("sign")
_SMALLER = "grow fewer or shallower trees: n_estimators, max_depth, max_leaf_nodes"
# A feature and the threshold above which it must lie (1.0), or not lie (-1.0).
Condition = tuple[int, float]
Path = dict[tuple[int, float], float]


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree as arrays over its nodes, the root first: an input goes left unless it is above.

    `threshold` is none that an input can hit. `left` is negative at leaves. `values`, of shape
    (nodes, outputs), is what a leaf adds to the result.
    """

    feature: Sequence[int]
    threshold: Sequence[float]
    left: Sequence[int]
    right: Sequence[int]
    values: FloatArray


@dataclass(frozen=True, eq=False)
class _Leaf:
    """What is asked of each feature on the way to a leaf, and what the leaf adds."""

    path: Path
    values: FloatArray


def not_above_single(thresholds: ArrayLike) -> FloatArray:
    """Numbers t such that float32(x) <= threshold is x < t, for all doubles x but t itself."""
    exact = np.asarray(thresholds, dtype=np.float64)
    nearest = exact.astype(np.float32)
    largest = np.where(
        nearest.astype(np.float64) <= exact, nearest, np.nextafter(nearest, np.float32(-np.inf))
    ).astype(np.float32)
    above = np.nextafter(largest, np.float32(np.inf)).astype(np.float64)
    # A double halfway between two floats is rounded to the one whose last bit is 0.
    middle = (largest.astype(np.float64) + above) / 2.0
    rounded_down = middle.astype(np.float32) <= largest
    return np.nextafter(middle, np.where(rounded_down, np.inf, -np.inf))


def not_above_double(thresholds: ArrayLike) -> FloatArray:
    """Numbers t such that x <= threshold is x < t, for all doubles x but t itself."""
    return np.nextafter(np.asarray(thresholds, dtype=np.float64), np.inf)


def ensemble(call: Call, trees: Iterable[Tree], base: FloatArray) -> Held:
    """The sum over all trees of the values of the leaf that is reached, and the base."""
    leaves = [leaf for tree in trees for leaf in _leaves(tree)]
    constant = base + sum((leaf.values for leaf in leaves if not leaf.path), np.zeros(base.shape))
    leaves = [leaf for leaf in leaves if leaf.path]
    conditions = sorted({(feature, t) for leaf in leaves for feature, t, _ in _asked(leaf)})
    if not conditions:
        nothing = np.zeros((len(base), call.features))
        return call.linear("prediction", call.x, nothing, constant, "leaves")
    call.room(len(leaves), len(conditions), _SMALLER)
    reached = _reached(call, _decided(call, conditions), leaves, conditions)
    # A leaf that is reached is 1, any other is -1: its value counts (1 + that) / 2 times.
    halves = np.stack([leaf.values for leaf in leaves], axis=1) / 2.0
    return call.linear("prediction", reached, halves, constant + halves.sum(axis=1), "leaves")


def _decided(call: Call, conditions: Sequence[Condition]) -> Held:
    """For every condition 1 where the feature is above the threshold, else -1."""
    features, thresholds = zip(*conditions, strict=True)
    rows = np.zeros((len(conditions), call.features))
    rows[np.arange(len(conditions)), features] = 1.0
    above = call.linear("conditions", call.x, rows, -np.array(thresholds), "conditions")
    return call.map("decided", above, SIGN, "conditions")


def _reached(
    call: Call, decided: Held, leaves: Sequence[_Leaf], conditions: Sequence[Condition]
) -> Held:
    """For every leaf 1 where its whole path holds, else -1."""
    index = {condition: place for place, condition in enumerate(conditions)}
    rows = np.zeros((len(leaves), len(conditions)))
    for row, leaf in zip(rows, leaves, strict=True):
        for feature, threshold, side in _asked(leaf):
            row[index[feature, threshold]] = side / 2.0
    # A condition that holds adds 0, another -1: the count is 0 at a leaf whose whole path holds.
    asked = np.abs(rows).sum(axis=1)
    count = call.linear("counts", decided, rows, 0.5 - asked, "trees")
    return call.map("reached", count, SIGN, "trees")


def _asked(leaf: _Leaf) -> Iterable[tuple[int, float, float]]:
    """The feature, the threshold, and on which side of it the feature must lie."""
    return ((feature, threshold, side) for (feature, side), threshold in leaf.path.items())


def _leaves(tree: Tree) -> Iterable[_Leaf]:
    """Every leaf; of several conditions on a feature and side only the tightest is kept."""
    open_nodes: list[tuple[int, Path]] = [(0, {})]
    while open_nodes:
        node, path = open_nodes.pop()
        if tree.left[node] < 0:
            yield _Leaf(path, tree.values[node])
            continue
        feature, threshold = tree.feature[node], tree.threshold[node]
        above = max(threshold, path.get((feature, 1.0), -np.inf))
        below = min(threshold, path.get((feature, -1.0), np.inf))
        open_nodes.append((tree.right[node], path | {(feature, 1.0): above}))
        open_nodes.append((tree.left[node], path | {(feature, -1.0): below}))
