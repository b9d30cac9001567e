"""A table on consecutive integers as a polynomial modulo t, with as few products as it allows.

On m integers it has degree m - 1. A table that is symmetric or antisymmetric about the middle of
its integers is even or odd there, which halves the products. One that jumps once, such as a sign,
may be continued beyond its integers until it is antisymmetric.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tacit.approx.fixed import FieldPolynomial, interpolate
from tacit.approx.plans import Plan
from tacit.arithmetics.integers.ops import Lookup
from tacit.ir.affine import IndexArray


@dataclass(frozen=True)
class Table:
    """Values at the integers `low`, `low` + 1, …: hashable, so that a polynomial is made once."""

    low: int
    values: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Circuit:
    """How a table is evaluated: P(factor · x + shift) + constant, modulo t."""

    factor: int
    shift: int
    polynomial: FieldPolynomial
    constant: int

    @property
    def plan(self) -> Plan:
        """The polynomial's steps."""
        return self.polynomial.plan

    @property
    def depth(self) -> int:
        """The products in a row."""
        return self.plan.depth

    @property
    def work(self) -> tuple[int, int]:
        """What is to be least: products, then depth."""
        return self.plan.products, self.plan.depth


def table_of(word: Lookup, group: int = 0) -> Table:
    """A word's table with its rounding in it: one value for every accumulator."""
    row = word.tables[group]
    if not word.dropped:
        return Table(word.low, tuple(row.tolist()))
    half = 1 << (word.dropped - 1)
    values = np.repeat(row, 1 << word.dropped)
    return Table((word.low << word.dropped) - half, tuple(values.tolist()))


@functools.lru_cache(maxsize=256)
def circuit(table: Table, modulus: int) -> Circuit:
    """The way with the fewest products."""
    return min(ways(table, modulus), key=lambda way: way.work)


@functools.lru_cache(maxsize=256)
def ways(table: Table, modulus: int) -> tuple[Circuit, ...]:
    """All ways that are worth trying, not planned yet."""
    return tuple(_ways(table, modulus))


def least_depth(word: Lookup, modulus: int) -> int:
    """The products in a row that a word's table takes at least: known before it is planned."""
    degrees = (way.polynomial.degree for way in ways(table_of(word), modulus))
    return (max(min(degrees), 1) - 1).bit_length()


def _ways(table: Table, modulus: int) -> Iterator[Circuit]:
    values = np.array(table.values, dtype=np.int64)
    yield _centred(table.low, values, modulus)
    jumps = np.flatnonzero(np.diff(values))
    if jumps.size == 1:
        left = int(jumps[0]) + 1
        reach = max(left, values.size - left)
        # A polynomial modulo t has room for so many integers.
        if 2 * reach <= modulus:
            stepped = np.repeat(values[[0, -1]], reach)
            yield _centred(table.low + left - reach, stepped, modulus)


def _centred(low: int, values: IndexArray, modulus: int) -> Circuit:
    """The table on integers counted from their middle."""
    ends = 2 * low + values.size - 1
    # An even number of integers has its middle between two: all are doubled.
    factor = 1 if ends % 2 == 0 else 2
    shift = -ends // 2 if factor == 1 else -ends
    points = factor * (low + np.arange(values.size)) + shift
    constant = 0
    total = values + values[::-1]
    if np.all(total == total[0]):
        # Antisymmetric but for half of what opposite values add up to.
        constant = int(total[0]) * pow(2, -1, modulus) % modulus
    moved = [int(each) for each in (values - constant) % modulus]
    return Circuit(factor, shift, interpolate(moved, modulus, points=points.tolist()), constant)


def circuits(word: Lookup, modulus: int) -> tuple[Circuit, ...]:
    """The way of every group of entries; one where all entries share a table."""
    return tuple(circuit(table_of(word, row), modulus) for row in range(len(word.tables)))


def coefficients(word: Lookup, modulus: int) -> IndexArray:
    """(terms, groups): for every group of entries the coefficients of its own polynomial."""
    tables = [table_of(word, group) for group in range(len(word.tables))]
    points = range(tables[0].low, tables[0].low + len(tables[0].values))
    found = np.zeros((len(points), len(tables)), dtype=np.int64)
    for group, table in enumerate(tables):
        values = [value % modulus for value in table.values]
        made = interpolate(values, modulus, points=points).coefficients
        found[: len(made), group] = made
    return found
