"""A problem on the normalised variable t, reduced by the function's symmetry.

A best polynomial inherits symmetry: for an even function it is even. Without the reduction a
symmetric set of alternation points has levelled error exactly zero, and Remez learns nothing.
Affine parts are taken out first, because relu, gelu and silu are x/2 plus an even function, and
sigmoid is 1/2 plus an odd one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tacit.approx.domain import Intervals, graded, hugging, pieces
from tacit.approx.problem import Problem
from tacit.ir.functions import FloatArray

# Two values that should be equal differ by a few roundings of the function's own arithmetic.
ROUNDINGS = 64.0 * float(np.finfo(np.float64).eps)
# Points per piece that decide about symmetry.
LOOKS = 129


@dataclass(frozen=True)
class Reduced:
    """Approximate `target` on `pieces` by the Chebyshev polynomials of these indices.

    The whole answer has `affine` = (constant, linear) added to its first two coefficients.
    """

    target: Callable[[FloatArray], FloatArray]
    pieces: Intervals
    indices: tuple[int, ...]
    affine: tuple[float, float] = (0.0, 0.0)

    def whole(self, coefficients: FloatArray) -> FloatArray:
        """All Chebyshev coefficients of the answer, from those of the indices in play."""
        answer = np.zeros(max(self.indices[-1], 1) + 1)
        answer[list(self.indices)] = coefficients
        answer[:2] += self.affine
        return answer


def reduced(problem: Problem) -> Reduced:
    """The problem on half of its domain if the function is even or odd up to an affine part."""
    degree = problem.degree
    everything = Reduced(problem.values, problem.normalised_pieces, tuple(range(degree + 1)))
    mirrored = tuple((-high, -low) for low, high in reversed(problem.normalised_intervals))
    # A constant cannot hold the linear part that is taken out.
    if degree == 0 or mirrored != problem.normalised_intervals:
        return everything
    half = _positive_half(problem)
    t = np.union1d(graded(half, LOOKS), hugging(half, LOOKS))
    forward, backward = problem.values(t), problem.values(-t)
    tolerance = ROUNDINGS * max(float(np.abs(forward).max()), float(np.abs(backward).max()))
    even, odd = (forward + backward) / 2.0, (forward - backward) / 2.0
    constant, linear = float(even[-1]), float(odd[-1] / t[-1])
    if np.abs(odd - linear * t).max() <= tolerance:
        target = _even_part(problem)
        return Reduced(target, half, tuple(range(0, degree + 1, 2)), (0.0, linear))
    if np.abs(even - constant).max() <= tolerance:
        return Reduced(_odd_part(problem), half, tuple(range(1, degree + 1, 2)), (constant, 0.0))
    return everything


def _positive_half(problem: Problem) -> Intervals:
    """The pieces with t >= 0, cut at the kinks of the function and of its mirror image."""
    positive = tuple(
        (max(low, 0.0), high) for low, high in problem.normalised_intervals if high > 0
    )
    return pieces(positive, (abs(problem.normalised(each)) for each in problem.function.kinks))


def _even_part(problem: Problem) -> Callable[[FloatArray], FloatArray]:
    return lambda t: (problem.values(t) + problem.values(-t)) / 2.0


def _odd_part(problem: Problem) -> Callable[[FloatArray], FloatArray]:
    return lambda t: (problem.values(t) - problem.values(-t)) / 2.0
