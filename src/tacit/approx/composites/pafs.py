"""The composite signs of SmartPAF (arXiv 2404.03216) by name, and as coefficients to train."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.polynomial import chebyshev

from tacit.approx.composites.composite import Composite, bound_of, of_stages
from tacit.approx.composites.iterates import iterated
from tacit.approx.composites.stages import minimax_stages, through
from tacit.approx.fits import Domain, intervals_of
from tacit.approx.polynomial import Polynomial
from tacit.approx.target import Custom
from tacit.errors import TypeMismatch
from tacit.ir.functions import Function

# For each stage, innermost first, the coefficients of x, x**3, x**5, ...
OddPowers = tuple[tuple[float, ...], ...]
# Lee, Lee, No & Kim (eprint 2020/834) publish coefficients of their composite of alpha = 7. They
# are the minimax stages of this gap and this margin, to all the digits that are published.
ALPHA7_GAP, ALPHA7_MARGIN = 11 * 2.0**-7, 2.0**-22
# Room for noise around what the stage before gives; a composite of free coefficients has no gap.
MARGIN = 2.0**-12


@dataclass(frozen=True)
class Paf:
    """A named composite sign on [-1, 1], by the odd coefficients of its stages.

    `trainable` has the coefficients of x, x**3, ... for each stage, innermost first: plain
    numbers, for a training loop to move and for `of_trainable` to take back.
    """

    name: str
    trainable: OddPowers

    @property
    def stages(self) -> tuple[Polynomial, ...]:
        """The stages, innermost first, each on an interval that holds what it is given."""
        stages: list[Polynomial] = []
        width = 1.0
        for coefficients in self.trainable:
            powers = np.zeros(2 * len(coefficients))
            powers[1::2] = coefficients
            # Each stage reads x / width.
            scaled = powers * width ** np.arange(len(powers))
            stages.append(Polynomial.of_powers(scaled.tolist()).moved(-width, width))
            reach = float(np.abs(stages[-1](np.linspace(0.0, width, 1001))).max())
            width = max(1.0, reach + MARGIN)
        return tuple(stages)

    @property
    def degrees(self) -> tuple[int, ...]:
        """The stages' degrees, innermost first."""
        return tuple(stage.degree for stage in self.stages)

    @property
    def depth(self) -> int:
        """The levels of the sign; x times it takes one more, unless the last stage leaves room."""
        return sum(stage.depth for stage in self.stages)

    def composite(
        self, function: str | Function | Custom = "relu", on: Domain = (-1.0, 1.0)
    ) -> Composite:
        """The composite for a function that is made of the sign, with its error measured.

        The first stage reads x divided by the largest magnitude on the domain.
        """
        intervals = intervals_of(on)
        bound = bound_of(intervals)
        first, *others = self.stages
        stages = (first.moved(-bound, bound), *others)
        return of_stages(stages, settled_gap(self.stages) * bound, function=function, on=intervals)


def paf(name: str) -> Paf:
    """The composite of that name: alpha7, f1²∘g1², f2∘g3, f2∘g2 or f1∘g2, where g comes first.

    So f1f1g1g1, f2g3, f2g2 and f1g2 are called too, and f2∘g2 is f2f2 in SmartPAF's readme.

    >>> paf("f1g2").degrees, paf("f1∘g2").depth
    ((5, 3), 5)
    """
    short = name.lower().replace("∘", "").replace("=", "").replace("^", "")
    known = _ALIASES.get(short, short)
    if known not in PAFS:
        raise TypeMismatch(f"no PAF is called {name!r}", hint=f"known are {', '.join(PAFS)}")
    return Paf(known, odd_powers(PAFS[known]()))


def of_trainable(
    name: str,
    coefficients: Sequence[Sequence[float]],
    *,
    function: str | Function | Custom = "relu",
    on: Domain = (-1.0, 1.0),
) -> Composite:
    """The composite of a PAF's shape with these coefficients, as `Paf.trainable` gives them.

    Raises where there are not as many as the PAF of that name has.
    """
    shape = [len(each) for each in paf(name).trainable]
    given = [len(each) for each in coefficients]
    if shape != given:
        raise TypeMismatch(
            f"{name} has stages of {shape} odd coefficients, not of {given}",
            hint="leave no coefficient out, not even zeros",
        )
    trained = Paf(name, tuple(tuple(float(each) for each in stage) for stage in coefficients))
    return trained.composite(function, on)


def odd_powers(stages: Sequence[Polynomial]) -> OddPowers:
    """The coefficients of x, x**3, ... of odd polynomials on symmetric intervals."""
    found: list[tuple[float, ...]] = []
    for stage in stages:
        powers = chebyshev.cheb2poly(np.array(stage.coefficients))
        scaled = powers / stage.high ** np.arange(len(powers))
        found.append(tuple(scaled[1::2].tolist()))
    return tuple(found)


def settled_gap(stages: Sequence[Polynomial]) -> float:
    """From where on the sign stays as near to 1 as it is on [1/2, 1], to one part in 1000."""
    x = np.geomspace(1e-6, 1.0, 13816)
    errors = np.abs(1.0 - through(stages, x))
    unsettled = np.flatnonzero(errors > errors[x >= 0.5].max())
    return float(x[int(unsettled.max(initial=-1)) + 1])


PAFS: Mapping[str, Callable[[], tuple[Polynomial, ...]]] = MappingProxyType(
    {
        "alpha7": lambda: minimax_stages(ALPHA7_GAP, (7, 7), margin=ALPHA7_MARGIN),
        "f1f1g1g1": lambda: iterated(flat=(1, 2), steep=(1, 2)),
        "f2g3": lambda: iterated(flat=(2, 1), steep=(3, 1)),
        "f2g2": lambda: iterated(flat=(2, 1), steep=(2, 1)),
        "f1g2": lambda: iterated(flat=(1, 1), steep=(2, 1)),
    }
)
_ALIASES: Mapping[str, str] = MappingProxyType(
    {"f1²g1²": "f1f1g1g1", "f12g12": "f1f1g1g1", "f2f2": "f2g2"}
)
