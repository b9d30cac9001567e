"""Polynomials that approach the sign when they are applied again and again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from tacit.approx.polynomial import Polynomial
from tacit.errors import DepthExceeded, TypeMismatch

# Cheon, Kim & Kim (eprint 2019/1234), appendix: odd coefficients times 2**10, lowest first.
_STEEP: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {
        1: (2126, -1359),
        2: (3334, -6108, 3796),
        3: (4589, -16577, 25614, -12860),
        4: (5850, -34974, 97015, -113492, 46623),
    }
)

# More than any gap that double precision knows needs, at 1.5 times the slope for each.
MOST_ITERATES = 80


def flat_iterate(n: int) -> Polynomial:
    """The f_n of eprint 2019/1234: of degree 2n + 1, with n derivatives vanishing at ±1.

    >>> import numpy as np
    >>> float(flat_iterate(1)(np.array(0.5)))  # (3 x - x**3) / 2
    0.6875
    """
    if n < 1:
        raise TypeMismatch(
            f"there is no f_{n}", hint="n counts the derivatives that vanish: n >= 1"
        )
    powers = [0.0] * (2 * n + 2)
    for i in range(n + 1):
        weight = math.comb(2 * i, i) / 4.0**i
        # The term weight * x * (1 - x**2)**i, power by power.
        for j in range(i + 1):
            powers[2 * j + 1] += weight * math.comb(i, j) * (-1.0) ** j
    return Polynomial.of_powers(powers)


def steep_iterate(n: int) -> Polynomial:
    """The g_n of eprint 2019/1234: of degree 2n + 1, steep at 0, within about 1/4 of ±1."""
    if n not in _STEEP:
        raise TypeMismatch(
            f"there is no g_{n}", hint=f"known are n = {', '.join(map(str, _STEEP))}"
        )
    powers = [0.0] * (2 * n + 2)
    powers[1::2] = [each / 2.0**10 for each in _STEEP[n]]
    return Polynomial.of_powers(powers)


def iterated(*, flat: tuple[int, int], steep: tuple[int, int]) -> tuple[Polynomial, ...]:
    """The stages of f_n applied p times after g_m applied q times, for flat (n, p), steep (m, q).

    >>> [each.degree for each in iterated(flat=(1, 2), steep=(2, 1))]
    [5, 3, 3]
    """
    (n, flat_count), (m, steep_count) = flat, steep
    if min(flat_count, steep_count) < 0 or flat_count + steep_count == 0:
        raise TypeMismatch(f"{steep_count} and {flat_count} iterates are no composite")
    return (*(steep_iterate(m),) * steep_count, *(flat_iterate(n),) * flat_count)


def fewest_iterates(n: int, *, error: float, gap: float) -> tuple[int, int]:
    """How often g_n and then f_n bring the sign of gap <= |x| <= 1 within `error` of ±1.

    The fewest of both together (Cheon, Kim & Kim, eprint 2019/1234, give bounds for each); of
    several ways the one of least error. Values are looked at on 4001 points.

    >>> fewest_iterates(1, error=0.01, gap=0.1)
    (3, 3)
    """
    if not (0.0 < gap < 1.0 and error > 0.0):
        raise TypeMismatch(
            f"error {error:g} and gap {gap:g} ask for nothing", hint="0 < gap < 1 and error > 0"
        )
    steep, flat = steep_iterate(n), flat_iterate(n)
    all_steep = np.geomspace(gap, 1.0, 4001)
    # For each number of steep ones, what is made of the points in as many steps as there were.
    made, errors = [all_steep], [math.inf]
    for steps in range(1, MOST_ITERATES + 1):
        all_steep = steep(all_steep)
        made = [*(flat(each) for each in made), all_steep]
        errors = [float(np.abs(1.0 - each).max()) for each in made]
        least = int(np.argmin(errors))
        if errors[least] <= error:
            return least, steps - least
    raise DepthExceeded(
        f"{MOST_ITERATES} iterates of degree {2 * n + 1} leave an error of {min(errors):.3g}",
        hint="ask for a larger error, a wider gap or a higher n",
    )
