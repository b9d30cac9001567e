"""Bounded fits: least error on the intervals, kept between bounds on a wider one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from scipy import optimize

from tacit.approx.domain import Intervals, graded, pieces, sharpened
from tacit.approx.problem import Method, Problem, Solution
from tacit.approx.symmetry import reduced
from tacit.approx.target import values_of, weights_of
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

EPSILON = float(np.finfo(np.float64).eps)
# The wider interval unless said: a quarter more on each side, as calibration misses rare inputs.
STRETCH = 1.25
# The bounds unless said: the function's range on the wider interval, half as wide again.
ROOM = 1.5
# HiGHS' finest feasibility tolerance. The unit is half the function's range, then the error.
FINEST = 1e-10
# What is left to gain or to mend when the exchange ends, in the same units.
SETTLED = 1e-9
# Errors below this much of the function's range are rounding, and no unit.
LEAST_UNIT = 1e-13
# The exchange doubles its digits each round; kinks take a dozen.
ROUNDS = 60
# Points between the extrema of a polynomial at which extrema are looked for, and at least so many.
POINTS_PER_DEGREE = 12
LEAST_POINTS = 257


@dataclass(frozen=True)
class Bounded(Method):
    """The polynomial of least largest error that stays in [least, most] on the interval `wider`.

    For inputs that calibration did not see: a minimax polynomial explodes just outside of its
    interval. The answer's normalised variable, and so its cost, is that of the wider interval,
    which unless said reaches a quarter further; the bounds are, unless said, the function's range
    there, half as wide again; one may be infinite. The error is the least possible to about eight
    digits; the bounds hold strictly, by a last squeeze of that size. Half a second at degree 63,
    but half a minute at 255.
    """

    name = "bounded"
    wider: tuple[float, float] | None = None
    least: float | None = None
    most: float | None = None

    def solve(self, problem: Problem) -> Solution:
        """The polynomial, on the wider interval; raises where the bounds exclude the function."""
        programme = self._programme(problem)
        inside = programme.squeezed(_exchanged(programme))
        whole = np.zeros(problem.degree + 1)
        whole[list(programme.indices)] = programme.scale * inside
        whole[0] += programme.centre
        return Solution(tuple(whole.tolist()), wider=programme.wider)

    def _programme(self, problem: Problem) -> Programme:
        """What is asked, in units of half the function's range on the wider interval."""
        wider = self._wider(problem)
        low, high = _range(problem, (wider,))
        centre, scale = (low + high) / 2.0, (high - low) / 2.0 or 1.0
        least = centre - ROOM * scale if self.least is None else self.least
        most = centre + ROOM * scale if self.most is None else self.most
        _check_bounds(problem, least, most)
        indices = tuple(range(problem.degree + 1))
        middles = (wider[0] + wider[1], problem.low + problem.high)
        if math.isclose(*middles, abs_tol=8.0 * EPSILON * (wider[1] - wider[0])):
            small = reduced(problem)
            constant, linear = small.affine
            is_even = small.indices[0] == 0 and linear == 0.0
            # The answer is only as symmetric as the bounds are.
            is_odd = math.isclose(least + most, 2.0 * constant, abs_tol=SETTLED * scale)
            if is_even or (small.indices[0] == 1 and is_odd):
                indices = small.indices
                centre = centre if is_even else constant
        bounds = ((least - centre) / scale, (most - centre) / scale)
        heaviest = float(_weights(problem, _looks(problem, problem.intervals)).max())
        return Programme(problem, wider, indices, centre, scale, bounds, heaviest)

    def _wider(self, problem: Problem) -> tuple[float, float]:
        middle, half = (problem.low + problem.high) / 2.0, (problem.high - problem.low) / 2.0
        low, high = self.wider or (middle - STRETCH * half, middle + STRETCH * half)
        if not (-math.inf < low <= problem.low and problem.high <= high < math.inf):
            raise TypeMismatch(
                f"the wider interval [{low:g}, {high:g}] does not hold "
                f"[{problem.low:g}, {problem.high:g}]",
                hint="choose `wider` around all intervals",
            )
        return float(low), float(high)


@dataclass(frozen=True, eq=False)
class Answer:
    """Coefficients, shape (indices,), and their largest error, in a programme's units."""

    coefficients: FloatArray
    level: float


