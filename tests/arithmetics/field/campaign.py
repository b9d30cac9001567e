"""Workers that answer truly for all products but one, to verifiers with ever new challenges.

All else that such a worker answers is true of what its false product leads to, so that nothing but
the check of that one product can tell. Rows of one batch are judged each by itself, so a batch may
hold as many attacks as it has rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.plan import product_of
from tacit.arithmetics.field.verifier import Challenges, questions
from tacit.arithmetics.field.verify.geometry import result_shape
from tacit.ir.graph import Node
from tests.arithmetics.field.attacks import ATTACKS, SINGLE, Answer, Image, Seen, fitting
from tests.arithmetics.field.scene import Scene, batch

Flags = NDArray[np.bool_]
# Rows of a batch that are answered truly, and must be accepted.
HONEST = 2


@dataclass(frozen=True)
class Plot:
    """An attack on a product, in so many rows."""

    product: str
    attack: str
    rows: int


@dataclass(frozen=True, eq=False)
class Tally:
    """By product and attack: how many false answers there were, and how many were accepted."""

    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    accepted: Counter[tuple[str, str]] = field(default_factory=Counter)
    # True answers, by whether they were accepted.
    honest: Counter[bool] = field(default_factory=Counter)

    @property
    def fewest(self) -> int:
        """The least number of false answers of any kind to any product."""
        return min(self.tried.values())


@dataclass(frozen=True, eq=False)
class Campaign:
    """A scene, what is done in it, and to whose inputs."""

    scene: Scene
    plots: Sequence[Plot]
    random: np.random.Generator

    def run(self, draws: int) -> Tally:
        """Everything once for each of so many draws of all challenges."""
        tally = Tally()
        count = sum(plot.rows for plot in self.plots) + HONEST
        x = batch(self.scene.program.graph, count, int(self.random.integers(2**32)))
        encoded = self.scene.checker().encoded(x, clip=True)
        for _ in range(draws):
            challenges = Challenges(self.scene.plan, self.scene.strength)
            passed, changed = self._judged(challenges, encoded)
            challenges.destroy()
            self._note(tally, passed, changed)
        return tally

    def _judged(self, challenges: Challenges, x: Image) -> tuple[Flags, Flags]:
        """Which rows were accepted, and which were false."""
        changed = np.zeros(len(x), np.bool_)
        course = questions(self.scene.plan, challenges, x)
        asked, image = next(course)
        while True:
            answers = [self._answer(node, image, changed) for node in asked.products]
            try:
                asked, image = course.send(answers)
            except StopIteration as end:
                return end.value.passed, changed

    def _answer(self, node: Node, image: Image, changed: Flags) -> Answer:
        """A product, false in the rows that are to be."""
        op, shape = product_of(node), self.scene.plan.nodes[node.args[0]].type.shape
        modulus = self.scene.strength.prime.modulus
        seen = Seen(op, shape, image, np.empty(0, np.int32), modulus, self.random)
        answer = seen.of(op, image).copy()
        for plot, rows in self._rows():
            if plot.product == node.name:
                true = answer[rows].copy()
                wrong = ATTACKS[plot.attack](replace(seen, images=image[rows], true=true))
                answer[rows] = wrong if plot.attack == "prime_more" else centred(wrong, modulus)
                changed[rows] = (answer[rows] != true).any(axis=(1, 2, 3))
        return answer

    def _rows(self) -> Iterator[tuple[Plot, slice]]:
        """Every plot with its rows."""
        start = 0
        for plot in self.plots:
            yield plot, slice(start, start + plot.rows)
            start += plot.rows

    def _note(self, tally: Tally, passed: Flags, changed: Flags) -> None:
        for plot, rows in self._rows():
            key = (plot.product, plot.attack)
            tally.tried[key] += int(changed[rows].sum())
            tally.accepted[key] += int((passed & changed)[rows].sum())
        tally.honest[True] += int(passed[~changed].sum())
        tally.honest[False] += int((~passed[~changed]).sum())


def centred(answer: Answer, modulus: int) -> Answer:
    """An answer of the range that is allowed: out of it, all rows would be refused at once."""
    if modulus > 2**32:
        return answer
    half = (modulus - 1) // 2
    return ((answer.astype(np.int64) + half) % modulus - half).astype(np.int32)


def everything(scene: Scene, *, single: int, structured: int) -> list[Plot]:
    """Every attack that changes anything, on every product, in so many rows."""
    prime = scene.strength.prime
    return [
        Plot(node.name, name, single if name in SINGLE else structured)
        for node in scene.plan.products
        for name in fitting(_pixels(scene, node))
        if name != "prime_more" or prime.modulus > 2**32
    ]


def _pixels(scene: Scene, node: Node) -> int:
    height, width, _ = result_shape(product_of(node), scene.plan.nodes[node.args[0]].type.shape)
    return height * width
