"""What a server keeps ready under BGV: matrices as diagonals of slots, and the sums of groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tacit.arithmetics.integers.bgv.plan import ROWS, Plan
from tacit.arithmetics.integers.bgv.tables import circuits
from tacit.arithmetics.integers.ops import Lookup, Sums
from tacit.ir.affine import IndexArray
from tacit.ir.graph import Graph
from tacit.lattigo.integers import LinearMap, Plaintext
from tacit.slots.diagonals import Diagonals
from tacit.slots.groups import Group


class SlotDiagonals(Mapping[int, IndexArray]):
    """Diagonals of one input for all inputs that share a ciphertext, made when they are asked for.

    Where one input has the ciphertext to itself, the second row stays zero, so that nothing of
    the model is left there.
    """

    def __init__(self, diagonals: Diagonals, plan: Plan, factor: int) -> None:
        self._diagonals = diagonals.batched(plan.turns)
        self._factor = factor
        self._rows = ROWS if plan.batch > 1 else 1

    def __getitem__(self, offset: int) -> IndexArray:
        row = self._factor * np.rint(self._diagonals[offset]).astype(np.int64)
        return np.concatenate([row, row if self._rows == ROWS else np.zeros_like(row)])

    def __iter__(self) -> Iterator[int]:
        return iter(self._diagonals)

    def __len__(self) -> int:
        return len(self._diagonals)


@dataclass(frozen=True)
class EncodedSums:
    """Sums ready to run: groups of maps and, for every target ciphertext, the bias."""

    groups: list[Group[LinearMap]]
    bias: list[Plaintext]


def prepared(graph: Graph, modulus: int) -> dict[str, tuple[int, int]]:
    """For sums that one table reads, the factor and the shift that its polynomial wants.

    The sums are made so at once, which costs nothing.
    """
    by_name, users = graph.by_name, graph.users
    found: dict[str, tuple[int, int]] = {}
    for node in graph:
        readers = [by_name[name].op for name in users[node.name]]
        if not isinstance(node.op, Sums) or node.op.last or node.name in graph.outputs:
            continue
        ways = {
            (way.factor, way.shift)
            for op in readers
            if isinstance(op, Lookup) and len(op.tables) == 1
            for way in circuits(op, modulus)
        }
        if len(ways) == 1 and all(isinstance(op, Lookup) for op in readers):
            found[node.name] = ways.pop()
    return found
