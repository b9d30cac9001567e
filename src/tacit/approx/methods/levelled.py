"""Polynomials whose error has one magnitude on a reference, in barycentric form.

Berrut & Trefethen 2004 (SIAM Review 46): no linear system, so nothing is lost to a basis that is
ill-conditioned on several intervals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tacit.approx.symmetry import Reduced
from tacit.ir.functions import FloatArray

EPSILON = float(np.finfo(np.float64).eps)
# Stands for values that are too large, and leaves room to add some of them.
HUGE = 1e300


@dataclass(frozen=True, eq=False)
class Levelled:
    """The polynomial whose weighted errors on `reference` alternate between two opposite levels.

    It is factor(t) q(u), where u is t or, for a folded problem, t**2, and the factor is t for odd
    polynomials and 1 else; `heights` are q's values on the reference, and `units` what an error
    of one, with alternating signs, is there without its weight.
    """

    small: Reduced
    reference: FloatArray
    level: float
    shares: FloatArray
    heights: FloatArray
    units: FloatArray

    @property
    def rounding(self) -> float:
        """The rounding of the largest weighted value on the reference."""
        values = self.heights * self.reference if self.small.is_odd else self.heights
        return EPSILON * float((np.abs(values) / np.abs(self.units)).max())

    @property
    def blur(self) -> float:
        """What rounding x makes of the target, by its slope between points of the reference."""
        if self.small.blur <= EPSILON:
            return 0.0
        slopes = np.diff(self.small.target(self.reference)) / np.diff(self.reference)
        return self.small.blur * float(np.abs(slopes).max())

    @property
    def is_sound(self) -> bool:
        """Whether the reference's points can be told apart."""
        return bool((np.diff(self.reference) > 0.0).all()) and math.isfinite(self.level)

    def __call__(self, t: FloatArray) -> FloatArray:
        """The polynomial's values at `t`."""
        distances = _distances(self.small, t, self.reference)
        rows, points = np.nonzero(distances == 0.0)
        distances[rows, points] = 1.0
        terms = self.shares / distances
        totals = terms.sum(axis=1)
        # Far from a reference that only rounding chose, the sum may cancel to nothing.
        totals[totals == 0.0] = EPSILON * np.abs(self.shares).max()
        # Nor is what it says there of any use, where it is too large for a double.
        with np.errstate(over="ignore", invalid="ignore"):
            values: FloatArray = np.nan_to_num(
                (terms @ self.heights) / totals, nan=HUGE, posinf=HUGE, neginf=-HUGE
            )
        values[rows] = self.heights[points]
        return values * t if self.small.is_odd else values

    def error(self, t: FloatArray) -> FloatArray:
        """The weighted error at `t`, a vector."""
        error = self.small.target(t) - self(t)
        return error if self.small.weight is None else error * self.small.weight(t)


def levelled(small: Reduced, reference: FloatArray) -> Levelled:
    """The polynomial that is levelled on a reference of one point more than its coefficients."""
    shares = _shares(_distances(small, reference, reference))
    factors = reference if small.is_odd else np.ones_like(reference)
    targets = small.target(reference)
    signs = alternating(len(reference))
    units: FloatArray = signs if small.weight is None else signs / small.weight(reference)
    # Divided differences over all points vanish for a polynomial of one degree less.
    # A weight of hundreds of orders of magnitude is too much for doubles; `is_sound` says so.
    with np.errstate(over="ignore", invalid="ignore"):
        level = float(shares @ (targets / factors)) / float(shares @ (units / factors))
        heights = (targets - level * units) / factors
    return Levelled(small, reference, level, shares, heights, units)


def alternating(count: int) -> FloatArray:
    """The signs 1, -1, 1 and so on."""
    return np.asarray(1.0 - 2.0 * (np.arange(count) % 2), dtype=np.float64)


def _distances(small: Reduced, t: FloatArray, reference: FloatArray) -> FloatArray:
    distances = t[:, None] - reference
    # The difference of squares as a product keeps small differences exact.
    return distances * (t[:, None] + reference) if small.is_folded else distances


def _shares(distances: FloatArray) -> FloatArray:
    """The barycentric weights, the largest of them about 1."""
    np.fill_diagonal(distances, 1.0)
    mantissas, exponents = np.frexp(distances)
    powers = exponents.sum(axis=1)
    # Mantissas are at least 1/2, so that a product of 256 of them does not underflow; the powers
    # of two of a product may.
    return np.asarray(np.ldexp(1.0 / mantissas.prod(axis=1), powers.min() - powers))
