"""Interpolation at Chebyshev points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from tacit.approx.problem import Method, Problem, Solution
from tacit.approx.symmetry import reduced
from tacit.errors import TypeMismatch


@dataclass(frozen=True)
class Interpolation(Method):
    """The interpolant at the Chebyshev points of one interval."""

    name = "chebyshev"

    def solve(self, problem: Problem) -> Solution:
        """The interpolant; raises on several intervals, and where there is a weight."""
        if len(problem.intervals) > 1:
            raise TypeMismatch(
                f"Chebyshev interpolation of {problem.function.name} works on one interval",
                hint='use method="minimax"',
            )
        if problem.weight is not None:
            raise TypeMismatch(
                f"Chebyshev interpolation cannot weigh by {problem.weight.name}",
                hint='use method="minimax" or method="least_squares"',
            )
        count = problem.degree + 1
        nodes = chebyshev.chebpts1(count)
        columns = chebyshev.chebvander(nodes, problem.degree)
        coefficients = columns.T @ problem.values(nodes) * 2.0 / count
        coefficients[0] /= 2.0
        small = reduced(problem)
        is_free = np.zeros(count, dtype=bool)
        is_free[list(small.indices)] = True
        # Interpolation at symmetric points keeps symmetry; rounding would blur the exact zeros.
        exact = np.zeros(count)
        exact[: min(2, count)] = small.affine[:count]
        return Solution(tuple(np.where(is_free, coefficients, exact).tolist()))
