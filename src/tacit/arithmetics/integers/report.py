"""Bits and ranges: how wide every number of a program is, as proven, not as sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from tacit.arithmetics.integers.ops import Encode, Lookup, Sums
from tacit.ir.graph import Graph, Node
from tacit.lattigo.integers.tables import each_depth
from tacit.program import Json


@dataclass(frozen=True)
class Widths:
    """The widths of one word: of the input, or of sums with the table that reads them.

    `at` is the place in the user's model, `bits` tell the integers from `low` to `high`, `entries`
    are the table's, `gives_bits` those of its values. `levels` are what the sums and a table with
    so many entries take at most under BGV. None stands where there is no such thing.
    """

    at: str
    weights_bits: int | None
    low: int
    high: int
    bits: int
    entries: int | None
    gives_bits: int | None
    levels: int

    def record(self) -> dict[str, Json]:
        """All of it, by name."""
        return asdict(self)


def report(graph: Graph) -> tuple[Widths, ...]:
    """The widths of everything in a program's graph; what is alike at one place is told of once."""
    tables: Mapping[str, Lookup] = {
        node.args[0]: node.op for node in reversed(graph.nodes) if isinstance(node.op, Lookup)
    }
    found = (_widths(node, tables.get(node.name)) for node in graph)
    return tuple(dict.fromkeys(each for each in found if each is not None))


def table_levels(op: Lookup) -> int:
    """The levels of a polynomial with so many terms; one of fewer may take less."""
    terms = op.entries << op.dropped
    return each_depth(terms) if len(op.tables) > 1 else max(terms - 2, 0).bit_length()


def _widths(node: Node, table: Lookup | None) -> Widths | None:
    at = node.origin or node.name
    match node.op:
        case Encode() as op if op.high.size:
            low, high = int(op.low.min()), int(op.high.max())
            bits = int((op.high - op.low).max()).bit_length()
            return Widths(at, None, low, high, bits, None, None, 0)
        case Sums() as op:
            weights = _signed_bits(op)
            levels = 0 if op.last else 1
            if table is None:
                return Widths(at, weights, op.low, op.high, op.bits, None, None, levels)
            given = int(table.tables.max() - table.tables.min()).bit_length()
            levels += table_levels(table)
            entries = table.entries
            return Widths(at, weights, op.low, op.high, op.bits, entries, given, levels)
        case _:
            return None


def _signed_bits(op: Sums) -> int:
    """The bits of the largest weight and its sign."""
    largest = max((float(np.abs(each.data).max(initial=0.0)) for each in op.matrices), default=0.0)
    return int(largest).bit_length() + 1
