"""Affine ops as sparse matrices: what an arithmetic that moves entries itself needs to know.

Every matrix acts on a value's entries in row-major order, without the batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tacit.ir import ops
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Op, Shape

IndexArray = NDArray[np.int64]
Matrix: TypeAlias = sparse.csr_array


@dataclass(frozen=True, eq=False)
class Form:
    """An affine function Σ M_k v_k + shift of the entries of named vectors v_k."""

    terms: Mapping[str, Matrix]
    shift: FloatArray

    @property
    def size(self) -> int:
        """How many entries the function gives."""
        return int(self.shift.size)

    def scaled(self, factor: float) -> Form:
        """The function times a number."""
        terms = {name: Matrix(matrix * factor) for name, matrix in self.terms.items()}
        return Form(terms, self.shift * factor)

    def after(self, matrix: Matrix) -> Form:
        """The matrix times the function."""
        terms = {name: Matrix(matrix @ each) for name, each in self.terms.items()}
        return Form(terms, matrix @ self.shift)

    def plus(self, other: Form) -> Form:
        """The sum of both functions."""
        terms = dict(self.terms)
        for name, matrix in other.terms.items():
            terms[name] = Matrix(terms[name] + matrix) if name in terms else matrix
        return Form(terms, self.shift + other.shift)


def identity(name: str, size: int) -> Form:
    """The named vector itself."""
    return Form({name: Matrix(sparse.eye_array(size, format="csr"))}, np.zeros(size))


def constant(value: FloatArray) -> Form:
    """A function of nothing."""
    return Form({}, np.asarray(value, dtype=np.float64).reshape(-1))


def apply(op: Op, forms: tuple[Form, ...], shapes: tuple[Shape, ...]) -> Form | None:
    """The op on affine functions of these shapes, or None where that is not affine."""
    match op:
        case ops.Mul():
            return _product(forms, shapes)
        case ops.MatMul():
            return _matrix_product(forms, shapes)
        case ops.Add():
            return _sum(forms, shapes, 1.0)
        case ops.Sub():
            return _sum(forms, shapes, -1.0)
        case ops.Concat():
            return _concat(op, forms, shapes)
        case _:
            found = _single(op, shapes[0]) if shapes else None
    if found is None:
        return None
    matrix, shift = found
    moved = forms[0].after(matrix)
    return Form(moved.terms, moved.shift + shift)


def selection(indices: IndexArray, size: int) -> Matrix:
    """The matrix that picks entry indices[i] of `size` for row i; a negative index picks zero."""
    rows = np.flatnonzero(indices >= 0)
    columns = indices.reshape(-1)[rows]
    shape = (indices.size, size)
    return Matrix(sparse.coo_array((np.ones(rows.size), (rows, columns)), shape=shape))


def entries(shape: Shape) -> IndexArray:
    """The number of every entry, in the value's shape."""
    return np.arange(math.prod(shape), dtype=np.int64).reshape(shape)


def window_entries(op: ops.Pool | ops.Conv, shape: Shape) -> IndexArray:
    """(channels, *positions, *kernel): the entry that each window sees, -1 in the padding."""
    pads = op.padding
    if isinstance(op, ops.Pool):
        over = op.overhang(shape[1:])
        pads = tuple((a, b + more) for (a, b), more in zip(pads, over, strict=True))
    grid = entries(shape)[None].astype(np.float64)
    found = ops.windows(grid, op.kernel, op.stride, pads, op.dilation, -1.0)
    inside: IndexArray = found[0].astype(np.int64)
    return inside


def _single(op: Op, shape: Shape) -> tuple[Matrix, FloatArray] | None:
    """The matrix and shift of an affine op of one argument."""
    match op:
        case ops.Linear():
            return _linear(op, shape)
        case ops.Conv():
            return _conv(op, shape)
        case ops.Affine():
            inner = math.prod(shape[1:])
            return _diagonal(np.repeat(op.scale, inner)), np.repeat(op.offset, inner)
        case ops.Pool(kind=ops.PoolKind.AVERAGE):
            return _bare(_average_pool(op, shape))
        case ops.AdaptivePool(kind=ops.PoolKind.AVERAGE):
            return _bare(_adaptive_pool(op, shape))
        case ops.Reduce():
            return _bare(_reduce(op, shape))
        case ops.Reshape() | ops.Permute() | ops.Slice():
            numbers = entries(shape)[None].astype(np.float64)
            chosen = op.run(numbers)[0].astype(np.int64)
            return _bare(selection(chosen.reshape(-1), math.prod(shape)))
        case ops.Pad():
            inside = np.pad(entries(shape), op.widths, constant_values=-1).reshape(-1)
            border = np.where(inside < 0, op.value, 0.0)
            return selection(inside, math.prod(shape)), border
        case _:
            return None


def _bare(matrix: Matrix) -> tuple[Matrix, FloatArray]:
    return matrix, np.zeros(matrix.shape[0])


def _diagonal(values: FloatArray) -> Matrix:
    return Matrix(sparse.diags_array(values, format="csr"))


def _linear(op: ops.Linear, shape: Shape) -> tuple[Matrix, FloatArray]:
    rows = math.prod(shape[:-1])
    matrix = sparse.kron(sparse.eye_array(rows), sparse.csr_array(op.weight), format="csr")
    return Matrix(matrix), np.tile(op.bias, rows)


