"""What a composite takes when some levels are left, and where it is best bootstrapped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from tacit.approx.plans import Stretch
from tacit.errors import DepthExceeded, TypeMismatch


@dataclass(frozen=True)
class CostModel:
    """What products and bootstraps take, in seconds or any other unit, and what levels there are.

    A product with l levels left works on l + 1 limbs of the modulus: `product` for each, and
    `relinearisation` for each limb and each digit of hybrid key switching, of `limbs_per_digit`
    limbs (Han & Ki, eprint 2019/688). By default both are 1 and a bootstrap takes as long as a
    hundred products at the level that it leaves: ratios, not times of a machine. Measure yours.

    `levels` are left at first, `levels_after_bootstrap` after each bootstrap, and `levels_kept`
    must be left at the end.

    >>> CostModel().bootstrap / CostModel().price(10)
    100.0
    """

    product: float = 1.0
    relinearisation: float = 1.0
    limbs_per_digit: int = 3
    bootstrap: float = 5500.0
    levels: int = 10
    levels_after_bootstrap: int = 10
    levels_kept: int = 0

    def __post_init__(self) -> None:
        """Refuse negative costs, and numbers of levels that make no sense."""
        if min(self.product, self.relinearisation, self.bootstrap) < 0.0:
            raise TypeMismatch(f"a cost of {self!r} is below 0")
        least = min(self.levels, self.levels_after_bootstrap, self.levels_kept)
        if self.limbs_per_digit < 1 or least < 0:
            raise TypeMismatch(
                f"{self!r} has digits without limbs or fewer than no levels",
                hint="limbs_per_digit >= 1, and levels >= 0",
            )

    def price(self, level: int) -> float:
        """The cost of one product when `level` levels are left before it."""
        digits = -(-(level + 1) // self.limbs_per_digit)
        return (level + 1) * (self.product + self.relinearisation * digits)

    def of(self, stretch: Stretch, level: int) -> float:
        """The cost of products that are spread evenly over the levels from `level` down."""
        depth, products = stretch
        return products * sum(self.price(level - each) for each in range(depth)) / max(depth, 1)


@dataclass(frozen=True)
class Schedule:
    """Where to bootstrap, and what everything takes.

    Before the stretches of `refreshes` the value is bootstrapped; `starts` and `levels` are the
    levels left before and after each stretch: unused ones are dropped, which makes products
    cheaper.
    """

    refreshes: tuple[int, ...]
    starts: tuple[int, ...]
    levels: tuple[int, ...]
    total: float


@dataclass(frozen=True)
class Stretches:
    """Stretches one after the other, and whether the last one multiplies by the input.

    `Composite.stretches` is the one of a composite.
    """

    parts: tuple[Stretch, ...]
    times_input: bool = False


def schedule(stretches: Stretches, costs: CostModel) -> Schedule:
    """The cheapest schedule, by an exact dynamic programme over (stretch, remaining levels).

    The stretch that multiplies by the input starts with no more levels than the input has. A
    bootstrap before the first stretch is one of the input, and gives it levels too.
    """
    found = _from(stretches, costs, costs.levels)
    refreshed = _from(stretches, costs, costs.levels_after_bootstrap)
    total = refreshed.total + costs.bootstrap
    if total < found.total:
        found = Schedule((0, *refreshed.refreshes), refreshed.starts, refreshed.levels, total)
    if math.isinf(found.total):
        raise DepthExceeded(
            f"stretches of {', '.join(str(each) for each, _ in stretches.parts)} levels do "
            f"not fit between bootstraps that leave {costs.levels_after_bootstrap}",
            hint="use stages of lower degrees, or keep fewer levels",
        )
    return found


def _from(stretches: Stretches, costs: CostModel, levels: int) -> Schedule:
    """The cheapest schedule that starts with these levels, without a bootstrap at the start."""
    parts = stretches.parts

    @cache
    def run(place: int, level: int) -> Schedule:
        """From a stretch on, which runs with at most `level` levels left."""
        if place == len(parts):
            return Schedule((), (), (), 0.0 if level >= costs.levels_kept else math.inf)
        multiplies_input = stretches.times_input and place == len(parts) - 1
        usable = min(level, levels) if multiplies_input else level
        options = (run_at(place, start) for start in range(parts[place][0], usable + 1))
        return min(options, key=lambda each: each.total, default=_IMPOSSIBLE)

    def run_at(place: int, start: int) -> Schedule:
        """From a stretch on, which runs with exactly `start` levels left."""
        left = start - parts[place][0]
        after = run(place + 1, left)
        if place + 1 < len(parts):
            fresh = run(place + 1, costs.levels_after_bootstrap)
            total = fresh.total + costs.bootstrap
            if total < after.total:
                places = (place + 1, *fresh.refreshes)
                after = Schedule(places, fresh.starts, fresh.levels, total)
        total = costs.of(parts[place], start) + after.total
        return Schedule(after.refreshes, (start, *after.starts), (left, *after.levels), total)

    return run(0, levels)


_IMPOSSIBLE = Schedule((), (), (), math.inf)
