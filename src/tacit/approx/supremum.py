"""The largest |error| on intervals, enclosed rigorously: branch and bound in ball arithmetic.

An error is the small difference of two large values, so its enclosure on a wide ball says nothing.
Its Taylor series at a point does: there the two cancel, and what the series leaves out is small on
a short cell. So each cell gets a Taylor model, a polynomial and a bound of the rest (Makino & Berz
2003; for errors of approximation Chevillard, Harrison, Joldes & Lauter 2011), and the signs of the
polynomial's derivatives say where on which part of the cell it is largest.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from math import factorial, perm

import flint

from tacit.ir.balls import Branch, expansion

# Looks at cells and parts before the bounds are given as they are: about half a minute.
WORK = 100_000
# A rest above this share of the largest error known asks for a shorter cell.
LOOSE = 2.0**-10
# Newton's steps double the digits: 2**10 of them are more than anybody asks for.
NEWTON_STEPS = 10
# Times the precision: as many halvings as find a tenth root at its end to a tenth of these bits.
SHORTEST = 8
# Of a model whose ends are rounded, outwards by some units of the last place.
CERTAINLY_INSIDE = 1.0 - 2.0**-16
INFINITE = flint.arb.pos_inf()


@dataclass(frozen=True)
class Stretch:
    """An interval between exact ends, inside which the error is analytic."""

    low: flint.arb
    high: flint.arb
    error: Branch


@dataclass(frozen=True)
class Goal:
    """How close the bounds must be: to `relative` of their size, or to `absolute`."""

    relative: float
    absolute: flint.arb

    def is_met(self, lower: flint.arb, upper: flint.arb) -> bool:
        """Whether these bounds are as close as that."""
        apart = upper - lower
        return bool(apart <= lower * self.relative or apart <= self.absolute)


@dataclass(frozen=True)
class Cell:
    """A part of a stretch, and a bound of the error's size on it."""

    stretch: Stretch
    low: flint.arb
    high: flint.arb
    upper: flint.arb

    @property
    def is_hopeless(self) -> bool:
        """Whether it is so short that its halves would not say more: a pole, or nan at a point."""
        share = flint.arb(2) ** (-SHORTEST * flint.ctx.prec)
        return bool(self.high - self.low <= share * (self.stretch.high - self.stretch.low))

    def halves(self, middle: flint.arb, upper: flint.arb) -> tuple[Cell, ...]:
        """The cells on both sides of a point inside, with a new bound; none is empty."""
        ends = (self.low, middle, self.high)
        sides = (each for each in pairwise(ends) if each[0] < each[1])
        return tuple(Cell(self.stretch, *each, upper) for each in sides)


@dataclass(frozen=True)
class Model:
    """On a cell the error at centre + radius · u is within `rest` of the polynomial at u."""

    cell: Cell
    centre: flint.arb
    radius: flint.arb
    polynomial: flint.arb_poly
    rest: flint.arb

    @property
    def is_exact(self) -> bool:
        """Whether u = -1 and u = 1 are the ends of the cell, without any rounding."""
        ends = self.centre - self.radius, self.centre + self.radius
        return bool(ends[0] == self.cell.low and ends[1] == self.cell.high)


@dataclass(frozen=True)
class Part:
    """The u within `radius` of `centre` of a model, and a bound of the error's size on it."""

    model: Model
    centre: flint.arb
    radius: flint.arb
    upper: flint.arb


@dataclass(frozen=True)
class Look:
    """What a look found: a size that the error reaches, and what is left to look at."""

    reached: flint.arb
    left: tuple[Cell | Part, ...] = ()


def supremum(
    stretches: Iterable[Stretch], reached: flint.arb, goal: Goal, *, length: int, work: int = WORK
) -> tuple[flint.arb, flint.arb]:
    """Bounds (lower, upper) of the largest |error| on the stretches, both exact numbers.

    The error is known to reach the size `reached`; models are polynomials of `length` terms. The
    bounds meet the goal where flint's precision carries it and `work` looks suffice, and are true
    in any case: an infinite upper bound says that nothing is known.
    """
    lower, ties = reached.lower(), count()
    queue: list[tuple[flint.arb, int, Cell | Part]] = []
    found = Look(lower, tuple(Cell(each, each.low, each.high, INFINITE) for each in stretches))
    for looks in count():
        lower = _larger(lower, found.reached)
        for each in found.left:
            heapq.heappush(queue, (-each.upper, next(ties), each))
        if not queue or goal.is_met(lower, queue[0][2].upper):
            break
        top = queue[0][2]
        if looks == work or (isinstance(top, Cell) and top.is_hopeless):
            break
        heapq.heappop(queue)
        found = _cell(top, lower, length) if isinstance(top, Cell) else _part(top, lower)
    return lower, _larger(lower, queue[0][2].upper) if queue else lower


def size(x: flint.arb) -> flint.arb:
    """The largest |number| in a ball, rounded up; infinite where the ball is nan."""
    found = x.abs_upper()
    return INFINITE if found.is_nan() else found


