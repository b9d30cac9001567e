"""Least squares: the polynomial that errs least on average over the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from scipy import linalg

from tacit.approx.histogram import Histogram, quadrature
from tacit.approx.problem import Method, Problem, Solution
from tacit.approx.symmetry import reduced
from tacit.approx.target import values_of, weights_of
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class LeastSquares(Method):
    """The polynomial of least mean squared error on the intervals, for inputs as in a histogram.

    Without one every input counts alike, which gives the Legendre projection on one interval. A
    weight multiplies the error before it is squared. Where the histogram is empty the polynomial
    is free to explode: `spread` is the share of inputs, in [0, 1], taken to lie anywhere.
    """

    name = "least_squares"
    histogram: Histogram | None = None
    spread: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a spread that is no share."""
        if not 0.0 <= self.spread <= 1.0:
            raise TypeMismatch(
                f"a spread of {self.spread:g} is no share of the inputs", hint="choose 0 to 1"
            )

    def solve(self, problem: Problem) -> Solution:
        """The polynomial; raises where the data do not determine it."""
        x, shares = quadrature(
            problem.intervals,
            problem.kinks,
            self.histogram,
            degree=problem.degree,
            spread=self.spread,
        )
        t = ((x - problem.low) + (x - problem.high)) / (problem.high - problem.low)
        scales = np.sqrt(shares)
        if problem.weight is not None:
            scales = scales * weights_of(problem.weight, x)
        indices, affine = self._shape(problem)
        values = values_of(problem.function, x) - (affine[0] + affine[1] * t)
        rows = chebyshev.chebvander(t, problem.degree)[:, list(indices)]
        coefficients = np.zeros(problem.degree + 1)
        coefficients[list(indices)] = self._solved(problem, scales[:, None] * rows, scales * values)
        coefficients[:2] += affine[: len(coefficients)]
        return Solution(tuple(coefficients.tolist()))

    def _shape(self, problem: Problem) -> tuple[tuple[int, ...], tuple[float, float]]:
        """The indices in play and the affine part, by the symmetry of function and data."""
        if self.histogram is None or _is_mirrored(self.histogram, problem.low + problem.high):
            small = reduced(problem)
            return small.indices, small.affine
        return tuple(range(problem.degree + 1)), (0.0, 0.0)

    def _solved(self, problem: Problem, rows: FloatArray, values: FloatArray) -> FloatArray:
        """The least squares solution by QR with pivots, which also tells the rank."""
        q, r, order = linalg.qr(rows, mode="economic", pivoting=True)
        sizes = np.abs(np.diag(r))
        rank = int(np.count_nonzero(sizes > len(rows) * EPSILON * sizes[0]))
        if rank < rows.shape[1]:
            raise self._undetermined(problem, rank, rows.shape[1])
        answer = np.empty(rows.shape[1])
        answer[order] = linalg.solve_triangular(r, q.T @ values)
        return answer

    def _undetermined(self, problem: Problem, rank: int, wanted: int) -> TypeMismatch:
        where = f"[{problem.low:g}, {problem.high:g}]"
        bins = "" if self.histogram is None else f" in {self.histogram.occupied} occupied bins"
        return TypeMismatch(
            f"the data{bins} determine {rank} of {wanted} coefficients of "
            f"{problem.function.name} on {where}",
            hint="lower the degree, narrow the interval to where the data are, or set `spread`",
        )


def _is_mirrored(histogram: Histogram, total: float) -> bool:
    """Whether the density is the same at x and at total - x."""
    mirrored = np.allclose(
        np.array(histogram.edges) + histogram.edges[::-1],
        total,
        rtol=0.0,
        atol=4.0 * EPSILON * max(abs(histogram.edges[0]), abs(histogram.edges[-1])),
    )
    return mirrored and histogram.counts == histogram.counts[::-1]
