"""A problem on the normalised variable t, reduced by the function's symmetry.

A best polynomial inherits symmetry: for an even function it is even. Without the reduction a
symmetric set of alternation points has levelled error exactly zero, and Remez learns nothing.
Affine parts are taken out first, because relu, gelu and silu are x/2 plus an even function, and
sigmoid is 1/2 plus an odd one. A weight must be even, or nothing is reduced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tacit.approx.domain import Intervals, graded, hugging, pieces
from tacit.approx.problem import Problem
from tacit.ir.functions import FloatArray

# Two values that should be equal differ by a few roundings of the function's own arithmetic.
EPSILON = float(np.finfo(np.float64).eps)
ROUNDINGS = 64.0 * EPSILON
# Points per piece that decide about symmetry, half of them close to the piece's ends.
LOOKS = 65


@dataclass(frozen=True)
class Reduced:
    """Approximate `target` on `pieces` by the Chebyshev polynomials of these indices.

    The error is `weight` (target - p), or without the factor where `weight` is None. The whole
    answer has `affine` = (constant, linear) added to its first two coefficients. Rounding x moves
    t by `blur`, which counts where the interval is narrow and far from 0.
    """

    target: Callable[[FloatArray], FloatArray]
    pieces: Intervals
    indices: tuple[int, ...]
    affine: tuple[float, float] = (0.0, 0.0)
    weight: Callable[[FloatArray], FloatArray] | None = None
    is_folded: bool = False
    blur: float = 0.0

    @property
    def is_odd(self) -> bool:
        """Whether only odd polynomials are in play."""
        return self.is_folded and self.indices[0] == 1

    def whole(self, coefficients: FloatArray) -> FloatArray:
        """All Chebyshev coefficients of the answer, from those of the indices in play."""
        answer = np.zeros(max(self.indices[-1], 1) + 1)
        answer[list(self.indices)] = coefficients
        answer[:2] += self.affine
        return answer

    def unfolded(self, reference: FloatArray) -> FloatArray:
        """The points of all the domain where the error alternates, from those of a reference."""
        if not self.is_folded:
            return reference
        mirrored = -reference[::-1]
        # An even error has one sign at the two innermost points, so that only one of them counts.
        return np.concatenate([mirrored if self.is_odd else mirrored[:-1], reference])


def reduced(problem: Problem) -> Reduced:
    """The problem on half of its domain if the function is even or odd up to an affine part."""
    degree = problem.degree
    weight = None if problem.weight is None else problem.weights
    blur = EPSILON * abs(problem.low + problem.high) / (problem.high - problem.low)
    everything = Reduced(
        problem.values,
        problem.normalised_pieces,
        tuple(range(degree + 1)),
        weight=weight,
        blur=blur,
    )
    # A constant cannot hold the linear part that is taken out.
    if degree == 0 or not is_mirrored(problem.normalised_intervals):
        return everything
    half = positive_half(problem)
    t = np.concatenate([graded(half, LOOKS), hugging(half, LOOKS // 2)])
    if weight is not None and not _is_even(weight(t), weight(-t)):
        return everything
    forward, backward = problem.values(t), problem.values(-t)
    tolerance = ROUNDINGS * max(float(np.abs(forward).max()), float(np.abs(backward).max()))
    even, odd = (forward + backward) / 2.0, (forward - backward) / 2.0
    end = int(np.argmax(t))
    constant, linear = float(even[end]), float(odd[end] / t[end])
    if np.abs(odd - linear * t).max() <= tolerance:
        indices = tuple(range(0, degree + 1, 2))
        return replace(_folded(problem, half, indices, (0.0, linear)), blur=blur)
    if np.abs(even - constant).max() <= tolerance:
        indices = tuple(range(1, degree + 1, 2))
        return replace(_folded(problem, half, indices, (constant, 0.0)), blur=blur)
    return everything


def is_mirrored(intervals: Intervals) -> bool:
    """Whether the normalised intervals are symmetric to 0."""
    return tuple((-high, -low) for low, high in reversed(intervals)) == intervals


def positive_half(problem: Problem) -> Intervals:
    """The pieces with t >= 0, cut at the kinks of the function and of its mirror image."""
    positive = tuple(
        (max(low, 0.0), high) for low, high in problem.normalised_intervals if high > 0
    )
    return pieces(positive, (abs(problem.normalised(each)) for each in problem.kinks))


def _folded(
    problem: Problem, half: Intervals, indices: tuple[int, ...], affine: tuple[float, float]
) -> Reduced:
    constant, linear = affine

    def target(t: FloatArray) -> FloatArray:
        return problem.values(t) - (constant + linear * t)

    weight = None if problem.weight is None else problem.weights
    return Reduced(target, half, indices, affine, weight, is_folded=True)


def _is_even(forward: FloatArray, backward: FloatArray) -> bool:
    return bool((np.abs(forward - backward) <= ROUNDINGS * forward).all())
