"""The largest of many: rounds of max(a, b) = (a + b) / 2 + |a - b| / 2 between neighbours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tacit.approx.circuits.circuit import checked_domain, checked_error, refuse_outside
from tacit.approx.circuits.samples import samples
from tacit.approx.circuits.softmax import checked_entries
from tacit.approx.composites.composite import Composite
from tacit.approx.composites.search import best
from tacit.approx.fits import Fit
from tacit.approx.plans import Plan, Step
from tacit.approx.plans.compose import Assembly
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray


@dataclass(frozen=True)
class Tournament:
    """The largest of `count` entries in [low, high], by rounds of `match`, a plan of two inputs.

    The entries enter as scale * x + offset, and the winner leaves as factor * value + centre: all
    rounds in between use the same scale. `match_error` is the error of one match, in units of x;
    errors add up over the rounds, and `error` is their sum. `measured_error` is the largest on
    spread and extreme points.
    """

    count: int
    on: tuple[float, float]
    match: Plan
    scale: float
    offset: float
    match_error: float
    measured_error: float = 0.0

    @property
    def rounds(self) -> int:
        """The matches that the winner plays at most."""
        return (self.count - 1).bit_length()

    @property
    def error(self) -> float:
        """The bound of |circuit - max| for all entries in the domain."""
        return self.rounds * self.match_error

    @property
    def factor(self) -> float:
        """What the winner is multiplied by."""
        return 1.0 / self.scale

    @property
    def centre(self) -> float:
        """What is added to the winner at last."""
        return -self.offset / self.scale

    @property
    def depth(self) -> int:
        """The levels of all rounds."""
        return self.rounds * self.match.depth

    @property
    def products(self) -> int:
        """The products of two ciphertexts where one holds all the entries of a round."""
        return self.rounds * self.match.products

    def __call__(self, x: FloatArray, *, extrapolate: bool = False) -> FloatArray:
        """The circuit's values, of shape (...), for entries of shape (..., count)."""
        values = checked_entries(x, self.count)
        if not extrapolate:
            refuse_outside(values, self.on, "the largest")
        values = self.scale * values + self.offset
        while (left := values.shape[-1]) > 1:
            winners = self.match(values[..., 0 : left - 1 : 2], values[..., 1:left:2])
            # Of an odd number the last one has no opponent in this round.
            values = np.concatenate([winners, values[..., left - left % 2 :]], axis=-1)
        return np.asarray(self.factor * values[..., 0] + self.centre)


def largest(count: int, on: tuple[float, float], *, error: float) -> Tournament:
    """The circuit for the largest of `count` entries in [low, high], with this absolute error.

    The error is shared equally by the rounds, and each is made for the differences that errors in
    earlier rounds may cause. Raises TypeMismatch for fewer than two entries.

    >>> found = largest(5, (-1.0, 1.0), error=0.1)
    >>> found.rounds, found.depth, found.measured_error <= found.error <= 0.1
    (3, 12, True)
    """
    low, high = checked_domain(on)
    checked_error(error, "the largest")
    if count < 2:
        raise TypeMismatch(f"{count} entries have no largest one", hint="count >= 2")
    rounds = (count - 1).bit_length()
    # A winner is wrong by less than the error, in either direction.
    width = high - low + 2.0 * error
    piece = best("max", (-1.0, 1.0), error=error / rounds / width)
    found = Tournament(
        count,
        (low, high),
        _match(piece),
        1.0 / width,
        -(low + high) / (2.0 * width),
        piece.error * width,
    )
    points = samples(count, found.on)
    measured = float(np.abs(found(points) - points.max(axis=1)).max())
    return replace(found, measured_error=measured)


def _match(piece: Fit | Composite) -> Plan:
    """max(a, b) of two inputs whose difference is in [-1, 1]."""
    assembly = Assembly(inputs=2)
    difference = assembly.add(Step(terms=((0, 1), (1, -1))))
    half_magnitude = assembly.set_in(piece.plan, difference)
    last = assembly.steps[half_magnitude - assembly.inputs]
    # (a + b) / 2 is added by the last step, where its constants take no further level.
    half_sum = ((0, 0.5), (1, 0.5))
    return assembly.plan(assembly.add(replace(last, terms=last.terms + half_sum)))
