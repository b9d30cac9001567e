"""What a search over degrees must find, by looking at all of them with exact polynomials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from tacit.approx import Form, composite
from tacit.approx.composites.gaps import bend_errors, quick_balance
from tacit.approx.composites.signs import minimax_signs
from tacit.approx.composites.stages import default_margin
from tacit.approx.plans import plan_of_composite
from tests.approx.plans.cases import generic

Cost = tuple[int, int]


def sequences(depth: int) -> Iterator[tuple[int, ...]]:
    """All odd degrees, from 3 to 63, of stages that take at least `depth` levels together."""
    yield from [()] if depth == 0 else []
    for first in range(3, min(2 ** max(depth, 0), 64), 2):
        yield from ((first, *each) for each in sequences(depth - first.bit_length()))


@cache
def costs(inner: tuple[int, ...], last: int, form: Form, depth: int) -> frozenset[Cost]:
    """What the real plans of these stages take that are allowed this depth, or less."""
    stages = [generic(each, "odd") for each in (*inner, last)]
    least = plan_of_composite(stages, form).depth
    allowed = range(least, depth + 1)
    plans = (plan_of_composite(stages, form, depth=levels) for levels in allowed)
    return frozenset((plan.depth, plan.products) for plan in plans)


def front(depth: int, suffices: Callable[[tuple[int, ...]], bool], form: Form) -> list[Cost]:
    """The front of depth against products among all stages of at most this depth."""
    every = (each for levels in range(2, depth + 1) for each in sequences(levels))
    # The order of the stages before the last makes no difference to what they take.
    good = {(tuple(sorted(each[:-1])), each[-1]) for each in every if suffices(each)}
    found = {each for inner, last in good for each in costs(inner, last, form, depth)}
    worse = {(a, b) for a, b in found for c, d in found if c <= a and d <= b and (a, b) != (c, d)}
    return sorted(found - worse)


def sign_suffices(alpha: int) -> Callable[[tuple[int, ...]], bool]:
    """Whether degrees reach a comparison to alpha bits, without any table."""
    gap = 2.0**-alpha
    margin = default_margin(gap)

    @cache
    def error(degrees: tuple[int, ...]) -> float:
        *before, last = degrees
        reach = error(tuple(before)) + margin if before else (1.0 - gap) / (1.0 + gap)
        return float(minimax_signs(last, np.array([(1.0 - reach) / (1.0 + reach)])).errors[0])

    return lambda degrees: error(degrees) <= 2.0 ** (1 - alpha)


def bend_suffices(goal: float) -> Callable[[tuple[int, ...]], bool]:
    """Whether degrees reach |x| within the goal, by real polynomials where it is near."""
    gaps = np.geomspace(2.0 * goal, min(20.0 * goal, 0.9), 24)

    errors = bend_errors(gaps)

    def suffices(degrees: tuple[int, ...]) -> bool:
        _, error = quick_balance(gaps, errors(degrees))
        # What is quick is within 2 %: only what is nearer is worth the real polynomials.
        return error <= 1.02 * goal and composite("abs", degrees, (-1, 1)).error <= goal

    return suffices
