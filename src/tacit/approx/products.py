"""How many products of ciphertexts a Chebyshev polynomial costs at its least depth."""

from __future__ import annotations

from collections.abc import Sequence


def products_for(coefficients: Sequence[float]) -> int:
    """Products of two ciphertexts at depth ceil(log2(degree + 1)), by the best baby-step size.

    An even polynomial (a term in T_1 is free) is one of half the degree in y = T_2(t).

    >>> [products_for([1.0] * (degree + 1)) for degree in (1, 3, 7, 15, 27, 31, 63)]
    [0, 2, 5, 8, 11, 13, 18]
    >>> [products_for([0.0, 1.0] * (degree // 2 + 1)) for degree in (3, 7, 15, 27, 31, 63)]
    [2, 5, 8, 10, 12, 17]
    """
    degree = len(coefficients) - 1
    if degree < 2:
        return 0
    if not any(coefficients[3::2]) and degree % 2 == 0:
        return 1 + general_products(degree // 2)
    # A constant is free, so an odd polynomial may have one.
    if not any(coefficients[2::2]):
        return odd_products(degree)
    return general_products(degree)


def general_products(degree: int) -> int:
    """Products for a polynomial of this degree without any symmetry."""
    if degree < 2:
        return 0
    top = degree.bit_length()
    return min(
        (1 << level) - 2 + (top - level) + _splits(degree, top, level)
        for level in range(1, top + 1)
    )


def odd_products(degree: int) -> int:
    """Products for an odd polynomial: only odd babies and the powers of two are made."""
    if degree < 2:
        return 0
    top = degree.bit_length()
    return min(
        (1 << (level - 1)) - 1 + (top - 1) + _splits(degree, top, level)
        for level in range(1, top + 1)
    )


def _splits(degree: int, top: int, level: int) -> int:
    """Products that join the blocks of `2**level` coefficients, once babies and giants exist."""
    size = 1 << level
    # A top block that is a constant scales its giant without a product.
    joins = -(-degree // size) - 1 if degree % size == 0 else degree // size
    # A constant times T_k costs a level, so a block on the longest path cannot use its
    # highest babies: it is split again.
    on_longest_path = degree >= (1 << top) - size
    return joins + (_late_splits(degree % size, level) if on_longest_path else 0)


def _late_splits(block_degree: int, level: int) -> int:
    half = 1 << (level - 1)
    if level <= 1 or block_degree <= half:
        return 0
    return 1 + _late_splits(block_degree - half, level - 1)
