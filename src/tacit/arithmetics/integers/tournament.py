"""Maxima: max(a, b) = b + relu(a - b), in rounds, on the integers of one grid."""

from __future__ import annotations

import numpy as np

from tacit.arithmetics.integers.forms import Bent, chosen
from tacit.arithmetics.integers.vectors import UNBENT, Vectors
from tacit.arithmetics.integers.words import Whole
from tacit.ir.affine import Form, IndexArray, identity
from tacit.ir.functions import FloatArray, Function
from tacit.ir.graph import Node
from tacit.ir.ops import Map

RELU = Map(Function("relu"))


def largest(vectors: Vectors, form: Form, windows: IndexArray, of: Node, node: Node) -> Form:
    """The largest entry of every row of `windows`, entries of the form that is `of`'s value.

    What wins is one of the entries, and so has their bounds: those of differences and their sums
    would be wider with every round.
    """
    found = vectors.whole(form, of)
    if found.bits > vectors.settings.accumulator - 1 or found.step.size > 1 or found.rest:
        form = vectors.looked_up(Bent(form, (UNBENT,), of), of)
        found = vectors.whole(form, of)
    step = float(found.step[0])
    name = vectors.join(Form(found.terms, found.bias), found.low, found.high)
    players = [_Player(name, found.low.size, windows[:, each]) for each in range(windows.shape[1])]
    rounds = [(player.form, player.low(found), player.high(found)) for player in players]
    while len(rounds) > 1:
        pairs = zip(rounds[0::2], rounds[1::2], strict=False)
        winners = [_winner(vectors, pair, step, node) for pair in pairs]
        rounds = winners + rounds[2 * len(winners) :]
    return rounds[0][0].scaled(step)


class _Player:
    """Some entries of a vector of integers."""

    def __init__(self, name: str, size: int, rows: IndexArray) -> None:
        self.form = chosen(identity(name, size), rows)
        self._rows = rows

    def low(self, found: Whole) -> FloatArray:
        """The least that they may be."""
        return found.low[self._rows]

    def high(self, found: Whole) -> FloatArray:
        """The largest."""
        return found.high[self._rows]


Round = tuple[Form, FloatArray, FloatArray]


def _winner(vectors: Vectors, pair: tuple[Round, Round], step: float, node: Node) -> Round:
    """The larger of two, in integers, and its bounds."""
    (first, low, high), (second, least, most) = pair
    apart = first.plus(second.scaled(-1.0)).scaled(step)
    more = vectors.looked_up(Bent(apart, (RELU,), node), node, exact=True).scaled(1.0 / step)
    bottom, top = np.maximum(low, least), np.maximum(high, most)
    name = vectors.join(second.plus(more), bottom, top)
    return identity(name, first.size), bottom, top
