"""A problem in ball arithmetic, reduced by the function's symmetry as far as balls can tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import flint

from tacit.approx.curve import Ground, Place, ground_of
from tacit.approx.problem import Problem
from tacit.approx.symmetry import Reduced, is_mirrored, positive_half
from tacit.ir.balls import Branch, value

# Where in each part symmetry is looked for: shares of its length with nothing special about them.
LOOKS = (0.1837, 0.4561, 0.7919, 0.9873)


@dataclass(frozen=True, eq=False)
class Setting:
    """Approximate on a ground by p(t) = constant + linear t + factor(t) q(u).

    Here u is t, or t**2 on the half with t >= 0 where the problem is folded by its symmetry; the
    factor is t for odd polynomials and 1 else.
    """

    problem: Problem
    ground: Ground
    indices: tuple[int, ...]
    affine: flint.arb_poly
    is_folded: bool = False

    @property
    def is_odd(self) -> bool:
        """Whether only odd polynomials are in play."""
        return self.is_folded and self.indices[0] == 1

    @property
    def count(self) -> int:
        """How many coefficients are in play."""
        return len(self.indices)

    @cached_property
    def shape(self) -> Reduced:
        """The same in doubles."""
        pieces = positive_half(self.problem) if self.is_folded else self.problem.normalised_pieces
        return Reduced(self.problem.values, pieces, self.indices, is_folded=self.is_folded)

    def whole(self, q: flint.arb_poly) -> flint.arb_poly:
        """The powers of t in p, from the powers of u in q."""
        if not self.is_folded:
            return q + self.affine
        powers = [flint.arb(0)] * (2 * self.count + 1)
        start = 1 if self.is_odd else 0
        for k, each in enumerate(q.coeffs()):
            powers[start + 2 * k] = each
        return flint.arb_poly(powers) + self.affine


def setting_of(problem: Problem, bits: int) -> Setting:
    """The problem in balls; on half of its domain if it is symmetric to more than `bits`."""
    degree = problem.degree
    ground = ground_of(problem)
    everything = Setting(problem, ground, tuple(range(degree + 1)), flint.arb_poly([]))
    # A constant cannot hold the linear part that is taken out.
    if degree == 0 or not is_mirrored(problem.normalised_intervals):
        return everything
    half = ground_of(problem, half=True)
    pairs = [(each, _mirrored(ground, each)) for each in _looks(half)]
    tolerance = flint.arb(2) ** -bits
    if problem.weight is not None and not all(
        _near(_weight(a), _weight(b), tolerance * _weight(a)) for a, b in pairs
    ):
        return everything
    values = [(_function(a), _function(b)) for a, b in pairs]
    close = tolerance * max(abs(each).mid() for pair in values for each in pair)
    even, odd = ([(a + sign * b) / 2 for a, b in values] for sign in (1, -1))
    constant, linear = even[-1].mid(), odd[-1].mid()
    t = [half.normalised(each.x) for each, _ in pairs]
    if all(_near(each, linear * x, close) for each, x in zip(odd, t, strict=True)):
        indices = tuple(range(0, degree + 1, 2))
        return Setting(problem, half, indices, flint.arb_poly([0, linear]), is_folded=True)
    if all(_near(each, constant, close) for each in even):
        indices = tuple(range(1, degree + 1, 2))
        return Setting(problem, half, indices, flint.arb_poly([constant]), is_folded=True)
    return everything


def _looks(half: Ground) -> list[Place]:
    """Places in each part, and at last the end, where t is 1."""
    inside = [
        Place(part, (part.low + (part.high - part.low) * share).mid())
        for part in half.parts
        for share in LOOKS
    ]
    return [*inside, Place(half.parts[-1], half.parts[-1].high)]


def _mirrored(ground: Ground, place: Place) -> Place:
    x = (2 * ground.centre - place.x).mid()
    part = next((each for each in ground.parts if each.low <= x <= each.high), ground.parts[0])
    return Place(part, x)


def _function(place: Place) -> flint.arb:
    return value(place.part.function, place.x)


def _weight(place: Place) -> flint.arb:
    weight: Branch | None = place.part.weight
    return flint.arb(1) if weight is None else value(weight, place.x)


def _near(a: flint.arb, b: flint.arb, tolerance: flint.arb) -> bool:
    return bool(abs(a - b) <= tolerance)
