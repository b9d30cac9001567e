"""The lattice of polynomials with whole coefficients, in a basis that is short on the inputs.

Powers of x are nearly dependent, so a small change of the value can need large changes of many
coefficients: rounding them one by one is bad, and branching on them is hopeless. In a basis
reduced by LLL every step changes the value about as little as any step can (Brisebarre &
Chevillard 2007 use it for single polynomials; here it makes an integer programme easy).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import flint
import numpy as np
from scipy import linalg

from tacit.approx.fixed.modular import Integers
from tacit.ir.functions import FloatArray

# The shortest direction keeps so many bits when the lattice is rounded for LLL.
KEPT_BITS = 40


@dataclass(frozen=True)
class Lattice:
    """Polynomials Σ a_i x**i over `indices` with whole a_i, seen at x = points / 2**bits."""

    points: Integers
    bits: int
    indices: tuple[int, ...]

    def values(self, coefficients: Integers) -> Integers:
        """Exact values times 2**(bits · last index) for columns of coefficients."""
        top = self.indices[-1]
        inputs = self.points.astype(object)
        scaled = np.stack([inputs**i * (1 << self.bits * (top - i)) for i in self.indices], axis=1)
        product: Integers = scaled @ coefficients
        return product

    def real_values(self, coefficients: Integers) -> FloatArray:
        """The values for columns of coefficients, each rounded once."""
        whole = self.values(coefficients) / (1 << self.bits * self.indices[-1])
        return whole.astype(np.float64)

    def reduced_basis(self) -> Integers:
        """Columns of whole coefficients that span the lattice and are short on the points."""
        unit = np.eye(len(self.indices), dtype=np.int64).astype(object)
        triangle = _triangle(self.real_values(unit))
        least = float(np.abs(np.diag(triangle)).min())
        shift = KEPT_BITS - math.frexp(least)[1]
        rows = [
            [round(Fraction(x) * Fraction(2) ** shift) for x in row] for row in triangle.T.tolist()
        ]
        _, transform = flint.fmpz_mat(rows).lll(True)  # noqa: FBT003 - it has no keywords
        found = [[int(each) for each in row] for row in transform.tolist()]
        return np.array(found, dtype=object).T

    def nearest(self, basis: Integers, wanted: list[Fraction]) -> Integers:
        """Whole coefficients near real ones, by Babai's nearest plane in a reduced basis."""
        inverse = flint.fmpz_mat(basis.tolist()).inv()
        exact = np.array([[int(x.p) for x in row] for row in inverse.tolist()], dtype=object)
        return basis @ self.rounded(basis, exact @ np.array(wanted, dtype=object))

    def rounded(self, basis: Integers, steps: Integers) -> Integers:
        """Whole steps along the basis whose sum is near that of real ones."""
        # Whole parts may be larger than doubles hold exactly: only what is left is rounded in them.
        whole = np.array([round(each) for each in steps], dtype=object)
        left = (steps - whole).astype(np.float64)
        triangle = _triangle(self.real_values(basis))
        near = np.zeros(len(left))
        for place in reversed(range(len(left))):
            above = triangle[place, place + 1 :] @ (left - near)[place + 1 :]
            near[place] = np.rint(left[place] + above / triangle[place, place])
        together: Integers = whole + near.astype(np.int64).astype(object)
        return together


def _triangle(columns: FloatArray) -> FloatArray:
    """A triangle whose columns have the lengths and angles of the given ones."""
    return np.asarray(linalg.qr(columns, mode="economic")[1], dtype=np.float64)