@dataclass(frozen=True)
class Programme:
    """A linear programme: the coefficients on `wider` of (function - centre) / scale.

    `indices` are the Chebyshev polynomials in play; `bounds` are in the scaled units. Errors are
    in these units, too, and are weighed by weight / heaviest.
    """

    problem: Problem
    wider: tuple[float, float]
    indices: tuple[int, ...]
    centre: float
    scale: float
    bounds: tuple[float, float]
    heaviest: float

    @property
    def parts(self) -> Intervals:
        """The intervals, cut at kinks."""
        return pieces(self.problem.intervals, self.problem.kinks)

    def columns(self, x: FloatArray) -> FloatArray:
        """The Chebyshev polynomials in play at `x`, shape (points, indices)."""
        low, high = self.wider
        u = ((x - low) + (x - high)) / (high - low)
        rows = chebyshev.chebvander(u, self.problem.degree)[..., list(self.indices)]
        return np.asarray(rows, dtype=np.float64)

    def weights(self, x: FloatArray) -> FloatArray:
        """The error's weights at `x`."""
        return _weights(self.problem, x) / self.heaviest

    def errors(self, x: FloatArray, coefficients: FloatArray) -> FloatArray:
        """The weighed errors at `x`."""
        values = (values_of(self.problem.function, x) - self.centre) / self.scale
        return self.weights(x) * (values - self.columns(x) @ coefficients)

    def solved(self, x: FloatArray, y: FloatArray, about: Answer) -> Answer:
        """The answer of least largest error at `x` with bounds at `y`.

        What is solved for is the difference to `about` in units of its error: the solver's
        tolerance is absolute, and refers to that (Gleixner, Steffy & Wolter 2016).
        """
        unit = about.level
        rows = self.columns(x) * self.weights(x)[:, None]
        errors = self.errors(x, about.coefficients) / unit
        fences = self.columns(y)
        heights = fences @ about.coefficients
        minus, zero = -np.ones((len(x), 1)), np.zeros((len(y), 1))
        system = [np.hstack([rows, minus]), np.hstack([-rows, minus])]
        limits = [errors, -errors]
        if self.bounds[1] < math.inf:
            system.append(np.hstack([fences, zero]))
            limits.append((self.bounds[1] - heights) / unit)
        if self.bounds[0] > -math.inf:
            system.append(np.hstack([-fences, zero]))
            limits.append((heights - self.bounds[0]) / unit)
        answer = optimize.linprog(
            np.append(np.zeros(rows.shape[1]), 1.0),
            A_ub=np.vstack(system),
            b_ub=np.concatenate(limits),
            bounds=[(None, None)] * rows.shape[1] + [(0.0, None)],
            method="highs",
            options={
                "primal_feasibility_tolerance": FINEST,
                "dual_feasibility_tolerance": FINEST,
            },
        )
        if answer.x is None:
            raise TypeMismatch(
                f"no bounded fit of {self.problem.function.name} at degree {self.problem.degree}: "
                f"{answer.message}",
                hint="lower the degree, widen `least` and `most`, or narrow `wider`",
            )
        return Answer(about.coefficients + unit * answer.x[:-1], unit * float(answer.x[-1]))

    def squeezed(self, coefficients: FloatArray) -> FloatArray:
        """The coefficients moved inwards by as much as the polynomial leaves its bounds."""
        least, most = self.bounds
        whole = np.zeros(self.problem.degree + 1)
        whole[list(self.indices)] = coefficients
        found = chebyshev.chebval(_stationary(whole), whole)
        # Rounding of the coefficients, and of evaluation, must not undo it.
        rounding = 4.0 * EPSILON * len(coefficients) * float(np.abs(coefficients).sum())
        above, below = float(found.max()) - most + rounding, least - float(found.min()) + rounding
        beyond = max(above, below)
        if beyond <= 0.0:
            return coefficients
        is_first = np.array([each == 0 for each in self.indices], dtype=np.float64)
        if math.isinf(most - least):
            return coefficients + is_first * (-beyond if above > below else beyond)
        middle, half = (least + most) / 2.0, (most - least) / 2.0
        return middle * is_first + (coefficients - middle * is_first) * (half / (half + beyond))


