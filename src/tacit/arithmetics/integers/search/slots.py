"""What an answer will take under BGV, estimated from the words alone.

Laying vectors out in slots and planning polynomials takes seconds to minutes a program, which is
too long for every candidate. So diagonals are counted in the order that vectors have, products by
the formula of Paterson and Stockmeyer (1973), and the chain by its bits without its primes. What a
limb takes is a constant: prices are there to be compared, and one real `cost` sets their scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tacit.arithmetics.integers.bgv.levels import width
from tacit.arithmetics.integers.ops import Lookup, Product, Sums
from tacit.arithmetics.integers.report import table_levels
from tacit.errors import DepthExceeded
from tacit.ir.affine import Matrix
from tacit.ir.graph import Graph, Node
from tacit.lattigo import security
from tacit.lattigo.integers import MapSlots, Multiply, smallest_batching_prime
from tacit.lattigo.integers.chains import MOST_BASE_BITS, Kind, base_bits, step_bits
from tacit.lattigo.integers.choice import MOST_SPECIAL_PRIMES
from tacit.lattigo.parameters import LARGEST_PRIME_BITS
from tacit.lattigo.work import Limbs, Parts

SMALLEST_LOG_N = 12
# Seconds of one part per coefficient, and of a transform per coefficient and doubling, with what
# real work takes on top: measured by `bgv.costs.host` in rings of 2^13 to 2^15.
NTT = 1.7e-9
UNIT = {"ntt": 0.0, "multiply_accumulate": 5.4e-9, "extend": 7.1e-9, "permute": 1.7e-9}
# What the noise of a key switch takes of the special primes, beside the primes that they divide.
SWITCH_BITS = 6.0


@dataclass(frozen=True)
class _Table:
    """A look-up's polynomial: its terms, those that symmetry leaves, and its products in a row."""

    terms: int
    kept: int
    grouped: bool
    depth: int

    @property
    def inner(self) -> int:
        """Terms of one inner sum: about the root of all; planned ones have up to three more."""
        return math.isqrt(self.kept) + 3


def slot_seconds(graph: Graph, security_bits: int) -> float:
    """The estimate for an answer of a graph in words that are not laid out yet.

    Raises DepthExceeded where no ring seems to have as many levels.
    """
    tables = {node.name: _table(node.op) for node in graph if isinstance(node.op, Lookup)}
    levels = _levels(graph, tables)
    modulus_width = width(graph)
    for log_n, limit in sorted(security.TERNARY[security_bits].items()):
        if log_n < SMALLEST_LOG_N:
            continue
        modulus = smallest_batching_prime(modulus_width, log_n)
        sizes = list(_sizes(graph, tables, log_n, modulus))
        special = _special(sizes, limit)
        if special is not None:
            words = (
                _parts(node, tables, levels[node.name], special) * _ciphertexts(node, log_n)
                for node in graph
            )
            parts = sum(words, Parts())
            transforms = NTT * log_n * parts.ntt
            return float(1 << log_n) * (parts.seconds(UNIT) + transforms)
    deepest = max(tables, key=lambda name: tables[name].terms, default=graph.outputs[0])
    raise DepthExceeded(
        f"no ring seems to have {max(levels.values())} levels at {security_bits} bits of security; "
        f"{graph[deepest].where} takes {tables[deepest].depth if tables else 1} of them"
    )


def _ciphertexts(node: Node, log_n: int) -> int:
    """How many ciphertexts hold a word's vector, in one of two rows of slots each."""
    return max(1, math.ceil(node.type.size / (1 << (log_n - 1))))


