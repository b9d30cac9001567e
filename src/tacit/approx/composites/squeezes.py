"""What one minimax stage of a composite sign does to the half-width around ±1, as a table.

The scale is log((1 - width) / width): on it a stage's map is smooth, and a straight line at its
left end, where a stage multiplies the distance from 0 by a constant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.interpolate import CubicSpline

from tacit.approx.composites.signs import minimax_signs
from tacit.ir.functions import FloatArray

# Higher stages shorten the front by one level, for more and more products. For comparisons to
# alpha = 4, 5, ... 20 bits, degrees up to 63 save a level over those up to 31 (where Lee et al.
# stop) at alpha = 9 and 14, for 6 and 8 products; degrees up to 127 one at alpha = 10, 11, 15, 16
# and 17 for 9 to 17 products; degrees up to 255 one at alpha = 12, 18 and 19 for 21 to 32.
MAX_STAGE_DEGREE = 63
# The scale's ends: widths of 1 - 6e-6, where maps are straight to 1e-6, and of 8e-7.
FIRST_PLACE, LAST_PLACE, STEP = -12.0, 14.0, 0.1
# Errors below are mostly rounding, and no longer smooth.
LEAST_ERROR = 1e-12
# Between two of these places straight lines are as near as the spline is.
FINE_STEP = 0.002
# Places whose errors are found together.
CHUNK = 60


@dataclass(frozen=True, eq=False)
class Squeeze:
    """What the minimax stage of a degree makes of widths: places `after` for places `before`."""

    degree: int
    before: FloatArray
    after: FloatArray

    def width(self, width: float) -> float:
        """The half-width after a stage that was made for this half-width before it."""
        place = place_of(width)
        beyond = min(place - float(self.before[0]), 0.0)
        return _width(float(np.interp(place, self.before, self.after)) + beyond)

    def widest(self, width: float) -> float:
        """The half-width before the stage from which it reaches this half-width; 0 if none."""
        place = place_of(width)
        if place > self.after[-1]:
            return 0.0
        beyond = min(place - float(self.after[0]), 0.0)
        return _width(float(np.interp(place, self.after, self.before)) + beyond)


def place_of(width: float) -> float:
    """Where a half-width is on the scale of the tables."""
    return math.log1p(-width) - math.log(width)


def _width(place: float) -> float:
    return 1.0 / (1.0 + math.exp(place))


@cache  # Remez that always gives the same: a memory of a pure function is no state.
def squeeze(degree: int) -> Squeeze:
    """The table of an odd degree."""
    places = np.arange(FIRST_PLACE, LAST_PLACE + STEP, STEP)
    errors = _errors(degree, places)
    places = places[: len(errors)]
    smooth = CubicSpline(places, np.log1p(-errors) - np.log(errors))
    finely = np.append(np.arange(places[0], places[-1], FINE_STEP), places[-1])
    return Squeeze(degree, finely, np.asarray(smooth(finely)))


def _errors(degree: int, places: FloatArray) -> FloatArray:
    """The least errors of the degree from these places on, as long as they are no rounding."""
    found: list[FloatArray] = []
    for start in range(0, len(places), CHUNK):
        # A half-width w around 1 is the ratio (1 - w) / (1 + w).
        errors = minimax_signs(
            degree, 1.0 / (1.0 + 2.0 * np.exp(-places[start : start + CHUNK]))
        ).errors
        found.append(errors[errors > LEAST_ERROR])
        if len(found[-1]) < len(errors):
            break
    return np.concatenate(found)
