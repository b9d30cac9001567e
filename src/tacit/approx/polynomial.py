"""What a polynomial is: Chebyshev coefficients on an interval."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.polynomial import chebyshev

from tacit.approx.plans import Plan, plan_of
from tacit.errors import TypeMismatch
from tacit.ir.functions import FloatArray


class Parity(enum.Enum):
    """How a function behaves when its normalised variable changes sign."""

    EVEN = "even"
    ODD = "odd"
    NEITHER = "neither"


@dataclass(frozen=True)
class Polynomial:
    """The sum of coefficients[k] T_k(t), where t in [-1, 1] is the normalised x in [low, high].

    Trailing zeros are dropped, so that the degree is the index of the last coefficient.

    >>> square = Polynomial((0.5, 0.0, 0.5))
    >>> float(square(np.array(3.0))), square.degree, square.depth, square.parity.value
    (9.0, 2, 2, 'even')
    """

    coefficients: tuple[float, ...]
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        """Refuse empty intervals and numbers that are not finite; drop trailing zeros."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise TypeMismatch(f"[{self.low}, {self.high}] is not an interval with an inside")
        if not all(math.isfinite(each) for each in self.coefficients):
            raise TypeMismatch("a polynomial has a coefficient that is not finite")
        kept = [float(each) for each in self.coefficients] or [0.0]
        while len(kept) > 1 and kept[-1] == 0.0:
            kept.pop()
        object.__setattr__(self, "coefficients", tuple(kept))

    @property
    def degree(self) -> int:
        """The index of the last coefficient."""
        return len(self.coefficients) - 1

    @property
    def depth(self) -> int:
        """The multiplications in a row that evaluation needs: ceil(log2(degree + 1))."""
        return self.degree.bit_length()

    @cached_property
    def plan(self) -> Plan:
        """How it is computed from the normalised variable, at its least depth."""
        return plan_of(self)

    @property
    def products(self) -> int:
        """The products of two ciphertexts that evaluation at this depth needs."""
        return self.plan.products

    @property
    def parity(self) -> Parity:
        """Even, odd or neither in the normalised variable, by exact zeros."""
        if not any(self.coefficients[1::2]):
            return Parity.EVEN
        return Parity.NEITHER if any(self.coefficients[0::2]) else Parity.ODD

    def normalised(self, x: FloatArray) -> FloatArray:
        """The variable t of the Chebyshev polynomials at `x`."""
        return ((x - self.low) + (x - self.high)) / (self.high - self.low)

    def __call__(self, x: FloatArray) -> FloatArray:
        """The values at `x`, by Clenshaw's recurrence."""
        t = self.normalised(np.asarray(x, dtype=np.float64))
        values: FloatArray = chebyshev.chebval(t, np.array(self.coefficients))
        return values

    def scaled(self, factor: float, offset: float = 0.0) -> Polynomial:
        """The polynomial factor * p + offset."""
        first, *rest = (factor * each for each in self.coefficients)
        return replace(self, coefficients=(first + offset, *rest))

    def moved(self, low: float, high: float) -> Polynomial:
        """The same shape on another interval: equal coefficients, so t keeps its meaning."""
        return replace(self, low=low, high=high)

    def on(self, low: float, high: float) -> Polynomial:
        """The same values at every x, by the coefficients of another interval.

        >>> round(Polynomial((0.0, 1.0)).on(-2.0, 2.0).coefficients[1], 12)
        2.0
        """
        middle, half = (low + high) / 2.0, (high - low) / 2.0
        # The values at the Chebyshev points determine it: T_j and T_k are orthogonal there.
        t = chebyshev.chebpts1(self.degree + 1)
        again = chebyshev.chebvander(t, self.degree).T @ self(middle + half * t)
        again *= 2.0 / len(t)
        again[0] /= 2.0
        if middle == (self.low + self.high) / 2.0:
            # What is zero by symmetry is zero but for rounding.
            zeros = {Parity.ODD: slice(0, None, 2), Parity.EVEN: slice(1, None, 2)}
            again[zeros.get(self.parity, slice(0))] = 0.0
        return Polynomial(tuple(again.tolist()), low, high)

    def after(self, scale: float, offset: float = 0.0) -> Polynomial:
        """The polynomial x -> p(scale * x + offset), on the interval that maps to this one."""
        if scale == 0.0 or not math.isfinite(scale):
            raise TypeMismatch(f"x -> {scale} x + {offset} maps no interval onto another")
        ends = sorted(((self.low - offset) / scale, (self.high - offset) / scale))
        signs = ((1.0 if scale > 0 or k % 2 == 0 else -1.0) for k in range(self.degree + 1))
        flipped = (sign * each for sign, each in zip(signs, self.coefficients, strict=True))
        return Polynomial(tuple(flipped), *ends)

    @classmethod
    def of_powers(cls, powers: Iterable[float]) -> Polynomial:
        """The polynomial sum of powers[k] x**k, on [-1, 1]; exact zeros keep its parity."""
        coefficients = chebyshev.poly2cheb(np.array(tuple(powers), dtype=np.float64))
        return cls(tuple(coefficients.tolist()))