def _table(op: Lookup) -> _Table:
    """Tables that are symmetric or antisymmetric about their middle have half of the terms."""
    terms, row = op.entries << op.dropped, op.tables[0]
    sums, differences = row + row[::-1], row - row[::-1]
    is_even, is_odd = not differences.any(), bool(np.all(sums == sums[0]))
    jumps_once = np.count_nonzero(np.diff(row)) == 1
    grouped = len(op.tables) > 1
    halved = (is_even or is_odd or jumps_once) and not grouped
    kept = max(1, terms // 2) if halved else terms
    return _Table(terms, kept, grouped, table_levels(op))


def _levels(graph: Graph, tables: Mapping[str, _Table]) -> dict[str, int]:
    """The level at which each word takes its arguments."""
    below = dict.fromkeys((node.name for node in graph), 0)
    at: dict[str, int] = {}
    for node in reversed(graph.nodes):
        at[node.name] = below[node.name] + _taken(node, tables)
        for name in node.args:
            below[name] = max(below[name], at[node.name])
    return at


def _taken(node: Node, tables: Mapping[str, _Table]) -> int:
    match node.op:
        case Sums(last=last):
            return 0 if last else 1
        case Lookup():
            return tables[node.name].depth
        case Product():
            return 1
        case _:
            return 0


def _sizes(graph: Graph, tables: Mapping[str, _Table], log_n: int, modulus: int) -> Iterator[float]:
    """The bits of each prime along the longest way, as if all words lay on it in turn."""
    steps: dict[int, float] = {}
    last: MapSlots | None = None
    levels = _levels(graph, tables)
    for node in graph:
        for place, step in enumerate(_steps(node, tables, modulus)):
            level = levels[node.name] - place
            steps[level] = max(steps.get(level, 0.0), step_bits(step, log_n, modulus))
        if isinstance(node.op, Sums) and node.op.last:
            last = MapSlots(_terms(node.op, modulus))
    base = base_bits(last, log_n, modulus)
    count = math.ceil(base / MOST_BASE_BITS)
    yield from count * [base / count]
    yield from steps.values()


def _steps(node: Node, tables: Mapping[str, _Table], modulus: int) -> list[Kind]:
    """The divisions of a word; one level of a polynomial has sums of multiples."""
    match node.op:
        case Sums(last=False) as op:
            return [MapSlots(_terms(op, modulus))]
        case Product():
            return [Multiply()]
        case Lookup():
            table = tables[node.name]
            inner = MapSlots(table.inner) if table.grouped else Multiply(table.inner)
            steps: list[Kind] = [Multiply()] * table.depth
            return [*steps[1:], inner] if steps else []
        case _:
            return []


def _terms(op: Sums, modulus: int) -> int:
    """The terms of a slot; two vectors are brought to one factor, which counts as more of them."""
    total = sum(_diagonals(each) for each in op.matrices)
    return max(1, total) * (modulus if len(op.matrices) > 1 else 1)


def _special(sizes: list[float], limit: float) -> int | None:
    """The number of special primes with the cheapest keys for which a chain fits the limit."""
    largest = max(sizes)
    if math.ceil(largest) >= LARGEST_PRIME_BITS:
        return None
    found: dict[int, int] = {}
    for count in range(1, MOST_SPECIAL_PRIMES + 1):
        each = min(largest + SWITCH_BITS / count, LARGEST_PRIME_BITS - 1)
        if sum(sizes) + count * each <= limit:
            limbs = range(1, len(sizes) + 1)
            found[count] = sum((math.ceil(q / count) + 2) * (q + count) for q in limbs)
    return min(found, key=found.__getitem__, default=None)


def _parts(node: Node, tables: Mapping[str, _Table], level: int, special: int) -> Parts:
    """What one word takes in one ciphertext, about half-way down its levels."""
    match node.op:
        case Sums() as op:
            return _sums(op, Limbs(level + 1, special))
        case Product():
            return _product(Limbs(level + 1, special))
        case Lookup():
            table = tables[node.name]
            limbs = Limbs(max(1, level + 1 - table.depth // 2), special)
            return _polynomial(table, limbs)
        case _:
            return Parts()


def _product(limbs: Limbs) -> Parts:
    return limbs.tensor() + limbs.relinearise() + limbs.rescale()


def _sums(op: Sums, limbs: Limbs) -> Parts:
    total = limbs.rescale()
    for matrix in op.matrices:
        diagonals = _diagonals(matrix)
        side = math.isqrt(diagonals)
        total += limbs.apply(side, side, diagonals)
    return total


def _diagonals(matrix: Matrix) -> int:
    """Those of a matrix that are not zero, by how far columns are from rows, in a period."""
    found = matrix.tocoo()
    rows, columns = found.coords
    period = max(min(matrix.shape), 1)
    return max(1, int(np.unique((columns.astype(np.int64) - rows) % period).size))


def _polynomial(table: _Table, limbs: Limbs) -> Parts:
    if table.terms < 2:
        return Parts()
    # Baby steps, their multiples, and the powers by which inner sums are joined.
    products = 2.0 * math.sqrt(table.kept) + table.depth / 2
    switched = products if table.kept < 100 else 0.75 * products
    each = limbs.relinearise() + limbs.rescale()
    multiples = Parts(multiply_accumulate=2 * limbs.q) * table.kept
    return limbs.tensor() * products + each * switched + multiples
