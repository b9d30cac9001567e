"""Minimax polynomials of the sign for many gaps at once: fast enough to search with.

They are the same polynomials that `fit` finds one at a time, which is what the tests hold them to.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial import chebyshev

from tacit.ir.functions import FloatArray

# Remez converges quadratically: from Chebyshev's points it takes 4 to 9 rounds.
ROUNDS = 40
# Newton's steps towards the extrema in each round; the rounds themselves finish the work.
STEPS = 3
# Highest and lowest alternating error agree to this: nothing more can be gained.
LEVELLED = 1e-11
# Differences of values near 1 that are only rounding; errors of which much is rounding.
ROUNDING, ROUNDED = 1e-14, 1e-12


@dataclass(frozen=True, eq=False)
class Signs:
    """For each ratio r the odd polynomial x q(z) of least error for the sign on r <= |x| <= 1.

    z in [-1, 1] is x**2 in [r**2, 1]; `coefficients`, of shape (ratios, (degree + 1) / 2), are
    those of q in Chebyshev's basis of z. `ratios` and `errors` are of shape (ratios,).
    """

    ratios: FloatArray
    coefficients: FloatArray
    errors: FloatArray

    def __call__(self, x: FloatArray) -> FloatArray:
        """The values at `x` of shape (ratios, points), a row for each ratio."""
        square = self.ratios[:, None] ** 2
        z = (2.0 * x * x - 1.0 - square) / (1.0 - square)
        return np.asarray(x * _rows(self.coefficients, z))


def minimax_signs(degree: int, ratios: FloatArray) -> Signs:
    """The minimax polynomials of an odd degree for the sign on r <= |x| <= 1, for all ratios r.

    Their errors alternate at both ends and wherever the derivative vanishes in between: an odd
    polynomial of that degree has no further extrema, so the whole reference is exchanged at once.
    """
    count = (degree + 1) // 2
    z = np.tile(-np.cos(np.pi * np.arange(count + 1) / count), (len(ratios), 1))
    coefficients = np.zeros((len(ratios), count))
    errors = np.full(len(ratios), np.inf)
    # Those whose errors are more than rounding, on which points would fall together.
    live = np.arange(len(ratios))
    for _ in range(ROUNDS):
        found = _levelled(ratios[live], z, count)
        z = _extrema(ratios[live], z, found)
        sizes = np.abs(1.0 - _at(ratios[live], z) * _rows(found, z))
        largest, least = sizes.max(axis=1), sizes.min(axis=1)
        better = largest < errors[live]
        coefficients[live[better]], errors[live[better]] = found[better], largest[better]
        level = largest - least <= np.maximum(LEVELLED * largest, ROUNDING)
        rounded = largest <= ROUNDED
        if (level | rounded).all():
            break
        live, z = live[~rounded], z[~rounded]
    return Signs(ratios, coefficients, errors)


def _at(ratios: FloatArray, z: FloatArray) -> FloatArray:
    """The x >= 0 at z."""
    square = ratios[:, None] ** 2
    return np.asarray(np.sqrt(square + (1.0 - square) * (1.0 + z) / 2.0))


def _rows(coefficients: FloatArray, z: FloatArray) -> FloatArray:
    """Chebyshev series, each row of coefficients at its row of z."""
    return np.asarray(chebyshev.chebval(z, coefficients.T[:, :, None], tensor=False))


def _levelled(ratios: FloatArray, z: FloatArray, count: int) -> FloatArray:
    """The q whose errors 1 - x q(z) alternate with one magnitude on the reference z."""
    signs = np.broadcast_to((-1.0) ** np.arange(count + 1), z.shape)
    columns = _at(ratios, z)[:, :, None] * chebyshev.chebvander(z, count - 1)
    system = np.concatenate([columns, signs[:, :, None]], axis=2)
    return np.asarray(np.linalg.solve(system, np.ones((*z.shape, 1)))[:, :-1, 0])


def _extrema(ratios: FloatArray, z: FloatArray, coefficients: FloatArray) -> FloatArray:
    """The reference with its inner points moved to where the derivative in x vanishes.

    With x**2 = r**2 + (1 - r**2)(z + 1) / 2 the derivative of x q(z) is q + w q', where
    w = 4 x**2 / (1 - r**2).
    """
    if z.shape[1] == 2:
        return z
    square = ratios[:, None] ** 2
    shift = 4.0 * square / (1.0 - square) + 2.0
    series = _with_derivatives(coefficients)
    # An extremum stays on its side of the zeros around it, and so of the middles between points.
    lows, highs = (z[:, :-2] + z[:, 1:-1]) / 2.0, (z[:, 1:-1] + z[:, 2:]) / 2.0
    inner = z[:, 1:-1]
    for _ in range(STEPS):
        value, rise, bend = chebyshev.chebval(inner, series, tensor=False)
        weight = shift + 2.0 * inner
        slope = value + weight * rise
        curvature = 3.0 * rise + weight * bend
        safe = np.where(curvature == 0.0, 1.0, curvature)
        inner = np.clip(inner - slope / safe, lows, highs)
    return np.concatenate([z[:, :1], inner, z[:, -1:]], axis=1)


def _with_derivatives(coefficients: FloatArray) -> FloatArray:
    """The series of q, q' and q'' side by side, of shape (coefficients, 3, ratios, 1)."""
    # Together they are evaluated three times as fast: most of the time is numpy's for small arrays.
    orders = _derivatives(coefficients.shape[1]) @ coefficients.T
    return np.asarray(np.moveaxis(orders, 0, 1)[..., None])


@cache  # Matrices that are always the same: a memory of a pure function is no state.
def _derivatives(count: int) -> FloatArray:
    """The matrices from coefficients to those of derivatives 0, 1, 2: (3, count, count)."""
    found = np.zeros((3, count, count))
    for order in range(min(3, count)):
        found[order, : count - order] = chebyshev.chebder(np.eye(count), order, axis=0)
    return found
