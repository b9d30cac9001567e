"""Softmax of many logits: an exponential each, their sum, its inverse, and a product."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tacit.approx.circuits.circuit import (
    ScalarCircuit,
    checked_domain,
    checked_error,
    refuse_outside,
)
from tacit.approx.circuits.exponential import exponential
from tacit.approx.circuits.inverse import inverse
from tacit.approx.circuits.samples import samples
from tacit.errors import DepthExceeded, TypeMismatch
from tacit.ir.functions import FloatArray

# How much of the error the exponential may cause; its depth and the inverse's weigh on each other.
SHARES = (0.03, 0.1, 0.3, 0.6, 0.85)
# The exponential is scaled at last, which changes its rounding: up to some 64ths of its error.
ROOM = 1.1


@dataclass(frozen=True)
class Softmax:
    """exponential(x - shift) times the inverse of the sum of all of them, for x in [low, high].

    Softmax does not change with the shift: it is the mean of the logits and a constant where
    `is_centred`, or else only a constant, so it costs no level. The values of the exponential's
    plan, summed, are the input of the inverse's plan but for its offset and its sign, and
    `factor` is left for the product. `error` bounds |circuit - softmax| for all logits in the box,
    from the measured errors of the pieces; `measured_error` is the largest on samples.
    """

    count: int
    on: tuple[float, float]
    is_centred: bool
    exponential: ScalarCircuit
    inverse: ScalarCircuit
    error: float
    measured_error: float = 0.0

    @property
    def depth(self) -> int:
        """The levels of the whole: of exponential, inverse, and their product."""
        return self.exponential.depth + self.inverse.depth + 1

    @property
    def products(self) -> int:
        """The products of two ciphertexts where one holds all the logits."""
        return self.exponential.products + self.inverse.products + 1

    @property
    def factor(self) -> float:
        """What the product of the two plans' results is multiplied by."""
        return self.exponential.scaled.factor * self.inverse.scaled.factor

    @property
    def reach(self) -> float:
        """The largest magnitude of any value inside, for logits in the box."""
        total = self.inverse.on[1] / self.exponential.scaled.factor
        return max(self.exponential.reach, self.inverse.reach, total)

    def __call__(self, logits: FloatArray, *, extrapolate: bool = False) -> FloatArray:
        """The circuit's values for logits of shape (..., count)."""
        x = checked_entries(logits, self.count)
        if not extrapolate:
            refuse_outside(x, self.on, "softmax")
        shift = np.full((*x.shape[:-1], 1), self.on[1])
        if self.is_centred:
            shift = x.mean(axis=-1, keepdims=True) + most_over_mean(self.count, self.on)
        powers = self.exponential(x - shift, extrapolate=extrapolate)
        total = powers.sum(axis=-1, keepdims=True)
        return powers * self.inverse(total, extrapolate=extrapolate)


def softmax(count: int, on: tuple[float, float], *, error: float) -> Softmax:
    """The circuit for softmax of `count` logits in [low, high], with this absolute error.

    Of the shares of the error between the pieces, and of centring or not, it takes what gives the
    least depth, then the fewest products. Raises TypeMismatch for fewer than two logits.

    >>> found = softmax(10, (-4.0, 4.0), error=0.01)
    >>> found.is_centred, found.depth, found.measured_error <= found.error <= 0.01
    (True, 10, True)
    """
    low, high = checked_domain(on)
    checked_error(error, "softmax", below=1.0)
    if count < 2:
        raise TypeMismatch(f"softmax of {count} logits is always 1", hint="count >= 2")
    found = min(
        _candidates(count, (low, high), error),
        key=lambda each: (each.depth, each.products),
        default=None,
    )
    if found is None:
        raise DepthExceeded(
            f"softmax of {count} logits in [{low:g}, {high:g}] has no circuit for an error of "
            f"{error:g} in double precision",
            hint="ask for a larger error, or narrow the domain",
        )
    # The sum of the plans' values is then the inverse's input, but for sign and offset.
    powers = exponential(
        found.exponential.on,
        error=found.exponential.relative_error * ROOM,
        top=abs(found.inverse.scaled.scale),
    )
    found = replace(found, exponential=powers)
    points = samples(count, found.on)
    exact = np.exp(points - points.max(axis=1, keepdims=True))
    exact /= exact.sum(axis=1, keepdims=True)
    return replace(found, measured_error=float(np.abs(found(points) - exact).max()))


def checked_entries(x: FloatArray, count: int) -> FloatArray:
    """The entries as floats; raises TypeMismatch unless they are of shape (..., count)."""
    x = np.asarray(x, dtype=np.float64)
    if x.ndim == 0 or x.shape[-1] != count:
        raise TypeMismatch(f"entries of shape {x.shape} were given; (..., {count}) was expected")
    return x


def most_over_mean(count: int, on: tuple[float, float]) -> float:
    """How far an entry can be above the mean of all entries in [low, high]."""
    return (on[1] - on[0]) * (count - 1) / count


def sum_bounds(count: int, on: tuple[float, float], *, is_centred: bool) -> tuple[float, float]:
    """The least and the largest sum of the shifted exponentials, each of which is at most 1.

    Centred, the sum is at least what it is where all entries are equal (Jensen), and it is largest
    at a corner of the box, as it is convex.
    """
    width = on[1] - on[0]
    if not is_centred:
        return count * math.exp(-width), float(count)
    top = most_over_mean(count, on)
    highs = np.arange(1.0, count)
    lows = count - highs
    means = width * highs / count
    sums = highs * np.exp(width - means - top) + lows * np.exp(-means - top)
    return count * math.exp(-top), float(sums.max())


def _candidates(count: int, on: tuple[float, float], error: float) -> Iterator[Softmax]:
    # No softmax in the box is larger than this, and the errors of the pieces are relative.
    largest = 1.0 / (1.0 + (count - 1) * math.exp(on[0] - on[1]))
    budget = min(error / largest, 0.5)
    for is_centred in (False, True):
        width = 2.0 * most_over_mean(count, on) if is_centred else on[1] - on[0]
        least, most = sum_bounds(count, on, is_centred=is_centred)
        for share in SHARES:
            try:
                powers = exponential((-width, 0.0), error=share * budget / 2.0)
                r = powers.relative_error * ROOM
                left = (1.0 + budget) * (1.0 - r) / (1.0 + r) - 1.0
                total = inverse((least * (1.0 - r), most * (1.0 + r)), error=left)
            except DepthExceeded:
                continue
            # Powers are wrong by a share r, so is their sum, and its inverse by a share of its own.
            bound = (1.0 + r) * (1.0 + total.relative_error) / (1.0 - r) - 1.0
            yield Softmax(count, on, is_centred, powers, total, largest * bound)