def _exchanged(programme: Programme) -> FloatArray:
    """The optimal coefficients: points are added where the error or the bounds are exceeded."""
    degree = programme.problem.degree
    x = graded(programme.parts, 2 * degree + 5)
    y = graded((programme.wider,), 4 * degree + 9)
    about = Answer(np.zeros(len(programme.indices)), 1.0)
    answer = programme.solved(x, y, about)
    for _ in range(ROUNDS):
        peaks, sizes, fences = _extrema(programme, answer, SETTLED * about.level)
        worse = sizes > answer.level + SETTLED * about.level
        if worse.any() or fences.size:
            x, y = np.union1d(x, peaks[worse]), np.union1d(y, fences)
        elif LEAST_UNIT < sizes.max() < about.level / 2.0:
            about = Answer(answer.coefficients, float(sizes.max()))
        else:
            break
        answer = programme.solved(x, y, about)
    return answer.coefficients


def _extrema(
    programme: Programme, answer: Answer, slack: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where errors are largest, their sizes, and where the polynomial is out of bounds."""
    degree, (least, most) = programme.problem.degree, programme.bounds
    peaks = _peaks(lambda x: programme.errors(x, answer.coefficients), programme.parts, degree)
    sizes = np.abs(programme.errors(peaks, answer.coefficients))
    fences = _peaks(
        lambda y: programme.columns(y) @ answer.coefficients, (programme.wider,), degree
    )
    heights = programme.columns(fences) @ answer.coefficients
    return peaks, sizes, fences[(heights > most + slack) | (heights < least - slack)]


def _stationary(coefficients: FloatArray) -> FloatArray:
    """Where a Chebyshev series has its extrema on [-1, 1]: ends, derivative's zeros, and a grid.

    A zero that is off by its rounding misses the extremum's height only by the square of that.
    """
    zeros = chebyshev.chebroots(chebyshev.chebder(coefficients))
    inner = np.clip(np.real(zeros), -1.0, 1.0)
    return np.concatenate([inner, graded(((-1.0, 1.0),), LEAST_POINTS)])


def _peaks(height: Callable[[FloatArray], FloatArray], parts: Intervals, degree: int) -> FloatArray:
    """The local maxima and minima on each part, ends included."""
    x = graded(parts, max(LEAST_POINTS, POINTS_PER_DEGREE * degree))
    heights = height(x)
    # What is sharpened is positive, and of the size of what it varies by.
    spread = float(np.ptp(heights)) or 1.0
    floor, ceiling = float(heights.min()) - spread, float(heights.max()) + spread
    found = [
        _maxima(lambda points: height(points) - floor, x, parts),
        _maxima(lambda points: ceiling - height(points), x, parts),
    ]
    return np.unique(np.concatenate(found))


def _maxima(
    height: Callable[[FloatArray], FloatArray], x: FloatArray, parts: Intervals
) -> FloatArray:
    """The local maxima of a positive function, sharpened between their neighbours."""
    heights = height(x)
    padded = np.concatenate([[-1.0], heights, [-1.0]])
    top = np.flatnonzero((heights >= padded[:-2]) & (heights >= padded[2:]))
    part = np.searchsorted([low for low, _ in parts], x[top], side="right") - 1
    ends = np.array(parts)[part]
    lefts = np.maximum(x[np.maximum(top - 1, 0)], ends[:, 0])
    rights = np.minimum(x[np.minimum(top + 1, len(x) - 1)], ends[:, 1])
    return sharpened(height, x[top], lefts, rights, rounds=3)


def _looks(problem: Problem, intervals: Intervals) -> FloatArray:
    """Points that look at the function on the intervals densely."""
    return graded(pieces(intervals, problem.kinks), POINTS_PER_DEGREE * LEAST_POINTS)


def _weights(problem: Problem, x: FloatArray) -> FloatArray:
    return np.ones_like(x) if problem.weight is None else weights_of(problem.weight, x)


def _range(problem: Problem, intervals: Intervals) -> tuple[float, float]:
    """The least and the largest value of the function on the intervals."""
    values = values_of(problem.function, _looks(problem, intervals))
    return float(values.min()), float(values.max())


def _check_bounds(problem: Problem, least: float, most: float) -> None:
    if not least < most:
        raise TypeMismatch(
            f"no polynomial is both at least {least:g} and at most {most:g}",
            hint="choose least < most",
        )
    low, high = _range(problem, problem.intervals)
    # A few roundings of the function's own values exclude nothing.
    slack = SETTLED * (high - low)
    if low < least - slack or high > most + slack:
        raise TypeMismatch(
            f"{problem.function.name} goes from {low:g} to {high:g} on the intervals, but the fit "
            f"must stay in [{least:g}, {most:g}]",
            hint=f"relax least to {min(low, least):g} and most to {max(high, most):g}",
        )
