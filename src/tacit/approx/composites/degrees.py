"""Which degrees a composite sign should have: a dynamic programme over depth and products.

Lee, Lee, No & Kim (eprint 2020/834): a narrower width after some stages is never worse for the
next, so the narrowest width for each depth and number of products is all that must be kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.interpolate import PchipInterpolator

from tacit.approx.composites.composite import default_margin
from tacit.approx.methods import Minimax
from tacit.approx.problem import Problem
from tacit.approx.products import odd_products
from tacit.ir.functions import FloatArray, Function

# Lee et al. stop here too: larger stages take more products than two small ones that reach as far.
MAX_STAGE_DEGREE = 31
# More levels than a modulus of 128 bits of security holds, even in a ring of degree 2**17.
MAX_DEPTH = 40
# No composite of MAX_DEPTH needs as many.
MAX_PRODUCTS = 3 * MAX_DEPTH
# How far the table's interpolation may be wrong: what seems to miss by less is checked exactly.
OPTIMISM = 1.05


@dataclass(frozen=True, eq=False)
class Squeeze:
    """What one minimax stage does: half-width around ±1 before it to half-width after it.

    Both are on the scale log((1 - width) / width), on which the map is smooth and its ends are
    straight lines.
    """

    degree: int
    before: FloatArray
    after: FloatArray

    @property
    def depth(self) -> int:
        """The levels that the stage takes."""
        return self.degree.bit_length()

    @property
    def products(self) -> int:
        """The products that the stage takes."""
        return odd_products(self.degree)

    def __call__(self, width: FloatArray) -> FloatArray:
        """The half-width after the stage."""
        place = np.log((1.0 - width) / width)
        # Left of the table a stage multiplies the distance from 0 by a constant.
        moved = np.interp(place, self.before, self.after) + np.minimum(place - self.before[0], 0.0)
        return np.asarray(1.0 / (1.0 + np.exp(moved)))


@dataclass(frozen=True, eq=False)
class Reached:
    """For each gap, the narrowest width that some depth and products reach, and how."""

    widths: FloatArray
    degrees: tuple[tuple[int, ...], ...]

    def extended(self, stage: Squeeze, margins: FloatArray) -> Reached:
        """What one more stage makes of it, when noise has widened the widths."""
        # A width of 1 or more means that no sign is left; 1e-12 keeps the logarithm finite.
        noisy = np.minimum(self.widths + margins, 1.0 - 1e-12)
        return Reached(stage(noisy), tuple((*each, stage.degree) for each in self.degrees))

    def better(self, other: Reached) -> Reached:
        """The narrower of the two for each gap."""
        wins = self.widths <= other.widths
        pairs = zip(wins, self.degrees, other.degrees, strict=True)
        degrees = tuple(mine if win else theirs for win, mine, theirs in pairs)
        return Reached(np.minimum(self.widths, other.widths), degrees)


@cache  # A second of Remez that always gives the same: a memory of a pure function is no state.
def squeezes() -> tuple[Squeeze, ...]:
    """The stages worth using: for each depth and number of products, the highest degree."""
    odd = range(3, MAX_STAGE_DEGREE + 1, 2)
    highest = {(each.bit_length(), odd_products(each)): each for each in odd}
    return tuple(_squeeze(each) for each in highest.values())


def _squeeze(degree: int) -> Squeeze:
    before = np.linspace(-10.0, 8.0, 25)
    widths = 1.0 / (1.0 + np.exp(before))
    ratios = (1.0 - widths) / (1.0 + widths)
    errors = np.array([_least_error(degree, ratio) for ratio in ratios.tolist()])
    smooth = PchipInterpolator(before, np.log((1.0 - errors) / errors))
    finely = np.linspace(-10.0, 8.0, 401)
    return Squeeze(degree, finely, np.asarray(smooth(finely)))


def _least_error(degree: int, ratio: float) -> float:
    """The least error of a polynomial for the sign on ratio <= |x| <= 1."""
    problem = Problem(Function("sign"), ((-1.0, -ratio), (ratio, 1.0)), degree)
    # Rounding is all that is left of the error below 1e-15.
    return max(Minimax().solve(problem).lower_bound, 1e-15)


def promising_degrees(gaps: FloatArray, goal: float) -> Iterator[tuple[int, ...]]:
    """Degrees that seem to reach error `goal` from one of the normalised gaps, cheapest first.

    The order is by depth, then by products. The table is interpolated: check with the real thing.
    """
    margins = np.array([default_margin(gap) for gap in gaps.tolist()])
    # The first stage sees the numbers themselves, without the noise of a stage before.
    start = Reached((1.0 - gaps) / (1.0 + gaps) - margins, ((),) * len(gaps))
    reached = {(0, 0): start}
    offered: set[tuple[int, ...]] = set()
    for depth in range(2, MAX_DEPTH + 1):
        for products in range(2, MAX_PRODUCTS):
            found = _reached_by(depth, products, reached, margins)
            if found is None:
                continue
            reached[depth, products] = found
            hits = np.flatnonzero(found.widths <= goal * OPTIMISM).tolist()
            fresh = dict.fromkeys(found.degrees[hit] for hit in hits)
            yield from (each for each in fresh if each not in offered)
            offered |= fresh.keys()


def _reached_by(
    depth: int, products: int, reached: dict[tuple[int, int], Reached], margins: FloatArray
) -> Reached | None:
    """The best composites of exactly this depth and these products, if there are any."""
    best: Reached | None = None
    for stage in squeezes():
        before = reached.get((depth - stage.depth, products - stage.products))
        if before is None:
            continue
        extended = before.extended(stage, margins)
        best = extended if best is None else extended.better(best)
    return best
