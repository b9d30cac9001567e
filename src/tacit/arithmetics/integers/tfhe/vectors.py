"""Words as concrete-python traces them: vectors of integers from 0 up, and what to add to them.

concrete-python takes widths and signs from the values that it sees on some inputs, and what lies
outside wraps in silence. So every vector is moved to begin at 0, which leaves no sign to guess, and
is told the width that its proven range needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse

from tacit.arithmetics.integers.ops import Lookup, Sums
from tacit.errors import WidthExceeded
from tacit.grids import MOST_BITS
from tacit.ir.affine import IndexArray, Matrix
from tacit.ir.graph import Node

# A product with a matrix takes a pass over all its entries; gathering takes one over the entries
# that are not zero, padded, but spends more on each.
GATHER_BELOW = 0.5


@dataclass(frozen=True, eq=False)
class Vector:
    """Encrypted integers between 0 and `high`; with `shift` added, those that a word gives.

    `shift` has one value, or one an entry; `value` is traced by concrete.
    """

    value: Any
    shift: IndexArray
    high: int

    @property
    def bits(self) -> int:
        """The width that holds them."""
        return max(1, self.high.bit_length())


def added_up(fhe: ModuleType, op: Sums, args: list[Vector]) -> Vector:
    """Σ W_k v_k + bias in one product of a matrix: nothing is seen that is not in its range."""
    bias = op.bias - op.low
    for matrix, arg in zip(op.matrices, args, strict=True):
        bias = bias + matrix @ np.broadcast_to(arg.shift, matrix.shape[1]).astype(np.float64)
    column = Matrix(sparse.csr_array(np.rint(bias)[:, None]))
    weights = Matrix(sparse.hstack([*op.matrices, column], format="csr"))
    values = np.concatenate((*(arg.value for arg in args), fhe.ones(1)))
    made = _product(weights, values)
    found = Vector(made, _one(op.low), op.high - op.low)
    return Vector(fhe.hint(made, bit_width=found.bits), found.shift, found.high)


def _product(weights: Matrix, values: Any) -> Any:
    """A matrix times a traced vector; of sparse rows only what is not zero."""
    rows, columns = weights.shape
    weights.eliminate_zeros()
    counts = np.diff(weights.indptr)
    widest = max(1, int(counts.max(initial=0)))
    if widest > GATHER_BELOW * columns:
        return weights.toarray().astype(np.int64) @ values
    number = np.repeat(np.arange(rows), counts)
    place = np.arange(weights.nnz) - np.repeat(weights.indptr[:-1], counts)
    entry = np.full((rows, widest), columns - 1, dtype=np.int64)
    weight = np.zeros((rows, widest), dtype=np.int64)
    entry[number, place] = weights.indices
    weight[number, place] = weights.data.astype(np.int64)
    gathered = values[entry].reshape((rows, 1, widest))
    return (gathered @ weight[:, :, None]).reshape((rows,))


def looked_up(fhe: ModuleType, node: Node, arg: Vector, *, approximate: bool) -> Vector:
    """A table of every entry, rounded before where bits are dropped.

    Exactly, bits are cut off, the half that rounds having been added; that costs a look-up of one
    bit for each. Approximately, it costs one in all, and what is near a half may fall either way.
    """
    op = node.op
    assert isinstance(op, Lookup), "only look-ups are looked up"
    rough = approximate and op.dropped > 0
    half = (1 << op.dropped) >> 1
    unit = 1 << op.dropped
    least = int(arg.shift.min())
    # The first place is a multiple of what rounding keeps, so that it rounds what it should.
    first = least >> op.dropped if rough else (least + half) >> op.dropped
    moved = arg.shift - first * unit + (0 if rough else half)
    value = arg.value + moved if np.any(moved) else arg.value
    high = arg.high + int(moved.max())
    last = (high + half if rough else high) >> op.dropped
    width = max(high.bit_length(), op.dropped + 1)
    if width > MOST_BITS:
        raise WidthExceeded(
            f"{node.where} looks {width} bits up; tfhe allows {MOST_BITS}",
            hint="lower `accumulator` or `bits`",
        )
    value = fhe.hint(value, bit_width=width)
    if op.dropped and rough:
        value = fhe.round_bit_pattern(value, op.dropped, exactness=fhe.Exactness.APPROXIMATE)
    elif op.dropped:
        value = fhe.truncate_bit_pattern(value, op.dropped)
    if op.dropped:
        width = max(width, (last << op.dropped).bit_length())
        value = fhe.hint(value, bit_width=width)
    # Places beyond the table are never reached, unless approximately.
    places = (np.arange(1 << width) >> op.dropped) + first - op.low
    tables = op.tables[:, np.clip(places, 0, op.entries - 1)]
    return _table(fhe, value, tables, op.group)


def _table(fhe: ModuleType, value: Any, tables: IndexArray, group: IndexArray) -> Vector:
    low = int(tables.min())
    rows = [fhe.LookupTable(row) for row in (tables - low).tolist()]
    table = fhe.LookupTable([rows[number] for number in group]) if len(rows) > 1 else rows[0]
    high = int(tables.max()) - low
    found = Vector(table[value], _one(low), high)
    return Vector(fhe.hint(found.value, bit_width=found.bits), found.shift, high)


def multiplied(fhe: ModuleType, first: Vector, second: Vector) -> Vector:
    """Entry by entry a·b = ⌊(a + b)² / 4⌋ - ⌊(a - b)² / 4⌋: a table of the sum, one of the rest."""
    left, right = int(first.shift[0]), int(second.shift[0])
    corners = [a * b for a in (left, left + first.high) for b in (right, right + second.high)]
    low, high = min(corners), max(corners)
    most = first.high + second.high
    width = max(1, most.bit_length())
    added = fhe.hint(first.value + second.value, bit_width=width)
    # Taken from its largest, the second is never below 0.
    apart = fhe.hint(first.value + (second.high - second.value), bit_width=width)
    places = np.arange(1 << width)
    sums = (places + left + right) ** 2 // 4 - low
    differences = (places - second.high + left - right) ** 2 // 4
    minuend = fhe.LookupTable(np.maximum(sums, 0).tolist())[added]
    subtrahend = fhe.LookupTable(differences.tolist())[apart]
    found = Vector(minuend - subtrahend, _one(low), high - low)
    return Vector(fhe.hint(found.value, bit_width=found.bits), found.shift, found.high)


def _one(number: int) -> IndexArray:
    return np.array([number], dtype=np.int64)
