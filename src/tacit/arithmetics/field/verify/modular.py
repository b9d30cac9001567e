"""Arithmetic modulo a prime below 2^61, for compiled code; numbers are int64 in 0..p - 1.

A field is an array: the prime p, floor(4^k / p), k, which is the number of its bits, and from
POWER on the powers of two.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from tacit.arithmetics.field.verify.vectors import FULL, Builder, Value, emitted, ir, number

Numbers = NDArray[np.int64]

POWER = 3
# As far as limbs of a number below 2^104 and the upper halves of their sums go.
POWERS = 136


def field(modulus: int) -> Numbers:
    """The field of a prime, as compiled code takes it."""
    bits = modulus.bit_length()
    assert 1 < bits <= 61
    powers = (pow(2, exponent, modulus) for exponent in range(POWERS))
    return np.array([modulus, 4**bits // modulus, bits, *powers], np.int64)


def drawn(count: int, modulus: int) -> Numbers:
    """Secret numbers, each uniform in the field."""
    found = np.zeros(0, np.int64)
    mask = np.uint64(2 ** modulus.bit_length() - 1)
    while len(found) < count:
        # Numbers of as many bits as p, without those that are too large: at least half remain.
        some = np.frombuffer(secrets.token_bytes(8 * (2 * count + 8)), np.uint64) & mask
        found = np.concatenate([found, some[some < modulus].astype(np.int64)])
    return found[:count].copy()


@emitted
def multiply(
    _typing: Any, _first: Any, _second: Any, _modulus: Any, _reciprocal: Any, _bits: Any
) -> Any:
    """The product of two numbers of the field (Barrett's reduction: HAC, algorithm 14.42)."""

    def code(_context: Any, builder: Builder, _signature: Any, given: Any) -> Value:
        first, second, modulus, reciprocal, bits = given
        double = ir.IntType(128)

        def times(x: Value, y: Value) -> Value:
            return builder.mul(builder.zext(x, double), builder.zext(y, double))

        def shifted(x: Value, count: Value) -> Value:
            return builder.trunc(builder.lshr(x, builder.zext(count, double)), FULL)

        product = times(first, second)
        top = shifted(product, builder.sub(bits, number(1)))
        quotient = shifted(times(top, reciprocal), builder.add(bits, number(1)))
        rest = builder.sub(builder.trunc(product, FULL), builder.mul(quotient, modulus))
        for _ in range(2):
            less = builder.sub(rest, modulus)
            rest = builder.select(builder.icmp_signed("<", less, number(0)), rest, less)
        return rest

    whole = types.int64
    return whole(whole, whole, whole, whole, whole), code


@njit(nogil=True, cache=True)
def times(first: int, second: int, field: Numbers) -> Any:
    """The product of two numbers of the field."""
    return multiply(first, second, field[0], field[1], field[2])


@njit(nogil=True, cache=True)
def plus(first: int, second: int, field: Numbers) -> Any:
    """The sum of two numbers of the field."""
    less = first + second - field[0]
    return less if less >= 0 else less + field[0]


@njit(nogil=True, cache=True)
def powers(base: int, count: int, field: Numbers) -> Any:
    """1, base, its square, and so on."""
    result = np.ones(count, np.int64)
    for k in range(1, count):
        result[k] = times(result[k - 1], base, field)
    return result