def reach(x: flint.arb) -> flint.arb:
    """The least |number| in a ball, rounded down; 0 where the ball is nan."""
    found = x.abs_lower()
    return found if found > 0 else flint.arb(0)


def _larger(one: flint.arb, other: flint.arb) -> flint.arb:
    return other if other > one else one


def _smaller(one: flint.arb, other: flint.arb) -> flint.arb:
    return other if other < one else one


def _cell(cell: Cell, lower: flint.arb, length: int) -> Look:
    """The cell's Taylor model, or its halves where the model says too little."""
    middle = ((cell.low + cell.high) / 2).mid()
    radius = _larger((cell.high - middle).upper(), (middle - cell.low).upper())
    error = cell.stretch.error
    head = expansion(error, middle, length)
    wide = expansion(error, flint.arb(middle, radius), length + 1)
    terms = [head[k] * radius**k for k in range(length)]
    rest = size(wide[length] * radius**length)
    whole = sum((size(each) for each in terms), rest).upper()
    reached = reach(head[0])
    best = _larger(lower, reached)
    upper = _smaller(cell.upper, _smaller(whole, size(wide[0])))
    if upper <= best:
        return Look(reached)
    if rest <= best * LOOSE:
        model = Model(cell, middle, radius, flint.arb_poly(terms), rest)
        return Look(reached, (Part(model, flint.arb(0), flint.arb(1), upper),))
    return Look(reached, cell.halves(middle, upper))


def _part(part: Part, lower: flint.arb) -> Look:
    """The part settled by the signs of its derivatives, or halved."""
    rest = part.model.rest
    shifted = part.model.polynomial(flint.arb_poly([part.centre, part.radius]))
    sizes = [size(each) for each in shifted.coeffs()]
    upper = _smaller(part.upper, sum(sizes, rest).upper())
    if upper <= lower:
        return Look(lower)
    place, highest = _highest(shifted, sizes)
    if highest is None:
        half = part.radius / 2
        sides = (part.centre - half, part.centre + half)
        parts = tuple(Part(part.model, each, half, upper) for each in sides)
        return Look(_reached(part, shifted, flint.arb(0)), parts)
    settled = _smaller(upper, (highest + rest).upper())
    return Look(_reached(part, shifted, place), _cells(part, settled))


def _highest(
    polynomial: flint.arb_poly, sizes: Sequence[flint.arb]
) -> tuple[flint.arb, flint.arb | None]:
    """Where on [-1, 1] the polynomial is largest, and how large; None if its shape is unknown."""
    ends = {v: polynomial(v) for v in (-1, 1)}
    place = flint.arb(max(ends, key=lambda v: float(size(ends[v]))))
    at_ends = _larger(size(ends[-1]), size(ends[1]))
    if _leads(polynomial, sizes, 1):
        return place, at_ends
    if not _leads(polynomial, sizes, 2):
        return place, None
    stationary, slope = _stationary(polynomial)
    # A convex polynomial is above its tangents and below its chords.
    inside = size(polynomial(stationary)) + size(slope) * (1 + size(stationary))
    return (stationary, inside.upper()) if inside > at_ends else (place, at_ends)


def _leads(polynomial: flint.arb_poly, sizes: Sequence[flint.arb], order: int) -> bool:
    """Whether the derivative of this order has one sign on [-1, 1]: its constant term's."""
    if len(sizes) <= order:
        return False
    others = (perm(k, order) * sizes[k] for k in range(order + 1, len(sizes)))
    return bool(factorial(order) * reach(polynomial[order]) > sum(others, flint.arb(0)))


def _stationary(polynomial: flint.arb_poly) -> tuple[flint.arb, flint.arb]:
    """A point of [-1, 1] at or next to which the slope vanishes, and the slope there."""
    first = polynomial.derivative()
    second = first.derivative()
    point = flint.arb(0)
    for _ in range(NEWTON_STEPS):
        step = (first(point) / second(point)).mid()
        moved = _smaller(_larger((point - step).mid(), flint.arb(-1)), flint.arb(1))
        if moved == point:
            break
        point = moved
    return point, first(point)


def _reached(part: Part, shifted: flint.arb_poly, place: flint.arb) -> flint.arb:
    """The size that the error surely reaches at a place of the part; 0 if it may be outside."""
    u = part.centre + part.radius * place
    if not (part.model.is_exact or size(u) < CERTAINLY_INSIDE):
        return flint.arb(0)
    return (reach(shifted(place)) - part.model.rest).lower()


def _cells(part: Part, upper: flint.arb) -> tuple[Cell, ...]:
    """The part as a cell of its own, whose model will be closer; halves if it is no shorter."""
    model, cell = part.model, part.model.cell
    if part.radius == 1:
        return cell.halves(model.centre, upper)
    low = model.centre + model.radius * (part.centre - part.radius)
    high = model.centre + model.radius * (part.centre + part.radius)
    ends = _larger(cell.low, low.lower()), _smaller(cell.high, high.upper())
    return (Cell(cell.stretch, *ends, upper),)