def _conv(op: ops.Conv, shape: Shape) -> tuple[Matrix, FloatArray]:
    outputs, per, *_ = op.weight.shape
    rank = len(op.kernel)
    seen = window_entries(op, shape)
    spots = math.prod(seen.shape[1 : 1 + rank])
    # (channels, spots, taps): one row of the matrix per output channel and spot.
    seen = seen.reshape(seen.shape[0], spots, -1)
    taps = seen.shape[2]
    group_of = np.arange(outputs) // (outputs // op.groups)
    channels = group_of[:, None] * per + np.arange(per)
    columns = seen[channels].transpose(0, 2, 1, 3)  # (outputs, spots, per, taps)
    weights = op.weight.reshape(outputs, 1, per, taps)
    values = np.broadcast_to(weights, columns.shape)
    rows = np.broadcast_to(np.arange(outputs * spots).reshape(outputs, spots, 1, 1), columns.shape)
    kept = (columns >= 0) & (values != 0.0)
    coordinates = (rows[kept], columns[kept])
    size = (outputs * spots, math.prod(shape))
    matrix = sparse.coo_array((values[kept], coordinates), shape=size)
    return Matrix(matrix), np.repeat(op.bias, spots)


def _average_pool(op: ops.Pool, shape: Shape) -> Matrix:
    seen = window_entries(op, shape)
    counts = op.counts(shape[1:]).reshape(-1)
    rows = seen.reshape(shape[0] * counts.size, -1)
    weights = np.tile(1.0 / counts, shape[0])
    kept = rows >= 0
    row_numbers = np.broadcast_to(np.arange(rows.shape[0])[:, None], rows.shape)[kept]
    values = np.broadcast_to(weights[:, None], rows.shape)[kept]
    size = (rows.shape[0], math.prod(shape))
    return Matrix(sparse.coo_array((values, (row_numbers, rows[kept])), shape=size))


def _adaptive_pool(op: ops.AdaptivePool, shape: Shape) -> Matrix:
    result = sparse.eye_array(shape[0], format="csr")
    for size, count in zip(shape[1:], op.to, strict=True):
        axis = np.zeros((count, size))
        for row, (low, high) in enumerate(ops.adaptive_windows(size, count)):
            axis[row, low:high] = 1.0 / (high - low)
        result = sparse.kron(result, sparse.csr_array(axis), format="csr")
    return Matrix(result)


def _reduce(op: ops.Reduce, shape: Shape) -> Matrix:
    result = sparse.eye_array(1, format="csr")
    for axis, size in enumerate(shape):
        one = sparse.eye_array(size, format="csr")
        if axis in op.axes:
            weight = 1.0 if op.kind is ops.ReduceKind.SUM else 1.0 / size
            one = sparse.csr_array(np.full((1, size), weight))
        result = sparse.kron(result, one, format="csr")
    return Matrix(result)


def broadcast(form: Form, shape: Shape, to: Shape) -> Form:
    """The function with its entries repeated as NumPy broadcasts `shape` to `to`."""
    if shape == to:
        return form
    numbers = np.broadcast_to(entries(shape), to).reshape(-1)
    return form.after(selection(numbers, form.size))


def _sum(forms: tuple[Form, ...], shapes: tuple[Shape, ...], sign: float) -> Form:
    to = tuple(np.broadcast_shapes(*shapes))
    first, second = (broadcast(f, s, to) for f, s in zip(forms, shapes, strict=True))
    return first.plus(second if sign > 0 else second.scaled(sign))


def _product(forms: tuple[Form, ...], shapes: tuple[Shape, ...]) -> Form | None:
    to = tuple(np.broadcast_shapes(*shapes))
    first, second = (broadcast(f, s, to) for f, s in zip(forms, shapes, strict=True))
    if not first.terms:
        return second.after(_diagonal(first.shift))
    if not second.terms:
        return first.after(_diagonal(second.shift))
    return None


def _matrix_product(forms: tuple[Form, ...], shapes: tuple[Shape, ...]) -> Form | None:
    if all(form.terms for form in forms):
        return None
    left, right, total = matmul_parts(shapes)
    product = _product(
        (forms[0].after(left), forms[1].after(right)), ((left.shape[0],), (right.shape[0],))
    )
    assert product is not None, "a product with a constant is affine"
    return product.after(total)


def matmul_parts(shapes: tuple[Shape, ...]) -> tuple[Matrix, Matrix, Matrix]:
    """Matrices E, F, S with a @ b = S (E a · F b): spread both, multiply entries, add up."""
    first, second = shapes
    lead = tuple(np.broadcast_shapes(first[:-2], second[:-2]))
    rows, inner, columns = first[-2], first[-1], second[-1]
    spread = (*lead, rows, inner, columns)
    left = np.broadcast_to(entries(first)[..., None], spread).reshape(-1)
    right = np.broadcast_to(entries(second)[..., None, :, :], spread).reshape(-1)
    total = _reduce(ops.Reduce(ops.ReduceKind.SUM, (len(spread) - 2,)), spread)
    return selection(left, math.prod(first)), selection(right, math.prod(second)), total


def _concat(op: ops.Concat, forms: tuple[Form, ...], shapes: tuple[Shape, ...]) -> Form:
    to = op.shape(*shapes)
    numbers = entries(to)
    start, result = 0, constant(np.zeros(math.prod(to)))
    for form, shape in zip(forms, shapes, strict=True):
        stop = start + shape[op.axis]
        places = np.take(numbers, range(start, stop), axis=op.axis).reshape(-1)
        result = result.plus(form.after(Matrix(selection(places, math.prod(to)).T)))
        start = stop
    return result
