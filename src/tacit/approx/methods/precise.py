"""Remez' exchange in ball arithmetic: minimax polynomials with as many digits as one asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import flint
import numpy as np

from tacit.approx.bases import (
    chebyshev_of_powers,
    decimal,
    powers_of_chebyshev,
    rounded_down,
    rounded_up,
)
from tacit.approx.curve import Curve, Part, Place, working
from tacit.approx.methods.references import exchanged, first_reference, replaced_by
from tacit.approx.methods.setting import Setting, setting_of
from tacit.approx.problem import Problem, Solution
from tacit.errors import TypeMismatch
from tacit.ir.balls import value
from tacit.ir.functions import FloatArray

# Newton's interpolation on n points loses about two bits for each of them.
BITS_PER_DEGREE = 4
SPARE_BITS = 64
# A reference from nowhere takes a kinked function about a dozen exchanges.
EXCHANGES = 40
# Above this gap extrema are looked for everywhere, not only near those known.
NEARLY_LEVELLED = 2.0**-7
# Points between neighbours of the reference when extrema are looked for.
BETWEEN = 6


@dataclass(frozen=True)
class Shortage:
    """So few bits show no error at all; about `bits` would."""

    bits: int


@dataclass(frozen=True, eq=False)
class Step:
    """A polynomial that is levelled on a reference, and the size of what it stands for.

    `scale` is the function's largest value there, `heaviest` the largest weight, and `weighted`
    the largest of their products.
    """

    curve: Curve
    reference: tuple[Place, ...]
    level: flint.arb
    scale: flint.arb
    heaviest: flint.arb
    weighted: flint.arb


@dataclass(frozen=True, eq=False)
class Tops:
    """Places of extrema whose errors alternate, and these errors."""

    places: tuple[Place, ...]
    errors: tuple[flint.arb, ...]

    @property
    def largest(self) -> flint.arb:
        """The largest magnitude of the errors."""
        return max(abs(each).mid() for each in self.errors)


def solve_precisely(
    problem: Problem, bits: int, reference: FloatArray | None = None
) -> Solution | Shortage:
    """The minimax polynomial, its error levelled to 2**(-bits / 2); or how many bits that takes.

    `reference` is double arithmetic's, in t, where that saw more than rounding; it is of the half
    with t >= 0 where the problem is symmetric. Remez' exchange costs O(degree) evaluations of the
    function for each of two or three rounds, and O(degree**2) operations on balls.
    """
    with working(bits + bits // 2 + BITS_PER_DEGREE * problem.degree + SPARE_BITS):
        setting = setting_of(problem, bits)
        is_close = reference is not None and _is_proper(reference, setting.count + 1)
        start = reference if reference is not None and is_close else first_reference(setting.shape)
        places = tuple(setting.ground.placed(t) for t in start.tolist())
        step, tops = _exchange(setting, places, bits, is_close=is_close)
        if abs(step.level) > flint.arb(2) ** -bits * step.weighted:
            return _solution(setting, step, tops, bits)
        return _unseen(setting, step, tops, bits)


def _is_proper(reference: FloatArray, count: int) -> bool:
    """Whether it has so many points, and rounding has not made two of them one."""
    return len(reference) == count and bool((np.diff(reference) > 0.0).all())


def _exchange(
    setting: Setting, places: tuple[Place, ...], bits: int, *, is_close: bool
) -> tuple[Step, Tops]:
    """The best step of Remez' algorithm, and its extrema over all of the domain."""
    tolerance = flint.arb(2) ** -(bits // 2)
    step = _levelled(setting, places)
    tops = _refined(step) if is_close else _scanned(step)
    best: tuple[Step, Tops] | None = None
    for _ in range(EXCHANGES):
        missing = tops.largest - abs(step.level)
        if is_close and missing <= tolerance * tops.largest:
            tops = _scanned(step)
            missing = tops.largest - abs(step.level)
        if missing <= tolerance * tops.largest or _is_unseen(step, tops, bits):
            return step, tops
        # Extrema near the reference only are no measure of an error.
        if not is_close and (best is None or tops.largest < best[1].largest):
            best = step, tops
        is_close = bool(missing <= NEARLY_LEVELLED * tops.largest)
        step = _levelled(setting, _exchanged(step, tops))
        tops = _refined(step) if is_close else _scanned(step)
    return best or (step, _scanned(step))


def _is_unseen(step: Step, tops: Tops, bits: int) -> bool:
    return bool(tops.largest <= flint.arb(2) ** -bits * step.weighted)


def _levelled(setting: Setting, places: tuple[Place, ...]) -> Step:
    """The polynomial whose weighted errors at the places alternate between two opposite levels."""
    t = [setting.ground.normalised(each.x) for each in places]
    u = [each * each for each in t] if setting.is_folded else t
    shares = [1 / each for each in flint.arb_poly.from_roots(u).derivative().evaluate(u, "iter")]
    values = [_finite(each) for each in places]
    targets = [each - setting.affine(x) for each, x in zip(values, t, strict=True)]
    weights = [
        flint.arb(1) if each.part.weight is None else value(each.part.weight, each.x)
        for each in places
    ]
    units = [(-1) ** k / each for k, each in enumerate(weights)]
    if setting.is_odd:
        heights = [target / x for target, x in zip(targets, t, strict=True)]
        units = [unit / x for unit, x in zip(units, t, strict=True)]
    else:
        heights = targets
    # Divided differences over all points vanish for a polynomial of one degree less.
    level = _dot(shares, heights) / _dot(shares, units)
    rest = [height - level * unit for height, unit in zip(heights, units, strict=True)]
    q = flint.arb_poly.interpolate(u[1:], rest[1:], algorithm="newton")
    # Any polynomial will do as long as its error is measured: the radii would only be in the way.
    powers = [each.mid() for each in setting.whole(q).coeffs()]
    curve = Curve(setting.ground, flint.arb_poly(powers))
    sizes = [abs(each).mid() for each in values]
    products = [size * weight.mid() for size, weight in zip(sizes, weights, strict=True)]
    heaviest = max(each.mid() for each in weights)
    return Step(curve, places, level.mid(), max(sizes), heaviest, max(products))


def _finite(place: Place) -> flint.arb:
    found = value(place.part.function, place.x)
    if not found.is_finite():
        raise TypeMismatch(
            f"the branch at {float(place.x):g} has no finite value in balls",
            hint="choose an interval on which the function is finite",
        )
    return found


def _dot(a: Sequence[flint.arb], b: Sequence[flint.arb]) -> flint.arb:
    return sum((x * y for x, y in zip(a, b, strict=True)), start=flint.arb(0))


def _refined(step: Step) -> Tops:
    """The extrema near the reference."""
    places = step.reference
    cuts = [((a.x + b.x) / 2).mid() for a, b in pairwise(places)]
    lows = [places[0].part.low, *cuts]
    highs = [*cuts, places[-1].part.high]
    tops = tuple(
        step.curve.top(each, low.max(each.part.low), high.min(each.part.high))
        for each, low, high in zip(places, lows, highs, strict=True)
    )
    return Tops(tops, tuple(step.curve.error(each) for each in tops))


def _scanned(step: Step) -> Tops:
    """One extremum for each run of errors of one sign, over all of the domain."""
    grids = [_grid(part, step.reference) for part in step.curve.ground.parts]
    places = [Place(part, x) for part, points in grids for x in points]
    errors = [step.curve.error(each).mid() for each in places]
    best: list[int] = []
    for k, error in enumerate(errors):
        if not best or (error < 0) != (errors[best[-1]] < 0):
            best.append(k)
        elif abs(error) > abs(errors[best[-1]]):
            best[-1] = k
    tops = tuple(_top_near(step.curve, places, k) for k in best)
    return Tops(tops, tuple(step.curve.error(each) for each in tops))


def _grid(part: Part, reference: Sequence[Place]) -> tuple[Part, list[flint.arb]]:
    """Points of a part: its ends, the reference, and points graded between all of these."""
    inside = [each.x for each in reference if part.low < each.x < part.high]
    shares = (0.5 - 0.5 * np.cos(np.pi * np.arange(BETWEEN) / BETWEEN)).tolist()
    gaps = pairwise([part.low, *inside, part.high])
    points = [(low + (high - low) * share).mid() for low, high in gaps for share in shares]
    return part, [*points, part.high]


def _top_near(curve: Curve, places: Sequence[Place], k: int) -> Place:
    """The extremum near the k-th place, between its neighbours in the same part."""
    place = places[k]
    before, after = places[max(k - 1, 0)], places[min(k + 1, len(places) - 1)]
    low = before.x if before.part is place.part else place.x
    high = after.x if after.part is place.part else place.x
    return curve.top(place, low, high)


def _exchanged(step: Step, tops: Tops) -> tuple[Place, ...]:
    """The next reference."""
    count = len(step.reference)
    errors = _ratios(tops.errors, tops.largest)
    if len(errors) >= count:
        return tuple(tops.places[k] for k in exchanged(count, errors))
    known = np.array([float(each.x) for each in step.reference])
    signs = np.array([float(step.curve.error(each).mid() < 0) for each in step.reference])
    worst = int(np.argmax(np.abs(errors)))
    place = tops.places[worst]
    given_up = replaced_by(known, 1.0 - 2.0 * signs, float(place.x), float(errors[worst]))
    kept = [each for k, each in enumerate(step.reference) if k != given_up]
    return tuple(sorted([*kept, place], key=lambda each: float(each.x)))


def _solution(setting: Setting, step: Step, tops: Tops, bits: int) -> Solution:
    """The step's polynomial as decimals, with the error that these have."""
    # Rounding a coefficient moves the error by as much where the weight is largest.
    hidden = _bits_of(step.scale * step.heaviest / abs(step.level))
    digits = math.ceil(max(bits, hidden + bits / 2 + SPARE_BITS) * math.log10(2.0))
    decimals = _decimals(setting, chebyshev_of_powers(step.curve.polynomial), digits)
    errors = _errors(setting, decimals, tops.places)
    chosen = exchanged(setting.count + 1, _ratios(errors, tops.largest))
    least = _least_alternating([errors[k] for k in chosen], setting.count + 1)
    t = [float(setting.ground.normalised(tops.places[k].x)) for k in chosen]
    return Solution(
        tuple(float(each) for each in decimals),
        rounded_down(least),
        tuple(setting.shape.unfolded(np.array(t)).tolist()) if least > 0 else (),
        decimals,
        bits,
        error=rounded_up(max(abs(each).upper() for each in errors)),
    )


def _bits_of(ratio: flint.arb) -> float:
    """The binary logarithm of what may be too large for a double."""
    return float((ratio.log() / flint.arb(2).log()).mid())


def _least_alternating(errors: Sequence[flint.arb], count: int) -> flint.arb:
    """The least of errors, which no polynomial's is below if so many alternate; 0 if they do not.

    De la Vallée-Poussin's theorem; the exchange may have ended before there were as many.
    """
    alternate = all((a > 0 and b < 0) or (a < 0 and b > 0) for a, b in pairwise(errors))
    if len(errors) < count or not alternate:
        return flint.arb(0)
    return min(abs(each).lower() for each in errors)


def _unseen(setting: Setting, step: Step, tops: Tops, bits: int) -> Solution | Shortage:
    """The function itself if it is a polynomial, as far as the bits show; else their shortage."""
    coefficients = chebyshev_of_powers(step.curve.polynomial)
    # The levelled error was found to be below this.
    least = flint.arb(2) ** (-bits + SPARE_BITS // 2) * step.scale
    seen = max((k for k, each in enumerate(coefficients) if abs(each) > least), default=0)
    if seen > 0 and not _breaks_off(abs(coefficients[seen]) / step.scale, seen, bits):
        return Shortage(math.ceil(bits * (setting.problem.degree + 1) / (seen + 1)))
    digits = math.ceil(bits * math.log10(2.0))
    decimals = _decimals(setting, coefficients[: seen + 1], digits)
    if all(each == 0 for each in _errors(setting, decimals, tops.places)):
        # Two polynomials that agree at more places than their degree are one.
        return Solution(tuple(map(float, decimals)), decimals=decimals, bits=bits, error=0.0)
    # What rounding does has its extrema anywhere, but no Chebyshev polynomial is above 1.
    rest = coefficients[seen + 1 :]
    lost = [flint.arb(a) - b for a, b in zip(decimals, coefficients, strict=False)]
    doubt = sum((abs(each) for each in [*lost, *rest]), start=flint.arb(0)) * step.heaviest
    error = rounded_up(tops.largest + doubt)
    return Solution(tuple(map(float, decimals)), decimals=decimals, bits=bits, error=error)


def _breaks_off(last: flint.arb, seen: int, bits: int) -> bool:
    """Whether a series ends after its coefficient of index `seen`, instead of fading.

    A series that fades at least as fast as a power would show its next coefficients: twice as
    many bits down as the next one would be, there must be nothing.
    """
    # A logarithm in balls, because the coefficient may be smaller than any double.
    faded = -float((last.mid().log() / flint.arb(2).log()).mid())
    return 2.0 * faded * (seen + 1) / seen <= bits - SPARE_BITS // 2


def _decimals(setting: Setting, coefficients: Sequence[flint.arb], digits: int) -> tuple[str, ...]:
    """The coefficients as strings; exactly 0 where symmetry says so."""
    return tuple(
        decimal(each, digits) if k in setting.indices or k < 2 else "0"
        for k, each in enumerate(coefficients)
    )


def _errors(setting: Setting, decimals: Sequence[str], places: Sequence[Place]) -> list[flint.arb]:
    exact = [flint.arb(each) for each in decimals]
    curve = Curve(setting.ground, powers_of_chebyshev(exact))
    return [curve.error(each) for each in places]


def _ratios(errors: Sequence[flint.arb], unit: flint.arb) -> FloatArray:
    # Only ratios matter, and those fit into doubles where the errors may not.
    return np.array([float((each / unit).mid()) for each in errors])
