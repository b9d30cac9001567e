"""The integer programme: whole coefficients with the least largest error on some inputs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import optimize

from tacit.approx.fixed.lattice import Lattice
from tacit.approx.fixed.modular import Integers
from tacit.ir.functions import FloatArray

# HiGHS stops where the best integers and the bound on all integers differ by less.
GAP = 1e-5
# The error is scaled to this before HiGHS sees it, whose tolerances are absolute, 1e-6 and less.
# Where the scale is much larger it repairs solutions again and again, and prints that it does.
SCALE = 10.0
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Integral:
    """Whole coefficients of the lattice's indices; their error, and a bound that none is below."""

    coefficients: Integers
    level: float
    bound: float


def best_integers(
    lattice: Lattice, values: FloatArray, start: list[Fraction], node_limit: int
) -> Integral:
    """The whole a_i that make the largest |values - Σ a_i x**i| on the lattice's points least.

    `values` are exact numbers; `start` are real coefficients, a good place to begin. Where
    `node_limit` stops the search, level and bound differ by more than GAP.
    """
    basis = lattice.reduced_basis()
    columns = lattice.real_values(basis)
    first = lattice.nearest(basis, start)
    left = residuals(lattice, values, first)
    if not left.any():
        return Integral(first, 0.0, 0.0)
    steps, bound = _relaxed(columns, left)
    second = first + basis @ lattice.rounded(basis, steps)
    rest = residuals(lattice, values, second)
    if np.abs(rest).max() < np.abs(left).max():
        first, left = second, rest
    level = float(np.abs(left).max())
    if level - bound <= GAP * level:
        return Integral(first, level, bound)
    steps, bound = _solved(columns, left, node_limit)
    third = first + basis @ steps
    reached = float(np.abs(residuals(lattice, values, third)).max())
    return Integral(third, reached, bound) if reached < level else Integral(first, level, bound)


def residuals(lattice: Lattice, values: FloatArray, coefficients: Integers) -> FloatArray:
    """values - Σ a_i x**i on the lattice's points, exact until each is rounded once."""
    whole, denominator = lattice.values(coefficients), 1 << lattice.bits * lattice.indices[-1]
    pairs = zip(values.tolist(), whole.tolist(), strict=True)
    return np.array([float(Fraction(value) - Fraction(part, denominator)) for value, part in pairs])


def _relaxed(columns: FloatArray, left: FloatArray) -> tuple[Integers, float]:
    """Real steps that make the largest |left - columns · steps| least, and a lower bound of it."""
    unit, lengths = SCALE / float(np.abs(left).max()), np.abs(columns).max(axis=0)
    unbounded = np.full(len(lengths), np.inf)
    box = optimize.Bounds(np.append(-unbounded, 0.0), np.append(unbounded, np.inf))
    solution = _programme(columns / lengths, left * unit, box, {})
    if not solution.success:
        return np.zeros(len(lengths), dtype=object), 0.0
    steps = [Fraction(each) for each in (solution.x[:-1] / lengths / unit).tolist()]
    return np.array(steps, dtype=object), max(float(solution.fun) - TOLERANCE, 0.0) / unit


def _solved(columns: FloatArray, left: FloatArray, node_limit: int) -> tuple[Integers, float]:
    """The whole steps that make the largest |left - columns · steps| least, and a lower bound."""
    unit = SCALE / float(np.abs(left).max())
    # Steps outside this box are worse than none, because their error is above SCALE somewhere.
    inverse = np.linalg.pinv(columns * unit)
    middle, reach = inverse @ left * unit, SCALE * np.abs(inverse).sum(axis=1)
    lows, highs = np.floor(middle - reach), np.ceil(middle + reach)
    box = optimize.Bounds(np.append(lows, 0.0), np.append(highs, SCALE))
    # There is nothing to presolve in a reduced basis, and it would only add rounding.
    options = {"mip_rel_gap": GAP, "node_limit": node_limit, "presolve": False}
    solution = _programme(columns * unit, left * unit, box, options)
    steps = np.zeros(len(lows)) if solution.x is None else np.rint(solution.x[:-1])
    bound = 0.0 if solution.mip_dual_bound is None else float(solution.mip_dual_bound)
    return steps.astype(np.int64).astype(object), max(bound - TOLERANCE, 0.0) / unit


def _programme(
    columns: FloatArray, left: FloatArray, box: optimize.Bounds, options: dict[str, float]
) -> optimize.OptimizeResult:
    """HiGHS' answer: steps and e with -e <= left - columns · steps <= e and the least e.

    The steps are whole where there are `options` of the search for whole ones.
    """
    count, ones = columns.shape[1], np.ones((len(left), 1))
    above = optimize.LinearConstraint(np.hstack([columns, ones]), lb=left)
    below = optimize.LinearConstraint(np.hstack([columns, -ones]), ub=left)
    return optimize.milp(
        np.append(np.zeros(count), 1.0),
        integrality=np.append(np.full(count, bool(options)), 0),
        bounds=box,
        constraints=[above, below],
        options=options,
    )
