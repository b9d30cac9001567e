"""Polynomials that approach the sign when they are applied again and again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from tacit.approx.polynomial import Polynomial
from tacit.errors import TypeMismatch

# Cheon, Kim & Kim (eprint 2019/1234), appendix: odd coefficients times 2**10, lowest first.
_STEEP: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {
        1: (2126, -1359),
        2: (3334, -6108, 3796),
        3: (4589, -16577, 25614, -12860),
        4: (5850, -34974, 97015, -113492, 46623),
    }
)


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
