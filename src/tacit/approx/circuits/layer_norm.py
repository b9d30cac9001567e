"""Layer norm: the mean, the variance, one over its square root, and a product."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from tacit.approx.circuits.circuit import (
    ScalarCircuit,
    checked_domain,
    checked_error,
    refuse_outside,
)
from tacit.approx.circuits.roots import inverse_square_root
from tacit.approx.circuits.samples import samples
from tacit.approx.circuits.softmax import checked_entries
from tacit.approx.composites.search import Objective
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray

# What frameworks add to the variance unless told otherwise.
EPSILON = 1e-5


@dataclass(frozen=True)
class LayerNorm:
    """(x - mean) / sqrt(variance + epsilon) of `count` entries whose variance is in `variance`.

    Mean and sums are linear. The deviations from the mean are multiplied by `deviation_scale`
    beforehand, so that the sum of their squares, plus `deviation_offset`, is the input of the
    plan of `inverse_square_root`; `factor` is left for the product. `error` bounds
    |circuit - layer norm| for all entries of such a variance: no normalised entry exceeds
    sqrt(count - 1). `measured_error` is the largest on samples.
    """

    count: int
    variance: tuple[float, float]
    epsilon: float
    inverse_square_root: ScalarCircuit
    measured_error: float = 0.0

    @property
    def error(self) -> float:
        """The bound of the absolute error."""
        return math.sqrt(self.count - 1) * self.inverse_square_root.relative_error

    @property
    def deviation_scale(self) -> float:
        """What the deviations from the mean are multiplied by; the sum of squares needs no more."""
        return math.sqrt(abs(self.inverse_square_root.scaled.scale) / self.count)

    @property
    def deviation_sign(self) -> float:
        """1 or -1, by which the sum of the squares is multiplied: a subtraction at most."""
        return math.copysign(1.0, self.inverse_square_root.scaled.scale)

    @property
    def deviation_offset(self) -> float:
        """What is added to the sum of the squares of the scaled deviations."""
        scaled = self.inverse_square_root.scaled
        return scaled.scale * self.epsilon + scaled.offset

    @property
    def factor(self) -> float:
        """What the product of a scaled deviation and the plan's result is multiplied by."""
        return self.inverse_square_root.scaled.factor / self.deviation_scale

    @property
    def depth(self) -> int:
        """The levels of the whole: a square, the plan, and a product."""
        return 2 + self.inverse_square_root.depth

    @property
    def products(self) -> int:
        """The products of two ciphertexts where one holds all the entries."""
        return 2 + self.inverse_square_root.products

    def __call__(self, x: FloatArray, *, extrapolate: bool = False) -> FloatArray:
        """The circuit's values for entries of shape (..., count); OutOfRange tells variances."""
        x = checked_entries(x, self.count)
        deviations = self.deviation_scale * (x - x.mean(axis=-1, keepdims=True))
        squares = (deviations**2).sum(axis=-1, keepdims=True)
        if not extrapolate:
            variances = squares / (self.count * self.deviation_scale**2)
            refuse_outside(variances, self.variance, "the variance in layer norm")
        inside = self.deviation_sign * squares + self.deviation_offset
        return np.asarray(self.factor * deviations * self.inverse_square_root.plan(inside))


def layer_norm(
    count: int,
    *,
    variance: tuple[float, float],
    error: float,
    epsilon: float = EPSILON,
    objective: Objective = "depth",
) -> LayerNorm:
    """The circuit for layer norm of `count` entries whose variance is in [low, high].

    Raises TypeMismatch where variance plus epsilon may vanish, or for fewer than two entries.

    >>> found = layer_norm(64, variance=(0.25, 4.0), error=0.01)
    >>> found.depth, found.measured_error <= found.error <= 0.01
    (6, True)
    """
    low, high = checked_domain(variance)
    checked_error(error, "layer norm")
    if count < 2:
        raise TypeMismatch(f"{count} entries have no variance", hint="count >= 2")
    if low < 0.0 or low + epsilon <= 0.0 or epsilon < 0.0:
        raise TypeMismatch(
            f"a variance from {low:g} on and epsilon {epsilon:g} let the root vanish",
            hint="give the least variance, or an epsilon above 0",
        )
    share = min(error / math.sqrt(count - 1), 0.5)
    root = inverse_square_root((low + epsilon, high + epsilon), error=share, objective=objective)
    found = LayerNorm(count, (low, high), epsilon, root)
    return replace(found, measured_error=_measured(found))


def _measured(circuit: LayerNorm) -> float:
    """The largest error on samples, each at several variances of the range."""
    low, high = circuit.variance
    shapes = samples(circuit.count, (-1.0, 1.0))
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    spreads = shapes.std(axis=1, keepdims=True)
    shapes = (shapes / np.where(spreads > 0.0, spreads, 1.0))[spreads[:, 0] > 1e-6]
    variances = np.geomspace(max(low, high * 1e-9), high, len(shapes))[:, None]
    points = np.concatenate([shapes, shapes[::-1]]) * np.sqrt(np.tile(variances, (2, 1)))
    variance = points.var(axis=1, keepdims=True)
    centred = points - points.mean(axis=1, keepdims=True)
    exact = centred / np.sqrt(variance + circuit.epsilon)
    return float(np.abs(circuit(points, extrapolate=True) - exact).max())
