"""The primes that products are checked modulo, and how sure a check is."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable

from tacit.arithmetics.field.ops import Product
from tacit.arithmetics.field.verify.geometry import result_shape
from tacit.errors import InsecureParameters
from tacit.ir.graph import Shape


class Prime(enum.Enum):
    """A prime field; modulo one above 2^32 no two int32 are equal."""

    P52 = "2^52-47"
    P61 = "2^61-1"
    # Slalom's (arXiv 1806.03287): a sum of two entries is still exact in float32.
    SLALOM = "2^23+2^21+7"

    @property
    def modulus(self) -> int:
        """The prime itself."""
        match self:
            case Prime.P52:
                return 2**52 - 47
            case Prime.P61:
                return 2**61 - 1
            case Prime.SLALOM:
                return 2**23 + 2**21 + 7


def soundness_bits(product: Product, shape: Shape, prime: Prime, repetitions: int) -> float:
    """-log2 of the chance that one wrong product of an input of this shape is accepted.

    left - right is a polynomial of degree H + W - 1 in (alpha, beta, s), and not zero where an
    entry is wrong, so at most that share of all challenges accepts (Schwartz and Zippel). A network
    needs no union bound: its answer is wrong as soon as its first wrong product is accepted, and
    before that one all inputs are true.
    """
    height, width, _ = result_shape(product, shape)
    return repetitions * (math.log2(prime.modulus) - math.log2(height + width - 1))


def repetitions_for(
    products_and_shapes: Iterable[tuple[Product, Shape]], prime: Prime, bits: float
) -> int:
    """The fewest independent challenges that give every product at least so many bits."""
    once = [soundness_bits(product, shape, prime, 1) for product, shape in products_and_shapes]
    weakest = min(once, default=math.inf)
    if weakest <= 0.0:
        raise InsecureParameters(
            f"a product is too large to be checked modulo {prime.value}",
            hint=f"choose {Prime.P52.value}",
        )
    return max(1, math.ceil(bits / weakest))
