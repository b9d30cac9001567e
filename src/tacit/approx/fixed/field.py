"""Tables as polynomials over a prime field: an exact look-up on all slots at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import flint
import numpy as np
from numpy.typing import ArrayLike

from tacit.approx.fixed.modular import Integers, as_integers, residues
from tacit.approx.plans.monomials import plan_of_powers
from tacit.approx.plans.plan import Plan
from tacit.approx.polynomial import Parity
from tacit.errors import TypeMismatch

# A table of values, or what gives the value at a whole number.
Table = Sequence[int] | Callable[[int], int]
Level = list[flint.fmpz_mod_poly]


@dataclass(frozen=True)
class FieldPolynomial:
    """The sum of coefficients[i] x**i modulo a prime; coefficients in [0, modulus).

    Trailing zeros are dropped, so that the degree is the index of the last coefficient.

    >>> is_zero = interpolate([1, 0, 0, 0, 0], 5)
    >>> is_zero.coefficients, is_zero(range(-3, 4)).tolist()
    ((1, 0, 0, 0, 4), [0, 0, 0, 1, 0, 0, 0])
    """

    coefficients: tuple[int, ...]
    modulus: int

    def __post_init__(self) -> None:
        """Refuse moduli that are not prime; reduce the coefficients and drop trailing zeros."""
        _refuse_composite(self.modulus)
        kept = [int(each) % self.modulus for each in self.coefficients] or [0]
        while len(kept) > 1 and kept[-1] == 0:
            kept.pop()
        object.__setattr__(self, "coefficients", tuple(kept))

    @property
    def degree(self) -> int:
        """The index of the last coefficient."""
        return len(self.coefficients) - 1

    @property
    def parity(self) -> Parity:
        """Even, odd or neither, by the coefficients that are zero."""
        if not any(self.coefficients[1::2]):
            return Parity.EVEN
        return Parity.NEITHER if any(self.coefficients[0::2]) else Parity.ODD

    @property
    def depth(self) -> int:
        """The products in a row of its plan: ceil(log2(degree))."""
        return self.plan.depth

    @property
    def products(self) -> int:
        """The products of two ciphertexts of its plan, about 2 sqrt(degree)."""
        return self.plan.products

    @cached_property
    def plan(self) -> Plan:
        """The plan at the least depth; its constants are centred, in (-modulus/2, modulus/2]."""
        return self.plan_at(None)

    def plan_at(self, depth: int | None) -> Plan:
        """The plan with the fewest products at this depth; None is the least."""
        t = self.modulus
        # A smaller constant adds less noise to a ciphertext.
        small = (each - t if 2 * each > t else each for each in self.coefficients)
        return plan_of_powers(tuple(small), depth)

    def __call__(self, x: ArrayLike) -> Integers:
        """The values at whole numbers, in [0, modulus), of the same shape."""
        given = residues(x, self.modulus)
        different, places = np.unique(given, return_inverse=True)
        polynomial = _ring(self.modulus)(list(self.coefficients))
        values = polynomial.multipoint_evaluate(different.tolist())
        table = residues(as_integers([int(each) for each in values]), self.modulus)
        return np.asarray(table[places].reshape(given.shape))


def interpolate(
    values: Table, modulus: int, *, points: Iterable[int] | None = None
) -> FieldPolynomial:
    """The polynomial of least degree over F_t that takes these values at these points.

    `values` are a table, one entry a point, or a function of a point; `modulus` is the prime t.
    The points are 0, 1, 2, … unless they are given: as many as the table has entries, or all of
    F_t for a function. On m points the degree is at most m - 1. Points that are symmetric about 0
    make even functions even polynomials and odd ones odd, which cost fewer products.
    Raises TypeMismatch for moduli that are not prime, and points equal modulo t.

    >>> square = interpolate(lambda x: x * x, 17, points=range(-5, 6))
    >>> square.coefficients, square.parity.value
    ((0, 0, 1), 'even')
    """
    _refuse_composite(modulus)
    if callable(values):
        places = _whole(range(modulus) if points is None else points)
        table = _whole(values(each) for each in places)
    else:
        table = _whole(values)
        places = _whole(range(len(table)) if points is None else points)
    _refuse_unusable(places, table, modulus)
    return FieldPolynomial(_lagrange(places, table, modulus), modulus)


def _whole(numbers: Iterable[int]) -> list[int]:
    several = list(numbers)
    return [int(each) for each in as_integers(several)] if several else []


def _refuse_composite(modulus: int) -> None:
    if modulus < 2 or not flint.fmpz(modulus).is_prime():
        raise TypeMismatch(
            f"the modulus {modulus} is not prime", hint="tables need a field, so a prime modulus"
        )


def _refuse_unusable(points: Sequence[int], values: Sequence[int], modulus: int) -> None:
    if not points or len(points) != len(values):
        raise TypeMismatch(f"{len(values)} values were given for {len(points)} points")
    found: dict[int, int] = {}
    for point in points:
        residue = point % modulus
        if residue in found:
            raise TypeMismatch(
                f"the points {found[residue]} and {point} are equal modulo {modulus}",
                hint=f"a table modulo {modulus} has at most {modulus} entries",
            )
        found[residue] = point


def _ring(modulus: int) -> flint.fmpz_mod_poly_ctx:
    return flint.fmpz_mod_poly_ctx(flint.fmpz_mod_ctx(modulus))


def _lagrange(points: Sequence[int], values: Sequence[int], modulus: int) -> tuple[int, ...]:
    """The interpolant's coefficients, by Lagrange's formula on a tree of products.

    With M = Π (x - points) it is M Σ (values / M'(points)) / (x - points); quasi-linear in time
    (von zur Gathen & Gerhard, Modern Computer Algebra, section 10.2).
    """
    ring = _ring(modulus)
    factors: Level = [ring([-each, 1]) for each in points]
    tree = [factors]
    while len(tree[-1]) > 1:
        tree.append([_product(pair) for pair in _pairs(tree[-1])])
    slopes = tree[-1][0].derivative().multipoint_evaluate(list(points))
    sums: Level = [ring([value / slope]) for value, slope in zip(values, slopes, strict=True)]
    for level in tree[:-1]:
        sums = [
            _combined(two, masters)
            for two, masters in zip(_pairs(sums), _pairs(level), strict=True)
        ]
    return tuple(int(each) for each in sums[0].coeffs())


def _pairs(level: Level) -> list[Level]:
    return [level[place : place + 2] for place in range(0, len(level), 2)]


def _product(factors: Level) -> flint.fmpz_mod_poly:
    return reduce(lambda a, b: a * b, factors)


def _combined(sums: Level, masters: Level) -> flint.fmpz_mod_poly:
    """Each sum times the other's product, added; a lone one as it is."""
    if len(sums) == 1:
        return sums[0]
    return sums[0] * masters[1] + sums[1] * masters[0]
