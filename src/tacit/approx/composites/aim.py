"""Which degrees a composite sign should have: an exact search over depth and products.

Lee, Lee, No & Kim (eprint 2020/834): a narrower width after some stages is never worse for the
next ones. So for each depth and number of products all that counts is the widest start from which
some stages reach the goal. That is a dynamic programme from the last stage, which x may multiply,
to the first; stages are then listed by walking only where the goal can still be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from tacit.approx.composites.options import Option, options, options_of
from tacit.approx.composites.signs import minimax_signs
from tacit.approx.composites.squeezes import MAX_STAGE_DEGREE
from tacit.approx.fits import MAX_DEGREE

# More levels than a modulus of 128 bits of security holds, even in a ring of degree 2**17.
MAX_DEPTH = 40
# No composite of MAX_DEPTH needs as many.
MAX_PRODUCTS = 3 * MAX_DEPTH

# Stages, innermost first.
Stages = tuple[Option, ...]


@dataclass(frozen=True)
class Start:
    """The widest half-width from which a stage, and then others, get there."""

    width: float
    stage: Option
    is_last: bool


@dataclass(frozen=True)
class Aim:
    """To bring the sign of gap <= |x| <= 1 within `goal` of ±1, with this noise between stages.

    A stage turns a half-width around 1 into another; the noise before it widens that by `margin`.
    If x is multiplied by the sign at last, costs are those with that product.
    """

    gap: float
    goal: float
    margin: float
    times_input: bool = False

    @property
    def start(self) -> float:
        """The half-width that the first stage sees, less the noise that nothing adds before it."""
        return (1.0 - self.gap) / (1.0 + self.gap) - self.margin

    @cached_property
    def starts(self) -> Callable[[int, int], tuple[Start, ...]]:
        """Where stages of exactly these (depth, products) may begin, from the widest on.

        Half-widths are those before the noise is added.
        """
        last = options(times_input=self.times_input)

        @cache
        def found(depth: int, products: int) -> tuple[Start, ...]:
            # Each level takes a product or more.
            if products < depth:
                return ()
            alone = [
                Start(each.squeeze.widest(self.goal) - self.margin, each, is_last=True)
                for each in last
                if (each.depth, each.products) == (depth, products)
            ]
            followed = [
                Start(each.squeeze.widest(after[0].width) - self.margin, each, is_last=False)
                for each in options()
                if each.depth < depth
                and (after := found(depth - each.depth, products - each.products))
            ]
            reached = (each for each in (*alone, *followed) if each.width > 0.0)
            return tuple(sorted(reached, key=lambda each: -each.width))

        return found

    @property
    def is_in_reach(self) -> bool:
        """Whether any stages of the tables get there."""
        costs = ((n, m) for n in range(1, MAX_DEPTH + 1) for m in range(n, MAX_PRODUCTS))
        return any(each.width >= self.start for cost in costs for each in self.starts(*cost)[:1])

    def sequences(self, depth: int, products: int) -> Iterator[Stages]:
        """All stages of exactly this cost that get there.

        The first are the ones that get there from the widest start.
        """
        yield from self._ways(self.start, depth, products)
        # Beyond the tables a stage may still stand alone.
        for each in self.alone:
            if (each.depth, each.products) == (depth, products):
                yield (each,)

    def _ways(self, width: float, depth: int, products: int) -> Iterator[Stages]:
        for each in self.starts(depth, products):
            if width > each.width:
                return
            stage = each.stage
            if each.is_last:
                yield (stage,)
                continue
            after = stage.squeeze.width(min(width + self.margin, 1.0 - 1e-12))
            rest = self._ways(after, depth - stage.depth, products - stage.products)
            yield from ((stage, *others) for others in rest)

    @cached_property
    def alone(self) -> tuple[Option, ...]:
        """The ways to compute the least degree beyond the tables that gets there in one stage."""
        least = self.least_alone
        return tuple(options_of(least, times_input=self.times_input)) if least else ()

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
