"""The stages of a minimax composite sign, each squeezing what the stages before it leave.

Lee, Lee, No & Kim (eprint 2020/834): a stage is the minimax polynomial of the sign on the widths
around ±1 that it is given. `Stages` for a search are many at once; polynomials are for use.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce

import numpy as np

from tacit.approx.composites.signs import Signs, minimax_signs
from tacit.approx.fits import fit
from tacit.approx.polynomial import Polynomial
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray, Function

# A stage explodes outside its interval, so each leaves room for the noise of the one before it.
# 2**-12 is far above the noise of a usable CKKS scale, and costs under 1 % of the accuracy.
MARGIN = 2.0**-12
# Noise as large as the gap would hide the sign anyway.
MARGIN_PER_GAP = 1.0 / 16.0
# A stage that squeezes less than its noise leaves nothing: this keeps the next one solvable.
LEAST_INNER = 1e-6
# Points on which a stage's reach is looked for: hundreds for each of its oscillations.
LOOKS = 8001


def default_margin(gap: float) -> float:
    """The noise that the stages of a composite with this normalised gap leave room for."""
    return min(MARGIN, gap * MARGIN_PER_GAP)


def checked_degrees(degrees: Sequence[int]) -> tuple[int, ...]:
    """The degrees, if there are some and all are odd."""
    if not degrees or any(degree < 1 or degree % 2 == 0 for degree in degrees):
        raise TypeMismatch(f"degrees {tuple(degrees)} are not all odd", hint="the sign is odd")
    return tuple(degrees)


@lru_cache(maxsize=2**10)  # Searches ask for the same again: a memory of a pure function.
def minimax_stages(
    gap: float, degrees: tuple[int, ...], *, bound: float = 1.0, margin: float | None = None
) -> tuple[Polynomial, ...]:
    """The stages for gap <= |x| / bound <= 1, innermost first; only the first sees the bound."""
    noise = default_margin(gap) if margin is None else margin
    stages: list[Polynomial] = []
    inner, outer = gap, 1.0
    for degree in degrees:
        ratio = inner / outer
        found = fit(Function("sign"), [(-1.0, -ratio), (ratio, 1.0)], degree=degree)
        width = outer if stages else bound
        stages.append(found.polynomial.moved(-width, width))
        reach = found.error + noise
        inner, outer = max(1.0 - reach, LEAST_INNER), 1.0 + reach
    return tuple(stages)


def through(stages: Sequence[Polynomial], x: FloatArray) -> FloatArray:
    """What the stages make of `x`, one after the other."""
    return reduce(lambda value, stage: stage(value), stages, np.asarray(x, dtype=np.float64))


def fitting(stages: Sequence[Polynomial], *, most: float = math.inf) -> tuple[Polynomial, ...]:
    """The stages, each but the first on an interval that holds what the one before it gives.

    Training moves coefficients, and with them what a stage gives; there is room for noise around
    it. A stage whose interval holds it already stays as it is. Raises TypeMismatch where one would
    have to become more than `most` times as wide.
    """
    found = [stages[0]]
    for place, stage in enumerate(stages[1:], 2):
        x = np.linspace(found[-1].low, found[-1].high, LOOKS)
        reach = float(np.abs(found[-1](x)).max()) + MARGIN
        if reach > most * stage.high:
            raise TypeMismatch(
                f"stage {place} is given values up to {reach:.3g}; it is made for {stage.high:.3g}"
            )
        found.append(stage if reach <= stage.high else stage.on(-reach, reach))
    return tuple(found)


def quick_stages(
    gaps: FloatArray, degrees: Sequence[int], margin: float | None = None
) -> Iterator[tuple[Signs, FloatArray]]:
    """The same stages for many gaps with bound 1: each with the half-widths of what it is given.

    Gaps and half-widths are of shape (gaps,).
    """
    noise = noise_of(gaps, margin)
    inner, outer = gaps, np.ones_like(gaps)
    for degree in degrees:
        signs = minimax_signs(degree, inner / outer)
        yield signs, outer
        inner, outer = widened(signs, noise)


def noise_of(gaps: FloatArray, margin: float | None) -> FloatArray:
    """The noise for each gap, by default as `default_margin` says."""
    if margin is None:
        return np.minimum(MARGIN, gaps * MARGIN_PER_GAP)
    return np.full_like(gaps, margin)


def widened(signs: Signs, noise: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The least and the largest that the values may be, with noise."""
    reach = signs.errors + noise
    return np.maximum(1.0 - reach, LEAST_INNER), 1.0 + reach
