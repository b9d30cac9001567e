"""Which degrees a composite sign should have: an exact search over depth and products.

Lee, Lee, No & Kim (eprint 2020/834): a narrower width after some stages is never worse for the
next ones. So for each depth and number of products all that counts is the widest start from which
some degrees reach the goal. That is a dynamic programme from the last stage to the first; degrees
are then listed by walking only where it says that the goal can still be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from tacit.approx.composites.signs import minimax_signs
from tacit.approx.composites.squeezes import MAX_STAGE_DEGREE, Squeeze, squeezes
from tacit.approx.fits import MAX_DEGREE
from tacit.approx.plans import products_of_odd

# More levels than a modulus of 128 bits of security holds, even in a ring of degree 2**17.
MAX_DEPTH = 40
# No composite of MAX_DEPTH needs as many.
MAX_PRODUCTS = 3 * MAX_DEPTH

Widest = Callable[[int, int], float]


@dataclass(frozen=True)
class Aim:
    """To bring the sign of gap <= |x| <= 1 within `goal` of ±1, with this noise between stages.

    A stage turns a half-width around 1 into another; the noise before it widens that by `margin`.
    """

    gap: float
    goal: float
    margin: float

    @property
    def start(self) -> float:
        """The half-width that the first stage sees, less the noise that nothing adds before it."""
        return (1.0 - self.gap) / (1.0 + self.gap) - self.margin

    def widest(self) -> Widest:
        """The widest half-width from which stages of exactly these (depth, products) get there.

        Half-widths are those before the noise is added; where no stages get there it is -1.
        """

        @cache
        def found(depth: int, products: int) -> float:
            if (depth, products) == (0, 0):
                return self.goal
            # Each level takes a product or more.
            if depth <= 0 or products < depth:
                return -1.0
            return max(self._before(stage, depth, products, found) for stage in squeezes())

        return found

    @property
    def is_in_reach(self) -> bool:
        """Whether any stages of the tables get there."""
        widest = self.widest()
        costs = ((n, m) for n in range(1, MAX_DEPTH + 1) for m in range(n, MAX_PRODUCTS))
        return any(widest(*each) >= self.start for each in costs)

    def _before(self, stage: Squeeze, depth: int, products: int, widest: Widest) -> float:
        """The widest half-width before this stage, with what is left of the cost for the others."""
        after = widest(depth - stage.depth, products - stage.products)
        return -1.0 if after <= 0.0 else stage.widest(after) - self.margin

    def sequences(self, depth: int, products: int, widest: Widest) -> Iterator[tuple[int, ...]]:
        """All degrees of exactly this cost that get there, innermost first.

        The first are the ones that get there from the widest start.
        """
        yield from self._ways(self.start, depth, products, widest)
        # Beyond the tables a stage may still stand alone.
        least = self.least_alone
        if least and (depth, products) == (least.bit_length(), products_of_odd(least)):
            yield (least,)

    def _ways(
        self, width: float, depth: int, products: int, widest: Widest
    ) -> Iterator[tuple[int, ...]]:
        if (depth, products) == (0, 0):
            yield ()
            return
        limits = [(self._before(each, depth, products, widest), each) for each in squeezes()]
        for limit, stage in sorted(limits, key=lambda pair: -pair[0]):
            if width > limit:
                return
            after = stage.width(min(width + self.margin, 1.0 - 1e-12))
            rest = (depth - stage.depth, products - stage.products)
            yield from ((stage.degree, *each) for each in self._ways(after, *rest, widest))

    @cached_property
    def may_stand_alone(self) -> bool:
        """Whether one polynomial of a degree up to MAX_DEGREE gets there."""
        # From 0 to 1 - goal within the gap: no slope is above the degree times the largest value
        # (Bernstein's inequality, which near 0 loses under 1 % for such gaps).
        if 0.99 * (1.0 - self.goal) > self.gap * MAX_DEGREE * (1.0 + self.goal):
            return False
        return self._alone(MAX_DEGREE) <= self.goal

    @cached_property
    def least_alone(self) -> int:
        """The least degree beyond the tables with which one stage gets there; 0 if none does."""
        low, high = MAX_STAGE_DEGREE, MAX_DEGREE
        if not self.may_stand_alone or self._alone(low) <= self.goal:
            return 0
        while high - low > 2:
            middle = (low + high) // 4 * 2 + 1
            low, high = (low, middle) if self._alone(middle) <= self.goal else (middle, high)
        return high

    def _alone(self, degree: int) -> float:
        """The error of a single stage."""
        return float(minimax_signs(degree, np.array([self.gap])).errors[0])
