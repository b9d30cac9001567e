"""The gap with which a composite sign makes x s(x) nearest to |x| on [-1, 1].

A wider gap raises the error inside of it and lowers the one outside: the best balances them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy import optimize

from tacit.approx.composites.signs import Signs, minimax_signs
from tacit.approx.composites.stages import noise_of, quick_stages, widened
from tacit.approx.measure import largest_error
from tacit.ir.functions import FloatArray, Function

# Gaps between which every balance lies: no error is known to 1e-9, and 1 leaves no interval.
LEAST_GAP, LARGEST_GAP = 1e-9, 0.95
# The balanced gap is known to this, relatively; the error moves by less than the gap does.
PRECISION = 1e-7
# A quick balance is this near to the true one, nearly always.
NEAR = 0.01
# More points than for this degree find no larger error: the last stage's extrema are level.
MOST_OSCILLATIONS = 2000
# Points inside and outside of the gap when many gaps are looked at: heights within 1 %.
INSIDE, OUTSIDE = 65, 512
TINY = float(np.finfo(np.float64).tiny)
# exp of it is not yet infinite.
MOST_LOG = 700.0

# Degrees to the errors (inside, outside), each of shape (gaps,).
Errors = Callable[[Sequence[int]], tuple[FloatArray, FloatArray]]


@lru_cache(maxsize=2**12)  # Relu, max and abs have the same: a memory of a pure function.
def balanced_gap(
    degrees: tuple[int, ...], margin: float | None = None, *, near: float | None = None
) -> float:
    """The gap in (0, 1) that makes the largest | |x| - x s(x) | on [-1, 1] least.

    A quick balance that it is `near` saves looking for one.
    """
    low, high = math.log(LEAST_GAP), math.log(LARGEST_GAP)
    place, reach = (low + high) / 2.0, (high - low) / 2.0
    if near is not None:
        place, reach = math.log(near), NEAR
    while reach > 0.25:
        places = np.linspace(max(place - reach, low), min(place + reach, high), 9)
        gaps = np.exp(places)
        gap, _ = quick_balance(gaps, bend_errors(gaps, margin)(degrees))
        # Quick heights are not exact: a step on both sides keeps the balance inside.
        place, reach = math.log(gap), float(places[1] - places[0])

    def imbalance(log_gap: float) -> float:
        inside, outside = _exact_errors(math.exp(log_gap), degrees, margin)
        return math.log(inside / outside)

    reach = min(reach, NEAR)
    while reach <= high - low:
        ends = max(place - reach, low), min(place + reach, high)
        if imbalance(ends[0]) <= 0.0 <= imbalance(ends[1]):
            return math.exp(float(optimize.brentq(imbalance, *ends, xtol=PRECISION)))
        reach *= 4.0
    # No gap is balanced: stages that are never near a sign, whatever the gap.
    return math.exp(place)


def quick_balance(gaps: FloatArray, errors: tuple[FloatArray, FloatArray]) -> tuple[float, float]:
    """The gap among ascending ones, and between, at which both errors are equal; and the error.

    Both are as good as the errors are, and as their logarithms are straight.
    """
    inside, outside = (np.log(each) for each in errors)
    # Errors fall outside and rise inside.
    first = int(np.argmax(np.append(inside > outside, True)))
    last = min(max(first, 1), len(gaps) - 1)
    before, after = outside[last - 1] - inside[last - 1], inside[last] - outside[last]
    share = float(np.clip(before / (before + after), 0.0, 1.0)) if before + after else 0.0
    place = (1.0 - share) * math.log(gaps[last - 1]) + share * math.log(gaps[last])
    height = (1.0 - share) * inside[last - 1] + share * inside[last]
    return math.exp(place), math.exp(min(float(height), MOST_LOG))


def bend_errors(gaps: FloatArray, margin: float | None = None) -> Errors:
    """The largest | |x| - x s(x) | inside and outside of each gap for degrees, within 1 %; quickly.

    Degrees that begin as others did are quicker still.
    """
    # The error outside is largest near 1, where x is.
    outside = np.maximum(np.linspace(0.5, 1.0, OUTSIDE), gaps[:, None])
    x = np.concatenate([np.linspace(0.0, 1.0, INSIDE) * gaps[:, None], outside], axis=1)
    noise = noise_of(gaps, margin)

    # Degrees are listed by walking a tree, in which few beginnings are in use at a time.
    @lru_cache(maxsize=64)
    def after(degrees: tuple[int, ...]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The least and largest values outside of the gaps, and the values at x."""
        if not degrees:
            return gaps, np.ones_like(gaps), x
        inner, outer, values = after(degrees[:-1])
        signs = minimax_signs(degrees[-1], inner / outer)
        return (*widened(signs, noise), signs(values / outer[:, None]))

    def errors(degrees: Sequence[int]) -> tuple[FloatArray, FloatArray]:
        # Inside a wide gap high stages explode: what overflows is wrong enough.
        with np.errstate(over="ignore", invalid="ignore"):
            sizes = np.abs(x - x * after(tuple(degrees))[2])
        # Neither infinite nor exactly right, so that a logarithm exists.
        sizes = np.where(np.isfinite(sizes), np.clip(sizes, TINY, 1.0 / TINY), 1.0 / TINY)
        return sizes[:, :INSIDE].max(axis=1), sizes[:, INSIDE:].max(axis=1)

    return errors


def _exact_errors(gap: float, degrees: Sequence[int], margin: float | None) -> tuple[float, float]:
    """The largest | |x| - x s(x) | inside and outside of the gap, measured densely."""
    stages = list(quick_stages(np.array([gap]), degrees, margin))
    # Sharpening finds the heights of peaks between few points.
    oscillations = min(math.prod(degrees), MOST_OSCILLATIONS // 4)

    def error(low: float, high: float, degree: int) -> float:
        return largest_error(
            Function("abs"),
            lambda x: x * _through(stages, x[None, :])[0],
            ((low, high),),
            degree=degree,
        )

    # Where x <= 1/2 the error outside is at most half of what it is near 1.
    return error(0.0, gap, 1), error(max(gap, 0.5), 1.0, oscillations)


def _through(stages: Sequence[tuple[Signs, FloatArray]], x: FloatArray) -> FloatArray:
    value = x
    for signs, widths in stages:
        value = signs(value / widths[:, None])
    return value
