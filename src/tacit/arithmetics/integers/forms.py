"""What the lowering knows of a value: an affine function of integer vectors, or one of it bent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tacit.ir.affine import Form, IndexArray, Matrix, selection
from tacit.ir.functions import FloatArray
from tacit.ir.graph import Node, Op, Shape
from tacit.ir.ops import FakeQuantise


@dataclass(frozen=True, eq=False)
class Bent:
    """Scalar functions, innermost first, of every entry of an affine function.

    `layer` is the node whose weights the affine function has, for bits and messages.
    """

    form: Form
    functions: tuple[Op, ...]
    layer: Node

    def values(self, x: FloatArray) -> FloatArray:
        """The functions after one another; where one has no value it is not finite."""
        with np.errstate(all="ignore"):
            for function in self.functions:
                x = function.run(x)
        return x

    @property
    def grid(self) -> FakeQuantise | None:
        """The grid that the values are moved to in the end, where the model says so."""
        last = self.functions[-1]
        return last if isinstance(last, FakeQuantise) else None

    @property
    def name(self) -> str:
        """The functions' names."""
        return " ".join(_name(each) for each in self.functions)


def _name(function: Op) -> str:
    known = getattr(function, "function", None)
    return repr(known) if known is not None else "round"


def singles(form: Form, name: str) -> tuple[IndexArray, FloatArray] | None:
    """For every row the one entry of the vector that it depends on, and its factor.

    None where a row depends on several, or on another vector. Rows that depend on none have
    factor 0.
    """
    if set(form.terms) != {name}:
        return None
    matrix = Matrix(form.terms[name], copy=True)
    matrix.eliminate_zeros()
    counts = np.diff(matrix.indptr)
    if np.any(counts > 1):
        return None
    entry, factor = np.zeros(form.size, dtype=np.int64), np.zeros(form.size)
    entry[counts == 1] = matrix.indices
    factor[counts == 1] = matrix.data
    return entry, factor


def weighted(form: Form) -> Form:
    """The form without the vectors of which it takes nothing: without any it is a constant."""
    terms = {name: each for name, each in form.terms.items() if np.any(each.data)}
    return Form(terms, form.shift)


def chosen(form: Form, rows: IndexArray) -> Form:
    """Some rows of an affine function."""
    return form.after(selection(rows, form.size))


def moved(op: Op, shape: Shape, size: int) -> IndexArray:
    """Where the entries of a reshape, permutation or slice come from."""
    numbers = np.arange(size, dtype=np.float64).reshape(1, *shape)
    found: IndexArray = op.run(numbers).reshape(-1).astype(np.int64)
    return found
